package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestPluginLife is a plugin's life beside the running monitor: saved, used,
// edited under load, broken, broken over a crash, deleted and restored.
func TestPluginLife(t *testing.T) {
	m := programtest.Serving(t)
	path := m.Save("every.lua", programtest.EveryField("1.0.0"))
	took := m.AwaitPlugin("every", "1.0.0")
	t.Logf("in the list %v after its save", took.Round(time.Millisecond))
	if took > time.Second {
		t.Errorf("in the list after %v, want a second at most", took)
	}
	if p, _ := m.Plugin("every"); len(p.Forms["config_form"]["properties"].(programtest.Object)) != 20 {
		t.Errorf("the schema has %d fields, want 20", len(p.Forms["config_form"]["properties"].(programtest.Object)))
	}
	full := programtest.Object{"char": "x", "integer": 9, "float": 1.5, "boolean": false, "choice": "a", "several": []string{"a", "b"}, "address": "http://example.org/",
		"email": "ada@example.org", "short": "s", "code": "7", "pattern": "a+", "ip": "10.0.0.1", "host": "example.org", "port": 1, "patience": "2s",
		"since": "2026-01-05T09:00:00Z", "json": programtest.Object{"a": 5}, "headers": programtest.Object{"X-One": "1"}, "rows": []programtest.Object{{"label": "l"}}, "secret": "hush-hush"}
	checks := []string{m.Check("plain", "every", programtest.Object{"char": "x"}, nil), m.Check("full", "every", full, nil)}
	for i, want := range []string{
		"x 3 0.5 true b 0  a-slug 42 ::1 localhost 8080 90 nil none none 0 0 0",
		"x 9 1.5 false a 2 http://example.org/ s 7 10.0.0.1 example.org 1 2 1767603600 5 1 1 7 9",
	} {
		programtest.Until(t, "a first result", 3*time.Second, func() bool { _, ok := m.Latest(checks[i]); return ok })
		if r, _ := m.Latest(checks[i]); r.Message != want || !r.Succeeded {
			t.Errorf("Lua saw\n%s %s\nwant\n%s", r.Message, r.Error, want)
		}
	}
	for i := len(checks); i < 100; i++ {
		checks = append(checks, m.Check(fmt.Sprint("load ", i), "every", programtest.Object{"char": "x"}, nil))
	}
	t.Run("edited under load", func(t *testing.T) { editUnderLoad(t, m, checks) })
	t.Run("broken save", func(t *testing.T) {
		m.Save("every.lua", programtest.EveryField("9.9.9")+"\nend\n")
		line := strings.Count(programtest.EveryField(""), "\n") + 2
		goesOn := func() {
			t.Helper()
			programtest.Until(t, "the broken save is shown", 3*time.Second, func() bool { p, _ := m.Plugin("every"); return p.State == "failed" })
			p, _ := m.Plugin("every")
			if p.Error == nil || !strings.HasSuffix(p.Error.File, "every.lua") || p.Error.Line != line || p.RunningVersion != "1.3.0" {
				t.Errorf("the API gives %+v of version %s, want every.lua:%d and 1.3.0", p.Error, p.RunningVersion, line)
			}
			since := time.Now()
			programtest.Until(t, "the old version goes on", 4*time.Second, func() bool { r, _ := m.Latest(checks[7]); return r.Started.After(since) })
			if r, _ := m.Latest(checks[7]); r.Version != "1.3.0" || !r.Succeeded {
				t.Errorf("beside a broken save: %+v", r)
			}
		}
		goesOn()
		m.End(syscall.SIGKILL)
		m.Start()
		goesOn()
	})
	t.Run("deleted and restored", func(t *testing.T) {
		m.Save("every.lua", programtest.EveryField("1.4.0"))
		m.AwaitPlugin("every", "1.4.0")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		programtest.Until(t, "orphaned", 3*time.Second, func() bool { p, _ := m.Plugin("every"); return p.State == "orphaned" })
		orphan := func() {
			t.Helper()
			since := time.Now()
			programtest.Until(t, "a result of an orphan", 4*time.Second, func() bool { r, _ := m.Latest(checks[1]); return r.Started.After(since) })
			if r, _ := m.Latest(checks[1]); !r.Unknown || r.Cause != "plugin_gone" || !strings.Contains(r.Error, "every.lua") {
				t.Errorf("without the file: %+v", r)
			}
			var c struct{ Config programtest.Object }
			m.API("GET", "/checks/"+checks[1], nil, &c)
			if c.Config["char"] != "x" || c.Config["integer"] != 9.0 {
				t.Errorf("the orphan's settings are %v", c.Config)
			}
		}
		orphan()
		m.End(syscall.SIGTERM)
		m.Start()
		orphan()
		m.Save("every.lua", programtest.EveryField("1.5.0"))
		m.AwaitPlugin("every", "1.5.0")
		programtest.Until(t, "it is back", 3*time.Second, func() bool {
			r, _ := m.Latest(checks[1])
			return r.Succeeded && r.Version == "1.5.0" && strings.HasSuffix(r.Message, " 9")
		})
	})
}

// editUnderLoad edits the file three times while a hundred checks run each
// second. It holds that no slot is lost, and that every run which started after
// a swap is the new version's.
func editUnderLoad(t *testing.T, m *programtest.Program, checks []string) {
	begin := time.Now()
	skipped := m.Figure("moonwatch_slots_skipped_total")
	var swaps []time.Time
	versions := []string{"1.0.0", "1.1.0", "1.2.0", "1.3.0"}
	for _, v := range versions[1:] {
		time.Sleep(1300 * time.Millisecond)
		m.Save("every.lua", programtest.EveryField(v))
		m.AwaitPlugin("every", v)
		swaps = append(swaps, time.Now())
	}
	time.Sleep(1500 * time.Millisecond)
	next := nextRuns(m)
	for _, id := range checks {
		results := m.Results(id, begin)
		slices.SortFunc(results, func(a, b programtest.ResultView) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
		if lost := lostSlots(next[id], results, begin, time.Now(), time.Second); len(lost) > 0 {
			t.Errorf("check %s has not one result in each of its slots: %v", id, lost)
		}
		for _, r := range results {
			least := 0
			for i, at := range swaps {
				if r.Started.After(at) {
					least = i + 1
				}
			}
			if i := slices.Index(versions, r.Version); i < least || !r.Succeeded {
				t.Errorf("a run at %v is of version %s, want at least %s: %+v", r.Started, r.Version, versions[least], r)
			}
		}
	}
	if now := m.Figure("moonwatch_slots_skipped_total"); now != skipped {
		t.Errorf("%v slots were skipped", now-skipped)
	}
}

// nextRuns tells when each check runs next: once it has run, a slot of its grid.
func nextRuns(m *programtest.Program) map[string]time.Time {
	m.T.Helper()
	var page struct {
		Items []struct {
			ID      string
			NextRun time.Time `json:"next_run"`
		}
		Next *string
	}
	m.API("GET", "/checks?ordering=next_run&limit=1000", nil, &page)
	if page.Next != nil {
		m.T.Fatal("there are more than 1,000 checks")
	}
	next := map[string]time.Time{}
	for _, c := range page.Items {
		next[c.ID] = c.NextRun
	}
	return next
}

// lostSlots are the slots of a check's grid between from and to that have not
// exactly one result. A slot that begins within an interval of either end may be
// missing. next is a slot after all results.
func lostSlots(next time.Time, results []programtest.ResultView, from, to time.Time, interval time.Duration) []time.Time {
	slot := func(at time.Time) int { // counted from next, so that all are below zero
		return -int((next.Sub(at) + interval - 1) / interval)
	}
	held := map[int]int{}
	for _, r := range results {
		held[slot(r.Started)]++
	}
	var lost []time.Time
	for n := slot(from.Add(interval)); n <= slot(to.Add(-interval)); n++ {
		if held[n] != 1 {
			lost = append(lost, next.Add(time.Duration(n)*interval))
		}
	}
	return lost
}
