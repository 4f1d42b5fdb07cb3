package enginetest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// Plugin is a plugin whose runs, pings, alerts and views are Go functions. Those that
// are nil do nothing: a run passes, an alert is sent.
type Plugin struct {
	Info       engine.PluginMeta
	OnRun      func(ctx context.Context, in *engine.CheckRun) engine.RunReport
	OnPing     func(ctx context.Context, in *engine.CheckRun, ping *engine.Ping) engine.RunReport
	OnDescribe func(in *engine.CheckRun) string
	OnAlert    func(ctx context.Context, in *engine.AlertCall) engine.AlertReport
	OnView     func(ctx context.Context, in *engine.ViewCall) (engine.ViewAnswer, error)
	Routes     []engine.ViewRoute
}

var _ engine.Plugin = (*Plugin)(nil)

// Meta implements engine.Plugin.
func (p *Plugin) Meta() *engine.PluginMeta { return &p.Info }

// Run implements engine.Plugin.
func (p *Plugin) Run(ctx context.Context, in *engine.CheckRun) engine.RunReport {
	if p.OnRun == nil {
		return engine.RunReport{Succeeded: true}
	}
	return p.OnRun(ctx, in)
}

// Ping implements engine.Plugin.
func (p *Plugin) Ping(ctx context.Context, in *engine.CheckRun, ping *engine.Ping) engine.RunReport {
	if p.OnPing == nil {
		return engine.RunReport{}
	}
	return p.OnPing(ctx, in, ping)
}

// Describe implements engine.Plugin.
func (p *Plugin) Describe(_ context.Context, in *engine.CheckRun) (string, error) {
	if p.OnDescribe == nil {
		return "describes " + in.Check.Name, nil
	}
	return p.OnDescribe(in), nil
}

// Alert implements engine.Plugin.
func (p *Plugin) Alert(ctx context.Context, in *engine.AlertCall) engine.AlertReport {
	if p.OnAlert == nil {
		return engine.AlertReport{Outcome: engine.OutcomeSent}
	}
	return p.OnAlert(ctx, in)
}

// Cleaning implements engine.Plugin.
func (p *Plugin) Cleaning(engine.FormName, string) form.Callbacks { return nil }

// Views implements engine.Plugin.
func (p *Plugin) Views() []engine.ViewRoute { return p.Routes }

// View implements engine.Plugin.
func (p *Plugin) View(ctx context.Context, in *engine.ViewCall) (engine.ViewAnswer, error) {
	if p.OnView == nil {
		return engine.ViewAnswer{}, &engine.ViewError{Message: "there is no view"}
	}
	return p.OnView(ctx, in)
}

// Plugins is a registry that tests fill. It is safe for concurrent use.
type Plugins struct {
	mu      sync.Mutex
	entries map[string]engine.PluginEntry
	changed func(slug string)
}

var _ engine.Plugins = (*Plugins)(nil)

// NewPlugins returns a registry of entries.
func NewPlugins(entries ...engine.PluginEntry) *Plugins {
	p := &Plugins{entries: map[string]engine.PluginEntry{}}
	for _, e := range entries {
		p.entries[e.Slug] = e
	}
	return p
}

// Put puts an entry in the place of the one with its slug, and tells who listens.
func (p *Plugins) Put(e engine.PluginEntry) {
	p.mu.Lock()
	p.entries[e.Slug] = e
	changed := p.changed
	p.mu.Unlock()
	if changed != nil {
		changed(e.Slug)
	}
}

// Clear takes all entries out, without a word.
func (p *Plugins) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.entries)
}

// Plugin implements engine.Plugins.
func (p *Plugins) Plugin(slug string) (engine.PluginEntry, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[slug]
	return e, ok
}

// List implements engine.Plugins.
func (p *Plugins) List() []engine.PluginEntry {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []engine.PluginEntry
	for _, e := range p.entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b engine.PluginEntry) int { return cmp.Compare(a.Slug, b.Slug) })
	return out
}

// OnChange implements engine.Plugins; there is one listener.
func (p *Plugins) OnChange(fn func(slug string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = fn
}
