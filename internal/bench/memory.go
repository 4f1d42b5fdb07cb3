package main

import (
	"strings"
	"time"

	"moonwatch/internal/programtest"
)

// measureMemory takes what an idle monitor and three busy ones hold, right after
// their checks were made, some time later, and after a restart.
func measureMemory(b *bench) {
	m := b.monitor()
	b.serve(m)
	time.Sleep(15 * time.Second)
	b.less("idle", mb(m.Memory("VmRSS")), "MB")
	b.stop(m)

	url := b.target()
	for _, load := range []struct {
		label    string
		n        int
		plugin   string
		interval string
		later    time.Duration
		config   func(int) programtest.Object
	}{
		{"8,000 HTTP checks of 1 s", 8000, "http", "1s", b.options.window(), httpConfig(url)},
		{"25,000 plain of 1 s", 25_000, "quick", "1s", b.options.window(), quickConfig},
		{"100,000 plain of 1 min", 100_000, "quick", "1m", time.Minute, quickConfig},
	} {
		if !strings.Contains(load.label, b.options.only) {
			continue
		}
		m := b.monitor()
		b.serve(m)
		b.checks(m, load.n, load.plugin, load.interval, load.config)
		b.held(m, load.label+", just made")
		time.Sleep(load.later)
		b.held(m, load.label+", later")
		b.less(load.label+", slots skipped", m.Figure("moonwatch_slots_skipped_total"), "")
		b.less(load.label+", start", ms(b.restart(m)), "ms")
		time.Sleep(load.later)
		b.held(m, load.label+", after a restart")
		b.stop(m)
	}
}

// held records what a monitor holds, and the most that it held; with -profile what
// of its heap is alive, too.
func (b *bench) held(m *programtest.Program, label string) {
	b.heapProfile(m, label)
	b.less(label, mb(m.Memory("VmRSS")), "MB")
	b.less(label+", of it mapped files", mb(m.Memory("RssFile")), "MB")
	b.less(label+", peak", mb(m.Memory("VmHWM")), "MB")
}
