package luaapi

import (
	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/vm"
)

// aside is a runtime with other options that shares rt's turns, limits and
// functions. Its registry is empty, and it has no goroutine: drain ends it.
func (rt *Runtime) aside(change func(*Options)) *Runtime {
	o := rt.opts
	o.Sources, o.Shipped, o.Dir = nil, nil, ""
	change(&o)
	a := &Runtime{
		opts: o, machine: machineWith(rt.machine, o), binder: &binding.Binder{Opener: o.Opener, Env: o.Env, Shared: rt.binder.Shared},
		pools: map[*vm.Pool]struct{}{}, stop: rt.stop,
	}
	a.loader = &loader.Loader{Machine: a.machine, Shipped: rt.loader.Shipped}
	a.entries.Store(&registry{bySlug: map[string]*engine.PluginEntry{}})
	return a
}

// drain closes the pools of all that was loaded.
func (rt *Runtime) drain() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for p := range rt.pools {
		p.Close()
		delete(rt.pools, p)
	}
}
