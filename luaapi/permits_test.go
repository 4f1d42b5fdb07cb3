package luaapi

import (
	"context"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

func TestRunWithoutAPermitIsSkipped(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `return result`)}, func(o *Options) { o.MaxExecuting = 1 })
	taken := permit.Permit{Of: rt.runner.Machine.Permits}
	if err := taken.Acquire(context.Background(), permit.Fresh); err != nil {
		t.Fatal(err)
	}
	defer taken.Release()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	got := plugin(t, rt, "test").Run(ctx, checkRun("test", nil))
	if !got.Skipped || got.TimedOut || got.Unknown {
		t.Errorf("got %+v", got)
	}
	if s := rt.Stats(); s.Plugins["test"].Skipped != 1 || s.Executing != 1 {
		t.Errorf("stats %+v", s)
	}
}

// A loop does not keep others from their permits, even where there is only one.
func TestPermitsAreShared(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{
		"loop.lua": checkSource("loop", `while true do end`),
		"good.lua": checkSource("good", `result.succeeded = true return result`),
	}, func(o *Options) { o.MaxExecuting = 1 })
	ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
	defer cancel()
	done := make(chan engine.RunReport, 1)
	go func() { done <- plugin(t, rt, "loop").Run(ctx, checkRun("loop", nil)) }()
	time.Sleep(20 * time.Millisecond)
	for range 5 {
		begun := time.Now()
		if got := runOnce(t, rt, "good", nil); !got.Succeeded || time.Since(begun) > 200*time.Millisecond {
			t.Errorf("got %+v after %v", short(got), time.Since(begun))
		}
	}
	if got := <-done; !got.TimedOut {
		t.Errorf("the loop: %+v", short(got))
	}
}

// A run that waits gives its permit back, and ends its wait in time to answer.
func TestWaitGivesThePermitBack(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"good.lua": checkSource("good", `result.succeeded = true return result`)}, func(o *Options) { o.MaxExecuting = 1 })
	waiting := make(chan struct{})
	rt.runner.Machine.Builtin["probe"] = func(L *lua.LState) *lua.LTable {
		table := L.NewTable()
		table.RawSetString("wait", L.NewFunction(func(L *lua.LState) int {
			err := vm.CallOf(L).Wait(0, func(ctx context.Context) error {
				close(waiting)
				<-ctx.Done()
				return ctx.Err()
			})
			L.Push(lua.LString(err.Error()))
			return 1
		}))
		return table
	}
	out := rt.runner.Load(context.Background(), &loader.Source{Path: "w.lua", Files: map[string]string{"": `local probe = require "probe"
local P = { name = "W", slug = "w", version = "1" }
function P:run(check, result) result.error = probe.wait() return result end
return P`}}, "w.lua")
	if len(out.Problems) > 0 {
		t.Fatal(out.Problems)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	done := make(chan engine.RunReport, 1)
	go func() { done <- out.Plugins[0].Run(ctx, checkRun("w", nil)) }()
	<-waiting
	if got := runOnce(t, rt, "good", nil); !got.Succeeded {
		t.Errorf("beside a run that waits: %+v", short(got))
	}
	got := <-done
	if got.TimedOut || got.Error != "context deadline exceeded" || got.Took < 400*time.Millisecond || got.Took > 495*time.Millisecond {
		t.Errorf("got %+v after %v", short(got), got.Took)
	}
}

func TestPoolKeepsAndDrops(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `if check.name == "bad" then error("x") end result.succeeded = true return result`)})
	v := plugin(t, rt, "test").(*runner.Version)
	runOnce(t, rt, "test", nil)
	runOnce(t, rt, "test", nil)
	if len(v.Pool.Idle) != 1 || v.Pool.Idle[0].Runs != 2 {
		t.Fatalf("the pool holds %d states", len(v.Pool.Idle))
	}
	in := checkRun("test", nil)
	in.Check.Name = "bad"
	v.Run(context.Background(), in)
	if len(v.Pool.Idle) != 0 {
		t.Error("a state came back after an error")
	}
	runOnce(t, rt, "test", nil)
	v.Pool.Idle[0].Runs = vm.MaxRuns - 1
	runOnce(t, rt, "test", nil)
	if len(v.Pool.Idle) != 0 {
		t.Error("a state came back after its last run")
	}
	runOnce(t, rt, "test", nil)
	v.Pool.Trim()
	v.Pool.Trim()
	if len(v.Pool.Idle) != 0 {
		t.Error("an idle state was not trimmed")
	}
	v.Pool.Close()
	runOnce(t, rt, "test", nil)
	if len(v.Pool.Idle) != 0 {
		t.Error("a state came back to a drained pool")
	}
}

// A file that is saved while all permits are taken is not blamed for that.
func TestLoadWaitsForItsPermit(t *testing.T) {
	t.Parallel()
	rt := newTestRuntime(t, nil, func(o *Options) { o.MaxExecuting = 1 })
	taken := permit.Permit{Of: rt.runner.Machine.Permits}
	if err := taken.Acquire(context.Background(), permit.Fresh); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(1200*time.Millisecond, taken.Release)
	out := rt.runner.Load(context.Background(), &loader.Source{Path: "x.lua", Files: map[string]string{"": skeletonCheck}}, "x.lua")
	if len(out.Problems) > 0 {
		t.Errorf("got %v", out.Problems)
	}
}
