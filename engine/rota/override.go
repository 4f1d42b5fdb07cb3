package rota

import "time"

// Override puts one user on call for a span, alone, whatever the rotation or
// the feed says.
type Override struct {
	User  string    `json:"user"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// OverrideUID is the UID of the shifts that overrides make.
const OverrideUID = "override"

// Apply lays overrides over shifts: within an override there is no other shift,
// and one that is only partly covered keeps the rest. Where two overrides meet,
// the later in the list counts. The arguments are not changed.
func Apply(shifts []Shift, overrides []Override) []Shift {
	result := append([]Shift(nil), shifts...)
	for _, o := range overrides {
		if !o.Start.Before(o.End) {
			continue
		}
		var next []Shift
		for _, s := range result {
			if !s.Start.Before(o.End) || !s.End.After(o.Start) {
				next = append(next, s)
				continue
			}
			if s.Start.Before(o.Start) {
				left := s
				left.End = o.Start.UTC()
				next = append(next, left)
			}
			if s.End.After(o.End) {
				right := s
				right.Start = o.End.UTC()
				next = append(next, right)
			}
		}
		result = append(next, Shift{Start: o.Start.UTC(), End: o.End.UTC(), User: o.User, UID: OverrideUID})
	}
	return sorted(result)
}

// Within returns the shifts that overlap [from, to), whole.
func Within(shifts []Shift, from, to time.Time) []Shift {
	var within []Shift
	for _, s := range shifts {
		if s.Start.Before(to) && s.End.After(from) {
			within = append(within, s)
		}
	}
	return within
}
