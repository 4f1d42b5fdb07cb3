package edit

import (
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/schedule"
	"moonwatch/engine/silence"
)

// TestWhatIsAcceptedHolds writes the same in every way that is accepted: it is
// kept in one form, and it holds.
func TestWhatIsAcceptedHolds(t *testing.T) {
	tuesday := time.Date(2026, 6, 2, 23, 30, 0, 0, time.UTC)
	for _, day := range []string{"tue", "TUE", "Tue", " tue "} {
		for _, start := range []string{"8:00", "08:00", " 08:00"} {
			u := &engine.User{TimeZone: "UTC", QuietHours: []engine.QuietHours{{Days: []string{day}, Start: start, End: "07:00"}}}
			var p engine.Problems
			alert.ValidateContact(u, &p)
			if q := u.QuietHours[0]; len(p.List) > 0 || q.Days[0] != "tue" || q.Start != "08:00" {
				t.Errorf("quiet hours on %q from %q are kept as %v: %v", day, start, q, p.List)
			}
			if _, quiet := alert.QuietUntil(u, tuesday); !quiet {
				t.Errorf("quiet hours on %q do not hold", day)
			}
		}
	}
	stored := &engine.User{TimeZone: "UTC", QuietHours: []engine.QuietHours{{Days: []string{"TUE"}, Start: "22:00", End: "07:00"}}}
	if _, quiet := alert.QuietUntil(stored, tuesday); !quiet {
		t.Error("quiet hours that an older version kept do not hold")
	}
	for _, zone := range []string{"utc", "UTC", "Z", ""} {
		u := &engine.User{TimeZone: zone}
		var p engine.Problems
		if p.Zone("time_zone", &u.TimeZone); len(p.List) > 0 || u.TimeZone != "UTC" {
			t.Errorf("the zone %q is kept as %q: %v", zone, u.TimeZone, p.List)
		}
	}
	for _, zone := range []string{"Europe/Berlin", "W. Europe Standard Time", "w. europe standard time", `"Europe/Berlin"`} {
		name := zone
		var p engine.Problems
		if p.Zone("time_zone", &name); len(p.List) > 0 || name != "Europe/Berlin" {
			t.Errorf("the zone %q is kept as %q: %v", zone, name, p.List)
		}
	}
	for _, rule := range []string{"freq=weekly;byday=tu", "RRULE:FREQ=WEEKLY;BYDAY=TU", " rrule:FREQ=WEEKLY;BYDAY=TU", "FREQ=WEEKLY;BYDAY=TU"} {
		s := engine.NewSilence()
		s.Services, s.RRule = []string{"x"}, rule
		s.StartsAt, s.EndsAt = tuesday.AddDate(0, 0, -7), tuesday.AddDate(0, 0, -7).Add(time.Hour)
		var p engine.Problems
		ValidateSilence(&s, &p)
		if holds, _ := silence.At(&s, tuesday); len(p.List) > 0 || !holds || s.RRule != "FREQ=WEEKLY;BYDAY=TU" {
			t.Errorf("the rule %q is kept as %q and holds: %v; %v", rule, s.RRule, holds, p.List)
		}
	}
	for _, hours := range []string{"tue 23:00-24:00", "TUE 23:00-24:00", " Mon-Tue 23:00-01:00 ", "tue 23:00-24:00;"} {
		c := &engine.Check{Meta: engine.Meta{ID: "c"}, Interval: engine.Duration(time.Minute), Schedule: &engine.Schedule{ActiveHours: hours}}
		var p engine.Problems
		schedule.Validate(c.Schedule, &p)
		if next := schedule.After(c, tuesday); len(p.List) > 0 || next.Sub(tuesday) > time.Minute {
			t.Errorf("active hours %q: next at %s; %v", hours, next, p.List)
		}
	}
	for _, expression := range []string{"0 8 * jan,JUN Tue", "  0  8 *  1,6 2 ", "0 8 ? 6 TUE"} {
		c := &engine.Check{Meta: engine.Meta{ID: "c"}, Interval: engine.Duration(time.Minute), Schedule: &engine.Schedule{Cron: expression}}
		var p engine.Problems
		schedule.Validate(c.Schedule, &p)
		if next := schedule.After(c, tuesday); len(p.List) > 0 || !next.Equal(time.Date(2026, 6, 9, 8, 0, 0, 0, time.UTC)) {
			t.Errorf("cron %q: next at %s; %v", expression, next, p.List)
		}
	}
	tags := []string{" db ", "web"}
	var p engine.Problems
	if p.Tags(tags); len(p.List) > 0 || !slices.Equal(tags, []string{"db", "web"}) {
		t.Errorf("tags are kept as %q: %v", tags, p.List)
	}
	for _, rule := range []engine.ContactRule{{Channel: "SMS", Severity: engine.StatusError}, {Channel: "sms", Severity: "error"}, {Channel: "sms", Severity: "PASSING"}} {
		u := &engine.User{ContactRules: []engine.ContactRule{rule}}
		var p engine.Problems
		if alert.ValidateContact(u, &p); len(p.List) != 1 {
			t.Errorf("the contact rule %v was taken, and nothing reads it", rule)
		}
	}
	for _, every := range []string{"1w", "1W", " 7d "} {
		r := &engine.Rota{Name: "r", TimeZone: "utc", Rotation: &engine.RotaRotation{Members: []string{"a", "b"}, Every: every, Starts: "2026-05-26T09:00"}}
		var p engine.Problems
		ValidateRota(r, &p, nil, func(string) bool { return true })
		shifts, err := r.Rotation.Shifts(r.TimeZone, tuesday, tuesday.Add(time.Second))
		if len(p.List) > 0 || err != nil || len(shifts) != 1 || shifts[0].User != "b" {
			t.Errorf("a rotation every %q: %v %v %v", every, shifts, err, p.List)
		}
	}
}

// TestQuietHoursOverClockChanges holds that hours begin and end as the clock on
// the wall shows, and belong to the day on which they begin, also where midnight
// is left out.
func TestQuietHoursOverClockChanges(t *testing.T) {
	for _, c := range []struct {
		zone, day, start, end, now string
		until                      string
	}{
		{"Europe/Berlin", "sun", "02:30", "05:00", "2026-03-29T01:29:00Z", ""},
		{"Europe/Berlin", "sun", "02:30", "05:00", "2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z"},
		{"Europe/Berlin", "sun", "02:30", "02:45", "2026-10-25T00:30:00Z", "2026-10-25T00:45:00Z"},
		{"Europe/Berlin", "sun", "02:30", "02:45", "2026-10-25T01:30:00Z", ""},
		{"Africa/Cairo", "fri", "00:30", "06:00", "2026-04-23T22:30:00Z", "2026-04-24T03:00:00Z"}, // the clock goes from 24:00 to 01:00
		{"Africa/Cairo", "thu", "22:00", "06:00", "2026-04-24T02:30:00Z", "2026-04-24T03:00:00Z"},
		{"Australia/Lord_Howe", "sun", "02:10", "04:00", "2026-10-03T15:40:00Z", "2026-10-03T17:00:00Z"},
	} {
		u := &engine.User{TimeZone: c.zone, QuietHours: []engine.QuietHours{{Days: []string{c.day}, Start: c.start, End: c.end}}}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		until := ""
		if end, quiet := alert.QuietUntil(u, now); quiet {
			until = end.UTC().Format(time.RFC3339)
		}
		if until != c.until {
			t.Errorf("%s on %s from %s to %s at %s: until %q, want %q", c.zone, c.day, c.start, c.end, c.now, until, c.until)
		}
	}
}
