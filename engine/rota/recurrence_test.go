package rota

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRecurrence(t *testing.T) {
	for _, c := range []struct{ name, zone, start, rule, want string }{
		{"UNTIL as an instant", "America/New_York", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260604T020000Z", "06-01 06-02 06-03"},
		{"UNTIL as wall time", "America/New_York", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260603T220000", "06-01 06-02 06-03"},
		{"UNTIL as wall time, a second too early", "Asia/Tokyo", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260603T215959", "06-01 06-02"},
		{"UNTIL as wall time in the east", "Asia/Tokyo", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260603T220000", "06-01 06-02 06-03"},
		{"UNTIL as a date is the whole day", "Asia/Tokyo", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260603", "06-01 06-02 06-03"},
		{"UNTIL as a date in the west", "America/New_York", "2026-06-01T22:00", "FREQ=DAILY;UNTIL=20260603", "06-01 06-02 06-03"},
		{"UNTIL in a doubled hour", "Europe/Berlin", "2026-10-24T02:30", "FREQ=DAILY;UNTIL=20261025T010000Z", "10-24 10-25"},
		{"the first time is on another day", "Europe/Berlin", "2026-06-01T10:00", "FREQ=WEEKLY;BYDAY=SU", "06-01 06-07 06-14 06-21 06-28"},
		{"and counts", "Europe/Berlin", "2026-06-01T10:00", "FREQ=WEEKLY;BYDAY=SU;COUNT=2", "06-01 06-07"},
		{"every other week", "Europe/Berlin", "2026-06-02T10:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "06-02 06-15 06-29"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		start := wallAt(t, c.start).in(zone)
		r, err := NewRecurrence(c.rule, Span{start, start.Add(time.Hour)}, zone)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []string
		for _, s := range r.Within(start.Add(-time.Hour), start.AddDate(0, 1, 0)) {
			got = append(got, s.Start.In(zone).Format("01-02"))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
		last := start.Add(-1)
		for i := range got { // Next goes through the same times
			next, ok := r.Next(last)
			if !ok || next.Start.In(zone).Format("01-02") != got[i] {
				t.Errorf("%s: after %s comes %s", c.name, last, next.Start)
			}
			last = next.Start
		}
	}
	first := Span{at(t, "2026-06-01T10:00Z"), at(t, "2026-06-01T11:00Z")}
	if _, err := NewRecurrence("FREQ=DAILY;UNTIL=20260531", first, time.UTC); !errors.Is(err, ErrUntil) {
		t.Errorf("an UNTIL before the first time: %v", err)
	}
	for _, bad := range []string{"", "DAILY", "FREQ=HOURLY", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY\nFREQ=DAILY", "FREQ=DAILY;BYDAY=XX"} {
		if _, err := NewRecurrence(bad, first, time.UTC); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, same := range []string{"freq=weekly;byday=su", " RRULE:FREQ=WEEKLY;BYDAY=SU ", "rrule:FREQ=WEEKLY;BYDAY=SU"} {
		if got := CanonicalRule(same); got != "FREQ=WEEKLY;BYDAY=SU" {
			t.Errorf("%q is kept as %q", same, got)
		}
	}
}

// TestRecurrenceWithinADoubledHour has a first time that the wall clock reads
// backwards.
func TestRecurrenceWithinADoubledHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	first := Span{at(t, "2026-10-25T00:50Z"), at(t, "2026-10-25T01:10Z")} // 02:50 to 02:10
	r, err := NewRecurrence("FREQ=DAILY", first, berlin)
	if err != nil {
		t.Fatal(err)
	}
	spans := r.Within(first.Start, first.Start.Add(26*time.Hour))
	if len(spans) != 2 || spans[0] != first || !spans[1].Start.Equal(at(t, "2026-10-26T01:50Z")) || spans[1].End.Sub(spans[1].Start) != 20*time.Minute {
		t.Errorf("%v", spans)
	}
}
