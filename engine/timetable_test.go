package engine

import (
	"testing"
	"time"
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
		schedule Schedule
		from     time.Time
		want     time.Time
	}{
		{"cron in its zone", Schedule{Cron: "30 8 * * 1-5", TimeZone: "Europe/Berlin"}, day(3, 6, 9, 0), day(3, 9, 8, 30)},
		{"cron over a clock change keeps wall time", Schedule{Cron: "30 8 * * *", TimeZone: "Europe/Berlin"}, day(3, 28, 9, 0), day(3, 29, 8, 30)},
		{"cron within active hours", Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "mon-fri 08:00-18:00"}, day(3, 6, 17, 30), day(3, 9, 8, 0)},
		{"overnight hours", Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "22:00-06:00"}, day(3, 6, 6, 30), day(3, 6, 22, 0)},
		{"overnight hours go on after midnight", Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin", ActiveHours: "fri 22:00-06:00"}, day(3, 7, 4, 30), day(3, 7, 5, 0)},
	}
	for _, tt := range tests {
		c := &Check{Meta: Meta{ID: "c1"}, Interval: Duration(time.Minute), Schedule: &tt.schedule}
		if got := c.after(tt.from); !got.Equal(tt.want) {
			t.Errorf("%s: after %s comes %s, want %s", tt.name, tt.from, got.In(berlin), tt.want)
		}
	}
	c := &Check{Meta: Meta{ID: "c1"}, Interval: Duration(time.Minute), Schedule: &Schedule{ActiveHours: "mon-fri 08:00-18:00", TimeZone: "Europe/Berlin"}}
	if got := c.after(day(3, 7, 12, 0)); got.Before(day(3, 9, 8, 0)) || got.After(day(3, 9, 8, 1)) {
		t.Errorf("an interval within active hours: %s", got.In(berlin))
	}
	c.Schedule.Cron = "0 0 30 2 *"
	if got := c.after(epoch); got.Sub(epoch) < 2*year {
		t.Errorf("a date that never comes: %s", got)
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
