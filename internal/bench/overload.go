package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"moonwatch/internal/programtest"
)

// measureOverload gives a monitor about twice the HTTP checks that it can make, and
// looks at what becomes of those, of edits, of pages and of an alert. The first of
// -rates is where the search for what it can begins.
func measureOverload(b *bench) {
	url := b.target()
	m := b.monitor()
	b.serve(m)
	target, hooks := programtest.NewReceiver(b), programtest.NewReceiver(b)
	watched := m.Check("watched", "http", programtest.Object{"endpoint": target.URL}, programtest.Object{"importance": "CRITICAL"})
	alerting(m, "Watched", watched, hooks.URL+"/hook")
	ids, best := findBest(b, m, url, b.rates(4000)[0])
	if more := int(2*best) - len(ids); more > 0 {
		ids = append(ids, b.checks(m, more, "http", "1s", httpConfig(url))...)
	}
	time.Sleep(settle)

	v := b.visitor(m)
	end := time.Now().Add(b.options.window())
	var edits, pages []time.Duration
	alert := time.Duration(0)
	var all sync.WaitGroup
	all.Go(func() {
		for n := 0; time.Now().Before(end); n++ {
			edits = append(edits, v.edit(ids[n*97%len(ids)], n))
			time.Sleep(100 * time.Millisecond)
		}
	})
	all.Go(func() {
		for time.Now().Before(end) {
			pages = append(pages, v.get("/"))
			time.Sleep(100 * time.Millisecond)
		}
	})
	all.Go(func() {
		failed := time.Now()
		target.Status(http.StatusInternalServerError)
		programtest.Until(b, "the alert of the failing check", b.options.window()+time.Minute, func() bool { return len(hooks.At("/hook")) > 0 })
		alert = time.Since(failed)
	})
	w := b.window(m, "overload")
	all.Wait()
	s := b.sample(m, ids, &w)
	b.more("best throughput", best, "/s")
	b.more("share of the best at twice of it", w.runs/w.seconds()/best, "")
	b.figures("", &w)
	b.less("skipped of a check, max to mean", s.unevenness(), "")
	b.spread("edit", edits)
	b.spread("dashboard", pages)
	b.less("failure to alert, with the wait for the slot", ms(alert), "ms")
	b.stop(m)
}

// findBest makes HTTP checks until a monitor makes fewer runs than it is asked for.
// It returns their ids and the most runs a second that there were.
func findBest(b *bench, m *programtest.Program, url string, rate int) (ids []string, best float64) {
	for {
		ids = append(ids, b.checks(m, rate-len(ids), "http", "1s", httpConfig(url))...)
		time.Sleep(settle)
		w := b.windowOf(m, fmt.Sprintf("search %d", rate), min(b.options.window(), 10*time.Second))
		runs := w.runs / w.seconds()
		b.Logf("of %d/s %.0f were made and %.0f skipped", rate, runs, w.skipped/w.seconds())
		best = max(best, runs)
		if runs < 0.95*float64(rate) {
			return slices.Clip(ids), best
		}
		rate = rate * 5 / 4
	}
}
