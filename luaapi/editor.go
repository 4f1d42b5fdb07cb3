package luaapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/lint"
)

var _ engine.PluginEditor = (*Runtime)(nil)

// SourceOf returns the files of the plugin file or folder that holds a slug, as
// they lie in the folder now; those of a plugin that ships come from the binary.
func (rt *Runtime) SourceOf(slug string) (engine.PluginSource, error) {
	entry, ok := rt.Plugin(slug)
	if !ok {
		return engine.PluginSource{}, fmt.Errorf("no plugin has the slug %s", slug)
	}
	shown, shipped := strings.CutPrefix(entry.File, "shipped:")
	name, _, _ := strings.Cut(shown, "/")
	var fsys fs.FS = os.DirFS(rt.opts.Dir)
	if shipped {
		fsys = rt.opts.Shipped
	}
	if fsys == nil || name == "" {
		return engine.PluginSource{}, fmt.Errorf("the file of %s is gone", slug)
	}
	s, err := loader.ReadSource(fsys, name)
	if err != nil {
		return engine.PluginSource{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return engine.PluginSource{Path: s.Path, Slugs: []string{slug}, Hash: s.Hash, Files: s.Files}, nil
}

// draftSource checks that sources may become a plugin of the folder.
func draftSource(d engine.PluginSource) (*loader.Source, error) {
	_, single := d.Files[""]
	switch {
	case d.Path != filepath.Base(d.Path) || d.Path == "" || d.Path[0] == '.' || d.Path[0] == '_':
		return nil, fmt.Errorf("%q is no name for a plugin file or folder", d.Path)
	case single && (len(d.Files) != 1 || !loader.IsPluginFile(d.Path)):
		return nil, errors.New("a plugin file is named NAME.lua")
	case !single && d.Files[loader.MainFile] == "":
		return nil, errors.New("a plugin folder has a plugin.lua")
	}
	total := 0
	for file, text := range d.Files {
		if file != "" && (!fs.ValidPath(file) || !strings.HasSuffix(file, ".lua") || strings.HasPrefix(file, ".")) {
			return nil, fmt.Errorf("%q is no name for a Lua file", file)
		}
		total += len(text)
	}
	if total > loader.MaxFolder {
		return nil, loader.ErrTooBig
	}
	return &loader.Source{Path: d.Path, Folder: !single, Files: maps.Clone(d.Files), Hash: d.Hash}, nil
}

// Draft loads sources aside and lints them: warnings are what the linter finds
// beside the problems.
func (rt *Runtime) Draft(ctx context.Context, d engine.PluginSource) engine.DraftReport {
	report := engine.DraftReport{Problems: []engine.PluginProblem{}, Warnings: []engine.PluginProblem{}}
	s, err := draftSource(d)
	if err != nil {
		report.Problems = append(report.Problems, engine.PluginProblem{File: d.Path, Message: err.Error()})
		return report
	}
	out := rt.runner.Load(ctx, s, loader.ShownFile(s.Path, s.Folder, false))
	for _, f := range rt.lintDraft(s, out) {
		p := engine.PluginProblem{Message: f.Message, File: f.File, Line: f.Line, Column: f.Column}
		if f.Code == lint.CodeLoad {
			report.Problems = append(report.Problems, p)
		} else {
			report.Warnings = append(report.Warnings, p)
		}
	}
	if more := len(report.Warnings) - maxDraftWarnings; more > 0 {
		report.Warnings = append(report.Warnings[:maxDraftWarnings], engine.PluginProblem{
			File:    s.Path,
			Message: fmt.Sprintf("%d further warnings are not shown", more),
		})
	}
	if len(out.Problems) == 0 {
		for _, v := range out.Plugins {
			report.Plugins = append(report.Plugins, v)
		}
	}
	return report
}

// maxDraftWarnings is how many warnings of a draft are shown.
const maxDraftWarnings = 100

// lintDraft lints a source that was loaded. Of what both loading and the linter
// found wrong at a line, loading is heard. A failure of the linter itself costs
// its findings, not the draft.
func (rt *Runtime) lintDraft(s *loader.Source, out *runner.Loaded) (found []Finding) {
	type spot struct {
		file string
		line int
	}
	l, broken := newPlaces(s), map[spot]bool{}
	for _, p := range out.Problems {
		f := l.finding(p, lint.CodeLoad)
		broken[spot{f.File, f.Line}] = true
		found = append(found, f)
	}
	defer func() {
		if p := recover(); p != nil {
			rt.opts.Logger.Error("the linter failed", "file", s.Path, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	for _, f := range rt.lintLoaded(s, out) {
		if f.Code != lint.CodeLoad && !broken[spot{f.File, f.Line}] {
			found = append(found, f)
		}
	}
	return found
}

// TryDraft runs a check plugin of sources that are not in force, in a runtime of
// its own: what it stores is forgotten, and everything that it does outside is
// recorded.
func (rt *Runtime) TryDraft(ctx context.Context, d engine.PluginSource, slug string, in *engine.CheckRun) (engine.TryReport, error) {
	s, err := draftSource(d)
	if err != nil {
		return engine.TryReport{}, err
	}
	trace := host.NewTrace(rt.opts.Host)
	aside, err := New(Options{
		Host:         trace,
		Opener:       rt.opts.Opener,
		Shipped:      rt.opts.Shipped,
		Env:          rt.opts.Env,
		Logger:       rt.opts.Logger,
		Now:          rt.opts.Now,
		Data:         module.NewScratch(rt.opts.Now),
		MaxExecuting: 1,
		Instructions: rt.opts.Instructions,
		SoftHeap:     rt.opts.SoftHeap,
		RunHeap:      rt.opts.RunHeap,
		Measure:      true,
	})
	if err != nil {
		return engine.TryReport{}, err
	}
	defer aside.Close()
	out := aside.runner.Load(ctx, s, loader.ShownFile(s.Path, s.Folder, false))
	if len(out.Problems) > 0 {
		return engine.TryReport{}, fmt.Errorf("%s:%d: %s", out.Problems[0].File, out.Problems[0].Line, out.Problems[0].Message)
	}
	for _, v := range out.Plugins {
		if v.Manifest.Slug != slug {
			continue
		}
		report := engine.TryReport{Run: v.Run(ctx, in), Version: v.Manifest.Version, Calls: []engine.TracedCall{}}
		calls, more := trace.Calls()
		report.More = more
		for _, c := range calls {
			report.Calls = append(report.Calls, engine.TracedCall{Kind: c.Kind, Target: c.Target, Request: c.Request, Answer: c.Answer,
				Error: c.Error, Start: c.Start, Took: c.Took})
		}
		return report, nil
	}
	return engine.TryReport{}, fmt.Errorf("the draft defines no plugin %s", slug)
}

// WriteSource writes the files into the plugin folder, each whole or not at all,
// and reads the folder at once.
func (rt *Runtime) WriteSource(ctx context.Context, d engine.PluginSource) error {
	s, err := draftSource(d)
	if err != nil {
		return err
	}
	if rt.opts.Dir == "" {
		return errors.New("there is no plugin folder")
	}
	if err := os.MkdirAll(rt.opts.Dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(rt.opts.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for file, text := range s.Files {
		if err := writeWhole(root, s.Name(file), text); err != nil {
			return err
		}
	}
	pluginFolder{rt}.scan(ctx)
	if entry, ok := rt.entryAt(s.Path); ok && entry.Problem != nil {
		return errors.New(entry.Problem.Message)
	}
	return nil
}

// RemoveSource removes the files from the plugin folder, the one that makes it a
// plugin first, and reads the folder at once. Folders that become empty go, too.
func (rt *Runtime) RemoveSource(ctx context.Context, d engine.PluginSource) error {
	s, err := draftSource(d)
	if err != nil {
		return err
	}
	if rt.opts.Dir == "" {
		return errors.New("there is no plugin folder")
	}
	root, err := os.OpenRoot(rt.opts.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	names := luaval.SortedKeys(s.Files)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(strings.Count(b, "/"), strings.Count(a, "/")) })
	if s.Folder {
		names = append([]string{loader.MainFile}, slices.DeleteFunc(names, func(file string) bool { return file == loader.MainFile })...)
	}
	for i, file := range names {
		if one := root.Remove(s.Name(file)); one != nil && !errors.Is(one, fs.ErrNotExist) {
			if err = errors.Join(err, one); i == 0 {
				break // it is a plugin still
			}
		}
		for dir := filepath.Dir(s.Name(file)); dir != "."; dir = filepath.Dir(dir) {
			if root.Remove(dir) != nil {
				break // it holds something else
			}
		}
	}
	pluginFolder{rt}.scan(ctx)
	return err
}

// writeWhole replaces a file below root by a new one. A name that leads out of
// root is an error.
func writeWhole(root *os.Root, name, text string) error {
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	temporary := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".new")
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return root.Rename(temporary, name)
}

// entryAt returns the registry's entry of a file or folder.
func (rt *Runtime) entryAt(path string) (engine.PluginEntry, bool) {
	for _, e := range rt.List() {
		if name, _, _ := strings.Cut(e.File, "/"); name == path {
			return e, true
		}
	}
	return engine.PluginEntry{}, false
}
