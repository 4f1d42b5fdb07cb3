package web

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/storage"
)

// furnishedWith is a monitor on disk with so many checks and results of each,
// ten checks to a service, one in fifty failing.
func furnishedWith(b *testing.B, checks, results int) *house {
	b.Helper()
	o := storage.DefaultOptions()
	o.Logger, o.NoSync = newDiscard(), true
	db, err := storage.Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	h := newHouseOver(b, db)
	h.people("")
	rng := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	var service engine.Service
	for n := range checks {
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Config = fmt.Sprintf("Check %04d", n), "probe", form.Values{"host": "up"}
		c.Interval = engine.Duration(365 * 24 * time.Hour)
		if n%50 == 0 {
			c.Config["host"] = "down"
		}
		saved, err := h.engine.Checks.SaveCheck(b.Context(), testAdmin(), c)
		if err != nil {
			b.Fatal(err)
		}
		batch := &engine.Batch{ID: "bench"}
		for i := range results {
			at := now.Add(-time.Duration(i+1) * 14 * time.Minute).UTC().Round(time.Microsecond)
			batch.Results = append(batch.Results, engine.Result{Check: saved.ID, Seq: uint64(at.UnixMicro()), Started: at, Took: 0.05 + rng.Float64()/50, Succeeded: i%40 != 0,
				Error: map[bool]string{true: "the answer was 503"}[i%40 == 0], PluginVersion: "1.0", Metrics: []engine.Metric{
					{Name: "dns", Value: rng.Float64() / 100, Unit: "s"}, {Name: "first_byte", Value: rng.Float64() / 20, Unit: "s"}, {Name: "size", Value: 12_000 + 100*rng.Float64(), Unit: "B"}}})
		}
		if len(batch.Results) > 0 {
			if err := h.store.Apply(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		if n%10 == 0 {
			service = engine.NewService()
			service.Name = fmt.Sprintf("Service %04d", n/10)
		}
		service.StatusChecks = append(service.StatusChecks, saved.ID)
		if n%10 == 9 {
			if _, err := h.engine.Targets.SaveService(b.Context(), testAdmin(), service); err != nil {
				b.Fatal(err)
			}
		}
	}
	h.until("all checks have run", func() bool { return h.engine.Stats().Checks[engine.CheckPending] == 0 })
	return h
}

// BenchmarkDashboard is the server's time for the dashboard; it is to stay under
// 50 ms with 5,000 checks.
func BenchmarkDashboard(b *testing.B) {
	for _, size := range []struct{ checks, results int }{{1000, 100}, {5000, 0}} {
		b.Run(fmt.Sprintf("%d-checks-%d-results", size.checks, size.checks*size.results), func(b *testing.B) {
			h := furnishedWith(b, size.checks, size.results)
			var bytes int
			for b.Loop() {
				r := h.get(access.Admin, "/")
				if r.status != http.StatusOK {
					b.Fatal(r.status)
				}
				bytes = len(r.text)
			}
			b.ReportMetric(float64(bytes)/1024, "KiB/page")
		})
	}
}

// BenchmarkCheckPage is the server's time for a check's page with its charts,
// over 1,000 checks and 100,000 results.
func BenchmarkCheckPage(b *testing.B) {
	h := furnishedWith(b, 1000, 100)
	ids := h.engine.Checks.BareChecks()
	n, bytes := 0, 0
	for b.Loop() {
		r := h.get(access.Admin, "/checks/"+ids[n%len(ids)].ID)
		if r.status != http.StatusOK {
			b.Fatal(r.status)
		}
		n++
		bytes = len(r.text)
	}
	b.ReportMetric(float64(bytes)/1024, "KiB/page")
}

// BenchmarkCheckList is the server's time for one page of the list of checks.
func BenchmarkCheckList(b *testing.B) {
	h := furnishedWith(b, 5000, 0)
	for b.Loop() {
		if r := h.get(access.Viewer, "/checks"); r.status != http.StatusOK {
			b.Fatal(r.status)
		}
	}
}
