package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi"
)

// memorySize is a flag's value in bytes, written as 512MiB or 2GiB; 0 is the default.
type memorySize uint64

// minMemory is the least that --memory takes: one run may hold half of it.
const minMemory = 64 << 20

// UnmarshalText reads a size.
func (m *memorySize) UnmarshalText(text []byte) error {
	size, err := parseSize(string(text))
	if err == nil && size > 0 && size < minMemory {
		err = fmt.Errorf("%s is too little: at least 64MiB, or 0 for the default", text)
	}
	*m = memorySize(size)
	return err
}

// parseSize reads a size in bytes. Units are powers of 1024, whatever they are called.
func parseSize(text string) (uint64, error) {
	number := strings.TrimRight(strings.ToLower(strings.TrimSpace(text)), "kmgtib ")
	unit := strings.TrimSpace(strings.ToLower(strings.TrimSpace(text))[len(number):])
	shift, known := map[string]int{"": 0, "b": 0, "k": 10, "kb": 10, "kib": 10, "m": 20, "mb": 20, "mib": 20,
		"g": 30, "gb": 30, "gib": 30, "t": 40, "tb": 40, "tib": 40}[unit]
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !known || !(n >= 0) || n*float64(uint64(1)<<shift) > 1<<60 {
		return 0, fmt.Errorf("%q is no size: write 512MiB or 2GiB", text)
	}
	return uint64(n * float64(uint64(1)<<shift)), nil
}

const (
	// maxDefaultMemory is what --memory is at most when it is not given: more is
	// of use to those alone who know that they want it.
	maxDefaultMemory = 1 << 30
	minDefaultMemory = 128 << 20
)

// defaultMemory is what runs may take when nobody says: half of what a cgroup
// leaves to the monitor, or a quarter of the machine's memory, which serves
// others as well; from 128 MiB to 1 GiB. root is "/" but in tests.
func defaultMemory(root string) uint64 {
	share := machineMemory(root) / 4
	if group := groupMemory(root); group > 0 && group/2 < cmp.Or(share, group) {
		share = group / 2
	}
	if share == 0 {
		return maxDefaultMemory
	}
	return min(max(share, minDefaultMemory), maxDefaultMemory)
}

// machineMemory is the machine's memory in bytes, 0 when it cannot be told.
func machineMemory(root string) uint64 {
	data, _ := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			size, _ := parseSize(strings.TrimSpace(rest))
			return size
		}
	}
	return 0
}

// groupMemory is the least memory limit of the process's cgroup and of those
// above it, in bytes, for either version of cgroups; 0 when there is none.
func groupMemory(root string) uint64 {
	data, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	least := uint64(0)
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		if parts[0] == "0" && parts[1] == "" {
			mount, file = "sys/fs/cgroup", "memory.max"
		} else if !slices.Contains(strings.Split(parts[1], ","), "memory") {
			continue
		}
		// In a container the path may be that of the host: then the top is ours.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			text, err := os.ReadFile(filepath.Join(root, mount, dir, file))
			if limit, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && limit > 0 && limit < 1<<60 {
				least = min(cmp.Or(least, limit), limit)
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// runsInFlight is how many runs may be under way with so much memory for them.
func runsInFlight(memory uint64) int { return int(min(max(memory/(48<<10), 1), 20_000)) }

// runMemory shows the engine what runs take. The runtime is there when the engine starts.
type runMemory struct{ lua *luaapi.Runtime }

// RunMemory implements engine.Memory.
func (m *runMemory) RunMemory() (held, most uint64) {
	if m.lua == nil {
		return 0, 1 << 62
	}
	return m.lua.RunMemory()
}

// Expected implements engine.Memory.
func (m *runMemory) Expected(c *engine.Check) (memory uint64, light bool) {
	if m.lua == nil {
		return 0, false
	}
	return m.lua.Expected(c)
}

// saturated reports whether further runs would only wait for a processor.
func (m *runMemory) saturated() bool { return m.lua != nil && m.lua.Saturated() }

const (
	// minHeldMemory is the memory that the bound always leaves, and maxHeldMemory that
	// up to which the heap may grow as collecting costs.
	minHeldMemory = 160 << 20
	maxHeldMemory = 512 << 20
	memoryEvery   = 2 * time.Second
	// memoryLook is how often the bound on the heap is set anew.
	memoryLook = 250 * time.Millisecond
	// minGrowth and maxGrowth bound how much the heap may grow between two
	// collections, in percent of what is alive, and startGrowth is where it begins.
	minGrowth, startGrowth, maxGrowth = 50, 100, 400
	// gcShare is the part of the processors that collecting is to take: what it takes
	// is as the inverse of the growth.
	gcShare = 0.06
)

// boundMemory has the garbage collector work harder when memory grows quickly,
// as it does under plugins that allocate for ever: the runtime alone lets the
// heap double before it collects. The bound follows what is alive, so that a
// large monitor, or many runs that wait, are not slowed, up to what the runs may
// take (runs, in bytes) beside what else is alive; held is what they hold. Within
// the bound, a monitor that makes thousands of runs a second lets its heap grow
// further, until collecting takes the part of the processors that it is to take; and
// one that is at rest after it was large gives back what it no longer needs. GOMEMLIMIT
// or GOGC, when set, stand instead.
func boundMemory(ctx context.Context, runs uint64, held func() uint64) {
	if os.Getenv("GOMEMLIMIT") != "" || os.Getenv("GOGC") != "" {
		return
	}
	ticker := time.NewTicker(memoryLook)
	defer ticker.Stop()
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/gc/cycles/automatic:gc-cycles"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/cpu/classes/gc/mark/dedicated:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/assist:cpu-seconds"}}
	processors := float64(runtime.GOMAXPROCS(0)) * memoryEvery.Seconds()
	growth, spent, bound, rest := startGrowth, 0.0, int64(0), uint64(maxHeldMemory)
	var tidy tidying
	for look := 0; ; look++ {
		metrics.Read(now)
		live, stacks, cycles, heap := now[0].Value.Uint64(), now[1].Value.Uint64(), now[2].Value.Uint64(), now[3].Value.Uint64()
		if look%int(memoryEvery/memoryLook) == 0 {
			collecting := now[4].Value.Float64() + now[5].Value.Float64()
			if next := heapGrowth(growth, (collecting-spent)/processors); next != growth {
				debug.SetGCPercent(next)
				growth = next
			}
			spent = collecting
		}
		rest = restOfHeap(rest, live, held())
		// Setting it stops the world for a moment: small changes are left.
		if next := memoryLimit(live, stacks, rest, runs, growth); next > bound+bound/16 || next < bound-bound/16 {
			debug.SetMemoryLimit(next)
			bound = next
		}
		if tidy.due(heap, cycles) {
			runtime.GC()
			metrics.Read(now)
			tidy.done(heap, now[0].Value.Uint64())
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// restOfHeap is what is alive beside what the runs hold. Runs that were ended a
// moment ago still count among what is alive: it rises slowly, by a tenth in a second.
func restOfHeap(until, live, held uint64) uint64 {
	return min(live-min(held, live), until+until/40)
}

// tidying says when to collect a heap that is large and at rest, which the
// runtime does every two minutes alone.
type tidying struct {
	cycles uint64
	looks  int // since the last collection
	wait   int // looks
}

const (
	tidyFrom = 128 << 20                          // bytes of heap from which it is worth it
	minTidy  = int(5 * time.Second / memoryLook)  // the first pause
	maxTidy  = int(80 * time.Second / memoryLook) // and the longest, when there is nothing to be had
)

// due reports whether to collect now.
func (t *tidying) due(heap, cycles uint64) bool {
	t.wait = max(t.wait, minTidy)
	if t.looks++; cycles != t.cycles || heap < tidyFrom {
		t.cycles, t.looks = cycles, 0
	}
	return t.looks >= t.wait
}

// done notes what a collection made of a heap: one that gave little is made more seldom.
func (t *tidying) done(heap, live uint64) {
	t.looks = 0
	if live > heap-heap/4 {
		t.wait = min(2*t.wait, maxTidy)
	} else {
		t.wait = minTidy
	}
}

// heapGrowth is how much the heap may grow, in percent, after collecting took a part of
// the processors under the growth until now. It changes by steps, since one collection
// more or less is much in two seconds, and not for little: a change stops the world.
func heapGrowth(until int, share float64) int {
	step := min(max(share/gcShare, 0.75), 1.5)
	if step > 0.8 && step < 1.25 {
		return until
	}
	return min(max(int(float64(until)*step), minGrowth), maxGrowth)
}

// memoryLimit is the bound for a heap of which so much is alive, and stacks, and which
// may grow by so many percent between two collections. Once it is large it may grow by
// a half, and never further than what the runs may take beside the rest of the monitor.
func memoryLimit(live, stacks, rest, runs uint64, growth int) int64 {
	beside := 2*stacks + 64<<20
	wanted := max(minHeldMemory, min(live+live*uint64(growth)/100+beside, max(maxHeldMemory, live+live/2+beside)))
	return int64(max(min(wanted, rest+runs-runs/8+2*stacks), live+live/8+2*stacks))
}
