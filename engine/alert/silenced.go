package alert

import (
	"maps"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// silenced returns which of the failing checks silences cover now, the name of
// such a silence, and when that may change.
func silenced(x *state.Tx, s state.Target, failing []engine.FailingCheck) (covered []string, name string, next time.Time) {
	for _, quiet := range silencesOf(x, s, failing) {
		holds, change := holds(x, quiet)
		if next.IsZero() || change.Before(next) {
			next = change
		}
		if !holds {
			continue
		}
		whole := silence.CoversAll(quiet, s.Ref, s.Tags)
		for _, f := range failing {
			if slices.Contains(covered, f.ID) {
				continue
			}
			if c := x.Checks.Get(f.ID); whole || c != nil && silence.CoversCheck(quiet, c) {
				covered = append(covered, f.ID)
				name = silence.Describe(quiet, change)
			}
		}
	}
	slices.Sort(covered)
	return covered, name, next
}

// silencesOf are the silences that name a subject, a check of it that fails, or a
// tag of these, in order of their ids. Most silences name other things, and cost
// nothing.
func silencesOf(x *state.Tx, s state.Target, failing []engine.FailingCheck) []*engine.Silence {
	var ids []string
	add := func(kind engine.Kind, names ...string) {
		for _, name := range names {
			ids = slices.AppendSeq(ids, maps.Keys(x.Tables.SilencesOf[engine.Key{Kind: kind, ID: name}]))
		}
	}
	add(s.Ref.Kind, s.Ref.ID)
	add(silence.KindTag, s.Tags...)
	for _, f := range failing {
		add(engine.KindCheck, f.ID)
		if c := x.Checks.Get(f.ID); c != nil {
			add(silence.KindTag, c.Tags...)
		}
	}
	ids = slices.AppendSeq(ids, x.Silences.Touched())
	slices.Sort(ids)
	var out []*engine.Silence
	for _, id := range slices.Compact(ids) {
		if silence := x.Silences.Get(id); silence != nil {
			out = append(out, silence)
		}
	}
	return out
}

// holds is Silence.at now, remembered until that changes.
func holds(x *state.Tx, s *engine.Silence) (holds bool, next time.Time) {
	return x.State.Quiet.At(s, x.Now)
}

// maintained reports whether a subject is in maintenance now.
func maintained(x *state.Tx, s state.Target) bool {
	for _, quiet := range silencesOf(x, s, nil) {
		if quiet.Maintenance && silence.CoversAll(quiet, s.Ref, s.Tags) {
			if holds, _ := holds(x, quiet); holds {
				return true
			}
		}
	}
	return false
}

// planned reports whether maintenance covers now all that fails of a subject.
func planned(x *state.Tx, s state.Target, failing []engine.FailingCheck) bool {
	if maintained(x, s) {
		return true
	}
	for _, f := range failing {
		c := x.Checks.Get(f.ID)
		covered := false
		for _, quiet := range silencesOf(x, s, []engine.FailingCheck{f}) {
			if c != nil && quiet.Maintenance && silence.CoversCheck(quiet, c) {
				holds, _ := holds(x, quiet)
				covered = covered || holds
			}
		}
		if !covered {
			return false
		}
	}
	return len(failing) > 0
}

// RemindOpen lets every open incident look at itself anew.
func RemindOpen(x *state.Tx) {
	for _, in := range x.Incidents.All() {
		if in.Closed == nil {
			x.State.WakeAt(state.Timer{At: x.Now, Ref: in.Subject})
		}
	}
}
