package loader

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/syntax"
	"moonwatch/luaapi/internal/vm"
)

// loadLimit and loadInstructions bound the run of a file's top level that
// loading makes.
const (
	loadLimit        = time.Second
	loadInstructions = 5_000_000
)

// Loader reads plugins: it compiles their sources, runs the top level of each
// once, and validates what that returned. It is safe for concurrent use.
type Loader struct {
	Machine *vm.Machine
	Shipped []ShippedModule
}

// Result is what came of reading one source.
type Result struct {
	Plugins  []*Plugin // nil when there is a problem
	Problems Problems
	Warnings Problems
	Slugs    []string // what the file says it defines, also when it has problems
}

// Load compiles and validates a source. It blocks for at most a moment more
// than a second, whatever the source does.
func (l *Loader) Load(ctx context.Context, s *Source, shownAs string) *Result {
	out := &Result{}
	whole, found := l.Compile(s, false)
	out.Problems = found
	if len(found) > 0 {
		return out
	}
	file, text := s.Main()
	chunk, err := syntax.Parse(file, text)
	if err != nil {
		out.Problems = Problems{SourceProblem(file, err)}
		return out
	}
	v := &validator{source: s, file: file, outline: newOutline(chunk), out: out, code: whole}
	switch trace, err := l.runTop(ctx, whole, v); err.(type) {
	case nil:
	case *vm.PluginError:
		out.Problems = append(out.Problems, RaisedProblem(file, err.Error(), s.chunkNames()))
	default:
		out.Problems = append(out.Problems, endedProblem(file, loadError(err), trace, s.chunkNames()))
	}
	if len(out.Problems) > 0 {
		out.Plugins = nil
		out.Problems = out.Problems.sorted()
		out.Warnings = out.Warnings.sorted()
		return out
	}
	l.finish(s, whole, out, shownAs)
	out.Warnings = out.Warnings.sorted()
	return out
}

// loadError is what a failed load says of the limits.
func loadError(err error) string {
	if err == context.DeadlineExceeded {
		return "loading took longer than " + loadLimit.String()
	}
	return err.Error()
}

func (s *Source) chunkNames() []string {
	var names []string
	for file := range s.Files {
		names = append(names, s.Name(file))
	}
	// The longest first: "a.lua" is no prefix of an error in "lib/a.lua", but the reverse may hold.
	sort.Slice(names, func(i, j int) bool { return len(names[i]) > len(names[j]) })
	return names
}

// Compile compiles all files of a source. lean cuts the form constructors out
// of the main file where nothing can tell the difference.
func (l *Loader) Compile(s *Source, lean bool) (*vm.Code, Problems) {
	var found Problems
	c := &vm.Code{Modules: map[string]*lua.FunctionProto{}, Steady: true}
	shipped := l.ShippedFor(s)
	for _, m := range shipped {
		c.Modules[m.Name] = m.proto
		c.Steady = c.Steady && m.steady
	}
	for _, lib := range vm.LibraryNames() {
		c.Libs = append(c.Libs, mentions(s, shipped, lib))
	}
	file, text := s.Main()
	proto, steady, err := compileFile(file, text, lean)
	if err != nil {
		found = append(found, SourceProblem(file, err))
	}
	c.Main, c.Steady = proto, c.Steady && steady
	modules := s.Modules()
	for _, module := range luaval.SortedKeys(modules) {
		path := modules[module]
		name := s.Name(path)
		if l.Machine.Builtin[module] != nil || module == "testing" {
			found.add(name, 0, "the module "+module+" is one of the product's own: give this file another name")
			continue
		}
		proto, steady, err := compileFile(name, s.Files[path], false)
		if err != nil {
			found = append(found, SourceProblem(name, err))
			continue
		}
		c.Modules[module], c.Steady = proto, c.Steady && steady
	}
	return c, found.sorted()
}

// CompileFile guards, parses and compiles one file.
func CompileFile(name, text string, lean bool) (*lua.FunctionProto, error) {
	proto, _, err := compileFile(name, text, lean)
	return proto, err
}

// compileFile is CompileFile, and tells whether the top level is steady.
func compileFile(name, text string, lean bool) (proto *lua.FunctionProto, isSteady bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			proto, err = nil, fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	chunk, err := syntax.Parse(name, text)
	if err != nil {
		return nil, false, err
	}
	if lean {
		cutForms(chunk)
	}
	isSteady = steady(chunk)
	proto, err = patch.Compile(chunk, name)
	return proto, isSteady, err
}

// runTop runs the file's top level in a state of its own and hands what it
// returned to the validator, inside the protected call. Of an error it returns
// the traceback, too.
func (l *Loader) runTop(ctx context.Context, c *vm.Code, v *validator) (trace string, err error) {
	r := &vm.Run{}
	cancel, err := l.Machine.Begin(ctx, r, vm.Entered(v.top), c, nil, nil, vm.RunKind{Rank: permit.Fresh, Limit: loadLimit})
	if err != nil {
		return "", err
	}
	defer cancel()
	r.Call.Loading, r.Call.Offline = true, true
	r.VM.Budget = loadInstructions
	forms := &FormCollector{}
	r.Forms = forms
	err = r.Execute()
	v.out.Problems = append(v.out.Problems, forms.problems...)
	r.End(nil, false)
	return r.Trace, err
}

// finish completes the plugins of a source that is good.
func (l *Loader) finish(s *Source, whole *vm.Code, out *Result, shownAs string) {
	lean, found := l.Compile(s, true)
	if len(found) > 0 {
		lean = whole
	}
	shipped := l.ShippedFor(s)
	hash := version(s, shipped)
	needsSettings, needsViewURL := mentions(s, shipped, "settings"), mentions(s, shipped, "view_url")
	for _, v := range out.Plugins {
		v.Whole, v.Lean = whole, lean
		v.Manifest.File, v.Manifest.Hash = shownAs, hash
		v.NeedsSettings, v.NeedsViewURL = needsSettings, needsViewURL
		for _, f := range v.Manifest.Forms[engine.SettingsForm].Fields {
			v.ReadsEnv = v.ReadsEnv || f.Env != ""
		}
		v.Allowed = map[string]bool{}
		for _, name := range v.Manifest.Variables {
			v.Allowed[name] = true
		}
		v.Layouts = map[engine.FormName]*binding.Layout{}
		for _, name := range formNames() {
			v.Layouts[name] = binding.NewLayout(v.Manifest.Forms[name], formTitle(name))
		}
	}
}

// mentions reports whether any file of the source or of the modules that it uses
// holds the word, as one must that reads a key of that name.
func mentions(s *Source, shipped []ShippedModule, word string) bool {
	for _, text := range s.Files {
		if strings.Contains(text, word) {
			return true
		}
	}
	return slices.ContainsFunc(shipped, func(m ShippedModule) bool { return strings.Contains(m.Text, word) })
}

func formNames() []engine.FormName {
	return []engine.FormName{engine.ConfigForm, engine.SettingsForm, engine.UserConfigForm, engine.ServiceConfigForm}
}

// formTitle is what the tables of a form are called in errors.
func formTitle(name engine.FormName) string {
	if name == engine.ConfigForm {
		return "check.config"
	}
	return "settings"
}
