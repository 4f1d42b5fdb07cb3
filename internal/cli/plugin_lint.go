package cli

import (
	"context"
	"fmt"
	"log/slog"

	"moonwatch/luaapi"
	"moonwatch/plugins"
)

type pluginLintCommand struct {
	Paths []string `arg:"" name:"path" help:"A plugin's file, a test, or a folder."`
}

const (
	lintFound    exitCode = 1
	lintCouldNot exitCode = 2
)

// Run prints what is found as file:line:column: message.
func (c *pluginLintCommand) Run(s streams) error {
	lua, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer lua.Close()
	count, failed := 0, false
	for _, path := range c.Paths {
		found, err := lua.Lint(context.Background(), path)
		if err != nil {
			fmt.Fprintf(s.err, "moonwatch: %s\n", err)
			failed = true
			continue
		}
		for _, f := range found {
			fmt.Fprintln(s.out, f)
		}
		count += len(found)
	}
	switch {
	case count > 0:
		return lintFound
	case failed:
		return lintCouldNot
	}
	fmt.Fprintln(s.err, "no findings")
	return nil
}
