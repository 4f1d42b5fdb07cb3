package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// everyField is a check plugin with one field of every type, and its run tells
// what Lua sees of them.
const everyField = `local forms = require "forms"
local Every = {
  name = "Every", slug = "every", version = "VERSION",
  config_form = {
    forms.CharField{ "char", max_length = 20 },
    forms.IntegerField{ "integer", initial = 3, min_value = 1, max_value = 9 },
    forms.FloatField{ "float", initial = 0.5 },
    forms.BooleanField{ "boolean", initial = true },
    forms.ChoiceField{ "choice", choices = { { "a", "A" }, { "b", "B" } }, initial = "b" },
    forms.MultipleChoiceField{ "several", choices = { { "a", "A" }, { "b", "B" } }, required = false },
    forms.URLField{ "address", required = false },
    forms.EmailField{ "email", required = false },
    forms.SlugField{ "short", initial = "a-slug" },
    forms.RegexField{ "code", regex = "^[0-9]+$", initial = "42" },
    forms.PatternField{ "pattern", required = false },
    forms.GenericIPAddressField{ "ip", initial = "::1" },
    forms.HostField{ "host", initial = "localhost" },
    forms.PortField{ "port", initial = 8080 },
    forms.DurationField{ "patience", initial = "1m30s" },
    forms.DateTimeField{ "since", required = false },
    forms.JSONField{ "json", required = false },
    forms.KeyValueField{ "headers", required = false },
    forms.ListField{ "rows", fields = { forms.CharField{ "label" }, forms.IntegerField{ "n", initial = 7 } }, required = false },
    forms.CharField{ "secret", widget = forms.PasswordInput, required = false },
  },
}
function Every:run(check, result)
  result.message = table.concat({ check.char, check.integer, check.float, tostring(check.boolean), check.choice, #check.several,
    check.address, check.short, check.code, check.ip, check.host, check.port, check.patience, tostring(check.since),
    check.json and check.json.a or "none", check.headers["x-one"] or "none", #check.rows, check.rows[1] and check.rows[1].n or 0, #check.secret }, " ")
  result.succeeded = true
  return result
end
return Every
`

func everyVersion(v string) string { return strings.Replace(everyField, "VERSION", v, 1) }

// TestPluginLife is a plugin's life beside the running monitor: saved, used,
// edited under load, broken, broken over a crash, deleted and restored.
func TestPluginLife(t *testing.T) {
	m := servingMonitor(t)
	path := m.save("every.lua", everyVersion("1.0.0"))
	took := m.awaitPlugin("every", "1.0.0")
	t.Logf("in the list %v after its save", took.Round(time.Millisecond))
	if took > time.Second {
		t.Errorf("in the list after %v, want a second at most", took)
	}
	if p, _ := m.plugin("every"); len(p.Forms["config_form"]["properties"].(object)) != 20 {
		t.Errorf("the schema has %d fields, want 20", len(p.Forms["config_form"]["properties"].(object)))
	}
	full := object{"char": "x", "integer": 9, "float": 1.5, "boolean": false, "choice": "a", "several": []string{"a", "b"}, "address": "http://example.org/",
		"email": "ada@example.org", "short": "s", "code": "7", "pattern": "a+", "ip": "10.0.0.1", "host": "example.org", "port": 1, "patience": "2s",
		"since": "2026-01-05T09:00:00Z", "json": object{"a": 5}, "headers": object{"X-One": "1"}, "rows": []object{{"label": "l"}}, "secret": "hush-hush"}
	checks := []string{m.check("plain", "every", object{"char": "x"}, nil), m.check("full", "every", full, nil)}
	for i, want := range []string{
		"x 3 0.5 true b 0  a-slug 42 ::1 localhost 8080 90 nil none none 0 0 0",
		"x 9 1.5 false a 2 http://example.org/ s 7 10.0.0.1 example.org 1 2 1767603600 5 1 1 7 9",
	} {
		until(t, "a first result", 3*time.Second, func() bool { _, ok := m.latest(checks[i]); return ok })
		if r, _ := m.latest(checks[i]); r.Message != want || !r.Succeeded {
			t.Errorf("Lua saw\n%s %s\nwant\n%s", r.Message, r.Error, want)
		}
	}
	for i := len(checks); i < 100; i++ {
		checks = append(checks, m.check(fmt.Sprint("load ", i), "every", object{"char": "x"}, nil))
	}
	t.Run("edited under load", func(t *testing.T) { editUnderLoad(t, m, checks) })
	t.Run("broken save", func(t *testing.T) {
		m.save("every.lua", everyVersion("9.9.9")+"\nend\n")
		line := strings.Count(everyField, "\n") + 2
		goesOn := func() {
			t.Helper()
			until(t, "the broken save is shown", 3*time.Second, func() bool { p, _ := m.plugin("every"); return p.State == "failed" })
			p, _ := m.plugin("every")
			if p.Error == nil || !strings.HasSuffix(p.Error.File, "every.lua") || p.Error.Line != line || p.RunningVersion != "1.3.0" {
				t.Errorf("the API gives %+v of version %s, want every.lua:%d and 1.3.0", p.Error, p.RunningVersion, line)
			}
			since := time.Now()
			until(t, "the old version goes on", 4*time.Second, func() bool { r, _ := m.latest(checks[7]); return r.Started.After(since) })
			if r, _ := m.latest(checks[7]); r.Version != "1.3.0" || !r.Succeeded {
				t.Errorf("beside a broken save: %+v", r)
			}
		}
		goesOn()
		m.end(syscall.SIGKILL)
		m.start()
		goesOn()
	})
	t.Run("deleted and restored", func(t *testing.T) {
		m.save("every.lua", everyVersion("1.4.0"))
		m.awaitPlugin("every", "1.4.0")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		until(t, "orphaned", 3*time.Second, func() bool { p, _ := m.plugin("every"); return p.State == "orphaned" })
		orphan := func() {
			t.Helper()
			since := time.Now()
			until(t, "a result of an orphan", 4*time.Second, func() bool { r, _ := m.latest(checks[1]); return r.Started.After(since) })
			if r, _ := m.latest(checks[1]); !r.Unknown || r.Cause != "plugin_gone" || !strings.Contains(r.Error, "every.lua") {
				t.Errorf("without the file: %+v", r)
			}
			var c struct{ Config object }
			m.api("GET", "/checks/"+checks[1], nil, &c)
			if c.Config["char"] != "x" || c.Config["integer"] != 9.0 {
				t.Errorf("the orphan's settings are %v", c.Config)
			}
		}
		orphan()
		m.end(syscall.SIGTERM)
		m.start()
		orphan()
		m.save("every.lua", everyVersion("1.5.0"))
		m.awaitPlugin("every", "1.5.0")
		until(t, "it is back", 3*time.Second, func() bool {
			r, _ := m.latest(checks[1])
			return r.Succeeded && r.Version == "1.5.0" && strings.HasSuffix(r.Message, " 9")
		})
	})
}

// editUnderLoad edits the file three times while a hundred checks run each
// second. It holds that no slot is lost, and that every run which started after
// a swap is the new version's.
func editUnderLoad(t *testing.T, m *program, checks []string) {
	begin := time.Now()
	skipped := m.figure("moonwatch_slots_skipped_total")
	var swaps []time.Time
	versions := []string{"1.0.0", "1.1.0", "1.2.0", "1.3.0"}
	for _, v := range versions[1:] {
		time.Sleep(1300 * time.Millisecond)
		m.save("every.lua", everyVersion(v))
		m.awaitPlugin("every", v)
		swaps = append(swaps, time.Now())
	}
	time.Sleep(1500 * time.Millisecond)
	for _, id := range checks {
		results := m.results(id, begin)
		slices.SortFunc(results, func(a, b resultView) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
		if lost := lostSlots(m.nextRun(id), results, begin, time.Now(), time.Second); len(lost) > 0 {
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
	if now := m.figure("moonwatch_slots_skipped_total"); now != skipped {
		t.Errorf("%v slots were skipped", now-skipped)
	}
}

// nextRun is when a check runs next: once it has run, a slot of its grid.
func (m *program) nextRun(id string) time.Time {
	m.t.Helper()
	var c struct {
		NextRun time.Time `json:"next_run"`
	}
	m.api("GET", "/checks/"+id, nil, &c)
	return c.NextRun
}

// lostSlots are the slots of a check's grid between from and to that have not
// exactly one result. A slot that begins within an interval of either end may be
// missing. next is a slot after all results.
func lostSlots(next time.Time, results []resultView, from, to time.Time, interval time.Duration) []time.Time {
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
