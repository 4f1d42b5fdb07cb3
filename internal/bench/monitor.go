package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"moonwatch/internal/programtest"
)

// monitor is the program with an admin and the plugin quick, not started.
func (b *bench) monitor() *programtest.Program {
	m := programtest.New(b)
	m.Binary = b.binary
	m.Flags = []string{"--log-level", "warn"}
	m.Save("quick.lua", programtest.QuickCheck("1"))
	m.Admin()
	if b.profile != "" {
		m.Flags = append(m.Flags, "--debug-listen", programtest.FreeAddress(b))
	}
	return m
}

// serve starts a monitor, and returns how long it took to be ready. It may take
// longer than in a test.
func (b *bench) serve(m *programtest.Program) time.Duration {
	m.Launch()
	return programtest.Until(b, "ready", 10*time.Minute, func() bool {
		select {
		case <-m.Ended:
			b.Fatalf("the monitor ended: %v\n%s", m.Process.ProcessState, programtest.Tail(m.Output.String(), 2000))
		default:
		}
		status, _, err := m.Get("/readyz")
		return err == nil && status == 200
	})
}

// stop ends a monitor as its service manager would, and returns how long it took.
func (b *bench) stop(m *programtest.Program) time.Duration {
	begun := time.Now()
	m.Process.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-m.Ended:
	case <-time.After(5 * time.Minute):
		b.Errorf("the monitor did not end within 5 minutes")
		m.End(syscall.SIGKILL)
	}
	return time.Since(begun)
}

// restart stops and starts a monitor, and returns how long it took to be ready.
func (b *bench) restart(m *programtest.Program) time.Duration {
	b.stop(m)
	return b.serve(m)
}

// target starts the server that HTTP checks ask, and returns its URL.
func (b *bench) target() string {
	_, url := programtest.StartHelper(b, "target")
	return url
}

// checks makes checks over the API, and returns their ids.
func (b *bench) checks(m *programtest.Program, n int, plugin, interval string, config func(i int) programtest.Object) []string {
	begun, before := time.Now(), b.made
	b.made += n
	ids := make([]string, n)
	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				var c programtest.Made
				status, data, _ := m.Ask("POST", "/checks", programtest.Object{"name": fmt.Sprintf("%s %06d", plugin, before+i), "plugin": plugin,
					"config": config(i), "interval": interval, "timeout": "5s"})
				if err := json.Unmarshal(data, &c); err != nil || status != 201 {
					b.Errorf("make a check: %d %s %v", status, data, err)
					return
				}
				ids[i] = c.ID
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.Fatalf("checks could not be made")
	}
	b.Logf("%d checks of %s made in %v", n, interval, time.Since(begun).Round(time.Millisecond))
	return ids
}

// httpConfig is the configuration of HTTP checks of a URL.
func httpConfig(url string) func(int) programtest.Object {
	return func(int) programtest.Object { return programtest.Object{"endpoint": url} }
}

// quickConfig is the configuration of checks without I/O.
func quickConfig(i int) programtest.Object { return programtest.Object{"n": i + 1} }

// window is what a monitor did over a span of time.
type window struct {
	from, to      time.Time
	runs, skipped float64
	cpu           time.Duration
	rss           int64 // at the end
}

// window lets a monitor run for the length of a window, and takes profiles under
// the label when that is asked for.
func (b *bench) window(m *programtest.Program, label string) window {
	return b.windowOf(m, label, b.options.window())
}

func (b *bench) windowOf(m *programtest.Program, label string, length time.Duration) window {
	profiles := b.startProfiles(m, label, length)
	pid := m.Process.Process.Pid
	w := window{from: time.Now(), cpu: -b.cpu(pid), runs: -m.Figure("moonwatch_runs_started_total"), skipped: -m.Figure("moonwatch_slots_skipped_total")}
	time.Sleep(time.Until(w.from.Add(length)))
	w.to = time.Now()
	w.cpu += b.cpu(pid)
	w.runs += m.Figure("moonwatch_runs_started_total")
	w.skipped += m.Figure("moonwatch_slots_skipped_total")
	w.rss = m.Memory("VmRSS")
	profiles.Wait()
	return w
}

func (w *window) seconds() float64 { return w.to.Sub(w.from).Seconds() }

// perRun is the processor time of a run in milliseconds.
func (w *window) perRun() float64 { return ms(w.cpu) / max(w.runs, 1) }

// figures records what any window tells.
func (b *bench) figures(label string, w *window) {
	b.less(label+"CPU a check", w.perRun(), "ms")
	b.more(label+"runs", w.runs/w.seconds(), "/s")
	b.less(label+"slots skipped", w.skipped, "")
	b.less(label+"RSS", mb(w.rss), "MB")
}

// cpu is the processor time that a process has used, with its kernel part.
func (b *bench) cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatalf("the benchmark reads /proc: %v", err)
	}
	f := statFields(string(text))
	return ticks(f[11]) + ticks(f[12])
}

// statFields are the fields of /proc/PID/stat from the third on, the state: the
// name before it may hold anything.
func statFields(text string) []string {
	return strings.Fields(text[strings.LastIndexByte(text, ')')+2:])
}

// ticks reads a time that Linux counts in hundredths of a second.
func ticks(text string) time.Duration {
	n, _ := strconv.Atoi(text) // the kernel wrote it
	return time.Duration(n) * 10 * time.Millisecond
}
