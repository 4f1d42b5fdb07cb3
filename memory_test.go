package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestRunsStayWithinTheMemory has a hundred and fifty checks that hold 15 MB and
// wait, 2.2 GB in all, beside two hundred good ones under --memory 512MiB: the
// process stays near that, the good checks keep every slot, and when the heavy
// ones are gone the memory is back. Those that were known to be heavy when they
// were to begin wait for their turn, or are skipped; the others are ended.
func TestRunsStayWithinTheMemory(t *testing.T) {
	m := programtest.New(t)
	m.Flags = []string{"--memory", "512MiB", "--log-level", "warn"}
	m.Save("good.lua", programtest.GoodCheck)
	m.Save("sleeper.lua", `local P = { name = "Sleeper", slug = "sleeper", version = "1" }
function P:run(check, result)
  local held = ("x"):rep(983040) local all = {}
  for i = 1, 16 do all[i] = held .. i end
  require("time").sleep(4)
  result.succeeded = #all == 16
  return result
end
return P
`)
	m.Admin()
	m.Start()
	var good, heavy []string
	for i := range 200 {
		good = append(good, m.Check(fmt.Sprint("good ", i), "good", programtest.Object{}, nil))
	}
	for i := range 150 {
		heavy = append(heavy, m.Check(fmt.Sprint("heavy ", i), "sleeper", programtest.Object{}, programtest.Object{"timeout": "5s", "interval": "5s"}))
	}
	begin, most := time.Now(), int64(0)
	for time.Since(begin) < 8*time.Second {
		most = max(most, m.Memory("VmRSS"))
		time.Sleep(20 * time.Millisecond)
	}
	end := time.Now()
	slots := nextRuns(m)
	limit, ended, skipped := m.Figure("moonwatch_runs_memory_limit_bytes"), m.Figure("moonwatch_runs_ended_for_memory_total"), m.Figure("moonwatch_slots_skipped_total")
	if limit != 384<<20 {
		t.Errorf("runs may hold %v bytes, want three quarters of 512 MiB", limit)
	}
	if ended+skipped == 0 {
		t.Error("no heavy run was ended, and no slot skipped")
	}
	for _, id := range heavy {
		m.API("PATCH", "/checks/"+id, programtest.Object{"active": false}, nil)
	}
	back := programtest.Until(t, "the memory back", 30*time.Second, func() bool { return m.Memory("VmRSS") < 300<<20 || programtest.RaceEnabled })
	passed, stopped := 0, 0
	for _, id := range heavy {
		for _, r := range m.Results(id, time.Time{}) {
			switch {
			case r.Succeeded:
				passed++
			case strings.HasPrefix(r.Error, "stopped: too much memory: all runs together held ") && r.Unknown:
				stopped++
			case !strings.HasPrefix(r.Error, "suspended") && !strings.HasPrefix(r.Error, "timed out"):
				t.Errorf("a heavy run ended with %q", r.Error)
			}
		}
	}
	if lost, _ := goodSlots(t, m, good, slots, begin.Add(time.Second), end, time.Second); lost > 0 && !programtest.RaceEnabled {
		t.Errorf("good checks lost %d slots", lost)
	}
	if most > 640<<20 && !programtest.RaceEnabled {
		t.Errorf("it held %d MB", most>>20)
	}
	t.Logf("%d MB at most, back after %v; of the heavy runs %d passed, %d were ended (%v in all), %v slots were skipped", most>>20, back, passed, stopped, ended, skipped)
}
