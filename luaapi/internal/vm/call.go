package vm

import (
	"context"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/permit"
)

// Call is what the host functions of the modules know of the run they serve.
// It belongs to one run and is used from the goroutine that runs its Lua.
type Call struct {
	Ctx      context.Context // ends at the run's deadline
	Deadline time.Time
	Host     host.Host
	Data     engine.PluginData
	Scope    engine.Scope // of store; store.shared is the same without Subject
	Plugin   *engine.PluginMeta
	Loading  bool // modules can be required but not called
	Offline  bool // clean and description: nothing that reaches outside
	Now      func() time.Time
	Env      func(string) (string, bool)
	Log      func(level, message string)
	Secrets  form.Stars     // opened secrets, masked in whatever the run leaves behind
	Closers  []func()       // run when the call has ended, last first
	permit   *permit.Permit // given back during every wait; nil when there are no permits
	// Connections are those that the run has opened. They stay until its end.
	Connections []Holder
	// Carried counts the bytes that go out and come in while the run waits:
	// nothing in Lua holds them yet, or any more.
	Carried atomic.Int64

	Run *Run // of the core
}

// Holder is something that a run has opened, and that holds bytes outside of Lua.
type Holder interface {
	// Holds is how many there are. It may be called by any goroutine.
	Holds() int64
}

type CallKey struct{}

// CallOf returns the call that L serves now.
func CallOf(L *lua.LState) *Call {
	if v, ok := L.Context().(*Context); ok {
		return v.call
	}
	c, _ := L.Context().Value(CallKey{}).(*Call)
	return c
}

// Wait runs fn, which may block, with the permit given back meanwhile. fn's
// context ends after timeout, or when that is 0 half a second before the run's
// deadline (a tenth of it for deadlines under 5 s), so that the plugin can still answer.
// fn may touch nothing of Lua: while it runs, the watchdog measures the run, and it
// ends the wait when that is one run too many for the memory.
func (c *Call) Wait(timeout time.Duration, fn func(ctx context.Context) error) error {
	ctx := &waiting{Context: c.Ctx, deadline: c.waitUntil(timeout)}
	defer ctx.cancel()
	if c.permit == nil {
		return fn(ctx)
	}
	as := permit.Returning
	if c.Run != nil {
		c.Run.VM.waits++
		as = c.Run.VM.Rank()
		c.Run.VM.park(ctx.cancel)
		defer c.Run.VM.unpark()
	}
	c.permit.Release()
	err := fn(ctx)
	if !c.permit.Try(as) {
		if permitErr := c.comeBack(as); permitErr != nil && err == nil {
			err = permitErr
		}
	}
	return err
}

// comeBack waits for the permit to go on, as long as the run lasts.
func (c *Call) comeBack(as permit.Rank) error {
	ctx, end := context.WithCancel(c.Ctx)
	defer end()
	if c.Run != nil {
		c.Run.VM.park(end)
	}
	return c.permit.Acquire(ctx, as)
}

// outside is how many bytes the call holds outside the reach of Lua.
func (c *Call) outside() uint64 {
	sum := c.Carried.Load()
	for _, t := range c.Connections {
		sum += t.Holds()
	}
	return uint64(max(sum, 0))
}

// waitUntil is when a wait ends: never later than the run, and without a timeout
// of its own early enough for the plugin to answer. It is zero without either.
func (c *Call) waitUntil(timeout time.Duration) time.Time {
	if timeout > 0 {
		at := time.Now().Add(timeout)
		if !c.Deadline.IsZero() && c.Deadline.Before(at) {
			return c.Deadline
		}
		return at
	}
	if c.Deadline.IsZero() {
		return time.Time{}
	}
	return c.Deadline.Add(-c.reserve())
}

// reserve is the time that a wait leaves before the run's deadline.
func (c *Call) reserve() time.Duration {
	if c.Run == nil {
		return MaxReserve
	}
	whole := c.Deadline.Sub(c.Run.Started)
	if whole < 5*time.Second {
		return max(whole/10, 0)
	}
	return MaxReserve
}

const MaxReserve = 500 * time.Millisecond

// mask replaces every opened secret in text by three stars. What is to be cut is
// masked first.
func (c *Call) mask(text string) string { return c.Secrets.Text(text) }

// Close runs the closers, last first. A closer that panics does not keep the others from running.
func (c *Call) Close() {
	for len(c.Closers) > 0 {
		fn := c.Closers[len(c.Closers)-1]
		c.Closers = c.Closers[:len(c.Closers)-1]
		func() {
			defer func() { _ = recover() }()
			fn()
		}()
	}
}
