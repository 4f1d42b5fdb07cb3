package luaapi

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

func TestTurnsAreLimited(t *testing.T) {
	turns := vm.NewTurns(2)
	var most, now atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := turns.Acquire(context.Background(), vm.Fresh); err != nil {
				t.Error(err)
				return
			}
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			turns.Release()
		}()
	}
	all.Wait()
	if most.Load() != 2 || turns.Free != 2 || turns.Waiting.Load() != 0 {
		t.Errorf("at most %d at a time, %d free, %d waiting", most.Load(), turns.Free, turns.Waiting.Load())
	}
}

func TestTurnThatDoesNotCome(t *testing.T) {
	turns := vm.NewTurns(1)
	if err := turns.Acquire(context.Background(), vm.Fresh); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := turns.Acquire(ctx, vm.Fresh); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	turns.Release()
	if turns.Free != 1 || turns.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", turns.Free, turns.Waiting.Load())
	}
}

// queueUp has one of a rank wait for a turn, which it notes in served and gives
// back. It returns when that one waits.
func queueUp(turns *vm.Turns, r vm.Rank, all *sync.WaitGroup, served chan<- vm.Rank) {
	before := turns.Waiting.Load()
	all.Go(func() {
		if turns.Acquire(context.Background(), r) == nil {
			served <- r
			turns.Release()
		}
	})
	for turns.Waiting.Load() == before {
		time.Sleep(10 * time.Microsecond)
	}
}

// What has begun ends before more begins, and nobody starves.
func TestTurnsByRank(t *testing.T) {
	turns := vm.NewTurns(1)
	if err := turns.Acquire(context.Background(), vm.Fresh); err != nil {
		t.Fatal(err)
	}
	served := make(chan vm.Rank, 60)
	var all sync.WaitGroup
	for _, r := range []vm.Rank{vm.Sliced, vm.Fresh, vm.Returning} {
		for range 20 {
			queueUp(turns, r, &all, served)
		}
		gaveUp, cancel := context.WithCancel(context.Background())
		cancel()
		if err := turns.Acquire(gaveUp, r); err == nil {
			t.Error("who gave up got a turn")
		}
	}
	turns.Release()
	all.Wait() // the last one gives its turn back after it was served
	var got []vm.Rank
	for range 60 {
		got = append(got, <-served)
	}
	of := func(r vm.Rank, first int) (n int) {
		for _, s := range got[:first] {
			if s == r {
				n++
			}
		}
		return n
	}
	if of(vm.Returning, 9) != 7 || of(vm.Fresh, 9) != 1 || of(vm.Sliced, 9) != 1 || of(vm.Returning, 27) != 20 {
		t.Errorf("served %v", got)
	}
	if turns.Free != 1 || turns.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", turns.Free, turns.Waiting.Load())
	}
}

// A quarter of the turns is for light runs alone.
func TestLightRunsHaveTurnsOfTheirOwn(t *testing.T) {
	turns := vm.NewTurns(4)
	for range 3 {
		if err := turns.Acquire(context.Background(), vm.Fresh); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := turns.Acquire(ctx, vm.Returning); err == nil {
		t.Error("a run that is not light took the turn that is kept")
	}
	own := vm.Turn{Of: turns}
	if own.Try(vm.Fresh) || !own.Try(vm.Light) {
		t.Error("the turn that is kept is not for light runs alone")
	}
	own.Release()
	for range 3 {
		turns.Release()
	}
	if turns.Free != 4 {
		t.Errorf("%d free", turns.Free)
	}
}

// Light runs go first, and one of nine turns goes to one of the other ranks in turn.
func TestLightRunsGoFirst(t *testing.T) {
	turns := vm.NewTurns(1)
	if err := turns.Acquire(context.Background(), vm.Fresh); err != nil {
		t.Fatal(err)
	}
	served := make(chan vm.Rank, 80)
	var all sync.WaitGroup
	for _, r := range []vm.Rank{vm.Sliced, vm.Spent, vm.Fresh, vm.Returning, vm.Light} {
		for range map[bool]int{true: 36, false: 2}[r == vm.Light] {
			queueUp(turns, r, &all, served)
		}
	}
	turns.Release()
	all.Wait()
	seen := map[vm.Rank]int{}
	for range 36 {
		seen[<-served]++
	}
	if seen[vm.Light] != 32 || seen[vm.Returning] != 1 || seen[vm.Fresh] != 1 || seen[vm.Spent] != 1 || seen[vm.Sliced] != 1 {
		t.Errorf("of 36 turns the ranks had %v", seen)
	}
	if turns.Free != 1 || turns.Waiting.Load() != 0 {
		t.Errorf("%d free, %d waiting", turns.Free, turns.Waiting.Load())
	}
}

func TestRunWithoutATurnIsSkipped(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `return result`)}, func(o *Options) { o.MaxExecuting = 1 })
	if err := rt.runner.Machine.Turns.Acquire(context.Background(), vm.Fresh); err != nil {
		t.Fatal(err)
	}
	defer rt.runner.Machine.Turns.Release()
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

// A loop does not keep others from their turns, even where there is only one.
func TestTurnsAreShared(t *testing.T) {
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

// A run that waits gives its turn back, and ends its wait in time to answer.
func TestWaitGivesTheTurnBack(t *testing.T) {
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

// A file that is saved while all turns are taken is not blamed for that.
func TestLoadWaitsForItsTurn(t *testing.T) {
	rt := newTestRuntime(t, nil, func(o *Options) { o.MaxExecuting = 1 })
	if err := rt.runner.Machine.Turns.Acquire(context.Background(), vm.Fresh); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(1200*time.Millisecond, rt.runner.Machine.Turns.Release)
	out := rt.runner.Load(context.Background(), &loader.Source{Path: "x.lua", Files: map[string]string{"": skeletonCheck}}, "x.lua")
	if len(out.Problems) > 0 {
		t.Errorf("got %v", out.Problems)
	}
}

// A light run keeps its turn while it has done little, however long that took on
// a busy machine: in the queue of those who used up their slice it would wait long.
func TestALightRunIsNotSliced(t *testing.T) {
	turns := vm.NewTurns(1)
	v := vm.Context{Context: t.Context(), Light: true, Turn: &vm.Turn{Of: turns}}
	if !v.Turn.Try(vm.Light) {
		t.Fatal("no turn")
	}
	waiting, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan error, 1)
	go func() { got <- turns.Acquire(waiting, vm.Returning) }()
	for turns.Waiting.Load() == 0 {
		time.Sleep(10 * time.Microsecond)
	}
	v.SliceStart = time.Now().Add(-time.Minute)
	v.Share()
	if len(got) > 0 || !v.Turn.Held || turns.Waiting.Load() != 1 {
		t.Error("it gave its turn away")
	}
	v.Turn.Release()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
