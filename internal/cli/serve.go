package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
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
	LogFormat       string     `enum:"text,json" default:"text" help:"How log lines are written, text or json (${default})."`
	LogLevel        string     `enum:"debug,info,warn,error" default:"info" help:"The least level that is logged (${default})."`
}

// shutdownTime is how long requests under way may take to end at a stop.
const shutdownTime = 2 * time.Second

// Run serves until SIGINT or SIGTERM.
func (c *serveCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return c.serve(ctx, s)
}

// crowd is how many requests may wait for a connection of their hosts before
// further checks are held back.
const crowd = 256

// serve builds the rooms in order, and stops them in the reverse order.
func (c *serveCommand) serve(ctx context.Context, s streams) (err error) {
	log := c.logger(s.err)
	if s.adoptLog != nil {
		s.adoptLog(log)
	}
	memory := uint64(c.Memory)
	if memory == 0 {
		memory = defaultMemory("/")
	}
	runs := &runMemory{}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	ownPlugins := c.Plugins != ""
	if !ownPlugins {
		c.Plugins = filepath.Join(c.Data, "plugins")
	}
	network, err := c.network()
	if err != nil {
		return err
	}
	defer network.Close()

	if c.Listen, err = listenAddress(c.Listen); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return listenError(c.Listen, err)
	}
	defer listener.Close()
	self := c.selfURL(listener.Addr())

	f, err := c.open(ctx, log, func(o *engine.Options) {
		o.SelfURL, o.Prober, o.Fetcher, o.NoEditing = self, outside{network}, outside{network}, c.NoPluginEditing
		o.Memory, o.RunsInFlight = runs, runsInFlight(memory)
		o.Crowded = func() bool { return network.Waiting() > crowd }
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()

	if _, err := os.Stat(c.Plugins); errors.Is(err, os.ErrNotExist) && ownPlugins {
		log.Warn("the folder of --plugins was not there and is made empty now: is its path right?", "folder", c.Plugins)
	}
	if err := os.MkdirAll(c.Plugins, 0o755); err != nil {
		return fmt.Errorf("make the plugin folder: %w", err)
	}
	lua, err := luaapi.New(luaapi.Options{Host: network, Data: f.engine.PluginData(), Sources: f.engine.PluginSources(),
		Opener: f.sealer, Shipped: plugins.Files(), Dir: c.Plugins, Logger: log, Memory: memory})
	if err != nil {
		return fmt.Errorf("prepare plugins: %w", err)
	}
	defer lua.Close()
	runs.lua = lua
	go boundMemory(ctx, memory, func() uint64 { held, _ := lua.RunMemory(); return held })
	if err := writeEditorFiles(c.Plugins); err != nil {
		log.Warn("editors find no definitions beside the plugins", "error", err)
	}
	if err := lua.Load(ctx); ctx.Err() != nil {
		return nil // stopped before it was up
	} else if err != nil {
		return fmt.Errorf("load plugins: %w", err)
	}

	setup := ""
	if f.engine.Empty() {
		setup, _ = access.NewToken("")
	}
	web, err := server.New(server.Options{Engine: f.engine, Logger: log, SetupToken: setup, Version: version, MetricsOpen: c.MetricsOpen,
		PluginDir: c.Plugins, PluginSource: pluginSource(c.Plugins, plugins.Files()), Plugins: figures{lua},
		Open: f.sealer.Open, Backup: f.db.Backup})
	if err != nil {
		return fmt.Errorf("prepare the server: %w", err)
	}

	failed := make(chan error, 2)
	pages := c.serveOn(web.Bound(listener, connectionsMost()), web.HTTP(web.Handler()), failed)
	defer pages.stop(log)
	if local, err := listenSocket(c.socket()); err != nil {
		log.Warn("commands cannot reach the running monitor", "error", err)
	} else {
		commands := c.serveOn(local, web.HTTP(web.SocketHandler()), failed)
		defer commands.stop(log)
	}
	// The engine starts when the address answers: its first check is of itself.
	if err := f.engine.Start(ctx, lua); err != nil {
		return fmt.Errorf("start the monitor: %w", err)
	}
	defer f.engine.Stop()
	watching, unwatch := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := lua.Watch(watching); err != nil && watching.Err() == nil {
			log.Error("the plugin folder is not watched", "error", err)
		}
	}()
	defer func() { unwatch(); <-watched }()
	log.Info("the monitor runs", "address", self, "data", c.Data, "plugins", c.Plugins, "version", version)
	fmt.Fprintf(s.out, "Moonwatch runs at %s\n", self)
	if words := c.exposure(listener.Addr()); words != "" {
		fmt.Fprintln(s.out, words)
	}
	if setup != "" {
		fmt.Fprintf(s.out, "Set it up here, once: %s/setup?token=%s\n", self, setup)
	}
	select {
	case <-ctx.Done():
		log.Info("stopping")
		return nil
	case err := <-failed:
		return err
	}
}

// visitorsMost bounds the connections to pages and API.
const visitorsMost = 2000

// connectionsMost leaves half of the file descriptors to checks and the store.
func connectionsMost() int { return max(8, min(visitorsMost, descriptors()/2)) }

// listenAddress reads what --listen says: HOST:PORT, :PORT for all addresses, or a
// bare PORT of this machine alone.
func listenAddress(text string) (string, error) {
	if port, err := strconv.ParseUint(text, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10)), nil
	}
	_, _, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(text, "/ ") {
		return "", fmt.Errorf("--listen: write an address such as 127.0.0.1:8420, :8420 for all addresses, or a port alone for this machine")
	}
	return text, nil
}

// exposure says who can reach an address, when it is more than this machine.
func (c *serveCommand) exposure(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return ""
	}
	where := "at " + tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		where = "at every address of this machine"
	}
	words := "It listens " + where + ": whoever reaches it over the network sees the login, public pages and pings."
	if c.TLSCert == "" {
		words += " Without --tls-cert passwords cross the network unencrypted, unless a proxy in front speaks TLS."
	}
	return words
}

func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the address is in use; choose another with --listen", address)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
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

func (c *serveCommand) network() (*host.Net, error) {
	o := host.DefaultOptions()
	o.AllowExec, o.AllowEnv = c.AllowExec, c.AllowEnv
	var err error
	if o.Allow, err = prefixes("--allow-net", c.AllowNet); err != nil {
		return nil, err
	}
	if o.Deny, err = prefixes("--deny-net", c.DenyNet); err != nil {
		return nil, err
	}
	return host.New(o)
}

// selfURL is the address under which the monitor reaches itself.
func (c *serveCommand) selfURL(a net.Addr) string {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	name, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return scheme + "://" + a.String()
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(name, port)
}

// serving is an HTTP server that runs.
type serving struct {
	server *http.Server
}

func (c *serveCommand) serveOn(l net.Listener, s *http.Server, failed chan<- error) serving {
	go func() {
		var err error
		if c.TLSCert != "" && l.Addr().Network() == "tcp" {
			err = s.ServeTLS(l, c.TLSCert, c.TLSKey)
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve on %s: %w", l.Addr(), err)
		}
	}()
	return serving{s}
}

func (s serving) stop(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		log.Debug("requests were cut off", "error", err)
		s.server.Close()
	}
}
