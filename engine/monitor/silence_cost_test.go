package monitor_test

import (
	"fmt"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
)

// TestSilencesElsewhereCostNothing saves a service with an open incident, which
// evaluates it, without silences and beside a hundred daily ones since 2020 that
// cover other things. Quick is the quickest of many, which nothing else disturbs.
func TestSilencesElsewhereCostNothing(t *testing.T) {
	quick := func(silences int) time.Duration {
		b := newBench(t).start()
		defer b.e.Stop()
		b.set("web", "ERROR")
		check := b.check("web", nil)
		s := b.service("site", nil, check)
		for i := range silences {
			q := engine.NewSilence()
			q.Tags, q.Comment, q.RRule = []string{"elsewhere"}, fmt.Sprint(i), "FREQ=DAILY"
			q.StartsAt = time.Date(2020, 1, 1, 3, 0, i%60, 0, time.UTC)
			q.EndsAt = q.StartsAt.Add(time.Hour)
			must[*engine.Silence](t)(b.e.Silences.SaveSilence(t.Context(), admin, q))
		}
		if _, err := b.e.RunCheck(t.Context(), check.ID); err != nil {
			t.Fatal(err)
		}
		if v := must[edit.ServiceView](t)(b.e.Targets.Service(s.ID)); v.OverallStatus == engine.StatusPassing {
			t.Fatalf("nothing fails: %+v", v.SubjectView)
		}
		least := time.Hour
		for range 500 {
			now := must[engine.Service](t)(b.e.Targets.StoredService(s.ID))
			began := time.Now()
			must[*engine.Service](t)(b.e.Targets.SaveService(t.Context(), admin, now))
			least = min(least, time.Since(began))
		}
		return least
	}
	without, with := quick(0), quick(100)
	t.Logf("%v without silences, %v beside 100: %.2f times", without, with, float64(with)/float64(without))
	if with > without*11/10+20*time.Microsecond {
		t.Errorf("an evaluation takes %v beside 100 silences that cover other things, %v without", with, without)
	}
}
