package luaapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/runner"
)

// emptyGrace is how long a file may be empty, and the folder away, before that
// is taken for what it is: editors empty a file before they fill it.
const emptyGrace = time.Second

// maxFileName is the longest name of a plugin's file or folder, in bytes.
const maxFileName = 100

// pluginFolder is the plugin folder as a Runtime reads it: what changed is loaded, what went
// is retired, and the last good sources are kept in the store. Its methods want scanning
// to be held, as Load and Watch do.
type pluginFolder struct{ *Runtime }

// Load reads the plugins of the binary, the kept sources and the folder, and
// puts them in force. It blocks until all are loaded; a plugin that does not
// load is no error of Load.
func (rt *Runtime) Load(ctx context.Context) error {
	f := pluginFolder{rt}
	rt.scanning.Lock()
	defer rt.scanning.Unlock()
	if err := f.loadShipped(ctx); err != nil {
		return err
	}
	kept := f.keptSources(ctx)
	found, _, err := f.readFolder(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the plugin folder: %w", err)
	}
	f.loadAll(ctx, found, kept)
	for _, k := range kept {
		f.restoreGone(ctx, k)
	}
	rt.swap()
	f.keepAll(ctx)
	return nil
}

func (rt pluginFolder) loadShipped(ctx context.Context) error {
	if rt.opts.Shipped == nil {
		return nil
	}
	names, err := loader.PluginNames(rt.opts.Shipped)
	if err != nil {
		return fmt.Errorf("reading the shipped plugins: %w", err)
	}
	for _, name := range names {
		s, err := loader.ReadSource(rt.opts.Shipped, name)
		if err != nil {
			return fmt.Errorf("reading the shipped plugin %s: %w", name, err)
		}
		u := &unit{path: name, shipped: true}
		rt.take(u, s, rt.runner.Load(ctx, s, loader.ShownFile(name, s.Folder, true)))
		rt.units["shipped:"+name] = u
	}
	return nil
}

// found is what the folder holds under one name.
type found struct {
	source *loader.Source
	err    error // too big, or unreadable
}

// readFolder reads all plugins of the folder. unsettled is set when a file went
// away while it was read.
func (rt pluginFolder) readFolder(ctx context.Context) (all map[string]found, unsettled bool, err error) {
	all = map[string]found{}
	if rt.opts.Dir == "" {
		return all, false, nil
	}
	fsys := os.DirFS(rt.opts.Dir)
	names, err := loader.PluginNames(fsys)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if len(name) > maxFileName || !loader.Printable(name) {
			shown := strings.Trim(strconv.QuoteToGraphic(luaval.CutBytes(name, maxFileName)), `"`)
			all[shown] = found{err: fmt.Errorf("the file's name must have at most %d bytes of printable characters", maxFileName)}
			continue
		}
		s, err := loader.ReadSourceUntil(ctx, fsys, name)
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			unsettled = true
			continue
		}
		all[name] = found{s, err}
	}
	return all, unsettled, nil
}

// loadAll loads what is new or changed, side by side.
func (rt pluginFolder) loadAll(ctx context.Context, all map[string]found, kept map[string]engine.PluginSource) {
	results := map[string]*runner.Loaded{}
	var mu sync.Mutex // guards results
	var loading sync.WaitGroup
	limit := make(chan struct{}, rt.opts.MaxExecuting)
	for name, f := range all {
		if f.source == nil {
			u := rt.unitAt(name)
			u.problems, u.hash = loader.Problems{loader.WholeFile(name, f.err.Error())}, ""
			continue
		}
		if ctx.Err() != nil {
			break // what was not loaded stays as it was
		}
		if !rt.needsLoad(name, f) {
			continue
		}
		loading.Add(1)
		limit <- struct{}{}
		go func() {
			defer loading.Done()
			defer func() { <-limit }()
			out := rt.loadFound(ctx, name, f)
			mu.Lock()
			defer mu.Unlock()
			results[name] = out
		}()
	}
	loading.Wait()
	for name, out := range results {
		u := rt.unitAt(name)
		if len(out.Problems) > 0 && u.good == nil {
			rt.restore(ctx, u, kept[name])
		}
		rt.take(u, all[name].source, out)
	}
}

func (rt pluginFolder) loadFound(ctx context.Context, name string, f found) *runner.Loaded {
	if f.err != nil {
		file, _ := f.source.Main()
		return &runner.Loaded{Problems: loader.Problems{loader.WholeFile(file, f.err.Error())}}
	}
	return rt.runner.Load(ctx, f.source, loader.ShownFile(name, f.source.Folder, false))
}

// needsLoad reports whether what the folder holds differs from what was read last.
func (rt pluginFolder) needsLoad(name string, f found) bool {
	u := rt.units[name]
	if u == nil {
		return true
	}
	if u.hash == f.source.Hash && !u.gone {
		u.emptyAt = time.Time{}
		return false
	}
	if !f.source.Empty {
		u.emptyAt = time.Time{}
		return true
	}
	if u.emptyAt.IsZero() {
		u.emptyAt = time.Now()
	}
	return time.Since(u.emptyAt) >= emptyGrace
}

func (rt pluginFolder) unitAt(name string) *unit {
	if rt.units[name] == nil {
		rt.units[name] = &unit{path: name}
	}
	return rt.units[name]
}

// take makes what was loaded the unit's newest. On a failure the good version
// stays, with the problem beside it.
func (rt pluginFolder) take(u *unit, s *loader.Source, out *runner.Loaded) {
	u.hash, u.gone = s.Hash, false
	u.problems, u.warnings, u.claims = out.Problems, out.Warnings, out.Slugs
	if len(out.Problems) > 0 {
		rt.opts.Logger.Warn("plugin does not load", "file", out.Problems[0].File, "line", out.Problems[0].Line, "problem", out.Problems[0].Message)
		return
	}
	rt.retire(u, out)
	u.good, u.source, u.at = out, s, rt.opts.Now()
}

// retire lets the unit's old version end: what its file no longer defines is
// kept as orphaned, and the pool is drained.
func (rt pluginFolder) retire(u *unit, next *runner.Loaded) {
	if u.good == nil {
		return
	}
	defined := func(v *runner.Version) bool {
		return slices.ContainsFunc(next.Plugins, func(n *runner.Version) bool { return n.Manifest.Slug == v.Manifest.Slug })
	}
	u.orphans = slices.DeleteFunc(u.orphans, defined)
	for _, v := range u.good.Plugins {
		v.Release()
		if !defined(v) {
			u.orphans = append(u.orphans, v)
			rt.keepOrphan(u, v)
		}
	}
	if len(u.good.Plugins) > 0 {
		u.good.Plugins[0].Pool.Close()
	}
}

// scan reads the folder and puts in force what changed. again reports that the
// folder was in the middle of a change and wants another look soon.
func (rt pluginFolder) scan(ctx context.Context) (again bool) {
	rt.scanning.Lock()
	defer rt.scanning.Unlock()
	all, unsettled, err := rt.readFolder(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return false
		}
		if !errors.Is(err, fs.ErrNotExist) {
			rt.opts.Logger.Error("reading the plugin folder", "error", err)
			return false
		}
		if rt.missingAt.IsZero() {
			rt.missingAt = time.Now()
		}
		if time.Since(rt.missingAt) < emptyGrace {
			return true
		}
		all = map[string]found{}
	} else {
		rt.missingAt = time.Time{}
	}
	rt.loadAll(ctx, all, nil)
	for name, u := range rt.units {
		if _, there := all[name]; !there && !u.shipped && !unsettled {
			rt.leave(u)
		}
		if there := all[name]; there.source != nil && there.source.Empty && !u.emptyAt.IsZero() {
			again = true
		}
	}
	rt.swap()
	rt.keepAll(ctx)
	return again || unsettled
}

// leave marks a unit whose file is gone. One that never loaded is forgotten.
func (rt pluginFolder) leave(u *unit) {
	if u.gone {
		return
	}
	u.gone, u.problems, u.warnings, u.hash = true, nil, nil, ""
	if u.good == nil && len(u.orphans) == 0 {
		delete(rt.units, u.path)
	}
}
