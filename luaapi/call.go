package luaapi

import (
	"context"
	"sync/atomic"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

// call is what the host functions of the modules know of the run they serve.
// It belongs to one run and is used from the goroutine that runs its Lua.
type call struct {
	ctx      context.Context // ends at the run's deadline
	deadline time.Time
	host     host.Host
	data     engine.PluginData
	scope    engine.Scope // of store; store.shared is the same without Subject
	plugin   *engine.PluginMeta
	loading  bool // modules can be required but not called
	offline  bool // clean and description: nothing that reaches outside
	now      func() time.Time
	env      func(string) (string, bool)
	log      func(level, message string)
	secrets  form.Stars // opened secrets, masked in whatever the run leaves behind
	closers  []func()   // run when the call has ended, last first
	gate     *turn      // given back during every wait; nil when there are no turns
	// connections are those that the run has opened. They stay until its end.
	connections []holder
	// carried counts the bytes that go out and come in while the run waits:
	// nothing in Lua holds them yet, or any more.
	carried atomic.Int64

	run *run // of the core
}

// holder is something that a run has opened, and that holds bytes outside of Lua.
type holder interface {
	// holds is how many there are. It may be called by any goroutine.
	holds() int64
}

type callKey struct{}

// callOf returns the call that L serves now.
func callOf(L *lua.LState) *call {
	if v, ok := L.Context().(*vmContext); ok {
		return v.call
	}
	c, _ := L.Context().Value(callKey{}).(*call)
	return c
}

// wait runs fn, which may block, with the turn given back meanwhile. fn's
// context ends after timeout, or when that is 0 half a second before the run's
// deadline (a tenth of it for deadlines under 5 s), so that the plugin can still answer.
// fn may touch nothing of Lua: while it runs, the watchdog weighs the run, and it
// ends the wait when that is one run too many for the memory.
func (c *call) wait(timeout time.Duration, fn func(ctx context.Context) error) error {
	if c.gate == nil {
		ctx, cancel := c.waitContext(c.ctx, timeout)
		defer cancel()
		return fn(ctx)
	}
	whole, end := context.WithCancel(c.ctx)
	defer end()
	ctx, cancel := c.waitContext(whole, timeout)
	defer cancel()
	as := returning
	if c.run != nil {
		c.run.vm.waits++
		as = c.run.vm.rank()
		c.run.vm.park(end)
		defer c.run.vm.unpark()
	}
	c.gate.release()
	err := fn(ctx)
	if gateErr := c.gate.acquire(whole, as); gateErr != nil && err == nil {
		err = gateErr
	}
	return err
}

// outside is how many bytes the call holds outside the reach of Lua.
func (c *call) outside() uint64 {
	sum := c.carried.Load()
	for _, t := range c.connections {
		sum += t.holds()
	}
	return uint64(max(sum, 0))
}

// waitContext returns the context of one wait. A wait never ends later than the
// run; without a timeout of its own it leaves the plugin time to answer.
func (c *call) waitContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout > 0 {
		return context.WithTimeout(ctx, timeout)
	}
	if c.deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.deadline.Add(-c.reserve()))
}

// reserve is the time that a wait leaves before the run's deadline.
func (c *call) reserve() time.Duration {
	if c.run == nil {
		return maxReserve
	}
	whole := c.deadline.Sub(c.run.started)
	if whole < 5*time.Second {
		return max(whole/10, 0)
	}
	return maxReserve
}

const maxReserve = 500 * time.Millisecond

// mask replaces every opened secret in text by three stars. What is to be cut is
// masked first.
func (c *call) mask(text string) string { return c.secrets.Text(text) }

// close runs the closers, last first. A closer that panics does not keep the others from running.
func (c *call) close() {
	for len(c.closers) > 0 {
		fn := c.closers[len(c.closers)-1]
		c.closers = c.closers[:len(c.closers)-1]
		func() {
			defer func() { _ = recover() }()
			fn()
		}()
	}
}
