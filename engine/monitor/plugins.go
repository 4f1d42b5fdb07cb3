package monitor

import (
	"sync"
	"sync/atomic"

	"moonwatch/engine"
	"moonwatch/engine/plugindata"
	"moonwatch/engine/state"
)

// Views are what clients see: the configured object with what is derived of it.
// Secrets in them show as {"set": true}. Views are the caller's own.

// Plugins returns the registry's entries in order of slug.
func (ps *Plugins) Plugins() []engine.PluginEntry {
	if ps.Registry == nil {
		return nil
	}
	return ps.Registry.List()
}

// Plugin returns one entry of the registry.
func (ps *Plugins) Plugin(slug string) (engine.PluginEntry, error) {
	if entry, ok := ps.PluginEntry(slug); ok {
		return entry, nil
	}
	return engine.PluginEntry{}, &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
}

// PluginSuspended reports whether the circuit breaker holds a plugin, and why.
func (ps *Plugins) PluginSuspended(slug string) (string, bool) {
	ps.Mu.RLock()
	defer ps.Mu.RUnlock()
	return ps.Tables.Breakers[engine.PluginBreaker(slug)].Suspended(ps.Now())
}

// Plugins knows the plugins, and serves what they and their authors need:
// views, the store, sources and versions.
type Plugins struct {
	*state.State
	m     *Monitor
	data  *plugindata.Data
	views *viewDispatcher

	saving  sync.Mutex                   // held while a plugin is written
	writing atomic.Pointer[engine.Actor] // who saves a plugin at the moment
}

// PluginData is the store that plugins read and write.
func (ps *Plugins) PluginData() engine.PluginData { return ps.data }
