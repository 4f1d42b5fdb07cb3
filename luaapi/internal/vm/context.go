package vm

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/lualib"
)

// LimitError says which limit ended a run. Its text is fit to be shown.
type LimitError string

func (e LimitError) Error() string { return string(e) }

// The limits, as a result's error shows them.
const (
	ErrInstructions LimitError = "stopped: used too many instructions"
	ErrMemory       LimitError = "stopped: used too much memory"
	errDepth        LimitError = "stopped: too deep a recursion"
	ErrInternal     LimitError = "stopped: an internal error"
)

// slice is how long a run executes before it lets others have a permit.
const slice = 5 * time.Millisecond

// Context is the context that the Lua machine runs under. The machine asks
// Done once per instruction, which makes it an instruction counter; the permit is
// shared, and memory is measured, at the same place. Done belongs to the run's
// goroutine alone: what blocks is given call.ctx, never this one.
type Context struct {
	context.Context // ends at the deadline
	done            <-chan struct{}
	call            *Call
	Instructions    int64
	Budget          int64 // 0 is none
	ended           error // the limit that ended the run; nil while it may go on
	SliceStart      time.Time
	Permit          *permit.Permit
	Light           bool        // it began as a light run
	measure         atomic.Bool // the watchdog asks how much the run holds
	enforce         atomic.Bool // and that it ends when that is too much
	closely         bool        // the deadline is looked at with every instruction
	Watched         bool        // measure it again and again: somebody looks at the run
	notBefore       time.Time
	nextLook        int64  // of instructions, before which a watched run is left alone
	lastHeld, built uint64 // bytes, of a watched run: at its last measurement, and since
	run             *Run

	waits   int64                      // so far
	reach   atomic.Uint64              // bytes in Lua's reach at the last whole measurement
	counted uint64                     // bytes that it has in the watchdog's held; guarded by its lock
	killed  atomic.Pointer[LimitError] // set by the watchdog: the run is to end with it
	parking parking
}

// parking lets the watchdog look into a run whose goroutine waits: for an
// answer, or for a permit. Nothing that Lua can see moves meanwhile.
type parking struct {
	back atomic.Bool // the run wants to go on: whoever measures it stops

	mu     sync.Mutex // guards what follows, and what Lua holds while parked is set
	parked bool
	fresh  bool               // not measured yet since it was parked
	end    context.CancelFunc // ends the wait
}

// park lets others measure the run until unpark, and end its wait by end.
func (v *Context) park(end context.CancelFunc) {
	p := &v.parking
	p.mu.Lock()
	p.parked, p.fresh, p.end = true, true, end
	killed := v.killed.Load() != nil
	p.mu.Unlock()
	if killed {
		end()
	}
}

// unpark takes the run back. It waits for a measurement under way to notice.
func (v *Context) unpark() {
	p := &v.parking
	p.back.Store(true)
	p.mu.Lock()
	p.parked, p.end = false, nil
	p.mu.Unlock()
	p.back.Store(false)
	v.run.Call.Carried.Store(0)
	v.nextLook = 0 // it is measured with what came
	v.lookAgain()
}

// kill has the run end with a limit, and its wait if it waits. It may be called
// from any goroutine.
func (v *Context) kill(limit LimitError) {
	if !v.killed.CompareAndSwap(nil, &limit) {
		return
	}
	v.measure.Store(true) // it looks at its next instruction
	p := &v.parking
	p.mu.Lock()
	end := p.end
	p.mu.Unlock()
	if end != nil {
		end()
	}
}

// libRunKey is what the functions of lualib look for their run under.
var libRunKey = lualib.RunKey()

// closedChannel is what Done returns after a limit. It is never sent to.
var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done counts an instruction. It shows the deadline's channel at every sixteenth
// alone: looking at a channel costs as much as an instruction.
func (v *Context) Done() <-chan struct{} {
	v.Instructions++
	if v.Instructions&0xf == 0 || v.closely || v.measure.Load() || v.ended != nil {
		return v.look()
	}
	return nil
}

// Work is what the run has done so far, in instructions.
func (v *Context) Work() int64 { return v.Instructions + permit.WaitWork*v.waits }

// Rank is how the run comes back from a wait.
func (v *Context) Rank() permit.Rank {
	if v.Light && v.Work() <= permit.LittleWork {
		return permit.Light
	}
	if v.Work() > permit.MuchWork {
		return permit.Spent
	}
	return permit.Returning
}

func (v *Context) look() <-chan struct{} {
	if v.Instructions&0xfff == 0 || v.measure.Load() || v.ended != nil || v.Watched && v.Instructions >= v.nextLook {
		if v.check(); v.ended != nil {
			return closedChannel
		}
	}
	return v.done
}

// Err returns the limit that was hit, else the deadline's error.
func (v *Context) Err() error {
	if v.ended != nil {
		return v.ended
	}
	return v.Context.Err()
}

// Value finds the call.
func (v *Context) Value(key any) any {
	if key == libRunKey {
		return &v.run.lib
	}
	if _, ok := key.(CallKey); ok {
		return v.call
	}
	return v.Context.Value(key)
}

// end ends the run by a limit; the first one stands.
func (v *Context) end(limit error) {
	if v.ended == nil {
		v.ended = limit
	}
}

// check is the slow path of Done.
func (v *Context) check() {
	if v.ended != nil {
		return
	}
	if limit := v.killed.Load(); limit != nil {
		v.ended = *limit
		return
	}
	if v.Budget > 0 && v.Instructions >= v.Budget {
		v.ended = ErrInstructions
		return
	}
	if (v.measure.CompareAndSwap(true, false) || v.Watched) && v.heavy() {
		v.ended = ErrMemory
		return
	}
	v.Share()
}

// Steps counts the work of a library function, n steps of a few nanoseconds
// each, as instructions. It is one of the places where permits are shared.
func (v *Context) Steps(n int) error {
	v.Instructions += int64(n+7) / 8
	v.check()
	v.lookAgain()
	return v.Err()
}

// Bytes counts what library functions and `..` build: writing a kilobyte is
// about as much work as an instruction. A larger text than a function may build
// ends the run before it is there.
func (v *Context) Bytes(n int) error {
	v.Instructions += int64(n) >> 10
	if n > v.maxString() {
		v.end(ErrMemory)
	}
	v.check()
	v.notice(n)
	return v.Err()
}

// maxString is the most bytes of a string that the run may build.
func (v *Context) maxString() int {
	if most := v.run.lib.MaxString; most > 0 {
		return most
	}
	return lualib.MaxString
}

// lookAgain has a watched run looked at at its next instruction: with what it
// was given meanwhile.
func (v *Context) lookAgain() {
	if v.Watched {
		v.measure.Store(true)
	}
}

// notice has a watched run measured soon that builds much beside what it held.
func (v *Context) notice(bytes int) {
	if !v.Watched {
		return
	}
	if v.built += uint64(bytes); v.built > v.lastHeld/8 {
		v.nextLook = 0
	}
	v.lookAgain()
}

// measurePause is how many times as long as its last measurement took a run is left
// alone: measuring what is large takes a while, and holds the run up.
const measurePause = 4

// A watched run is measured again after watchedPause instructions for each value
// that its last measurement looked at, so that what it held is seen to within a half
// or so. While it has done little and holds little, closely instructions suffice.
const (
	watchedPause = 4
	little       = 1024
	closely      = 16
)

// heavy reports whether the run holds too much, as far as it may be asked again.
func (v *Context) heavy() bool {
	begun := time.Now()
	if v.Watched && !v.enforce.Load() {
		if v.Instructions < v.nextLook {
			return false
		}
	} else if begun.Before(v.notBefore) {
		return false
	}
	enforced := v.enforce.Swap(false)
	limit := v.run.machine.Watchdog.PerRun
	held, steps := v.run.MeasureAll(limit)
	took := time.Since(begun)
	v.notBefore = begun.Add((1 + measurePause) * took)
	if v.Watched {
		v.built, v.lastHeld = 0, held
		v.nextLook = v.Instructions + closely
		if v.Instructions > little || steps > little {
			v.nextLook = v.Instructions + watchedPause*int64(steps)
		}
	}
	return enforced && held > limit
}

// Share gives the permit to others when the slice is used up and somebody waits.
func (v *Context) Share() {
	if v.Permit == nil || !v.Permit.Wanted() {
		return
	}
	// The time is that of a clock on the wall: a light run may have done next to
	// nothing in it, on a processor that others had.
	if time.Since(v.SliceStart) < slice || v.Rank() == permit.Light {
		return
	}
	ctx, end := context.WithCancel(v.Context)
	v.park(end)
	v.Permit.Release()
	// Without a permit at the deadline the run ends at its next instruction.
	_ = v.Permit.Acquire(ctx, permit.Sliced)
	v.unpark()
	end()
	// Who is handed a permit goes to the front of its processor's own queue, and a
	// run that the Go scheduler interrupted waits in the global one, which is
	// looked at once in 61 times: go there too, or that one waits for seconds.
	runtime.Gosched()
	v.SliceStart = time.Now()
}
