package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// clock is an hour of a day that tests write as a number.
func clock(h float64) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(h * float64(time.Hour)))
}

func spansOf(hours ...float64) []Span {
	var out []Span
	for i := 0; i < len(hours); i += 2 {
		out = append(out, Span{clock(hours[i]), clock(hours[i+1])})
	}
	return out
}

func hoursOf(spans []Span) string {
	var out []string
	for _, s := range spans {
		out = append(out, fmt.Sprintf("%g-%g", s.From.Sub(clock(0)).Hours(), s.To.Sub(clock(0)).Hours()))
	}
	return strings.Join(out, " ")
}

func TestUnionAndMinus(t *testing.T) {
	for _, c := range []struct {
		name        string
		spans, less []Span
		union, rest string
	}{
		{"nothing", nil, nil, "", ""},
		{"alone", spansOf(1, 2), nil, "1-2", "1-2"},
		{"empty ones", spansOf(2, 2, 4, 3), nil, "", ""},
		{"out of order, meeting, overlapping, inside", spansOf(5, 8, 1, 2, 2, 3, 6, 7, 7, 9), nil, "1-3 5-9", "1-3 5-9"},
		{"less before and after", spansOf(3, 5), spansOf(1, 2, 6, 7), "3-5", "3-5"},
		{"less that meets", spansOf(3, 5), spansOf(2, 3, 5, 6), "3-5", "3-5"},
		{"less over an end", spansOf(3, 5), spansOf(4, 6), "3-5", "3-4"},
		{"less over a start", spansOf(3, 5), spansOf(2, 4), "3-5", "4-5"},
		{"less over all", spansOf(3, 5), spansOf(1, 9), "3-5", ""},
		{"holes", spansOf(1, 9), spansOf(2, 3, 5, 6), "1-9", "1-2 3-5 6-9"},
		{"one less over two", spansOf(1, 3, 5, 9), spansOf(2, 6, 8, 10), "1-3 5-9", "1-2 6-8"},
	} {
		got := union(c.spans)
		if hoursOf(got) != c.union {
			t.Errorf("%s: union %q, want %q", c.name, hoursOf(got), c.union)
		}
		if rest := hoursOf(minus(got, c.less)); rest != c.rest {
			t.Errorf("%s: rest %q, want %q", c.name, rest, c.rest)
		}
	}
}

func TestPaint(t *testing.T) {
	line := []segment{{spansOf(0, 2)[0], standingInactive}, {spansOf(2, 6)[0], standingPassing}, {spansOf(6, 10)[0], standingFailing}}
	got := paint(line, spansOf(1, 3, 5, 7, 8, 9), standingMaintenance)
	var text []string
	for _, s := range got {
		text = append(text, fmt.Sprintf("%s:%d", hoursOf([]Span{s.Span}), s.standing))
	}
	want := []string{"0-2:0", "2-3:7", "3-5:1", "5-6:7", "6-7:7", "7-8:2", "8-9:7", "9-10:2"}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestLineOf(t *testing.T) {
	change := func(h float64, from, to string, active bool) state.Transition {
		return state.Transition{Of: "check:c", At: clock(h), From: from, To: to, Active: active}
	}
	there := origin{exists: true, created: clock(-100), standing: standingFailing}
	for _, c := range []struct {
		name string
		list []state.Transition
		o    origin
		want string
	}{
		{"nothing recorded, never there", nil, origin{}, "0-10:0"},
		{"nothing recorded, there before", nil, there, "0-10:2"},
		{"nothing recorded, made in the span", nil, origin{true, clock(4), standingPassing}, "0-4:0 4-10:1"},
		{"known from before", []state.Transition{change(-5, "PENDING", "PASSING", true)}, there, "0-10:1"},
		{"at the start", []state.Transition{change(0, "PENDING", "PASSING", true)}, there, "0-10:1"},
		{"the first says what was before", []state.Transition{change(3, "PASSING", "FAILING", true)}, there, "0-3:1 3-10:2"},
		{"the first comes after the span", []state.Transition{change(12, "UNKNOWN", "FAILING", true)}, there, "0-10:6"},
		{"made in the span", []state.Transition{change(4, "", "PENDING", true), change(5, "PENDING", "PASSING", true)}, origin{true, clock(4), standingPassing}, "0-4:0 4-5:6 5-10:1"},
		{"switched off and on", []state.Transition{change(2, "FAILING", "FAILING", false), change(4, "FAILING", "FAILING", true)}, there, "0-2:2 2-4:0 4-10:2"},
		{"switched on", []state.Transition{change(2, "PASSING", "PASSING", true)}, there, "0-2:0 2-10:1"},
		{"deleted", []state.Transition{change(-1, "PENDING", "PASSING", true), change(6, "PASSING", "", false)}, origin{}, "0-6:1 6-10:0"},
		{"deleted, and nothing else is known", []state.Transition{change(6, "PASSING", "", false)}, origin{}, "0-6:1 6-10:0"},
		{"two at one time", []state.Transition{change(5, "PASSING", "FAILING", true), change(5, "FAILING", "UNKNOWN", true)}, origin{}, "0-5:1 5-10:6"},
		{"the clock went back", []state.Transition{change(5, "PASSING", "FAILING", true), change(4, "FAILING", "PASSING", true)}, origin{}, "0-10:1"},
		{"a subject", []state.Transition{change(1, "", "PASSING", true), change(2, "PASSING", "WARNING", true), change(3, "WARNING", "ERROR", true),
			change(4, "ERROR", "CRITICAL", true)}, origin{}, "0-1:0 1-2:1 2-3:3 3-4:4 4-10:5"},
	} {
		var text []string
		for _, s := range lineOf(c.list, c.o, clock(0), clock(10)) {
			text = append(text, fmt.Sprintf("%s:%d", hoursOf([]Span{s.Span}), s.standing))
		}
		if got := strings.Join(text, " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestKeptFrom(t *testing.T) {
	now := time.Date(2026, 3, 15, 13, 45, 0, 0, time.UTC)
	for _, c := range []struct {
		kept time.Duration
		want string
	}{
		{30 * day, "2026-02-13 00:00"}, {730 * day, "2024-03-15 00:00"}, {time.Hour, "2026-03-15 12:00"}, {2 * day, "2026-03-13 13:00"},
	} {
		if got := keptFrom(now, engine.Duration(c.kept)).Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("kept for %s: from %s, want %s", c.kept, got, c.want)
		}
	}
}
