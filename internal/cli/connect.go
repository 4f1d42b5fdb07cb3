package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"moonwatch/engine/config/importer"
	"moonwatch/luaapi"
	"moonwatch/plugins"
	"moonwatch/server"
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
func (f *dataDir) withPlugins(ctx context.Context, dir string) (*client, error) {
	lua, err := luaapi.New(luaapi.Options{Data: f.engine.Plugins.PluginData(), Sources: f.engine.Plugins.PluginSources(), Opener: f.sealer,
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
	importer.SetPlugins(f.engine.State, lua)
	return f.client(close)
}

// running returns a client for the monitor that has the data folder open, nil
// when none runs.
func (f dataFlag) running(ctx context.Context) (*client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", f.socket())
	}
	conn, err := dial(ctx, "", "")
	switch {
	case err == nil:
		conn.Close()
		return &client{&http.Client{Transport: &http.Transport{DialContext: dial}}, func() error { return nil }}, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), len(f.socket()) > maxSocketPath:
		return nil, nil
	}
	return nil, fmt.Errorf("reach the running monitor: %w", err)
}

// connect returns a client for the data folder: of the monitor that runs, or of
// the folder itself, which is opened then, without plugins.
func (f dataFlag) connect(ctx context.Context) (*client, error) {
	if c, err := f.running(ctx); c != nil || err != nil {
		return c, err
	}
	opened, err := f.open(ctx, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return opened.client(opened.close)
}

// client returns a client of the opened folder; close is called with it.
func (f *dataDir) client(close func() error) (*client, error) {
	api, err := server.New(server.Options{Engine: f.engine, Logger: slog.New(slog.DiscardHandler), Version: version, Open: f.sealer.Open})
	if err != nil {
		return nil, errors.Join(err, close())
	}
	return clientOf(api.SocketHandler(), close), nil
}
