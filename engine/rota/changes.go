package rota

import (
	"slices"
	"time"
)

// moments is a set of instances, as EXDATE and RECURRENCE-ID name them.
type moments struct {
	zone     *time.Location // the series'
	instants map[int64]bool
	days     map[int]bool // where only a date is given: each instance on it
}

func newMoments(zone *time.Location) moments {
	return moments{zone, map[int64]bool{}, map[int]bool{}}
}

func (m moments) put(s stamp) {
	if s.date {
		m.days[s.at.day()] = true
	} else {
		m.instants[s.instant(m.zone).Unix()] = true
	}
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
	c := &changes{single: newMoments(m.zone)}
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
		return a.instance.instant(m.zone).Compare(b.instance.instant(m.zone))
	})
	return c
}

// after returns the last change to the future that covers the instance, or nil.
func (c *changes) after(at time.Time) *Event {
	for _, f := range slices.Backward(c.future) {
		if !f.instance.instant(c.single.zone).After(at) {
			return f
		}
	}
	return nil
}

// shift is by how much a change to the future moves each instance of m.
func (e *Event) shift(m *Event) wall {
	was := *e.instance
	if was.date && !m.AllDay { // the day alone is named
		was = stamp{at: was.at + wall(m.start.at.ofDay()), zone: m.zone}
	}
	return e.start.at - wallOf(was.instant(m.zone), e.zone)
}

// moved is where a change to the future puts the instance of m at that instant.
func (e *Event) moved(m *Event, at time.Time, w wall) wall {
	if e.zone != m.zone {
		w = wallOf(at, e.zone)
	}
	return w + e.shift(m)
}
