package rota

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Recurrence is a span of time that comes again by a rule, in wall time of a
// zone. It may be used by several goroutines at once.
type Recurrence struct {
	series *series
	first  Span
	length wall
	zone   *time.Location
}

// The bounds of a recurrence.
const (
	MaxRule         = 500     // the length of a rule, in bytes
	recurrenceSteps = 500_000 // days and instances looked at in one call
	maxWindows      = 20_000  // spans returned by one call
)

// ErrUntil is for a rule that ends before its first time.
var ErrUntil = errors.New("the rule's UNTIL is before the first time")

// CanonicalRule returns a rule without what leaves its meaning alone: outer
// spaces, the name of the property, small letters.
func CanonicalRule(text string) string {
	text = strings.ToUpper(strings.TrimSpace(text))
	return strings.TrimSpace(strings.TrimPrefix(text, "RRULE:"))
}

// NewRecurrence reads an RFC 5545 rule, as CanonicalRule gives it, of which
// first is the first time. That always counts, whatever the rule says. The rule
// counts in wall time of zone: an UNTIL with a Z is an instant, without it a
// wall time, and a date is the whole of that day.
func NewRecurrence(text string, first Span, zone *time.Location) (*Recurrence, error) {
	switch {
	case len(text) > MaxRule:
		return nil, fmt.Errorf("a rule has at most %d characters", MaxRule)
	case strings.ContainsAny(text, "\r\n"):
		return nil, errors.New("a rule is one line")
	}
	r, err := parseRule(text, zone)
	if err != nil {
		return nil, err
	}
	start := wallOf(first.Start, zone)
	x := &Recurrence{series: newSeries(*r, start, false, zone), first: first, length: wallOf(first.End, zone) - start, zone: zone}
	if x.length <= 0 { // it began and ended within a doubled hour
		x.length = max(1, wall(first.End.Sub(first.Start)/time.Second))
	}
	if !x.series.holds(start) {
		return nil, ErrUntil
	}
	return x, nil
}

// Within returns the times that overlap [from, to), whole, by their start on
// the clock; at most 20,000.
func (x *Recurrence) Within(from, to time.Time) []Span {
	var spans []Span
	x.between(wallOf(from, x.zone)-x.length-secondsPerDay, wallOf(to, x.zone)+secondsPerDay, func(s Span) bool {
		if s.Start.Before(to) && s.End.After(from) {
			spans = append(spans, s)
		}
		return len(spans) < maxWindows
	})
	return spans
}

// Next returns the first time that begins after an instant; false if none does.
func (x *Recurrence) Next(after time.Time) (next Span, ok bool) {
	x.between(wallOf(after, x.zone)-secondsPerDay, noUntil, func(s Span) bool {
		next, ok = s, s.Start.After(after)
		return !ok
	})
	return next, ok
}

func (x *Recurrence) between(from, to wall, yield func(Span) bool) {
	steps := budget(recurrenceSteps)
	// A rule that takes too many steps to follow has no time for many years.
	_ = x.series.between(from, to, &steps, func(w wall) bool {
		s := Span{w.in(x.zone), (w + x.length).in(x.zone)}
		if w == x.series.start {
			s = x.first
		}
		return !s.Start.Before(s.End) || yield(s)
	})
}
