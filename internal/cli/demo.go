package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config/importer"
	"moonwatch/internal/demo"
	"moonwatch/luaapi"
)

type demoCommand struct {
	Listen      string        `default:"127.0.0.1:8420" placeholder:"ADDRESS" help:"The address to serve pages and API on (${default})."`
	Data        string        `type:"path" placeholder:"DIR" help:"A folder to keep the demo in, empty or a demo's (by default one that is deleted at the end)."`
	Password    string        `placeholder:"PASSWORD" help:"The password of the accounts of a new demo (by default one is made up and printed)."`
	Seed        uint64        `default:"1" placeholder:"NUMBER" help:"What the history of a new demo is drawn with (${default})."`
	Quiet       bool          `help:"Rehearse no outage."`
	OutageAfter time.Duration `default:"45s" placeholder:"TIME" help:"How long after the start the rehearsed outage begins (${default})."`
	OutageEvery time.Duration `default:"20m" placeholder:"TIME" help:"How often it comes again (${default}); 0 is never."`

	city  *demo.City
	clock demo.Clock
	kept  demoFile
}

// demoFile is what marks a folder as a demo's. It is JSON in demo.json.
type demoFile struct {
	Seed     uint64    `json:"seed"`
	Made     time.Time `json:"made"`
	Password string    `json:"password"` // it guards nothing but made-up things
}

// Run serves the demo until SIGINT or SIGTERM.
func (c *demoCommand) Run(s streams) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if c.Data == "" {
		if c.Data, err = os.MkdirTemp("", "moonwatch-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.Data)) }()
	}
	fresh, err := c.prepare()
	if err != nil {
		return err
	}
	c.city = demo.New(c.kept.Seed, c.kept.Made)
	serve := &serveCommand{dataFlag: dataFlag{Data: c.Data, noSync: true}, Listen: c.Listen, LogFormat: "text", LogLevel: "error", NoPluginEditing: true}
	steps := []step{serve.listen, serve.openData, serve.loadPlugins, c.tell}
	if fresh {
		steps = append(steps, c.makePast)
	}
	steps = append(steps, c.rehearse, serve.buildServer, serve.start, c.direct)
	return serve.build(ctx, s, &rooms{now: c.clock.Now}, steps, func(r *rooms) { c.greet(s.out, serve, r) })
}

// prepare reads which demo the folder holds, and reports whether it is to be made.
func (c *demoCommand) prepare() (fresh bool, err error) {
	data, err := os.ReadFile(c.mark())
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &c.kept); err != nil {
			return false, fmt.Errorf("read %s: %w", c.mark(), err)
		}
		return false, nil
	case !errors.Is(err, os.ErrNotExist):
		return false, err
	}
	held, err := os.ReadDir(c.Data)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	if len(held) > 0 {
		return false, fmt.Errorf("--data: %s holds something that is no demo: choose an empty folder", c.Data)
	}
	c.kept = demoFile{Seed: c.Seed, Made: time.Now().UTC().Truncate(time.Second), Password: c.Password}
	if c.kept.Password == "" {
		made, _ := access.NewToken("")
		c.kept.Password = made[:access.MinPassword]
	} else if err := access.CheckPassword(c.kept.Password, demo.Admin); err != nil {
		return false, fmt.Errorf("--password: %w", err)
	}
	return true, nil
}

func (c *demoCommand) mark() string { return filepath.Join(c.Data, "demo.json") }

// tell puts the city's results in the place of what plugins would find.
func (c *demoCommand) tell(_ context.Context, r *rooms) error {
	r.registry = toldPlugins{r.lua, c}
	return nil
}

// makePast fills the folder. Its mark comes last: a folder without it is no demo's.
func (c *demoCommand) makePast(ctx context.Context, r *rooms) error {
	importer.SetPlugins(r.data.engine.State, r.registry)
	if err := c.city.WritePast(ctx, r.data.engine, &c.clock, c.kept.Made, c.kept.Password); ctx.Err() != nil {
		return errStopped
	} else if err != nil {
		return fmt.Errorf("make the demo: %w", err)
	}
	data, err := json.Marshal(c.kept)
	if err != nil {
		return err
	}
	return os.WriteFile(c.mark(), data, 0o600)
}

// rehearse says when the outage begins.
func (c *demoCommand) rehearse(context.Context, *rooms) error {
	if !c.Quiet {
		c.city.Rehearse(demo.Outage{First: time.Now().Add(c.OutageAfter), Every: c.OutageEvery})
	}
	return nil
}

// direct lets people play their part.
func (c *demoCommand) direct(_ context.Context, r *rooms) error {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); c.city.Direct(ctx, r.data.engine, r.log) }()
	r.onStop(func() error { end(); <-ended; return nil })
	return nil
}

func (c *demoCommand) greet(out io.Writer, serve *serveCommand, r *rooms) {
	fmt.Fprintf(out, "Moonwatch shows a made-up city at %s\n", r.self)
	fmt.Fprintf(out, "Sign in as %s (admin), %s (on duty now) or %s (may look alone), password %s\n", demo.Admin, demo.Operator, demo.Viewer, c.kept.Password)
	fmt.Fprintf(out, "What everybody sees: %s/status\n", r.self)
	if words := serve.exposure(r.listener.Addr()); words != "" {
		fmt.Fprintln(out, words)
	}
	if !c.Quiet {
		fmt.Fprintf(out, "In %s the main database slows down, and what needs it follows. Its checks and alerts leave this machine at no time.\n", c.OutageAfter)
	}
}

// toldPlugins is a registry whose city's checks are told, not run. Whatever else the
// runtime can do, it does.
type toldPlugins struct {
	*luaapi.Runtime
	demo *demoCommand
}

// Plugin implements engine.Plugins.
func (t toldPlugins) Plugin(slug string) (engine.PluginEntry, bool) {
	e, known := t.Runtime.Plugin(slug)
	return t.demo.city.Entry(e, t.demo.clock.Now), known
}

// List implements engine.Plugins.
func (t toldPlugins) List() []engine.PluginEntry {
	list := t.Runtime.List()
	for i := range list {
		list[i] = t.demo.city.Entry(list[i], t.demo.clock.Now)
	}
	return list
}
