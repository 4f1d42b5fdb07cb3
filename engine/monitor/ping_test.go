package monitor_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
)

// listener is a plugin that notes pings, and makes a result of none but "success".
type listener struct {
	mu    sync.Mutex
	pings []string
	since time.Time // watched_since of the last run
}

func (l *listener) plugin() *enginetest.Plugin {
	log := func(text string) []engine.LogLine {
		return []engine.LogLine{{At: time.Now().UTC(), Level: "info", Message: text}}
	}
	return &enginetest.Plugin{Info: engine.PluginMeta{Slug: "job", Name: "Job", Kind: engine.CheckPlugin, Version: "1", Hash: "h", HasPing: true},
		OnRun: func(_ context.Context, in *engine.CheckRun) engine.RunReport {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.since = in.WatchedSince
			return engine.RunReport{None: true}
		},
		OnPing: func(_ context.Context, _ *engine.CheckRun, p *engine.Ping) engine.RunReport {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.pings = append(l.pings, p.Kind)
			return engine.RunReport{None: p.Kind != "success", Succeeded: true, Log: log(p.Kind + ": " + p.Body)}
		}}
}

func (l *listener) watchedSince() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since
}

// job makes a check that waits for pings, and returns the token of its URL.
func (b *bench) job(l *listener) (*engine.Check, string) {
	b.plugins.Put(engine.PluginEntry{Slug: "job", Plugin: l.plugin(), File: "job.lua"})
	b.start()
	c := b.check("nightly", func(c *engine.Check) { c.Plugin, c.Config = "job", nil })
	v, err := b.e.Checks.Check(c.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return c, v.PingURL[strings.LastIndexByte(v.PingURL, '/')+1:]
}

func (b *bench) ping(token, kind, body string) {
	b.t.Helper()
	if err := b.e.Ping(b.t.Context(), token, engine.Ping{Kind: kind, Body: body}); err != nil {
		b.t.Fatal(err)
	}
}

// What pings say that give no result is shown until the next result takes it.
func TestBodiesOfPingsAreKept(t *testing.T) {
	in(t, func(b *bench) {
		c, token := b.job(&listener{})
		b.ping(token, "start", "full backup")
		b.ping(token, "log", "halfway")
		if v, _ := b.e.Checks.Check(c.ID); texts(v.Log) != "start: full backup|log: halfway" {
			t.Errorf("shown before a result: %q", texts(v.Log))
		}
		b.ping(token, "success", "42 files")
		if r := b.results(c); len(r) != 1 || texts(r[0].Log) != "start: full backup|log: halfway|success: 42 files" {
			t.Errorf("results %+v", r)
		}
		if v, _ := b.e.Checks.Check(c.ID); len(v.Log) > 0 {
			t.Errorf("shown after the result: %q", texts(v.Log))
		}
		for i := range 150 {
			b.ping(token, "log", fmt.Sprint(i))
		}
		if v, _ := b.e.Checks.Check(c.ID); len(v.Log) != 100 || v.Log[99].Message != "log: 149" {
			t.Errorf("of 150 lines %d are kept", len(v.Log))
		}
	})
}

func texts(lines []engine.LogLine) string {
	var out []string
	for _, line := range lines {
		out = append(out, line.Message)
	}
	return strings.Join(out, "|")
}

// A paused check hears its pings, so that it knows of the last one when it goes
// on; they make no result.
func TestPausedChecksHearPings(t *testing.T) {
	in(t, func(b *bench) {
		l := &listener{}
		c, token := b.job(l)
		b.editCheck(c, func(c *engine.Check) { c.Active = false })
		b.ping(token, "success", "")
		if len(l.pings) != 1 || len(b.results(c)) != 0 {
			t.Errorf("heard %v, results %v", l.pings, b.results(c))
		}
	})
}

// A run is told since when nothing can have been missed: the check's beginning,
// its activation, the return of its plugin.
func TestWatchedSince(t *testing.T) {
	in(t, func(b *bench) {
		l := &listener{}
		c, _ := b.job(l)
		made := time.Now()
		want := func(when string, from, to time.Time) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := l.watchedSince(); got.Before(from) || got.After(to) {
				t.Errorf("%s: watched since %v, want %v to %v", when, got, from, to)
			}
		}
		want("made", made.Add(-time.Second), made)
		time.Sleep(time.Minute)
		b.editCheck(c, func(c *engine.Check) { c.Importance = engine.StatusCritical })
		want("edited", made.Add(-time.Second), made)
		b.editCheck(c, func(c *engine.Check) { c.Active = false })
		time.Sleep(time.Hour)
		on := time.Now()
		b.editCheck(c, func(c *engine.Check) { c.Active = true })
		want("activated", on, on.Add(time.Second))

		entry, _ := b.plugins.Plugin("job")
		entry.Orphaned = true
		b.plugins.Put(entry)
		time.Sleep(time.Hour)
		back := time.Now()
		entry.Orphaned = false
		b.plugins.Put(entry)
		want("its plugin is back", back.Add(-2*time.Minute), back)
	})
}
