package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRunsStayWithinTheMemory has a hundred and fifty checks that hold 15 MB and
// wait, 2.2 GB in all, beside two hundred good ones under --memory 512MiB: the
// process stays near that, the good checks keep every slot, and when the heavy
// ones are gone the memory is back. Those that were known to be heavy when they
// were to begin wait for their turn, or are skipped; the others are ended.
func TestRunsStayWithinTheMemory(t *testing.T) {
	m := newMonitor(t)
	m.flags = []string{"--memory", "512MiB", "--log-level", "warn"}
	m.save("good.lua", goodRun)
	m.save("sleeper.lua", `local P = { name = "Sleeper", slug = "sleeper", version = "1" }
function P:run(check, result)
  local held = ("x"):rep(983040) local all = {}
  for i = 1, 16 do all[i] = held .. i end
  require("time").sleep(4)
  result.succeeded = #all == 16
  return result
end
return P
`)
	m.admin()
	m.start()
	var good, heavy []string
	for i := range 200 {
		good = append(good, m.check(fmt.Sprint("good ", i), "good", object{}, nil))
	}
	for i := range 150 {
		heavy = append(heavy, m.check(fmt.Sprint("heavy ", i), "sleeper", object{}, object{"timeout": "5s", "interval": "5s"}))
	}
	begin, most := time.Now(), int64(0)
	for time.Since(begin) < 8*time.Second {
		most = max(most, m.memory("VmRSS"))
		time.Sleep(20 * time.Millisecond)
	}
	end := time.Now()
	slots := map[string]time.Time{}
	for _, id := range good {
		slots[id] = m.nextRun(id)
	}
	limit, ended, skipped := m.figure("moonwatch_runs_memory_limit_bytes"), m.figure("moonwatch_runs_ended_for_memory_total"), m.figure("moonwatch_slots_skipped_total")
	if limit != 384<<20 {
		t.Errorf("runs may hold %v bytes, want three quarters of 512 MiB", limit)
	}
	if ended+skipped == 0 {
		t.Error("no heavy run was ended, and no slot skipped")
	}
	passed, stopped := 0, 0
	for _, id := range heavy {
		for _, r := range m.results(id, time.Time{}) {
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
	if lost, _ := goodSlots(t, m, slots, begin.Add(time.Second), end, time.Second); lost > 0 && !raceEnabled {
		t.Errorf("good checks lost %d slots", lost)
	}
	if most > 640<<20 && !raceEnabled {
		t.Errorf("it held %d MB", most>>20)
	}
	for _, id := range heavy {
		m.api("DELETE", "/checks/"+id, nil, nil)
	}
	back := until(t, "the memory back", 30*time.Second, func() bool { return m.memory("VmRSS") < 300<<20 || raceEnabled })
	t.Logf("%d MB at most, back after %v; of the heavy runs %d passed, %d were ended (%v in all), %v slots were skipped", most>>20, back, passed, stopped, ended, skipped)
}
