package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMemorySize(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "512MiB": 512 << 20, "2GiB": 2 << 30, "2gib": 2 << 30, "1.5 GiB": 3 << 29, "64M": 64 << 20, "64MB": 64 << 20,
		"134217728": 128 << 20, "131072k": 128 << 20, "1TiB": 1 << 40,
	} {
		var got memorySize
		if err := got.UnmarshalText([]byte(text)); err != nil || uint64(got) != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "no size", "much": "no size", "-1GiB": "no size", "1XB": "no size", "NaN": "no size", "1e30": "no size", "12 34MiB": "no size", "MiB": "no size",
		"63MiB": "too little", "1": "too little",
	} {
		var got memorySize
		if err := got.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v; want %q", text, got, err, want)
		}
	}
}

func TestDefaultMemory(t *testing.T) {
	const meminfo = "MemTotal:        4194304 kB\nMemFree:  1 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"nothing is known", nil, 1 << 30},
		{"a machine", map[string]string{"proc/meminfo": meminfo}, 1 << 30},
		{"a small machine", map[string]string{"proc/meminfo": "MemTotal: 1048576 kB\n"}, 256 << 20},
		{"a tiny machine", map[string]string{"proc/meminfo": "MemTotal: 262144 kB\n"}, 128 << 20},
		{"a large machine", map[string]string{"proc/meminfo": "MemTotal: 268435456 kB\n"}, 1 << 30},
		{"cgroup v2", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a.slice/b.service\n",
			"sys/fs/cgroup/a.slice/b.service/memory.max": "536870912\n", "sys/fs/cgroup/a.slice/memory.max": "max\n"}, 256 << 20},
		{"a limit further up", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a.slice/b.service\n",
			"sys/fs/cgroup/a.slice/b.service/memory.max": "max\n", "sys/fs/cgroup/a.slice/memory.max": "536870912\n"}, 256 << 20},
		{"a container that sees its own group as the top", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/docker/abc\n",
			"sys/fs/cgroup/memory.max": "536870912\n"}, 256 << 20},
		{"no limit in v2", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 1 << 30},
		{"cgroup v1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:cpu:/\n3:cpuacct,memory:/a/b\n0::/\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "536870912\n"}, 256 << 20},
		{"no limit in v1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 1 << 30},
		{"a group that allows more than the machine has", map[string]string{"proc/meminfo": "MemTotal: 1048576 kB\n", "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "17179869184\n"}, 256 << 20},
		{"a tiny group", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := defaultMemory(root); got != c.want {
			t.Errorf("%s: %d MB, want %d", c.name, got>>20, c.want>>20)
		}
	}
	for memory, want := range map[uint64]int{1: 1, 96 << 20: 2048, 1 << 30: 20_000, 1 << 40: 20_000} {
		if got := runsInFlight(memory); got != want {
			t.Errorf("with %d bytes %d runs may be under way, want %d", memory, got, want)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, stacks, rest, runs uint64
		growth                   int
		want                     int64
	}{
		{0, 0, 0, 1024, 100, minHeldMemory / mb},
		{100, 10, 100, 1024, 100, 284},                // as much again, the stacks and 64 MB
		{100, 10, 100, 1024, 400, maxHeldMemory / mb}, // within reason
		{400, 200, 400, 1024, 100, 1064},              // a large one by a half
		{1024, 0, 1024, 1024, 400, 1600},
		{150, 0, 40, 256, 100, 264},       // what runs may take beside the rest
		{200, 0, 40, 256, 400, 264},       // of which they hold a part
		{700, 0, 100, 512, 100, 700 + 87}, // more is alive than there may be: no collecting all the time
	} {
		if got := memoryLimit(c.live*mb, c.stacks*mb, c.rest*mb, c.runs*mb, c.growth) / mb; got != c.want {
			t.Errorf("of %d MB alive, %d of stacks, %d of what is no run's, beside runs that may take %d, growing by %d%%: %d MB, want %d", c.live, c.stacks, c.rest, c.runs, c.growth, got, c.want)
		}
	}
}

func TestHeapGrowth(t *testing.T) {
	for _, c := range []struct {
		until int
		share float64
		want  int
	}{
		{100, 0, 75}, {60, 0, minGrowth}, {100, gcShare, 100}, {100, 0.85 * gcShare, 100}, {100, 1.2 * gcShare, 100},
		{100, 1.4 * gcShare, 140}, {100, 1, 150}, {300, 1, maxGrowth}, {maxGrowth, gcShare / 2, 300},
	} {
		if got := heapGrowth(c.until, c.share); got != c.want {
			t.Errorf("%d%% after collecting took %.3f of the processors: %d%%, want %d%%", c.until, c.share, got, c.want)
		}
	}
	// What collecting takes is as the inverse of the growth: from anywhere it comes to
	// rest where it takes what it is to take, or at a bound.
	for _, atHundred := range []float64{0.001, 0.03, 0.05, 0.1, 0.5} {
		growth, last := startGrowth, 0
		for range 30 {
			last = growth
			growth = heapGrowth(growth, atHundred*100/float64(growth))
		}
		ends := min(max(atHundred/gcShare*100, minGrowth), maxGrowth)
		if growth != last || float64(growth) < 0.75*ends || float64(growth) > 1.3*ends {
			t.Errorf("collecting that takes %.3f under 100%%: %d%% then %d%%, want about %.0f%%", atHundred, last, growth, ends)
		}
	}
}

// TestALargeHeapAtRestIsCollected holds that a heap that is no longer collected
// by itself is, and seldom where that gives nothing.
func TestALargeHeapAtRestIsCollected(t *testing.T) {
	var tidy tidying
	looks := func(heap, cycles uint64) (n int) {
		for n = 1; !tidy.due(heap, cycles); n++ {
			if n > 10*maxTidy {
				return -1
			}
		}
		return n
	}
	if n := looks(tidyFrom-1, 1); n >= 0 {
		t.Errorf("a small heap is collected after %d looks", n)
	}
	if n := looks(600<<20, 1); n != minTidy {
		t.Errorf("a large one after %d looks, want %d", n, minTidy)
	}
	for i := range uint64(3 * maxTidy) {
		if tidy.due(600<<20, i) {
			t.Fatal("one that is collected by itself is collected once more")
		}
	}
	tidy.done(600<<20, 100<<20)
	if n := looks(600<<20, 1); n < minTidy || n > minTidy+1 {
		t.Errorf("again after %d looks, want %d", n, minTidy)
	}
	for want := 2 * minTidy; want <= 2*maxTidy; want *= 2 {
		tidy.done(600<<20, 590<<20)
		if n := looks(600<<20, 1); n != min(want, maxTidy) {
			t.Errorf("where nothing is to be had, after %d looks, want %d", n, min(want, maxTidy))
		}
	}
	if rest := restOfHeap(100, 50, 0); rest != 50 {
		t.Errorf("the rest falls to %d at once, want 50", rest)
	}
	if rest := restOfHeap(4000, 90000, 50000); rest != 4100 {
		t.Errorf("the rest rises to %d, want 4100", rest)
	}
}
