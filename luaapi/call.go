package luaapi

import (
	"context"
	"time"

	"moonwatch/engine"
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
	env      map[string]string // the environment variables that the plugin may read and that are set
	log      func(level, message string)
	secrets  []string // opened secrets, masked in whatever the run leaves behind
	closers  []func() // run when the call has ended, last first
	caller   string   // recipients: alert kind and severities are read from the service object
	gate     gate
}

// gate hands out turns to execute Lua; a run gives its turn back while it waits.
type gate interface {
	// release gives the turn back.
	release()
	// acquire waits for a turn; it returns ctx's error when there is none in time.
	acquire(ctx context.Context) error
}

type callKey struct{}

// callOf returns the call that L serves now.
func callOf(L *lua.LState) *call {
	c, _ := L.Context().Value(callKey{}).(*call)
	return c
}

// wait runs fn, which may block, with the turn given back meanwhile. fn's
// context ends after timeout, or when that is 0 half a second before the run's
// deadline (a tenth of it for deadlines under 5 s), so that the plugin can still answer.
func (c *call) wait(timeout time.Duration, fn func(ctx context.Context) error) error {
	ctx, cancel := c.waitContext(timeout)
	defer cancel()
	if c.gate == nil {
		return fn(ctx)
	}
	c.gate.release()
	err := fn(ctx)
	if gateErr := c.gate.acquire(c.ctx); gateErr != nil && err == nil {
		err = gateErr
	}
	return err
}
