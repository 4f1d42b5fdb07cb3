package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi"
	"moonwatch/luaapi/plugintest"
	"moonwatch/plugins"
)

type pluginWatchCommand struct {
	pluginRunCommand `embed:""`
}

// How often the files are looked at, and how long they must be left alone
// before a save is taken for done.
const (
	watchEvery  = 200 * time.Millisecond
	watchSettle = 150 * time.Millisecond
)

// Run lints, tests and runs the plugin now and at each save, until it is
// interrupted.
func (c *pluginWatchCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if _, err := os.Stat(c.File); err != nil {
		return fmt.Errorf("watch %s: there is no such file", c.File)
	}
	return c.watch(ctx, s)
}

func (c *pluginWatchCommand) watch(ctx context.Context, s streams) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	shown := ""
	for {
		if now := filesState(c.File); now != shown {
			for { // a save may take a few steps
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(watchSettle):
				}
				again := filesState(c.File)
				if again == now {
					break
				}
				now = again
			}
			shown = now
			c.round(ctx, s)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// filesState is a text that changes when the plugin or its tests do.
func filesState(path string) string {
	var b strings.Builder
	note := func(path string, info fs.FileInfo) {
		fmt.Fprintf(&b, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	if base := filepath.Base(path); base == "plugin.lua" || base == "plugin_test.lua" {
		path = filepath.Dir(path)
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		_ = filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil // gone meanwhile, or a folder: its files speak for it
			}
			if info, err := d.Info(); err == nil {
				note(path, info)
			}
			return nil
		})
		return b.String()
	}
	plugin := strings.TrimSuffix(strings.TrimSuffix(path, ".lua"), "_test")
	for _, file := range []string{plugin + ".lua", plugin + "_test.lua"} {
		if info, err := os.Stat(file); err == nil {
			note(file, info)
		}
	}
	return b.String()
}

// round is one look at the plugin.
func (c *pluginWatchCommand) round(ctx context.Context, s streams) {
	fmt.Fprintf(s.out, "\n%s %s\n", time.Now().Format(time.TimeOnly), c.File)
	lua, err := luaapi.New(luaapi.Options{Shipped: plugins.Files(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintf(s.err, "moonwatch: %s\n", err)
		return
	}
	defer lua.Close()
	one := c.pluginRunCommand
	if plugin, ok := strings.CutSuffix(one.File, "_test.lua"); ok {
		one.File = plugin + ".lua"
	}
	found, problems, _ := lua.LoadFile(ctx, one.File)
	c.lint(ctx, s, lua, one.File)
	if len(problems) > 0 {
		return
	}
	tester, err := plugintest.New(plugins.Files())
	if err != nil {
		fmt.Fprintf(s.err, "moonwatch: %s\n", err)
		return
	}
	defer tester.Close()
	if report, err := tester.Test(ctx, one.File); err != nil {
		fmt.Fprintf(s.out, "%s\n", err)
	} else {
		printTests(s, report, false)
		fmt.Fprintln(s.out, testSummary(report.Counts()))
	}
	for _, p := range found {
		if p.Meta().Kind != engine.CheckPlugin || c.Slug != "" && p.Meta().Slug != c.Slug {
			continue
		}
		one.Slug = p.Meta().Slug
		c.runOnce(ctx, s, one)
	}
}

// lint prints what there is to find in the plugin and its test; what keeps it
// from loading is among it.
func (c *pluginWatchCommand) lint(ctx context.Context, s streams, lua *luaapi.Runtime, file string) {
	paths := []string{file}
	if test := strings.TrimSuffix(file, ".lua") + "_test.lua"; strings.HasSuffix(file, ".lua") && filepath.Base(file) != "plugin.lua" {
		if _, err := os.Stat(test); err == nil {
			paths = append(paths, test)
		}
	}
	for _, path := range paths {
		found, err := lua.Lint(ctx, path)
		if err != nil {
			fmt.Fprintf(s.out, "%s\n", err)
		}
		for _, f := range found {
			fmt.Fprintln(s.out, f)
		}
	}
}

// runOnce runs a check as `plugin run` does, as far as the values given suffice.
func (c *pluginWatchCommand) runOnce(ctx context.Context, s streams, one pluginRunCommand) {
	result, err := one.run(ctx, s)
	if err != nil {
		var shown exitCode
		if !errors.As(err, &shown) {
			fmt.Fprintf(s.out, "not run: %s\n", err)
		}
		return
	}
	printResult(s.out, result)
}
