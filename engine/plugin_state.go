package engine

// PluginState is how a plugin is.
type PluginState string

// The states of a plugin.
const (
	PluginActive    PluginState = "active"
	PluginFailed    PluginState = "failed"    // the newest file does not load
	PluginOrphaned  PluginState = "orphaned"  // its file is gone
	PluginSuspended PluginState = "suspended" // the circuit breaker holds it
)

// PluginStates are all states of a plugin.
func PluginStates() []PluginState {
	return []PluginState{PluginActive, PluginFailed, PluginOrphaned, PluginSuspended}
}

// State is how the plugin is; suspended is why it is held, "" when it is not.
func (p PluginEntry) State(suspended string) PluginState {
	switch {
	case p.Orphaned:
		return PluginOrphaned
	case p.Plugin == nil || p.Problem != nil && !p.Shipped: // a file that would replace a shipped one leaves that active
		return PluginFailed
	case suspended != "":
		return PluginSuspended
	}
	return PluginActive
}
