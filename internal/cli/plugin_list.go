package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"moonwatch/engine"
	"moonwatch/luaapi"
	"moonwatch/plugins"
)

type pluginListCommand struct {
	pluginsFlag
	Files bool `help:"Read the files, also while a monitor runs: what it would load if it were started now."`
}

// listedPlugin is one line of the list.
type listedPlugin struct {
	Slug, Name, File, State string
	Kind                    engine.PluginKind
	Version                 string                 `json:"running_version"`
	Error                   *engine.PluginProblem  // of the newest file
	Problems                []engine.PluginProblem // all of them
}

// Run lists the plugins with their problems: as the monitor has them that runs on
// the data folder, which may still run the version before a mistake; else, or when
// another folder is asked for, as serve would load them from the files.
func (c *pluginListCommand) Run(s streams) error {
	ctx := context.Background()
	list, from, err := c.ask(ctx)
	if list == nil && err == nil {
		list, err = c.read(ctx)
		from = "as serve would load them from " + c.folder()
	}
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tKIND\tVERSION\tSTATE\tFILE\tNAME")
	for _, p := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Slug, dash(string(p.Kind)), dash(p.Version), p.state(), p.File, p.Name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range list {
		for _, problem := range p.Problems {
			fmt.Fprintln(s.err, problemLine(problem))
		}
	}
	fmt.Fprintf(s.err, "note: %s\n", from)
	return nil
}

// ask asks the monitor that runs; the list is nil when none does, or when it
// is not what was asked for.
func (c *pluginListCommand) ask(ctx context.Context) (list []listedPlugin, from string, err error) {
	if other := c.Plugins != "" && c.Plugins != os.Getenv("MOONWATCH_PLUGINS"); c.Files || other {
		return nil, "", nil
	}
	api, err := c.running(ctx)
	if api == nil || err != nil {
		return nil, "", err
	}
	defer api.close()
	list, err = listed[listedPlugin](ctx, api, "/plugins", url.Values{})
	return list, "as the running monitor has them; --files reads the files", err
}

// read loads the files.
func (c *pluginListCommand) read(ctx context.Context) ([]listedPlugin, error) {
	lua, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Dir: c.folder(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer lua.Close()
	if err := lua.Load(ctx); err != nil {
		return nil, err
	}
	var list []listedPlugin
	for _, e := range lua.List() {
		p := listedPlugin{Slug: e.Slug, File: e.File, State: "active", Error: e.Problem, Problems: e.Problems}
		if e.Plugin != nil {
			m := e.Plugin.Meta()
			p.Kind, p.Version, p.Name = m.Kind, m.Version, m.Name
		}
		if e.Problem != nil {
			p.State = "failed"
		}
		list = append(list, p)
	}
	return list, nil
}

// state is how the plugin in this file is: what is wrong with another file that
// would define it too does not make it fail.
func (p listedPlugin) state() string {
	if p.State == "failed" && p.Version != "" && p.Error != nil && unitOf(p.Error.File) != unitOf(p.File) {
		return "active"
	}
	return p.State
}

// unitOf is the plugin's file, or its folder, that a file belongs to.
func unitOf(file string) string {
	unit, _, _ := strings.Cut(filepath.ToSlash(file), "/")
	return unit
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
