package rota

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// expansion is one call of Shifts.
type expansion struct {
	from, to time.Time
	people   *People
	limits   Limits
	steps    budget
	shifts   []Shift
	full     bool // the bound of instances is met
	problems problems
	named    map[int][]string // whom the event on a line of the feed names
}

var errTooManyInstances = errors.New("it has too many instances")

// occurrence is one instance of a series.
type occurrence struct {
	at     wall  // on the series' clock
	length int64 // 0 is the series' own
}

// group adds the shifts of everything with one UID.
func (x *expansion) group(g *group) {
	for _, m := range g.masters {
		if m.Cancelled { // the series, and with it each instance
			return
		}
	}
	for _, m := range g.masters {
		err := x.master(m, g.instances)
		switch {
		case errors.Is(err, errTooManyInstances), errors.Is(err, errTooManySteps):
			x.problems.add(m.problem(TooMany, err.Error()+"; it was left out"))
		case err != nil:
			x.problems.add(m.problem(BadEvent, err.Error()+"; it was left out"))
		}
	}
	for _, e := range g.instances {
		if e.Cancelled {
			continue
		}
		differing := *e
		if len(g.masters) > 0 {
			differing.inherit(g.masters[0])
		}
		if differing.length == 0 {
			x.problems.add(e.problem(BadEvent, "the event has no end; it was left out"))
			continue
		}
		x.add(&differing, differing.start.at, differing.length)
	}
}

// inherit gives a differing instance what it does not say itself.
func (e *Event) inherit(master *Event) {
	if e.untimed && !e.start.date && master.AllDay {
		e.start, e.zone, e.AllDay = master.dayStamp(e.start), master.zone, true
	}
	if e.untimed && e.start.date && !master.AllDay { // the day alone is named
		e.start = stamp{at: e.start.at + wall(master.start.at.ofDay()), zone: master.zone}
		e.zone, e.AllDay = master.zone, false
	}
	if e.unended {
		e.length = master.length
	}
	if e.Title == "" && len(e.attendees) == 0 {
		e.Title, e.attendees = master.Title, master.attendees
	}
}

// master adds the instances of a series, or the one of a single event, but for
// those in differing: these are added on their own.
func (x *expansion) master(m *Event, differing []*Event) error {
	changes := newChanges(m, differing)
	all, excluded, err := x.occurrences(m, changes)
	if err != nil {
		return err
	}
	for _, o := range all {
		at := o.at.in(m.zone)
		if excluded.has(at, o.at) || changes.single.has(at, o.at) {
			continue
		}
		as, start, length := m, o.at, o.length
		if f := changes.after(at); f != nil {
			if f.Cancelled {
				continue
			}
			as, start = f, f.moved(m, at, o.at)
			length = 0
		}
		if length == 0 {
			length = as.length
		}
		x.add(as, start, length)
		if x.full {
			break
		}
	}
	return nil
}

// occurrences lists the instances of a series that may overlap the span, in
// order, and the times that are excluded.
func (x *expansion) occurrences(m *Event, c *changes) ([]occurrence, moments, error) {
	excluded := newMoments(m)
	for _, d := range m.exdates {
		excluded.put(d)
	}
	longest := max(m.length, c.longest)
	for _, d := range m.rdates {
		longest = max(longest, d.length)
	}
	low := wallOf(x.from, m.zone) - wall(longest) - c.late - secondsPerDay
	high := wallOf(x.to, m.zone) + c.early + secondsPerDay

	found := map[int64]int{} // by instant
	var all []occurrence
	add := func(w wall, length int64) bool {
		at := w.in(m.zone).Unix()
		if i, ok := found[at]; ok {
			all[i].length = max(all[i].length, length)
			return true
		}
		found[at] = len(all)
		all = append(all, occurrence{w, length})
		return len(all) <= x.limits.Instances
	}
	steps := min(x.steps, budget(max(1, x.limits.Steps/10)))
	x.steps -= steps
	defer func() { x.steps += max(0, steps) }()
	follow := func(r *rule, yield func(wall) bool) error {
		as := *r
		if m.AllDay && r.until != nil {
			last := m.dayStamp(*r.until)
			as.until = &last
		}
		s := newSeries(as, m.start.at, m.AllDay, m.zone)
		return s.between(low, high, &steps, yield)
	}

	for _, r := range m.exRules {
		if err := follow(r, func(w wall) bool { excluded.putWall(w); return true }); err != nil {
			return nil, excluded, err
		}
	}
	if len(m.rules) == 0 && m.start.at >= low && m.start.at < high {
		add(m.start.at, 0)
	}
	for _, r := range m.rules {
		if err := follow(r, func(w wall) bool { return add(w, 0) }); err != nil {
			return nil, excluded, err
		}
	}
	for _, d := range m.rdates {
		start := d.start
		if m.AllDay {
			start = m.dayStamp(start)
		}
		if w := start.on(m.zone); w >= low && w < high && !add(w, d.length) {
			break
		}
	}
	if len(all) > x.limits.Instances {
		return nil, excluded, errTooManyInstances
	}
	slices.SortFunc(all, func(a, b occurrence) int { return int(min(1, max(-1, a.at-b.at))) })
	return all, excluded, nil
}

// add adds the shifts of one instance, one for each user that the event names.
func (x *expansion) add(e *Event, at wall, length int64) {
	start, end := at.in(e.zone), (at + wall(length)).in(e.zone)
	if !start.Before(x.to) || !end.After(x.from) || !end.After(start) {
		return
	}
	users, known := x.named[e.Line]
	if !known {
		var why string
		if users, why = x.people.of(e); why != "" {
			x.problems.add(e.problem(UnknownName, why))
		}
		x.named[e.Line] = users
	}
	if x.full || len(x.shifts)+len(users) > x.limits.Instances {
		if !x.full && len(users) > 0 {
			x.full = true
			x.problems.add(Problem{Code: TooMany,
				Message: fmt.Sprintf("there are more than %d shifts; the rest was left out", x.limits.Instances)})
		}
		return
	}
	for _, u := range users {
		x.shifts = append(x.shifts, Shift{Start: start, End: end, User: u, UID: e.UID, Title: e.Title})
	}
}
