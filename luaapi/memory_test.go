package luaapi

import (
	"context"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/vm"
)

func measuring(o *Options) { o.Measure = true }

func TestMemoryOfARun(t *testing.T) {
	for _, tt := range []struct {
		name, body  string
		least, most uint64
	}{
		{"next to nothing", `result.succeeded = true return result`, 1, 10_000},
		{"a local that is gone at the end", `do local t = ("x"):rep(2000000) result.message = "" .. #t end result.succeeded = true return result`, 2_000_000, 2_100_000},
		{"let go before the end", `local t = {} for i = 1, 20 do t[i] = ("x"):rep(100000) .. i end local n = 0 for i = 1, 1000000 do n = n + 1 end t = nil result.succeeded = true return result`, 1_500_000, 2_200_000},
		{"a global", `kept = ("x"):rep(1000000) result.succeeded = true return result`, 1_000_000, 1_100_000},
		{"what is added to string", `string.kept = ("x"):rep(1000000) result.succeeded = true return result`, 1_000_000, 1_100_000},
		{"one text held often", `local s = ("x"):rep(1000000) local t = {} for i = 1, 100 do t[i] = s end result.succeeded = true return result`, 1_000_000, 1_100_000},
		{"many small tables", `t = {} for i = 1, 20000 do t[i] = { i } end result.succeeded = true return result`, 2_500_000, 4_000_000},
		{"raw data", `result.raw_data = ("x"):rep(3000000) result.succeeded = true return result`, 3_000_000, 3_100_000},
		{"inside a pcall", `pcall(function() local s = ("x"):rep(1000000) error(#s) end) result.succeeded = true return result`, 1_000_000, 1_100_000},
	} {
		rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", tt.body)}, measuring)
		got := runOnce(t, rt, "test", nil)
		if !got.Succeeded || got.Memory < tt.least || got.Memory > tt.most {
			t.Errorf("%s: held %d, want %d to %d (%+v)", tt.name, got.Memory, tt.least, tt.most, short(got))
		}
		if cost := rt.Stats().Plugins["test"].Memory; cost != got.Memory {
			t.Errorf("%s: the cost says %d, the report %d", tt.name, cost, got.Memory)
		}
	}
}

// A run that is looked at is ended no sooner than another: while the heap is
// small it may hold more than one run may hold in need.
func TestMeasuredRunsAreNotEnded(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  local s = ("x"):rep(4000000) for i = 1, 100000 do s = s end result.succeeded = true return result`)}, measuring,
		func(o *Options) { o.SoftHeap, o.RunHeap = 1<<40, 1<<20 })
	if got := runOnce(t, rt, "test", nil); !got.Succeeded || got.Memory < 4_000_000 {
		t.Errorf("got %+v", short(got))
	}
}

// What a run that is ended by the limit held is told, too.
func TestMemoryOfAnEndedRun(t *testing.T) {
	for _, measure := range []bool{false, true} {
		rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `local t = {} for i = 1, 1e9 do t[i] = { i } end`)},
			func(o *Options) { o.SoftHeap, o.RunHeap, o.Measure = 48<<20, 24<<20, measure })
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		got := plugin(t, rt, "test").Run(ctx, checkRun("test", nil))
		cancel()
		if got.Error != string(vm.ErrMemory) || got.Memory < 8<<20 {
			t.Errorf("measured always %v: held %d, %+v", measure, got.Memory, short(got))
		}
	}
}

// Of the runs that the schedule makes, the first of a version is measured and
// one in 64 after it.
func TestFewScheduledRunsAreMeasured(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `kept = ("x"):rep(100000) result.succeeded = true return result`)},
		func(o *Options) { o.SoftHeap = 1 << 40 })
	var measured []int
	for i := range 130 {
		if got := runOnce(t, rt, "test", nil); got.Memory > 0 {
			measured = append(measured, i)
			if got.Memory < 100_000 || got.Memory > 110_000 {
				t.Errorf("run %d held %d", i, got.Memory)
			}
		}
	}
	if len(measured) != 3 || measured[0] != 0 || measured[1] != 64 || measured[2] != 128 {
		t.Errorf("measured the runs %v", measured)
	}
}

// A measurement ends at the run's deadline, however much there is to measure.
func TestMeasuringEndsAtTheDeadline(t *testing.T) {
	large := &lua.LTable{}
	for i := range 10 * memory.LookEvery {
		large.RawSetInt(i+1, &lua.LTable{})
	}
	for _, c := range []struct {
		until time.Time
		all   bool
	}{{time.Time{}, true}, {time.Now().Add(time.Hour), true}, {time.Now().Add(-time.Second), false}} {
		s := memory.NewMeter(1 << 40)
		s.Until = c.until
		s.Root(large)
		s.Run()
		steps := s.Steps
		if all := steps > 10*memory.LookEvery; all != c.all || !all && steps > memory.LookEvery {
			t.Errorf("until %v: looked at %d values", c.until, steps)
		}
	}
}

func TestMemoryOfAnAlert(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": `
local A = { name = "A", slug = "a", version = "1" }
function A:send_alert(service, users, duty_officers) kept = ("x"):rep(100000) return true end
return A`})
	if got := plugin(t, rt, "a").Alert(context.Background(), alertCall()); got.Outcome != engine.OutcomeSent || got.Memory < 100_000 {
		t.Errorf("got %+v", got)
	}
}
