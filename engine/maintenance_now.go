package engine

import "time"

// maintenanceAhead is how far ahead the end of maintenance is looked for.
const maintenanceAhead = 400 * 24 * time.Hour

// InMaintenance reports whether a service or instance is in maintenance now: as a
// whole, or with all that fails of it. until is its end, zero when it
// recurs without a gap for 400 days.
func (e *historyService) InMaintenance(ref Ref) (until time.Time, ok bool) {
	now := e.now()
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.tables
	tags := t.tagsOf(ref)
	if until, ok = t.maintenanceUntil(now, func(s *Silence) bool { return s.whole(ref, tags) }); ok {
		return until, true
	}
	state := t.subjects[ref.key()]
	if state == nil || state.Incident == "" {
		return time.Time{}, false
	}
	in := t.incidents[state.Incident]
	if in == nil || !in.Maintenance {
		return time.Time{}, false
	}
	for _, f := range in.Failing { // the first that is over ends it
		c := t.checks[f.ID]
		if c == nil {
			continue
		}
		end, holds := t.maintenanceUntil(now, func(s *Silence) bool { return s.coversCheck(c) })
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
func (t *tables) tagsOf(ref Ref) []string {
	if s := t.services[ref.ID]; s != nil && ref.Kind == KindService {
		return s.Tags
	}
	if i := t.instances[ref.ID]; i != nil && ref.Kind == KindInstance {
		return i.Tags
	}
	return nil
}

// maintenanceUntil is the end of the maintenance that silences which cover
// something make without a gap. The read lock is held.
func (t *tables) maintenanceUntil(now time.Time, covers func(*Silence) bool) (until time.Time, ok bool) {
	var spans []Span
	recurs := false
	last := now.Add(maintenanceAhead)
	for _, s := range t.silences {
		if !s.Maintenance || !covers(s) {
			continue
		}
		recurs = recurs || s.RRule != ""
		for _, w := range s.windows(now, last) {
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
