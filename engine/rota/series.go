package rota

import (
	"slices"
	"time"
)

// Limits bound the work and the result of Feed.Shifts. Zero is the default.
type Limits struct {
	Instances int // shifts in all; 20,000
	Steps     int // days and instances looked at, in all; 5,000,000. One event may take a tenth
}

func (l Limits) orDefaults() Limits {
	if l.Instances <= 0 {
		l.Instances = 20_000
	}
	if l.Steps <= 0 {
		l.Steps = 5_000_000
	}
	return l
}

// Shifts returns the shifts that overlap [from, to), whole, also those that are
// under way at from, in order. What is left out is a problem.
func (f *Feed) Shifts(from, to time.Time, people *People, l Limits) ([]Shift, []Problem) {
	x := &expansion{from: from, to: to, people: people, limits: l.orDefaults(),
		named: map[int][]string{}}
	x.steps = budget(x.limits.Steps)
	if from.Before(to) {
		for _, g := range f.groups() {
			if x.full {
				break
			}
			x.group(g)
		}
	}
	return sorted(x.shifts), x.problems.all()
}

// group is everything of one UID.
type group struct {
	masters   []*Event
	instances []*Event // that differ from their series
}

// groups joins the events by UID, in the order of the feed. Of two revisions of
// one event the later counts.
func (f *Feed) groups() []*group {
	var all []*group
	byUID := map[string]*group{}
	for i := range f.Events {
		e := &f.Events[i]
		g := byUID[e.UID]
		if g == nil {
			g = &group{}
			byUID[e.UID] = g
			all = append(all, g)
		}
		if e.instance != nil {
			g.instances = append(g.instances, e)
		} else {
			g.masters = append(g.masters, e)
		}
	}
	for _, g := range all {
		newest := 0
		for _, e := range g.masters {
			newest = max(newest, e.sequence)
		}
		g.masters = slices.DeleteFunc(g.masters, func(e *Event) bool { return e.sequence < newest })
		// The same number on events of different times: a program that does
		// not number its UIDs apart.
		g.masters = revisions(g.masters, func(e *Event) (int64, bool) { return e.start.instant(e.zone).Unix(), false })
		g.instances = revisions(g.instances, func(e *Event) (int64, bool) { return e.instance.instant(e.zone).Unix(), e.future })
	}
	return all
}

// revisions keeps, of the events with one key, that with the highest sequence
// number, and of several the last.
func revisions(events []*Event, key func(*Event) (int64, bool)) []*Event {
	type what struct {
		at     int64
		future bool
	}
	places := map[what]int{}
	var kept []*Event
	for _, e := range events {
		var k what
		k.at, k.future = key(e)
		if i, ok := places[k]; !ok {
			places[k] = len(kept)
			kept = append(kept, e)
		} else if e.sequence >= kept[i].sequence {
			kept[i] = e
		}
	}
	return kept
}
