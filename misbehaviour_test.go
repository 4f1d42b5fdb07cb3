package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// maxMemory is what the process may hold in bytes beside the corpus: what runs
// may by default (1 GiB), and a half of that for the rest and for garbage.
const maxMemory = 1500 << 20

// misbehaviour says how long the test is and how many good checks it has: a
// short form for a run of all tests; MOONWATCH_LONG_TESTS is a duration, 12s for
// that of the gate. From 30s, or 1, on a hostile visitor calls as well, and it is
// waited until the monitor has come to rest.
type misbehaviour struct {
	duration, interval time.Duration
	good               int
	long               bool
}

func howMuchMisbehaviour(t *testing.T) misbehaviour {
	text := os.Getenv("MOONWATCH_LONG_TESTS")
	const long = 30 * time.Second
	d, err := time.ParseDuration(text)
	switch {
	case text == "":
		return misbehaviour{5 * time.Second, 2 * time.Second, 100, false}
	case text == "1":
		d = long
	case err != nil:
		t.Fatalf("MOONWATCH_LONG_TESTS is %q, want 1 or a duration", text)
	}
	if d < long {
		return misbehaviour{d, 2 * time.Second, 200, false}
	}
	return misbehaviour{d, 5 * time.Second, 1000, true}
}

// TestMisbehaviour runs the corpus of bad plugins at once beside good checks,
// while their views are called: good checks keep every slot, bad runs end in
// time and with a reason, and memory stays bounded; in the long form it comes
// back, and no connection stays. Under the race detector, which multiplies times
// and memory, it holds only how runs end.
func TestMisbehaviour(t *testing.T) {
	how := howMuchMisbehaviour(t)
	targets := hostileTargets(t)
	m := programtest.New(t)
	m.Flags = []string{"--log-level", "error"}
	m.Save("good.lua", programtest.GoodCheck)
	saveAll(m, "1", func(string) string { return "" })
	m.Admin()
	m.Start()
	fine := programtest.NewReceiver(t)
	var good, bad []string
	for i := range how.good {
		config := programtest.Object{}
		if i%2 == 0 {
			config["address"] = fine.URL
		}
		good = append(good, m.Check(fmt.Sprint("good ", i), "good", config, programtest.Object{"interval": how.interval.String()}))
	}
	for i := range badPlugins() {
		bad = append(bad, m.Check(fmt.Sprint("bad ", i), fmt.Sprint("bad", i), programtest.Object{}, programtest.Object{"timeout": "2s", "interval": "2s"}))
	}
	sockets := sockets(m)
	saveAll(m, "2", targets.Replace) // they turn bad all at once
	begin, before := time.Now(), processorTime(m)
	ctx, leave := context.WithCancel(t.Context())
	var visitors sync.WaitGroup
	visitors.Go(func() { callViews(m, ctx) })
	if how.long {
		visitors.Go(func() { hostileVisitor(ctx, t, "http://"+m.Address) })
	}
	most, stall, saved := int64(0), time.Duration(0), time.Now()
	var machine slowness
	for time.Since(begin) < how.duration {
		most = max(most, m.Memory("VmRSS"))
		asleep := time.Now()
		time.Sleep(20 * time.Millisecond)
		stall = max(stall, time.Since(asleep)-20*time.Millisecond)
		machine.take()
		if time.Since(saved) > 2*time.Minute { // a file that changes gives a suspended plugin another chance
			saved = time.Now()
			saveAll(m, "2", func(s string) string { return targets.Replace(s) + " -- " + saved.String() })
		}
	}
	end := time.Now()
	leave()
	visitors.Wait()
	slots := nextRuns(m)
	others := shareOfOthers(m, before)
	most = max(most, m.Memory("VmHWM"))
	if how.long {
		comesToRest(m, bad, sockets)
	}
	// What they left is read from a monitor that is at rest.
	if code := m.End(syscall.SIGTERM); code != 0 {
		t.Errorf("ended with %d beside bad plugins", code)
	}
	for i := range badPlugins() {
		os.Remove(filepath.Join(m.Plugins, fmt.Sprintf("bad%d.lua", i)))
	}
	m.Start()
	if most > maxMemory && !programtest.RaceEnabled {
		t.Errorf("it held %d MB, want less than %d", most>>20, int64(maxMemory)>>20)
	}
	lost, late := goodSlots(t, m, good, slots, begin, end, how.interval)
	// On a machine so busy with other things that it holds up even this test, which
	// only sleeps, for half of an interval, a run may begin when its slot is over.
	spared := 0
	if stall > how.interval/2 {
		spared = len(good) / 2
	}
	if lost > spared && !programtest.RaceEnabled {
		t.Errorf("%d slots of good checks were lost, want %d at most", lost, spared)
	}
	slowdown := machine.slowdown() / (1 - min(others, 0.9))
	spare := time.Duration(slowdown * float64(time.Second+2*stall))
	if programtest.RaceEnabled {
		spare = time.Minute
	}
	runs, idle, overdue := badEnds(t, m, bad, end, spare)
	if idle > len(bad)/3 && slowdown < 3 {
		t.Errorf("of %d bad checks no run ended", idle)
	}
	t.Logf("%d runs of %d bad checks, none of %d, at most %v overdue; %d good ones at most %v late; %d MB at most; the machine held this test up by %v and slowed it %.1f times, others took %.0f %% of it",
		runs, len(bad), idle, overdue.Round(time.Millisecond), len(good), late.Round(time.Millisecond), most>>20, stall.Round(time.Millisecond), machine.slowdown(), 100*others)
}

// slowness measures how slowly the machine computes beside what else it does.
type slowness struct {
	least, sum time.Duration
	n          int
}

// take measures some work that takes a fraction of a millisecond alone.
func (p *slowness) take() {
	block, begun := make([]byte, 64<<10), time.Now()
	for range 4 {
		sha256.Sum256(block)
	}
	took := time.Since(begun)
	if p.n++; p.n == 1 || took < p.least {
		p.least = took
	}
	p.sum += took
}

// slowdown is how many times as long the work took as at its best.
func (p *slowness) slowdown() float64 {
	return float64(p.sum) / float64(max(p.n, 1)) / float64(max(p.least, 1))
}

// processors is a reading of the processor time, in ticks, that the machine has
// had, that was used by anybody, and that the monitor and this test have used.
type processors struct{ all, used, ours float64 }

// processorTime reads proc(5); it is zero where there is none.
func processorTime(m *programtest.Program) (p processors) {
	total, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(total), "\n")
	for i, field := range strings.Fields(strings.TrimPrefix(line, "cpu ")) {
		ticks, _ := strconv.ParseFloat(field, 64)
		if i > 7 { // guests are counted as users, too
			break
		}
		p.all += ticks
		if i != 3 && i != 4 { // idle, iowait
			p.used += ticks
		}
	}
	for _, pid := range []int{os.Getpid(), m.Process.Process.Pid} {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 12 {
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			p.ours += user + system
		}
	}
	return p
}

// shareOfOthers is the share of the machine, 0 to 1, that neither the monitor nor
// this test has used since a reading.
func shareOfOthers(m *programtest.Program, since processors) float64 {
	now := processorTime(m)
	if now.all <= since.all {
		return 0
	}
	return max(0, (now.used-since.used)-(now.ours-since.ours)) / (now.all - since.all)
}

// badPlugin is one of the corpus: what its file says beside its name, and what the
// error of its runs says; "" for one whose second version does not load.
type badPlugin struct{ name, run, file, want string }

func badPlugins() []badPlugin {
	var all []badPlugin
	for _, b := range badRuns {
		all = append(all, badPlugin{b.name, b.body, "", b.want})
	}
	for _, b := range badOutside {
		all = append(all, badPlugin{b.name, fmt.Sprintf("error(%q)", b.name), b.source, regexp.QuoteMeta(b.name)})
	}
	for _, b := range badLoads {
		all = append(all, badPlugin{b.name, "error()", b.source, ""})
	}
	return all
}

// saveAll writes all bad plugins in a version: the first is good, and of the
// others what they do is changed by change.
func saveAll(m *programtest.Program, version string, change func(string) string) {
	for i, bad := range badPlugins() {
		run, file := "result.succeeded = true return result", ""
		if version != "1" {
			run, file = change(bad.run), change(bad.file)
		}
		m.Save(fmt.Sprintf("bad%d.lua", i), fmt.Sprintf("local P = { name = %q, slug = \"bad%d\", version = %q }\nfunction P:run(check, result)\n%s\nend\n%s\nreturn P\n",
			bad.name, i, version, run, file))
	}
}

// callViews calls the public views of bad plugins until ctx ends, eight at a time.
func callViews(m *programtest.Program, ctx context.Context) {
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				i := len(badRuns) + n%len(badOutside)
				within, cancel := context.WithTimeout(ctx, time.Second)
				r, _ := http.NewRequestWithContext(within, "GET", fmt.Sprintf("http://%s/plugins/bad%d/hook", m.Address, i), nil)
				if answer, err := programtest.Client.Do(r); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				cancel()
			}
		})
	}
	callers.Wait()
}

// sockets is how many sockets the process has open, 0 where there is no /proc.
func sockets(m *programtest.Program) (n int) {
	dir := fmt.Sprintf("/proc/%d/fd", m.Process.Process.Pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// comesToRest lets the bad checks run no more and holds that memory and connections
// are back soon.
func comesToRest(m *programtest.Program, bad []string, before int) {
	for _, id := range bad {
		m.API("PATCH", "/checks/"+id, programtest.Object{"active": false}, nil)
	}
	took := programtest.Until(m.T, "connections and memory back", 3*time.Minute, func() bool {
		return programtest.RaceEnabled || sockets(m) <= before+20 && m.Memory("VmRSS") < 500<<20
	})
	m.T.Logf("after %v without bad checks it has %d sockets (%d before) and %d MB", took.Round(time.Second), sockets(m), before, m.Memory("VmRSS")>>20)
}

// goodSlots counts the slots that good checks lost, and how late one was at
// most. next has a slot of each check.
func goodSlots(t *testing.T, m *programtest.Program, good []string, next map[string]time.Time, begin, end time.Time, interval time.Duration) (lost int, late time.Duration) {
	for _, id := range good {
		results := m.Results(id, begin)
		slices.SortFunc(results, func(a, b programtest.ResultView) int { return cmp.Compare(a.Started.UnixNano(), b.Started.UnixNano()) })
		results = slices.DeleteFunc(results, func(r programtest.ResultView) bool { return r.Started.After(end) })
		lost += len(lostSlots(next[id], results, begin, end, interval))
		for i, r := range results {
			if !r.Succeeded {
				t.Errorf("a good check beside bad ones: %+v", r)
			}
			if i > 0 {
				late = max(late, r.Started.Sub(results[i-1].Started)-interval)
			}
		}
	}
	return lost, late
}

// badEnds holds that each run of a bad check ended in time and with its reason,
// and that one whose second version does not load goes on with its first. idle is
// how many had no run: those that get no turn are skipped.
func badEnds(t *testing.T, m *programtest.Program, bad []string, end time.Time, spare time.Duration) (runs, idle int, overdue time.Duration) {
	for i, how := range badPlugins() {
		ended := 0
		for _, r := range m.Results(bad[i], time.Time{}) {
			if r.Started.After(end) || r.Version == "" { // suspended ones have no version
				continue
			}
			if how.want == "" {
				if ended++; !r.Succeeded || r.Version != "1" {
					t.Errorf("%s: ended with %q in version %s, want the version before", how.name, r.Error, r.Version)
					break
				}
				continue
			}
			if r.Version != "2" {
				continue
			}
			ended++
			allTogether := strings.HasPrefix(r.Error, "stopped: too much memory: all runs together held ")
			lateTurn := strings.HasPrefix(r.Error, "timed out after 2s") && r.Took < 1.8
			timed := strings.HasPrefix(r.Error, "timed out")
			// Beside others on the same processors an answer may be worked on for two seconds.
			lateAnswer := timed && strings.HasPrefix(how.name, "target ")
			if r.Succeeded || !allTogether && !lateTurn && !lateAnswer && !regexp.MustCompile(how.want).MatchString(r.Error) {
				t.Errorf("%s: ended with %q after %.2f s, want %q", how.name, programtest.Tail(r.Error, 300), r.Took, how.want)
				break
			}
			over := time.Duration((r.Took - 2) * float64(time.Second))
			if overdue = max(overdue, over); over > spare {
				t.Errorf("%s: took %.2f s of 2", how.name, r.Took)
			}
			if timed && r.Unknown {
				t.Errorf("%s: a run ended at its deadline is unknown: %q", how.name, r.Error)
			}
		}
		if ended == 0 {
			idle++
		}
		runs += ended
	}
	return runs, idle, overdue
}
