package history

import (
	"slices"
	"time"
)

// Span is a stretch of time, From included and To not.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (s Span) empty() bool { return !s.From.Before(s.To) }

func (s Span) length() time.Duration { return max(s.To.Sub(s.From), 0) }

// clip returns what of s lies within from and to.
func (s Span) clip(from, to time.Time) Span { return Span{Later(s.From, from), Earlier(s.To, to)} }

// Later and Earlier are of two instants that which comes second, or first.
func Later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func Earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// union returns the spans in order, those that meet or overlap as one, without
// empty ones.
func union(spans []Span) []Span {
	sorted := slices.DeleteFunc(slices.Clone(spans), Span.empty)
	slices.SortFunc(sorted, func(a, b Span) int { return a.From.Compare(b.From) })
	var out []Span
	for _, s := range sorted {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			out[n-1].To = Later(out[n-1].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// minus returns what of spans no span of less covers; both are unions.
func minus(spans, less []Span) []Span {
	var out []Span
	for _, s := range spans {
		for len(less) > 0 && !less[0].To.After(s.From) {
			less = less[1:]
		}
		for _, l := range less {
			if !l.From.Before(s.To) {
				break
			}
			out = append(out, Span{s.From, l.From})
			s.From = l.To
		}
		out = append(out, s)
	}
	return slices.DeleteFunc(out, Span.empty)
}

// category is how a moment counts.
type category uint8

const (
	standingInactive category = iota // not there, not active or not recorded
	standingPassing
	standingFailing // of checks
	standingWarning // of services and instances, as the two below
	standingError
	standingCritical
	standingUnknown
	standingMaintenance
	standings
)

// segment is a span that counts one way.
type segment struct {
	Span
	standing category
}

// paint returns the line with spans counting as p where it is not inactive.
// spans are a union.
func paint(line []segment, spans []Span, p category) []segment {
	if len(spans) == 0 {
		return line
	}
	var out []segment
	for _, s := range line {
		if s.standing == standingInactive {
			out = append(out, s)
			continue
		}
		for len(spans) > 0 && !spans[0].To.After(s.From) {
			spans = spans[1:]
		}
		for _, over := range spans {
			if !over.From.Before(s.To) {
				break
			}
			over = over.clip(s.From, s.To)
			out = append(out, segment{Span{s.From, over.From}, s.standing}, segment{over, p})
			s.From = over.To
		}
		out = append(out, s)
	}
	return slices.DeleteFunc(out, func(s segment) bool { return s.empty() })
}

// cut returns the part of the line within from and to.
func cut(line []segment, from, to time.Time) []segment {
	var out []segment
	for _, s := range line {
		if s.Span = s.clip(from, to); !s.empty() {
			out = append(out, s)
		}
	}
	return out
}
