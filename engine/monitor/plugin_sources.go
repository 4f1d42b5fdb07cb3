package monitor

import (
	"context"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// PluginSources keeps the last good sources of plugins in the store.
func (ps *Plugins) PluginSources() engine.PluginSources { return pluginSources{ps} }

type pluginSources struct{ e *Plugins }

// KeepSource stores a source; it blocks on the disk.
func (p pluginSources) KeepSource(ctx context.Context, s engine.PluginSource) error {
	return p.e.Proceed(ctx, func(x *state.Tx) error {
		x.Write(engine.KindPluginSource, s.Path, s)
		if !s.Gone {
			p.e.keepVersion(ctx, x, s)
		}
		return nil
	})
}

// KeptSources returns all kept sources in order of path.
func (p pluginSources) KeptSources(ctx context.Context) ([]engine.PluginSource, error) {
	var out []engine.PluginSource
	for s, err := range state.Scan[engine.PluginSource](ctx, p.e.Store, engine.KindPluginSource, engine.Query{}) {
		if err != nil {
			return out, err
		}
		out = append(out, *s)
	}
	return out, nil
}

// DropSource forgets a source; one that is not kept is no error.
func (p pluginSources) DropSource(ctx context.Context, path string) error {
	return p.e.Proceed(ctx, func(x *state.Tx) error {
		x.Erase(engine.KindPluginSource, path)
		return nil
	})
}
