package schedule

import (
	"testing"
	"time"

	"moonwatch/engine"
)

// TestEvery holds that the time between two slots is that at the instant given,
// whatever the day's clock says.
func TestEvery(t *testing.T) {
	c := engine.NewCheck()
	c.ID, c.Interval = "c1", engine.Duration(time.Minute)
	friday := time.Date(2026, 3, 6, 7, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		schedule *engine.Schedule
		now      time.Time
		want     time.Duration
	}{
		{nil, friday, time.Minute},
		{&engine.Schedule{ActiveHours: "08:00-18:00", TimeZone: "UTC"}, friday, time.Minute},
		{&engine.Schedule{Cron: "*/5 * * * *", TimeZone: "UTC"}, friday, 5 * time.Minute},
		{&engine.Schedule{Cron: "30 8 * * 1-5", TimeZone: "UTC"}, friday, 3 * 24 * time.Hour},
		{&engine.Schedule{Cron: "30 8 * * 1-5", TimeZone: "UTC"}, friday.AddDate(0, 0, 3), 24 * time.Hour},
		{&engine.Schedule{Cron: "0 0 29 2 *", TimeZone: "UTC"}, friday, engine.Year},
		{&engine.Schedule{Cron: "not one", TimeZone: "UTC"}, friday, time.Minute},
	} {
		c.Schedule = tt.schedule
		if got := Every(&c, tt.now); got != tt.want {
			t.Errorf("%+v at %s: every %s, want %s", tt.schedule, tt.now, got, tt.want)
		}
		if got, want := RuleOf(&c, tt.now).UnknownAfter, max(3*tt.want, 5*time.Minute); got != want {
			t.Errorf("%+v at %s: unknown counts after %s, want %s", tt.schedule, tt.now, got, want)
		}
	}
}

func BenchmarkRuleOfCron(b *testing.B) {
	c := engine.NewCheck()
	c.Schedule = &engine.Schedule{Cron: "30 8 * * 1-5", TimeZone: "Europe/Berlin"}
	now := time.Date(2026, 3, 6, 7, 0, 0, 0, time.UTC)
	for b.Loop() {
		RuleOf(&c, now)
	}
}
