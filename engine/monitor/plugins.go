package monitor

import "moonwatch/engine"

// Views are what clients see: the configured object with what is derived of it.
// Secrets in them show as {"set": true}. Views are the caller's own.

// Plugins returns the registry's entries in order of slug.
func (e *Monitor) Plugins() []engine.PluginEntry {
	if e.Registry == nil {
		return nil
	}
	return e.Registry.List()
}

// Plugin returns one entry of the registry.
func (e *Monitor) Plugin(slug string) (engine.PluginEntry, error) {
	if entry, ok := e.PluginEntry(slug); ok {
		return entry, nil
	}
	return engine.PluginEntry{}, &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
}

// PluginSuspended reports whether the circuit breaker holds a plugin, and why.
func (e *Monitor) PluginSuspended(slug string) (string, bool) {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	return e.Tables.Breakers[engine.PluginBreaker(slug)].Suspended(e.Now())
}
