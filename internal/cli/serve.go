package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
	"moonwatch/server"
)

type serveCommand struct {
	dataFlag
	Listen          string     `default:"127.0.0.1:8420" placeholder:"ADDRESS" help:"The address to serve pages and API on (${default})."`
	Plugins         string     `type:"path" placeholder:"DIR" help:"The plugin folder (plugins in the data folder)."`
	AllowExec       []string   `placeholder:"PATH" help:"A program that plugins may run, by its absolute path. It runs as the monitor's own user: one that reads a file named in its arguments reads secret.key, too. May be given several times."`
	AllowEnv        []string   `placeholder:"NAME" help:"An environment variable that plugins may set for these programs, besides harmless ones. May be given several times."`
	TLSCert         string     `name:"tls-cert" type:"path" placeholder:"FILE" help:"The TLS certificate, with its chain."`
	TLSKey          string     `name:"tls-key" type:"path" placeholder:"FILE" help:"The key of the TLS certificate."`
	AllowNet        []string   `placeholder:"CIDR" help:"A network that plugins may reach though it is refused by default (link-local, multicast, reserved and cloud metadata addresses, NAT64 of local use)."`
	DenyNet         []string   `placeholder:"CIDR" help:"A network that plugins may not reach."`
	MetricsOpen     bool       `help:"Serve /metrics, which names every service, without a login or token."`
	NoPluginEditing bool       `help:"Keep plugins from being written in the browser, for those who keep them elsewhere."`
	Memory          memorySize `placeholder:"SIZE" help:"About how much memory the runs of all plugins together may take, as 512MiB or 2GiB. Near it fewer runs are begun, then the heaviest are ended (by default half of what the cgroup allows, or a quarter of the machine's memory, up to 1GiB)."`
	DebugListen     string     `placeholder:"ADDRESS" help:"A loopback address, as 127.0.0.1:6060, to serve profiles of the running monitor on, for go tool pprof (none by default)."`
	LogFormat       string     `enum:"text,json" default:"text" help:"How log lines are written, text or json (${default})."`
	LogLevel        string     `enum:"debug,info,warn,error" default:"info" help:"The least level that is logged (${default})."`
}

// Run serves until SIGINT or SIGTERM.
func (c *serveCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return c.serve(ctx, s)
}

// maxBacklog is how many requests may wait for a connection of their hosts before
// further checks are held back.
const maxBacklog = 256

// rooms are the parts of a monitor, in the order in which they are built. Each is
// stopped before those that were built before it.
type rooms struct {
	log      *slog.Logger
	memory   uint64       // what all runs together may take, in bytes
	network  *host.Net    // of plugins
	listener net.Listener // of pages and API
	self     string       // URL under which the monitor reaches itself
	data     *dataDir
	lua      *luaapi.Runtime
	registry engine.Plugins   // what the engine runs: lua, but for the demo
	now      func() time.Time // the engine's clock; nil is the machine's
	runs     runMemory        // of lua, for the engine
	setup    string           // token of the one-time link; "" when there are users
	web      *server.Server
	failed   chan error // of what serves: the first ends the monitor

	stops []func() error // in the order of building
}

// onStop has fn called by stop, before those that are there already.
func (r *rooms) onStop(fn func() error) { r.stops = append(r.stops, fn) }

// stop stops what was built and started.
func (r *rooms) stop() error {
	var errs []error
	for _, fn := range slices.Backward(r.stops) {
		errs = append(errs, fn())
	}
	r.stops = nil
	return errors.Join(errs...)
}

// errStopped ends a start that a signal interrupted: it is no failure.
var errStopped = errors.New("stopped before it was up")

// serve builds the rooms, starts them, and stops them in the reverse order when
// ctx ends or one of them fails.
func (c *serveCommand) serve(ctx context.Context, s streams) (err error) {
	steps := []step{c.listen, c.openData, c.loadPlugins, c.buildServer, c.start}
	return c.build(ctx, s, &rooms{}, steps, func(r *rooms) { c.greet(s, r) })
}

// step builds or starts a part of a monitor.
type step func(context.Context, *rooms) error

// build takes the steps, greets who started it, and waits until ctx ends or a part
// fails; then it stops all in the reverse order.
func (c *serveCommand) build(ctx context.Context, s streams, r *rooms, steps []step, greet func(*rooms)) (err error) {
	r.log, r.memory, r.failed = c.logger(s.err), uint64(c.Memory), make(chan error, 2)
	if s.adoptLog != nil {
		s.adoptLog(r.log)
	}
	if r.memory == 0 {
		r.memory = defaultMemory("/")
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	for _, take := range steps {
		if err := take(ctx, r); errors.Is(err, errStopped) {
			return nil
		} else if err != nil {
			return err
		}
	}
	r.log.Info("the monitor runs", "address", r.self, "data", c.Data, "plugins", c.Plugins, "version", version)
	greet(r)
	select {
	case <-ctx.Done():
		r.log.Info("stopping")
		return nil
	case err := <-r.failed:
		return err
	}
}

// listen takes the address before anything else, so that a second monitor fails
// there, and prepares the network of plugins.
func (c *serveCommand) listen(_ context.Context, r *rooms) (err error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	if r.network, err = c.network(); err != nil {
		return err
	}
	r.onStop(func() error { r.network.Close(); return nil })
	if c.Listen, err = listenAddress(c.Listen); err != nil {
		return err
	}
	if r.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return listenError(c.Listen, err)
	}
	r.onStop(func() error { r.listener.Close(); return nil }) // its server has closed it, if there was one
	r.self = c.selfURL(r.listener.Addr())
	return c.listenDebug(r)
}

// openData opens the data folder with the engine on it, which does not run yet.
func (c *serveCommand) openData(ctx context.Context, r *rooms) (err error) {
	outside := prober{r.network}
	r.data, err = c.open(ctx, r.log, func(o *engine.Options) {
		o.SelfURL, o.Prober, o.Fetcher, o.NoEditing = r.self, outside, outside, c.NoPluginEditing
		o.Memory, o.RunsInFlight = &r.runs, runsInFlight(r.memory)
		if r.now != nil {
			o.Now = r.now
		}
		o.Overloaded = func() bool { return r.network.Waiting() > maxBacklog || r.runs.saturated() }
	})
	if err != nil {
		return err
	}
	r.onStop(r.data.close)
	return nil
}

// loadPlugins prepares the plugin folder and loads all plugins.
func (c *serveCommand) loadPlugins(ctx context.Context, r *rooms) (err error) {
	named := c.Plugins != ""
	if !named {
		c.Plugins = filepath.Join(c.Data, "plugins")
	}
	if _, err := os.Stat(c.Plugins); errors.Is(err, os.ErrNotExist) && named {
		r.log.Warn("the folder of --plugins was not there and is made empty now: is its path right?", "folder", c.Plugins)
	}
	if err := os.MkdirAll(c.Plugins, 0o755); err != nil {
		return fmt.Errorf("make the plugin folder: %w", err)
	}
	r.lua, err = luaapi.New(luaapi.Options{
		Host:    r.network,
		Data:    r.data.engine.Plugins.PluginData(),
		Sources: r.data.engine.Plugins.PluginSources(),
		Opener:  r.data.sealer,
		Shipped: plugins.Files(),
		Dir:     c.Plugins,
		Logger:  r.log,
		Memory:  r.memory,
	})
	if err != nil {
		return fmt.Errorf("prepare plugins: %w", err)
	}
	r.registry, r.runs.lua = r.lua, r.lua
	r.onStop(func() error { r.lua.Close(); return nil })
	go boundMemory(ctx, r.memory, func() uint64 { held, _ := r.lua.RunMemory(); return held })
	if err := writeEditorFiles(c.Plugins); err != nil {
		r.log.Warn("editors find no definitions beside the plugins", "error", err)
	}
	if err := r.lua.Load(ctx); ctx.Err() != nil {
		return errStopped
	} else if err != nil {
		return fmt.Errorf("load plugins: %w", err)
	}
	return nil
}

// buildServer builds pages and API, which nothing serves yet.
func (c *serveCommand) buildServer(_ context.Context, r *rooms) (err error) {
	if r.data.engine.Users.Empty() {
		r.setup, _ = access.NewToken("")
	}
	r.web, err = server.New(server.Options{
		Engine:       r.data.engine,
		Logger:       r.log,
		SetupToken:   r.setup,
		Version:      version,
		MetricsOpen:  c.MetricsOpen,
		PluginDir:    c.Plugins,
		PluginSource: pluginSource(c.Plugins, plugins.Files()),
		Runs:         r.lua.Stats,
		Open:         r.data.sealer.Open,
		Backup:       r.data.db.Backup,
	})
	if err != nil {
		return fmt.Errorf("prepare the server: %w", err)
	}
	return nil
}

// start serves the address and the socket of commands, starts the engine, and
// watches the plugin folder.
func (c *serveCommand) start(ctx context.Context, r *rooms) error {
	pages := c.serveOn(r.web.Bound(r.listener, maxConnections()), r.web.HTTP(r.web.Handler()), r.failed)
	r.onStop(func() error { pages.stop(r.log); return nil })
	if local, err := listenSocket(c.socket()); err != nil {
		r.log.Warn("commands cannot reach the running monitor", "error", err)
	} else {
		commands := c.serveOn(local, r.web.HTTP(r.web.SocketHandler()), r.failed)
		r.onStop(func() error { commands.stop(r.log); return nil })
	}
	// The engine starts when the address answers: its first check is of itself.
	if err := r.data.engine.Start(ctx, r.registry); err != nil {
		return fmt.Errorf("start the monitor: %w", err)
	}
	r.onStop(func() error { r.data.engine.Stop(); return nil })
	watching, unwatch := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := r.lua.Watch(watching); err != nil && watching.Err() == nil {
			r.log.Error("the plugin folder is not watched", "error", err)
		}
	}()
	r.onStop(func() error { unwatch(); <-watched; return nil })
	return nil
}

// greet tells who started it where the monitor is, and how to set it up.
func (c *serveCommand) greet(s streams, r *rooms) {
	fmt.Fprintf(s.out, "Moonwatch runs at %s\n", r.self)
	if words := c.exposure(r.listener.Addr()); words != "" {
		fmt.Fprintln(s.out, words)
	}
	if r.setup != "" {
		fmt.Fprintf(s.out, "Set it up here, once: %s/setup?token=%s\n", r.self, r.setup)
	}
}

func (c *serveCommand) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // the flag's enum is a level
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
