package engine

// Views are what clients see: the configured object with what is derived of it.
// Secrets in them show as {"set": true}. Views are the caller's own.

// Plugins returns the registry's entries in order of slug.
func (e *Engine) Plugins() []PluginEntry {
	if e.plugins == nil {
		return nil
	}
	return e.plugins.List()
}

// Plugin returns one entry of the registry.
func (e *Engine) Plugin(slug string) (PluginEntry, error) {
	if entry, ok := e.pluginEntry(slug); ok {
		return entry, nil
	}
	return PluginEntry{}, &Error{Kind: NotFound, Message: "no such plugin"}
}

// PluginSuspended reports whether the circuit breaker holds a plugin, and why.
func (e *Engine) PluginSuspended(slug string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.breakers[pluginBreaker(slug)].Suspended(e.now())
}
