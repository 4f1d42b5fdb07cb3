package engine

import (
	"maps"
	"slices"
	"time"
)

// silenced returns which of the failing checks silences cover now, the name of
// such a silence, and when that may change.
func (x *tx) silenced(s subject, failing []FailingCheck) (covered []string, name string, next time.Time) {
	for _, silence := range x.silencesOf(s, failing) {
		holds, change := x.holds(silence)
		if next.IsZero() || change.Before(next) {
			next = change
		}
		if !holds {
			continue
		}
		whole := silence.whole(s.ref, s.Tags)
		for _, f := range failing {
			if slices.Contains(covered, f.ID) {
				continue
			}
			if c := x.checks.get(f.ID); whole || c != nil && silence.coversCheck(c) {
				covered = append(covered, f.ID)
				name = silence.describe()
			}
		}
	}
	slices.Sort(covered)
	return covered, name, next
}

// silencesOf are the silences that name a subject, a check of it that fails, or a
// tag of these, in order of their ids. Most silences name other things, and cost
// nothing.
func (x *tx) silencesOf(s subject, failing []FailingCheck) []*Silence {
	var ids []string
	add := func(kind Kind, names ...string) {
		for _, name := range names {
			ids = slices.AppendSeq(ids, maps.Keys(x.t.silencesOf[Key{kind, name}]))
		}
	}
	add(s.ref.Kind, s.ref.ID)
	add(kindTag, s.Tags...)
	for _, f := range failing {
		add(KindCheck, f.ID)
		if c := x.checks.get(f.ID); c != nil {
			add(kindTag, c.Tags...)
		}
	}
	ids = slices.AppendSeq(ids, x.silences.touched())
	slices.Sort(ids)
	var out []*Silence
	for _, id := range slices.Compact(ids) {
		if silence := x.silences.get(id); silence != nil {
			out = append(out, silence)
		}
	}
	return out
}

// holds is Silence.at now, remembered until that changes.
func (x *tx) holds(s *Silence) (holds bool, next time.Time) { return x.e.quiet.at(s, x.now) }

// maintained reports whether a subject is in maintenance now.
func (x *tx) maintained(s subject) bool {
	for _, silence := range x.silencesOf(s, nil) {
		if silence.Maintenance && silence.whole(s.ref, s.Tags) {
			if holds, _ := x.holds(silence); holds {
				return true
			}
		}
	}
	return false
}

// planned reports whether maintenance covers now all that fails of a subject.
func (x *tx) planned(s subject, failing []FailingCheck) bool {
	if x.maintained(s) {
		return true
	}
	for _, f := range failing {
		c := x.checks.get(f.ID)
		covered := false
		for _, silence := range x.silencesOf(s, []FailingCheck{f}) {
			if c != nil && silence.Maintenance && silence.coversCheck(c) {
				holds, _ := x.holds(silence)
				covered = covered || holds
			}
		}
		if !covered {
			return false
		}
	}
	return len(failing) > 0
}

// remindOpen lets every open incident look at itself anew.
func (x *tx) remindOpen() {
	for _, in := range x.incidents.all() {
		if in.Closed == nil {
			x.e.remind(due{at: x.now, ref: in.Subject})
		}
	}
}
