package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"moonwatch/luaapi"
	"moonwatch/plugins"
)

// pluginsFlag is the data folder with its plugins, for commands whose values
// pass through plugins' forms.
type pluginsFlag struct {
	dataFlag
	Plugins string `type:"path" placeholder:"DIR" help:"The plugin folder (plugins in the data folder)."`
}

func (f pluginsFlag) folder() string {
	if f.Plugins != "" {
		return f.Plugins
	}
	return filepath.Join(f.Data, "plugins")
}

// connect is dataFlag.connect, with plugins in a folder that no monitor has open.
func (f pluginsFlag) connect(ctx context.Context) (*client, error) {
	if c, err := f.running(ctx); c != nil || err != nil {
		return c, err
	}
	opened, err := f.open(ctx, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return opened.withPlugins(ctx, f.folder())
}

// withPlugins returns a client of the opened folder, with its plugins loaded.
// The client closes the folder.
func (f *folder) withPlugins(ctx context.Context, dir string) (*client, error) {
	lua, err := luaapi.New(luaapi.Options{Data: f.engine.PluginData(), Sources: f.engine.PluginSources(), Opener: f.sealer,
		Shipped: plugins.Files(), Dir: dir})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare plugins: %w", err), f.close())
	}
	close := func() error {
		err := f.close()
		lua.Close()
		return err
	}
	if err := lua.Load(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("load plugins: %w", err), close())
	}
	f.engine.SetPlugins(lua)
	return f.client(close)
}
