package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestTimetable(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, berlin)
	}
	tests := []struct {
		name     string
		schedule engine.Schedule
		from     time.Time
		want     time.Time
	}{
		{"cron in its zone", engine.Schedule{Cron: "30 8 * * 1-5", TimeZone: "Europe/Berlin"}, day(3, 6, 9, 0), day(3, 9, 8, 30)},
		{"cron over a clock change keeps wall time", engine.Schedule{Cron: "30 8 * * *", TimeZone: "Europe/Berlin"}, day(3, 28, 9, 0), day(3, 29, 8, 30)},
		{"cron within active hours", engine.Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "mon-fri 08:00-18:00"}, day(3, 6, 17, 30), day(3, 9, 8, 0)},
		{"overnight hours", engine.Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "22:00-06:00"}, day(3, 6, 6, 30), day(3, 6, 22, 0)},
		{"overnight hours go on after midnight", engine.Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "fri 22:00-06:00"}, day(3, 7, 4, 30), day(3, 7, 5, 0)},
	}
	for _, tt := range tests {
		c := &engine.Check{Meta: engine.Meta{ID: "c1"}, Interval: engine.Duration(time.Minute), Schedule: &tt.schedule}
		if got := After(c, tt.from); !got.Equal(tt.want) {
			t.Errorf("%s: after %s comes %s, want %s", tt.name, tt.from, got.In(berlin), tt.want)
		}
	}
	c := &engine.Check{Meta: engine.Meta{ID: "c1"}, Interval: engine.Duration(time.Minute), Schedule: &engine.Schedule{ActiveHours: "mon-fri 08:00-18:00", TimeZone: "Europe/Berlin"}}
	if got := After(c, day(3, 7, 12, 0)); got.Before(day(3, 9, 8, 0)) || got.After(day(3, 9, 8, 1)) {
		t.Errorf("an interval within active hours: %s", got.In(berlin))
	}
}

// TestHoursThatTheGridMisses holds that a check whose grid steps over its active
// hours runs in each stretch of them that follows a slot, once.
func TestHoursThatTheGridMisses(t *testing.T) {
	for id := range 50 {
		c := &engine.Check{Meta: engine.Meta{ID: fmt.Sprint("c", id)}, Interval: engine.Duration(24 * time.Hour), Schedule: &engine.Schedule{ActiveHours: "mon-fri 20:00-20:10", TimeZone: "Pacific/Chatham"}}
		zone, at := mustZone(c.Schedule, t), epoch
		seen := map[string]int{}
		for {
			next := After(c, at)
			if !next.After(at) {
				t.Fatalf("after %s comes %s", at, next)
			}
			if at = next; at.Sub(epoch) > 60*24*time.Hour {
				break
			}
			here := at.In(zone)
			if here.Hour() != 20 || here.Minute() > 9 || here.Weekday() == time.Saturday || here.Weekday() == time.Sunday {
				t.Fatalf("a run at %s", here)
			}
			seen[here.Format(time.DateOnly)]++
		}
		if len(seen) < 40 || len(seen) > 45 {
			t.Errorf("runs on %d days of 43", len(seen))
		}
	}
	weekly := &engine.Check{Meta: engine.Meta{ID: "c1"}, Interval: engine.Duration(7 * 24 * time.Hour), Schedule: &engine.Schedule{ActiveHours: "mon-fri 08:00-18:00", TimeZone: "UTC"}}
	at, runs := epoch, 0
	for ; at.Sub(epoch) < 10*7*24*time.Hour; runs++ {
		at = After(weekly, at)
	}
	if runs < 10 || runs > 11 {
		t.Errorf("a weekly check ran %d times in ten weeks", runs)
	}
}

func mustZone(s *engine.Schedule, t *testing.T) *time.Location {
	zone, err := engine.LoadZone(s.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestScheduleValidation holds what is refused, and that the reason is said.
func TestScheduleValidation(t *testing.T) {
	for _, tt := range []struct {
		schedule       engine.Schedule
		location, says string
	}{
		{engine.Schedule{}, "schedule.cron", "write a cron expression"},
		{engine.Schedule{Cron: "0 0 30 2 *"}, "schedule.cron", "never fires"},
		{engine.Schedule{Cron: "0 3 * * *", ActiveHours: "08:00-18:00"}, "schedule.cron", "never fires"},
		{engine.Schedule{Cron: "0 9 * * sat", ActiveHours: "mon-fri 08:00-18:00"}, "schedule.cron", "never fires"},
		{engine.Schedule{Cron: "60 * * * *"}, "schedule.cron", "minute"},
		{engine.Schedule{Cron: "0 22-2 * * *"}, "schedule.cron", "backwards"},
		{engine.Schedule{Cron: "0 0 1 2 3 4 5 6"}, "schedule.cron", "this has 8"},
		{engine.Schedule{Cron: "@every 5m"}, "schedule.cron", "interval"},
		{engine.Schedule{Cron: "0 3 * * *", TimeZone: "Mars/Olympus"}, "schedule.time_zone", "IANA"},
		{engine.Schedule{Cron: "0 3 * * *", ActiveHours: "noon"}, "schedule.active_hours", "write days and hours"},
		{engine.Schedule{Cron: "0 23 * * sat", ActiveHours: "sat 22:00-06:00"}, "", ""},
		{engine.Schedule{Cron: "0 3 * * sun", ActiveHours: "sat 22:00-06:00"}, "", ""},
		{engine.Schedule{Cron: "0 0 29 2 *"}, "", ""},
		{engine.Schedule{ActiveHours: "Mon-FRI 08:00-18:00"}, "", ""},
	} {
		var p engine.Problems
		s := tt.schedule
		Validate(&s, &p)
		switch {
		case tt.says == "" && len(p.List) > 0:
			t.Errorf("%+v: %v", tt.schedule, p.List)
		case tt.says != "" && (len(p.List) != 1 || p.List[0].Location != tt.location || !strings.Contains(p.List[0].Message, tt.says)):
			t.Errorf("%+v: %v, want %s: %s", tt.schedule, p.List, tt.location, tt.says)
		}
	}
}

// TestStoredScheduleThatNeverFires holds that what an older version took does
// not leave a check silently dead.
func TestStoredScheduleThatNeverFires(t *testing.T) {
	for _, s := range []engine.Schedule{{Cron: "0 0 30 2 *", TimeZone: "UTC"}, {Cron: "often", TimeZone: "UTC"}, {Cron: "0 3 * * *", TimeZone: "Gone/Away"}} {
		c := &engine.Check{Meta: engine.Meta{ID: "c1"}, Interval: engine.Duration(time.Minute), Schedule: &s}
		if got := After(c, epoch).Sub(epoch); got <= 0 || got > time.Minute {
			t.Errorf("%+v: next after %s", s, got)
		}
		if why := ScheduleProblem(c); !strings.Contains(why, "schedule") {
			t.Errorf("%+v: %q", s, why)
		}
	}
}

func TestParseHours(t *testing.T) {
	for _, bad := range []string{"noon", "mon 8-18", "mon-fri", "xyz 08:00-18:00", "mon 08:00-25:00", "a b c"} {
		if _, err := parseHours(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, good := range []string{"", "08:00-18:00", "Mon-Fri 08:00-18:00, sat 10:00-14:00", "sat-sun 00:00-24:00", "fri-mon 20:00-04:00"} {
		if _, err := parseHours(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestGrid(t *testing.T) {
	for _, interval := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour} {
		first := epoch.Add(nextSlot("c1", interval, epoch))
		for i := range 20 {
			now := epoch.Add(time.Duration(i) * interval / 3)
			wait := nextSlot("c1", interval, now)
			if wait <= 0 || wait > interval {
				t.Fatalf("%s: waits %s", interval, wait)
			}
			if off := now.Add(wait).Sub(first) % interval; off != 0 {
				t.Errorf("%s: off the grid by %s", interval, off)
			}
		}
	}
	buckets := [10]int{}
	for i := range 10_000 {
		buckets[phaseOf(epoch.Add(time.Duration(i)).String(), 10*time.Second)/time.Second]++
	}
	for i, n := range buckets {
		if n < 800 || n > 1200 {
			t.Errorf("phase bucket %d holds %d of 10,000", i, n)
		}
	}
}
