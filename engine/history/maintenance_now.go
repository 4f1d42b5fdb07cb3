package history

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// maintenanceAhead is how far ahead the end of maintenance is looked for.
const maintenanceAhead = 400 * 24 * time.Hour

// InMaintenance reports whether a service or instance is in maintenance now: as a
// whole, or with all that fails of it. until is its end, zero when it
// recurs without a gap for 400 days.
func (hist *History) InMaintenance(ref engine.Ref) (until time.Time, ok bool) {
	now := hist.Now()
	hist.Mu.RLock()
	defer hist.Mu.RUnlock()
	t := hist.Tables
	tags := tagsOf(t, ref)
	if until, ok = maintenanceUntil(t, now, func(s *engine.Silence) bool { return silence.CoversAll(s, ref, tags) }); ok {
		return until, true
	}
	state := t.Subjects[ref.Key()]
	if state == nil || state.Incident == "" {
		return time.Time{}, false
	}
	in := t.Incidents[state.Incident]
	if in == nil || !in.Maintenance {
		return time.Time{}, false
	}
	for _, f := range in.Failing { // the first that is over ends it
		c := t.Checks[f.ID]
		if c == nil {
			continue
		}
		end, holds := maintenanceUntil(t, now, func(s *engine.Silence) bool { return silence.CoversCheck(s, c) })
		if !holds {
			return time.Time{}, false
		}
		if until.IsZero() || end.Before(until) {
			until = end
		}
	}
	return until, true
}

// tagsOf are the tags of a service or instance. The read lock is held.
func tagsOf(t *state.Tables, ref engine.Ref) []string {
	if s := t.Services[ref.ID]; s != nil && ref.Kind == engine.KindService {
		return s.Tags
	}
	if i := t.Instances[ref.ID]; i != nil && ref.Kind == engine.KindInstance {
		return i.Tags
	}
	return nil
}

// maintenanceUntil is the end of the maintenance that silences which cover
// something make without a gap. The read lock is held.
func maintenanceUntil(t *state.Tables, now time.Time, covers func(*engine.Silence) bool) (until time.Time, ok bool) {
	var spans []Span
	recurs := false
	last := now.Add(maintenanceAhead)
	for _, s := range t.Silences {
		if !s.Maintenance || !covers(s) {
			continue
		}
		recurs = recurs || s.RRule != ""
		for _, w := range silence.Windows(s, now, last) {
			spans = append(spans, Span{w.Start, w.End})
		}
	}
	for _, s := range union(spans) {
		if !s.From.After(now) && now.Before(s.To) {
			if recurs && s.To.After(last) { // and so perhaps later still
				return time.Time{}, true
			}
			return s.To.UTC(), true
		}
	}
	return time.Time{}, false
}
