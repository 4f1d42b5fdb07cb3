package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// The benchmark of the whole program takes minutes and the machine for itself:
//
//	MOONWATCH_BENCH=1 go test -run TestBenchmark -v -timeout 60m .
//
// MOONWATCH_BENCH may name the parts that are to be run: http, runs, memory, alert, reload.

// needBench skips unless a part of the benchmark is asked for.
func needBench(t *testing.T, part string) {
	parts := os.Getenv("MOONWATCH_BENCH")
	if parts == "" {
		t.Skip("set MOONWATCH_BENCH=1 to run the benchmark")
	}
	if parts != "1" && !slices.Contains(strings.Split(parts, ","), part) {
		t.Skip("not asked for")
	}
}

// benchMonitor is the real binary, with an admin, not started.
func benchMonitor(t *testing.T) *programtest.Program {
	t.Helper()
	m := programtest.New(t)
	m.Binary = filepath.Join(m.Dir, "moonwatch")
	if out, err := exec.Command("go", "build", "-o", m.Binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	m.Flags = []string{"--log-level", "warn"}
	m.Save("quick.lua", programtest.QuickCheck("1"))
	m.Admin()
	return m
}

// checks makes many checks, and returns their ids.
func checks(m *programtest.Program, n int, plugin, interval string, config func(i int) programtest.Object) []string {
	m.T.Helper()
	ids := make([]string, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				var c programtest.Made
				status, data, _ := m.Ask("POST", "/checks", programtest.Object{"name": fmt.Sprintf("%s %06d of %d", plugin, i, n), "plugin": plugin,
					"config": config(i), "interval": interval, "timeout": "5s"})
				if err := json.Unmarshal(data, &c); err != nil || status != 201 {
					m.T.Errorf("make a check: %d %s %v", status, data, err)
					return
				}
				ids[i] = c.ID
			}
		}()
	}
	wg.Wait()
	return ids
}

// cpu is the processor time that a process has used, with its kernel part.
func cpu(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("the benchmark reads /proc: %v", err)
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // Linux counts in hundredths everywhere
}

// TestBenchmarkHTTP compares an HTTP check, durable and all, with the paced
// floor at the same rate, one after the other and twice.
func TestBenchmarkHTTP(t *testing.T) {
	needBench(t, "http")
	const window = 10 * time.Second
	for _, rate := range []int{1000, 4000, 10_000, 12_000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			m := benchMonitor(t)
			_, url := programtest.StartHelper(t, "target")
			m.Start()
			begun := time.Now()
			ids := checks(m, rate, "http", "1s", func(int) programtest.Object { return programtest.Object{"endpoint": url} })
			t.Logf("%d checks made in %v", rate, time.Since(begun).Round(time.Millisecond))
			for range 2 {
				time.Sleep(2 * time.Second)
				from, used, started, skipped := time.Now(), cpu(t, m.Process.Process.Pid), m.Figure("moonwatch_runs_started_total"), m.Figure("moonwatch_slots_skipped_total")
				time.Sleep(window)
				to := time.Now()
				ours := cpu(t, m.Process.Process.Pid) - used
				runs := m.Figure("moonwatch_runs_started_total") - started
				lost := m.Figure("moonwatch_slots_skipped_total") - skipped
				rss := m.Memory("VmRSS")
				gaps, stored := punctuality(m, ids, from, to)
				m.End(syscall.SIGTERM)

				floor, _ := programtest.StartHelper(t, fmt.Sprintf("pace %d %s", rate, url))
				time.Sleep(2 * time.Second)
				used = cpu(t, floor.Process.Pid)
				time.Sleep(window)
				theirs := cpu(t, floor.Process.Pid) - used
				floor.Process.Kill()

				perRun, perTurn := ours.Seconds()*1000/runs, theirs.Seconds()*1000/(float64(rate)*window.Seconds())
				t.Logf("%d/s: %.4f ms CPU a check, floor %.4f ms, ratio %.2f; %.0f runs, %.0f skipped, %.2f results a slot of the sample; gap minus interval p50 %v p99 %v max %v; %d MB",
					rate, perRun, perTurn, perRun/perTurn, runs, lost, stored, at(gaps, 50), at(gaps, 99), at(gaps, 100), rss>>20)
				m.Start()
			}
			m.End(syscall.SIGTERM)
			settle(t, m)
		})
	}
}

// settle says what the data folder's tables hold in bytes.
func settle(t *testing.T, m *programtest.Program) {
	t.Helper()
	var tables, rest int64
	err := filepath.Walk(m.Data, func(path string, info os.FileInfo, err error) error {
		if err == nil && filepath.Ext(path) == ".sst" {
			tables += info.Size()
		} else if err == nil && !info.IsDir() {
			var st syscall.Stat_t
			if syscall.Stat(path, &st) == nil {
				rest += st.Blocks * 512
			}
		}
		return err
	})
	t.Logf("data folder: %d KB of tables, %d KB besides (%v)", tables>>10, rest>>10, err)
}

// punctuality reads the results of a sample of checks. It returns how far apart
// from the interval two starts in a row were, sorted, and results per slot.
func punctuality(m *programtest.Program, ids []string, from, to time.Time) ([]time.Duration, float64) {
	var gaps []time.Duration
	results, sample, failed, why := 0, 0, 0, ""
	for i := 0; i < len(ids); i += max(len(ids)/200, 1) {
		list := m.Results(ids[i], from)
		list = slices.DeleteFunc(list, func(r programtest.ResultView) bool { return r.Started.After(to) })
		for k := range len(list) - 1 {
			gaps = append(gaps, (list[k].Started.Sub(list[k+1].Started) - time.Second).Abs())
		}
		for _, r := range list {
			if !r.Succeeded {
				failed, why = failed+1, r.Error
			}
		}
		results += len(list)
		sample++
	}
	if failed > 0 {
		m.T.Errorf("%d runs of the sample failed, the last with %q", failed, why)
	}
	slices.Sort(gaps)
	return gaps, float64(results) / float64(sample) / to.Sub(from).Seconds()
}

// at is a percentile of a sorted list.
func at(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)].Round(10 * time.Microsecond)
}

// TestBenchmarkRuns has the binary make checks without I/O, at rising rates.
func TestBenchmarkRuns(t *testing.T) {
	needBench(t, "runs")
	m := benchMonitor(t)
	m.Start()
	var ids []string
	for _, rate := range []int{10_000, 25_000, 50_000} {
		begun := time.Now()
		n := len(ids)
		ids = append(ids, checks(m, rate-n, "quick", "1s", func(i int) programtest.Object { return programtest.Object{"n": i + n + 1} })...)
		made := time.Since(begun)
		time.Sleep(3 * time.Second)
		from, used := time.Now(), cpu(t, m.Process.Process.Pid)
		started, skipped := m.Figure("moonwatch_runs_started_total"), m.Figure("moonwatch_slots_skipped_total")
		time.Sleep(10 * time.Second)
		to := time.Now()
		used = cpu(t, m.Process.Process.Pid) - used
		runs, lost := m.Figure("moonwatch_runs_started_total")-started, m.Figure("moonwatch_slots_skipped_total")-skipped
		gaps, stored := punctuality(m, ids, from, to)
		t.Logf("%d/s without I/O: %.0f runs/s, %.0f skipped, %.4f ms CPU a run, %.3f results a slot of the sample; gap p50 %v p99 %v; %d MB (made in %v)", rate,
			runs/to.Sub(from).Seconds(), lost, used.Seconds()*1000/runs, stored, at(gaps, 50), at(gaps, 99), m.Memory("VmRSS")>>20, made.Round(time.Millisecond))
	}
	m.End(syscall.SIGTERM)
	settle(t, m)
}

// TestBenchmarkMemory takes the memory of an idle monitor, with 10,000 and with
// 100,000 checks a minute, and how long it takes to start with them.
func TestBenchmarkMemory(t *testing.T) {
	needBench(t, "memory")
	m := benchMonitor(t)
	m.Start()
	time.Sleep(15 * time.Second)
	t.Logf("idle: %d MB", m.Memory("VmRSS")>>20)
	_, url := programtest.StartHelper(t, "target")
	total := 0
	for _, n := range []int{10_000, 100_000} {
		kind, config := "http", func(int) programtest.Object { return programtest.Object{"endpoint": url} }
		if n == 100_000 {
			kind, config = "quick", func(i int) programtest.Object { return programtest.Object{"n": i + 1} }
		}
		begun := time.Now()
		checks(m, n-total, kind, "1m", config)
		t.Logf("%d checks made in %v", n-total, time.Since(begun).Round(time.Millisecond))
		total = n
		time.Sleep(65 * time.Second)
		grown := m.Memory("VmRSS")
		begun = time.Now()
		m.End(syscall.SIGTERM)
		stopped := time.Since(begun)
		begun = time.Now()
		m.Start()
		started := time.Since(begun)
		time.Sleep(65 * time.Second)
		t.Logf("%d checks: %d MB after they were made, %d MB a minute after a start (%d MB at most); stopped in %v, ready in %v; %.0f skipped", n, grown>>20,
			m.Memory("VmRSS")>>20, m.Memory("VmHWM")>>20, stopped.Round(time.Millisecond), started.Round(time.Millisecond), m.Figure("moonwatch_slots_skipped_total"))
	}
}

// TestBenchmarkAlert takes the time from the target's failing answer to the
// receiver's first byte.
func TestBenchmarkAlert(t *testing.T) {
	needBench(t, "alert")
	m := benchMonitor(t)
	m.Start()
	target, hooks := programtest.NewReceiver(t), programtest.NewReceiver(t)
	var took []time.Duration
	for round := range 30 { // each with a check of its own: one that flaps is not told of again
		path := fmt.Sprint("/", round)
		check := m.Check("page "+path, "http", programtest.Object{"endpoint": target.URL + path}, nil)
		service := m.Service("Site "+path, []string{check}, programtest.Object{"alerts": []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": hooks.URL + path}}}})
		programtest.Until(t, "passing", 5*time.Second, func() bool { r, ok := m.Latest(check); return ok && r.Succeeded })
		var failed atomic.Int64
		target.Answering(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == path {
				failed.CompareAndSwap(0, time.Now().UnixNano())
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		programtest.Until(t, "firing", 5*time.Second, func() bool { return len(hooks.At(path)) > 0 })
		took = append(took, hooks.At(path)[0].At.Sub(time.Unix(0, failed.Load())))
		m.API("DELETE", "/services/"+service, nil, nil)
		m.API("DELETE", "/checks/"+check, nil, nil)
	}
	slices.Sort(took)
	t.Logf("failure to the receiver's first byte: p50 %v p99 %v", at(took, 50), at(took, 99))
}

// TestBenchmarkReload takes the time from the save of a plugin to its being live.
func TestBenchmarkReload(t *testing.T) {
	needBench(t, "reload")
	m := benchMonitor(t)
	m.Start()
	m.AwaitPlugin("quick", "1")
	checks(m, 1000, "quick", "1s", func(int) programtest.Object { return programtest.Object{} })
	time.Sleep(time.Second)
	skipped := m.Figure("moonwatch_slots_skipped_total")
	var took []time.Duration
	for i := range 20 {
		saved := time.Now()
		version := fmt.Sprint(i + 2)
		m.Save("quick.lua", programtest.QuickCheck(version))
		m.AwaitPlugin("quick", version)
		took = append(took, time.Since(saved))
		time.Sleep(time.Duration(37*i%200) * time.Millisecond)
	}
	slices.Sort(took)
	t.Logf("save to live, beside 1,000 runs/s: p50 %v p99 %v; %.0f slots skipped", at(took, 50), at(took, 99), m.Figure("moonwatch_slots_skipped_total")-skipped)
}
