package luaapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/syntax"
	"moonwatch/luaapi/lint"
)

// Finding is what Lint found at one place.
type Finding = lint.Finding

// Lint looks for mistakes in a plugin's file, in a file of tests, in a plugin's
// folder, or in all plugins of a folder with their tests. It runs the files' top
// level as loading does, and nothing else. Findings are in order of file, line
// and column; files are named as path leads to them. The error says that there
// is nothing to lint.
func (rt *Runtime) Lint(ctx context.Context, name string) ([]Finding, error) {
	if filepath.Base(name) == loader.MainFile || filepath.Base(name) == "plugin"+loader.TestSuffix {
		name = filepath.Dir(name)
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lint %s: there is no such file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("lint %s: %w", name, err)
	}
	prefix := filepath.Dir(name)
	fsys, base := os.DirFS(filepath.Dir(full)), filepath.Base(full)
	if !info.IsDir() {
		return shownBelow(prefix, rt.LintFS(ctx, fsys, base)), nil
	}
	if main, err := fs.Stat(fsys, path.Join(base, loader.MainFile)); err == nil && !main.IsDir() {
		return shownBelow(prefix, rt.LintFS(ctx, fsys, base)), nil
	}
	return rt.lintAll(ctx, name, os.DirFS(full))
}

// lintAll lints all plugins of a folder and their tests.
func (rt *Runtime) lintAll(ctx context.Context, name string, fsys fs.FS) ([]Finding, error) {
	names, err := loader.PluginNames(fsys)
	if err != nil {
		return nil, fmt.Errorf("lint %s: %w", name, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("lint %s: there is no plugin in this folder", name)
	}
	var found []Finding
	for _, one := range names {
		found = append(found, rt.LintFS(ctx, fsys, one)...)
		if test, ok := strings.CutSuffix(one, ".lua"); ok {
			if _, err := fs.Stat(fsys, test+loader.TestSuffix); err == nil {
				found = append(found, rt.LintFS(ctx, fsys, test+loader.TestSuffix)...)
			}
		}
	}
	found = shownBelow(name, found)
	lint.Sort(found)
	return found, nil
}

func shownBelow(folder string, found []Finding) []Finding {
	for i := range found {
		found[i].File = filepath.Join(folder, filepath.FromSlash(found[i].File))
	}
	return found
}

// LintFS is Lint for one plugin file or folder, or one file of tests, of fsys.
// Files are named as in fsys. A draft that lies in no file is a file of an
// fstest.MapFS.
func (rt *Runtime) LintFS(ctx context.Context, fsys fs.FS, name string) []Finding {
	if strings.HasSuffix(name, loader.TestSuffix) {
		return rt.lintTest(fsys, name)
	}
	s, err := loader.ReadSource(fsys, name)
	if err != nil {
		return []Finding{{File: name, Line: 1, Column: 1, Code: lint.CodeLoad, Message: err.Error()}}
	}
	out := rt.runner.Load(ctx, s, loader.ShownFile(name, s.Folder, false))
	found := rt.lintLoaded(s, out)
	if s.Folder {
		if test := path.Join(name, "plugin"+loader.TestSuffix); exists(fsys, test) {
			found = append(found, rt.lintTest(fsys, test)...)
		}
	}
	lint.Sort(found)
	return found
}

// lintLoaded lints a source that was loaded, in order of file, line and column.
// What kept it from loading is among the findings.
func (rt *Runtime) lintLoaded(s *loader.Source, out *runner.Loaded) []Finding {
	l := newPlaces(s)
	var found []Finding
	for _, p := range out.Problems {
		found = append(found, l.finding(p, lint.CodeLoad))
	}
	for _, p := range out.Warnings {
		found = append(found, l.finding(p, lint.CodeKey))
	}
	in := lint.Source{Modules: rt.modulesOf(s)}
	for _, v := range out.Plugins {
		in.Plugins = append(in.Plugins, facts(v))
	}
	if len(out.Problems) > 0 {
		in.Plugins = nil
	}
	for file, text := range s.Files {
		if l.unreadable(s.Name(file)) != nil {
			continue // loading has said so
		}
		main := file == "" || s.Folder && file == loader.MainFile
		in.Files = append(in.Files, lint.File{Name: s.Name(file), Source: text, Main: main})
	}
	for _, m := range rt.runner.Loader.ShippedFor(s) {
		in.Files = append(in.Files, lint.File{Name: m.File, Source: m.Text, Shipped: true})
	}
	found = withoutDoubles(found, lint.Check(in))
	lint.Sort(found)
	return found
}

// modulesOf lists what the files of a source can require beside the modules of the
// contract: those that ship and its own.
func (rt *Runtime) modulesOf(s *loader.Source) []string {
	names := luaval.SortedKeys(s.Modules())
	for _, m := range rt.runner.Loader.Shipped {
		names = append(names, m.Name)
	}
	return names
}

// withoutDoubles joins what loading and what the linter found. Of a module and of
// an argument of a field that there is not, both know.
func withoutDoubles(loading, found []Finding) []Finding {
	type place struct {
		file, code string
		line       int
	}
	has := map[place]bool{}
	for _, f := range found {
		has[place{f.File, f.Code, f.Line}] = true
	}
	for _, f := range loading {
		module, option := place{f.File, lint.CodeModule, f.Line}, place{f.File, lint.CodeOption, f.Line}
		if has[module] || has[option] && strings.Contains(f.Message, "there is no argument") {
			continue
		}
		found = append(found, f)
	}
	return found
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// lintTest lints a file of tests.
func (rt *Runtime) lintTest(fsys fs.FS, name string) []Finding {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return []Finding{{File: name, Line: 1, Column: 1, Code: lint.CodeLoad, Message: err.Error()}}
	}
	l := newPlaces(&loader.Source{Path: name, Files: map[string]string{"": string(text)}})
	if err := l.unreadable(name); err != nil {
		return []Finding{l.finding(loader.SourceProblem(name, err), lint.CodeLoad)}
	}
	in := lint.Source{Files: []lint.File{{Name: name, Source: string(text), Test: true}}, Modules: rt.modulesOf(&loader.Source{})}
	if s, err := loader.ReadSource(fsys, path.Dir(name)); path.Base(name) == "plugin"+loader.TestSuffix && err == nil {
		in.Modules = rt.modulesOf(s)
	}
	return lint.Check(in)
}

// facts are what the linter must know of a version.
func facts(v *runner.Version) lint.Plugin {
	p := lint.Plugin{
		Slug:         v.Manifest.Slug,
		SettingsFrom: v.Manifest.SettingsFrom,
		Alert:        v.Manifest.Kind == engine.AlertPlugin,
		HasPing:      v.Manifest.HasPing,
		Variables:    v.Manifest.Variables,
		Forms:        map[string]form.Form{},
	}
	for name, f := range v.Manifest.Forms {
		p.Forms[string(name)] = f
	}
	return p
}

// places finds columns for problems, which have lines alone.
type places struct {
	texts  map[string]string // by chunk name
	lines  map[string][]string
	broken map[string]error // why a file cannot be parsed
}

func newPlaces(s *loader.Source) places {
	l := places{texts: map[string]string{}, lines: map[string][]string{}, broken: map[string]error{}}
	for file, text := range s.Files {
		l.texts[s.Name(file)] = text
	}
	return l
}

// unreadable is why a file cannot be parsed, nil when it can.
func (l places) unreadable(file string) error {
	err, known := l.broken[file]
	if !known {
		_, err = syntax.Parse(file, l.texts[file])
		l.broken[file] = err
	}
	return err
}

// line is a line of a file, "" when there is none.
func (l places) line(file string, number int) string {
	lines, known := l.lines[file]
	if !known {
		lines = strings.Split(l.texts[file], "\n")
		l.lines[file] = lines
	}
	if number < 1 || number > len(lines) {
		return ""
	}
	return lines[number-1]
}

func (l places) finding(p engine.PluginProblem, code string) Finding {
	f := Finding{File: p.File, Line: max(p.Line, 1), Column: 1, Code: code, Message: p.Message}
	var source *syntax.SourceError
	if errors.As(l.unreadable(p.File), &source) && source.Line == f.Line && source.Column > 0 {
		f.Column = source.Column
		return f
	}
	f.Column = columnOf(l.line(p.File, f.Line), p.Message)
	return f
}

// maxShownLine is how long a line may be, in bytes, to be searched for a column.
const maxShownLine = 1000

// columnOf is where the first word of the message that stands in the line does,
// for messages such as "the contract knows no key verson"; else where the line begins.
func columnOf(line, message string) int {
	if len(line) > maxShownLine {
		return 1
	}
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	best := -1
	for _, word := range strings.FieldsFunc(message, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') }) {
		if len(word) < 3 {
			continue
		}
		if at := wordAt(line, word); at >= 0 && (best < 0 || strings.Contains(word, "_") || len(word) > 4 && best == indent) {
			best = at
			if strings.Contains(message, "no key "+word) || strings.Contains(message, "argument "+word) || strings.Contains(message, "field "+word) {
				break
			}
		}
	}
	if best < 0 {
		best = indent
	}
	return utf8.RuneCountInString(line[:best]) + 1
}

// wordAt is where a word stands in a line by itself, -1 when it does not.
func wordAt(line, word string) int {
	part := func(i int) bool {
		return i >= 0 && i < len(line) && (line[i] == '_' || line[i] >= '0' && line[i] <= '9' || line[i]|0x20 >= 'a' && line[i]|0x20 <= 'z')
	}
	for from := 0; ; {
		i := strings.Index(line[from:], word)
		if i < 0 {
			return -1
		}
		if i += from; !part(i-1) && !part(i+len(word)) {
			return i
		}
		from = i + 1
	}
}
