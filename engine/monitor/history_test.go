package monitor_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/history"
	"moonwatch/storage/storagetest"
)

// seedCheck writes a check that is switched off: its results are the test's.
func (b *bench) seedCheck(id string, created time.Time, change func(*engine.Check)) {
	b.t.Helper()
	c := engine.NewCheck()
	c.ID, c.Name, c.Plugin, c.Revision, c.Created, c.Updated, c.Active = id, id, "probe", 1, created, created, false
	c.Config = form.Values{}
	if change != nil {
		change(&c)
	}
	data, err := json.Marshal(c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.apply(engine.Batch{Puts: []engine.Record{{Kind: engine.KindCheck, ID: id, Revision: 1, At: created, Data: data}}})
}

func (b *bench) apply(batch engine.Batch) {
	b.t.Helper()
	batch.ID = "seed"
	if err := b.store.Apply(b.t.Context(), &batch); err != nil {
		b.t.Fatal(err)
	}
}

// seedResults writes a result every so often from one time to another.
func (b *bench) seedResults(check string, from, to time.Time, every time.Duration) []engine.Result {
	b.t.Helper()
	rng := rand.New(rand.NewPCG(uint64(from.Unix()), 7))
	var list []engine.Result
	for at := from; at.Before(to); at = at.Add(every) {
		r := engine.Result{Check: check, Seq: uint64(at.UnixMicro()), Started: at, Succeeded: rng.IntN(10) > 0,
			Took: math.Round(1e6*math.Exp(rng.NormFloat64()-3)) / 1e6}
		if rng.IntN(20) == 0 {
			r.Succeeded, r.Unknown, r.Cause, r.Took = false, true, engine.CauseOffline, 0
		}
		r.Metrics = []engine.Metric{{Name: "bytes", Unit: "B", Value: float64(rng.IntN(1000))}}
		if rng.IntN(3) == 0 {
			r.Metrics = append(r.Metrics, engine.Metric{Name: "rare", Value: rng.Float64()})
		}
		list = append(list, r)
	}
	b.apply(engine.Batch{Results: list})
	return list
}

func (b *bench) summary(check string, from, to time.Time, step time.Duration) []history.SummaryPoint {
	b.t.Helper()
	points, err := b.e.History.Summary(b.t.Context(), check, from, to, step)
	if err != nil {
		b.t.Fatal(err)
	}
	return points
}

// wantSummary compares points with what results come to.
func (b *bench) wantSummary(name string, points []history.SummaryPoint, results []engine.Result, step time.Duration) {
	b.t.Helper()
	byStep := map[time.Time][]engine.Result{}
	for _, r := range results {
		at := r.Started.UTC().Truncate(step)
		byStep[at] = append(byStep[at], r)
	}
	if len(points) != len(byStep) {
		b.t.Errorf("%s: %d points, want %d", name, len(points), len(byStep))
		return
	}
	for _, p := range points {
		want := pointOf(byStep[p.At])
		if got, want := describePoint(p), describePoint(want); got != want {
			b.t.Errorf("%s, %s: got %s, want %s", name, p.At, got, want)
			return
		}
		if err := cmp.Or(meansOff(p, want), quantilesOff(p, byStep[p.At])); err != nil {
			b.t.Errorf("%s, %s: %v", name, p.At, err)
			return
		}
	}
}

func describePoint(p history.SummaryPoint) string {
	text := fmt.Sprintf("%d results, %d failed, %d unknown", p.Count, p.Failures, p.Unknown)
	if p.Took != nil {
		text += fmt.Sprintf(", took %g to %g", p.Took.Min, p.Took.Max)
	}
	for _, m := range p.Metrics {
		text += fmt.Sprintf(", %s %s×%d %g to %g", m.Name, m.Unit, m.Count, m.Min, m.Max)
	}
	return text
}

// pointOf is what results come to, but for percentiles.
func pointOf(list []engine.Result) history.SummaryPoint {
	p := history.SummaryPoint{Count: uint64(len(list))}
	var took []float64
	metrics := map[string][]float64{}
	for _, r := range list {
		switch {
		case r.Unknown:
			p.Unknown++
		case !r.Succeeded:
			p.Failures++
		}
		if !r.Unknown {
			took = append(took, r.Took)
		}
		for _, m := range r.Metrics {
			metrics[m.Name] = append(metrics[m.Name], m.Value)
		}
	}
	mean := func(list []float64) float64 {
		sum := 0.0
		for _, v := range list {
			sum += v
		}
		return sum / float64(len(list))
	}
	if len(took) > 0 {
		p.Took = &history.TookSummary{Min: slices.Min(took), Avg: mean(took), Max: slices.Max(took)}
	}
	for _, name := range []string{"bytes", "rare"} {
		if values := metrics[name]; len(values) > 0 {
			m := history.MetricSummary{Name: name, Count: uint64(len(values)), Min: slices.Min(values), Avg: mean(values), Max: slices.Max(values)}
			if name == "bytes" {
				m.Unit = "B"
			}
			p.Metrics = append(p.Metrics, m)
		}
	}
	return p
}

func meansOff(got, want history.SummaryPoint) error {
	off := func(a, b float64) bool { return math.Abs(a-b) > 1e-9*math.Abs(b) }
	if got.Took != nil && off(got.Took.Avg, want.Took.Avg) {
		return fmt.Errorf("took %g on average, want %g", got.Took.Avg, want.Took.Avg)
	}
	for i, m := range got.Metrics {
		if off(m.Avg, want.Metrics[i].Avg) {
			return fmt.Errorf("%s is %g on average, want %g", m.Name, m.Avg, want.Metrics[i].Avg)
		}
	}
	return nil
}

func quantilesOff(p history.SummaryPoint, list []engine.Result) error {
	var took []float64
	for _, r := range list {
		if !r.Unknown {
			took = append(took, r.Took)
		}
	}
	slices.Sort(took)
	if p.Took == nil {
		return nil
	}
	for q, got := range map[float64]float64{0.5: p.Took.P50, 0.95: p.Took.P95, 0.99: p.Took.P99} {
		want := took[max(int(math.Ceil(q*float64(len(took)))), 1)-1]
		if math.Abs(got-want) > 0.02*want {
			return fmt.Errorf("p%g is %g, want %g", 100*q, got, want)
		}
	}
	return nil
}

func (b *bench) sums() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	err := b.store.Scan(b.t.Context(), engine.KindAggregate, engine.Query{}, func(r engine.Record) bool {
		out[r.ID] = string(r.Data)
		return true
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) settings(change func(*engine.Settings)) {
	b.t.Helper()
	s := b.e.Settings()
	change(&s)
	if _, err := b.e.Site.SaveSettings(b.t.Context(), admin, s); err != nil {
		b.t.Fatal(err)
	}
}

// TestSumsEqualRaw compares summaries from sums with those from the results
// they were made of, before and after these are dropped.
func TestSumsEqualRaw(t *testing.T) {
	in(t, func(b *bench) {
		now := time.Now() // midnight, 1 January 2000
		list := b.seedResults("c", now.Add(-50*time.Hour), now, 53*time.Second)
		b.seedCheck("c", now.Add(-60*time.Hour), nil)
		b.start()
		all := func(step time.Duration) []history.SummaryPoint {
			return b.summary("c", now.Add(-72*time.Hour), now.Add(time.Hour), step)
		}
		steps := []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
		for _, step := range steps {
			b.wantSummary("from results, by "+step.String(), all(step), list, step)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(b.sums()); n != 3 {
			t.Errorf("%d records of aggregates, want one for each of 3 days", n)
		}
		for _, step := range steps {
			b.wantSummary("from aggregates, by "+step.String(), all(step), list, step)
		}
		b.settings(func(s *engine.Settings) { s.Retention = engine.Duration(10 * time.Hour) })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		left := 0
		if err := b.store.Results(b.t.Context(), "c", 0, 0, func(*engine.Result) bool { left++; return true }); err != nil || left == 0 || left > 11*68 {
			t.Fatalf("%d results are left, %v; want those of some 8 hours", left, err)
		}
		for _, step := range steps[1:] {
			b.wantSummary("from aggregates alone, by "+step.String(), all(step), list, step)
		}
		fine := all(10 * time.Minute)
		total := uint64(0)
		for _, p := range fine {
			total += p.Count
		}
		if total != uint64(len(list)) || len(fine) < 8*6 || len(fine) > 40+10*6 {
			t.Errorf("%d results in %d points of ten minutes, want %d: by the hour while only aggregates are left, then by the step", total, len(fine), len(list))
		}
	})
}

// TestSummingUpAgainChangesNothing does the work of a pass again, as after a crash.
func TestSummingUpAgainChangesNothing(t *testing.T) {
	in(t, func(b *bench) {
		now := time.Now()
		b.seedResults("c", now.Add(-30*time.Hour), now, time.Minute)
		b.seedCheck("c", now.Add(-40*time.Hour), func(c *engine.Check) { c.Timeout = engine.Duration(time.Hour) })
		b.start()
		time.Sleep(10 * time.Minute)
		b.e.Stop()
		before := b.sums()
		b.apply(engine.Batch{Deletes: []engine.Key{{Kind: engine.KindMark, ID: "summed"}}})
		b.start()
		time.Sleep(10 * time.Minute)
		b.e.Stop()
		after := b.sums()
		if len(before) == 0 || len(before) != len(after) {
			t.Fatalf("%d records, then %d", len(before), len(after))
		}
		for id, data := range before {
			if after[id] != data {
				t.Errorf("%s differs", id)
			}
		}
	})
}

// TestSumsCatchUp stops the monitor for a while, in the middle of a pass too.
func TestSumsCatchUp(t *testing.T) {
	in(t, func(b *bench) {
		now := time.Now()
		for i := range 300 {
			b.seedCheck(fmt.Sprintf("c%03d", i), now.Add(-20*time.Hour), nil)
		}
		list := b.seedResults("c299", now.Add(-5*time.Hour), now.Add(30*time.Minute), time.Minute)
		b.start()
		time.Sleep(40 * time.Minute)
		b.e.Stop()
		list = append(list, b.seedResults("c299", now.Add(30*time.Minute), now.Add(50*time.Hour), 10*time.Minute)...)
		time.Sleep(50 * time.Hour)
		var crashed *storagetest.Memory // as it was in the middle of the pass
		b.store.SetAfter(func(batch *engine.Batch) error {
			if crashed == nil && slices.ContainsFunc(batch.Puts, func(r engine.Record) bool { return r.Kind == engine.KindAggregate }) {
				crashed = b.store.Clone()
			}
			return nil
		})
		b.start()
		time.Sleep(10 * time.Minute)
		b.e.Stop()
		if crashed == nil {
			t.Fatal("nothing was summed up after the stop")
		}
		b.store = crashed
		b.start()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		// What the summary shows once the results are gone is what was summed up.
		if err := b.store.DropResults(b.t.Context(), "c299", 0); err != nil {
			t.Fatal(err)
		}
		var counted []history.SummaryPoint
		for _, p := range b.summary("c299", now.Add(-6*time.Hour), now.Add(50*time.Hour), time.Hour) {
			if p.Count > 0 {
				counted = append(counted, p)
			}
		}
		b.wantSummary("after a stop", counted, list, time.Hour)
	})
}

// TestLateResultsAreSummed: a run with a long timeout ends after its hour was
// summed up, and counts all the same.
func TestLateResultsAreSummed(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		b.set("slow", "slow 30m")
		time.Sleep(50 * time.Minute)
		c := b.check("slow", func(c *engine.Check) {
			c.Interval, c.Timeout = engine.Duration(10*time.Hour), engine.Duration(time.Hour)
		})
		begin := time.Now()
		time.Sleep(2*time.Hour + 10*time.Minute)
		synctest.Wait()
		if err := b.store.DropResults(b.t.Context(), c.ID, 0); err != nil {
			t.Fatal(err)
		}
		points := b.summary(c.ID, begin.Truncate(time.Hour), begin.Add(10*time.Minute), time.Hour)
		if len(points) != 1 || points[0].Count != 1 || points[0].Took.Max != 1800 {
			t.Errorf("points %+v, want the one run", points)
		}
	})
}

// TestSumsTellUnknownAndMaintenance compares the seconds in sums with those of
// the same span from transitions.
func TestSumsTellUnknownAndMaintenance(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		now := time.Now()
		c := b.check("web", func(c *engine.Check) { c.Interval, c.Tags = engine.Duration(10*time.Second), []string{"db"} })
		time.Sleep(30 * time.Minute)
		b.set("web", "limit")
		time.Sleep(time.Hour)
		b.set("web", "")
		time.Sleep(30 * time.Minute)
		s := engine.NewSilence()
		s.Tags, s.StartsAt, s.EndsAt, s.Maintenance = []string{"db"}, now.Add(3*time.Hour), now.Add(3*time.Hour+20*time.Minute), true
		if _, err := b.e.Silences.SaveSilence(b.t.Context(), admin, s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		for _, p := range b.summary(c.ID, now, now.Add(4*time.Hour), time.Hour) {
			u, err := b.e.History.Uptime(b.t.Context(), history.CheckKey(c.ID), p.At, p.At.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(p.UnknownSeconds-u.Unknown) > 0.01 || math.Abs(p.MaintenanceSeconds-u.Maintenance) > 0.01 {
				t.Errorf("%s: %g s unknown and %g s in maintenance, want %g and %g", p.At, p.UnknownSeconds, p.MaintenanceSeconds, u.Unknown, u.Maintenance)
			}
			switch p.At.Sub(now) {
			case 0, time.Hour:
				if p.UnknownSeconds < 1500 || p.Unknown < 5 {
					t.Errorf("%s: %g s and %d results unknown, want some half hour", p.At, p.UnknownSeconds, p.Unknown)
				}
			case 3 * time.Hour:
				if p.MaintenanceSeconds != 1200 {
					t.Errorf("%s: %g s in maintenance, want 1200", p.At, p.MaintenanceSeconds)
				}
			}
		}
	})
}

func TestSummaryRefusals(t *testing.T) {
	in(t, func(b *bench) {
		b.seedCheck("c", time.Now().Add(-time.Hour), nil)
		b.start()
		now := time.Now()
		for name, c := range map[string]struct {
			check    string
			from, to time.Time
			step     time.Duration
			want     engine.ErrorKind
		}{
			"no such check":     {"d", now.Add(-time.Hour), now, time.Minute, engine.NotFound},
			"no time":           {"c", now, now, time.Minute, engine.Invalid},
			"the future":        {"c", now.Add(time.Hour), now.Add(2 * time.Hour), time.Minute, engine.Invalid},
			"a step too fine":   {"c", now.Add(-time.Hour), now, time.Millisecond, engine.Invalid},
			"a negative step":   {"c", now.Add(-time.Hour), now, -time.Hour, engine.Invalid},
			"an odd step":       {"c", now.Add(-time.Hour), now, 90 * time.Minute, engine.Invalid},
			"too many points":   {"c", now.Add(-10000 * time.Minute), now, time.Minute, engine.Invalid},
			"just few enough":   {"c", now.Add(-9999 * time.Minute), now, time.Minute, ""},
			"a step of its own": {"c", time.Time{}, now.Add(time.Hour), 0, ""},
		} {
			points, err := b.e.History.Summary(b.t.Context(), c.check, c.from, c.to, c.step)
			if engine.KindOf(err) != c.want || c.want == "" && (err != nil || points == nil) {
				t.Errorf("%s: %v, %v; want %q", name, points, err, c.want)
			}
		}
	})
}

// TestManySumsDoNotStall sums up many checks while alerts go on.
func TestManySumsDoNotStall(t *testing.T) {
	in(t, func(b *bench) {
		now := time.Now()
		for i := range 2000 {
			b.seedCheck(fmt.Sprintf("c%04d", i), now.Add(-20*time.Hour), nil)
			b.apply(engine.Batch{Results: []engine.Result{{Check: fmt.Sprintf("c%04d", i), Seq: uint64(now.Add(-time.Hour).UnixMicro()), Succeeded: true}}})
		}
		largest := 0
		b.store.SetAfter(func(batch *engine.Batch) error {
			largest = max(largest, len(batch.Puts))
			return nil
		})
		b.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(b.sums()); n != 2000 {
			t.Errorf("%d records of aggregates, want 2000", n)
		}
		if largest > 200 {
			t.Errorf("a batch of %d records: the writer must not be held up", largest)
		}
	})
}
