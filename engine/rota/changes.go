package rota

import (
	"slices"
	"time"
)

// moments is a set of instances, as EXDATE and RECURRENCE-ID name them.
type moments struct {
	of       *Event // the series
	zone     *time.Location
	instants map[int64]bool
	days     map[int]bool // each instance on it: where only a date is given, and of all-day series
}

func newMoments(m *Event) moments {
	return moments{m, m.zone, map[int64]bool{}, map[int]bool{}}
}

func (m moments) put(s stamp) {
	if s.date || m.of.AllDay {
		m.days[m.of.dayOf(s)] = true
	} else {
		m.instants[s.instant(m.zone).Unix()] = true
	}
}

// dayOf is the day that a property of an all-day series names, on the clock that
// the property is written for. Where that is UTC it stands for a midnight of the
// writer's: one of the zones that the calendar names, else that whose midnight
// it can be.
func (e *Event) dayOf(s stamp) int {
	if s.date || s.zone != time.UTC || s.at.ofDay() == 0 {
		return s.at.day()
	}
	for _, zone := range append(e.near, e.zone) {
		if w := s.on(zone); w.ofDay() == 0 {
			return w.day()
		}
	}
	if of := s.at.ofDay(); of > secondsPerDay/2 && of%(15*60) == 0 { // midnight east of Greenwich
		return s.at.day() + 1
	}
	return s.at.day()
}

// dayStamp is dayOf as a date.
func (e *Event) dayStamp(s stamp) stamp {
	return stamp{at: wall(e.dayOf(s)) * secondsPerDay, date: true}
}

// instanceAt is the instant of the instance of m that a change is about.
func (e *Event) instanceAt(m *Event) time.Time {
	if m.AllDay {
		return m.dayStamp(*e.instance).instant(m.zone)
	}
	return e.instance.instant(m.zone)
}

func (m moments) putWall(w wall) { m.instants[w.in(m.zone).Unix()] = true }

// has reports whether the instance at that instant, which reads as w, is in the set.
func (m moments) has(at time.Time, w wall) bool {
	return m.instants[at.Unix()] || m.days[w.day()]
}

// changes are the instances of a series that differ from it.
type changes struct {
	single  moments  // each is an event of its own
	future  []*Event // and what follows differs too; in order
	longest int64
	early   wall // how far these move an instance back at most
	late    wall // and forward
}

func newChanges(m *Event, differing []*Event) *changes {
	c := &changes{single: newMoments(m)}
	for _, e := range differing {
		c.single.put(*e.instance)
		if !e.future {
			continue
		}
		f := *e
		f.inherit(m)
		c.future = append(c.future, &f)
		if f.Cancelled {
			continue
		}
		c.longest = max(c.longest, f.length)
		by := f.shift(m)
		c.late, c.early = max(c.late, by), max(c.early, -by)
	}
	slices.SortStableFunc(c.future, func(a, b *Event) int {
		return a.instanceAt(m).Compare(b.instanceAt(m))
	})
	return c
}

// after returns the last change to the future that covers the instance, or nil.
func (c *changes) after(at time.Time) *Event {
	for _, f := range slices.Backward(c.future) {
		if !f.instanceAt(c.single.of).After(at) {
			return f
		}
	}
	return nil
}

// shift is by how much a change to the future moves each instance of m.
func (e *Event) shift(m *Event) wall {
	was := *e.instance
	switch {
	case m.AllDay:
		return e.start.at - wall(m.dayOf(was))*secondsPerDay
	case was.date: // the day alone is named
		was = stamp{at: was.at + wall(m.start.at.ofDay()), zone: m.zone}
	}
	return e.start.at - wallOf(was.instant(m.zone), e.zone)
}

// moved is where a change to the future puts the instance of m at that instant.
func (e *Event) moved(m *Event, at time.Time, w wall) wall {
	if e.zone != m.zone && !m.AllDay {
		w = wallOf(at, e.zone)
	}
	return w + e.shift(m)
}
