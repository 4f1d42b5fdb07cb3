package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"text/tabwriter"

	"moonwatch/luaapi"
	"moonwatch/plugins"
)

type pluginListCommand struct {
	dataFlag
	Plugins string `type:"path" placeholder:"DIR" help:"The plugin folder (plugins in the data folder)."`
}

// Run loads the plugins as serve would, and lists them with their problems. It
// reads files only: it needs no running monitor, and disturbs none.
func (c *pluginListCommand) Run(s streams) error {
	if c.Plugins == "" {
		c.Plugins = filepath.Join(c.Data, "plugins")
	}
	lua, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Dir: c.Plugins, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer lua.Close()
	if err := lua.Load(context.Background()); err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLUG\tKIND\tVERSION\tSTATE\tFILE\tNAME")
	for _, p := range lua.List() {
		state, kind, version, name := "active", "-", "-", ""
		if p.Problem != nil {
			state = "failed"
		}
		if p.Plugin != nil {
			m := p.Plugin.Meta()
			kind, version, name = string(m.Kind), m.Version, m.Name
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Slug, kind, version, state, p.File, name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range lua.List() {
		for _, problem := range p.Problems {
			fmt.Fprintf(s.err, "%s:%d: %s\n", problem.File, problem.Line, problem.Message)
		}
	}
	return nil
}
