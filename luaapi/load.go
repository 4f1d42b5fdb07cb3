package luaapi

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/internal/syntax"

	lua "github.com/yuin/gopher-lua"
)

// loadLimit and loadInstructions bound the run of a file's top level that
// loading makes.
const (
	loadLimit        = time.Second
	loadInstructions = 5_000_000
)

// loader reads plugins: it compiles their sources, runs the top level of each
// once, and validates what that returned. It is safe for concurrent use.
type loader struct{ machine *machine }

// readResult is what came of reading one source.
type readResult struct {
	plugins  []*loadedPlugin // nil when there is a problem
	problems problems
	warnings problems
	slugs    []string // what the file says it defines, also when it has problems
}

// load compiles and validates a source. It blocks for at most a moment more
// than a second, whatever the source does.
func (l *loader) load(ctx context.Context, s *source, shownAs string) *readResult {
	out := &readResult{}
	whole, found := l.compile(s, false)
	out.problems = found
	if len(found) > 0 {
		return out
	}
	file, text := s.main()
	chunk, err := syntax.Parse(file, text)
	if err != nil {
		out.problems = problems{sourceProblem(file, err)}
		return out
	}
	v := &validator{source: s, file: file, outline: newOutline(chunk), out: out, code: whole}
	switch trace, err := l.runTop(ctx, whole, v); err.(type) {
	case nil:
	case *pluginError:
		out.problems = append(out.problems, raisedProblem(file, err.Error(), s.chunkNames()))
	default:
		out.problems = append(out.problems, endedProblem(file, loadError(err), trace, s.chunkNames()))
	}
	if len(out.problems) > 0 {
		out.plugins = nil
		out.problems = out.problems.sorted()
		out.warnings = out.warnings.sorted()
		return out
	}
	l.finish(s, whole, out, shownAs)
	out.warnings = out.warnings.sorted()
	return out
}

// loadError is what a failed load says of the limits.
func loadError(err error) string {
	if err == context.DeadlineExceeded {
		return "loading took longer than " + loadLimit.String()
	}
	return err.Error()
}

func (s *source) chunkNames() []string {
	var names []string
	for file := range s.files {
		names = append(names, s.name(file))
	}
	// The longest first: "a.lua" is no prefix of an error in "lib/a.lua", but the reverse may hold.
	sort.Slice(names, func(i, j int) bool { return len(names[i]) > len(names[j]) })
	return names
}

// compile compiles all files of a source. lean cuts the form constructors out
// of the main file where nothing can tell the difference.
func (l *loader) compile(s *source, lean bool) (*code, problems) {
	var found problems
	c := &code{modules: map[string]*lua.FunctionProto{}}
	for _, lib := range libraryNames() {
		c.libs = append(c.libs, s.mentions(lib))
	}
	file, text := s.main()
	proto, err := compileFile(file, text, lean)
	if err != nil {
		found = append(found, sourceProblem(file, err))
	}
	c.main = proto
	modules := s.modules()
	for _, module := range sortedKeys(modules) {
		path := modules[module]
		name := s.name(path)
		if l.machine.builtin[module] != nil || module == "testing" {
			found.add(name, 0, "the module "+module+" is one of the product's own: give this file another name")
			continue
		}
		proto, err := compileFile(name, s.files[path], false)
		if err != nil {
			found = append(found, sourceProblem(name, err))
			continue
		}
		c.modules[module] = proto
	}
	return c, found.sorted()
}

// compileFile guards, parses and compiles one file.
func compileFile(name, text string, lean bool) (proto *lua.FunctionProto, err error) {
	defer func() {
		if p := recover(); p != nil {
			proto, err = nil, fmt.Errorf("the compiler failed: %v", p)
		}
	}()
	chunk, err := syntax.Parse(name, text)
	if err != nil {
		return nil, err
	}
	if lean {
		cutForms(chunk)
	}
	return patch.Compile(chunk, name)
}

// runTop runs the file's top level in a state of its own and hands what it
// returned to the validator, inside the protected call. Of an error it returns
// the traceback, too.
func (l *loader) runTop(ctx context.Context, c *code, v *validator) (trace string, err error) {
	r := &run{}
	cancel, err := l.machine.begin(ctx, r, entered(v.top), c, nil, nil, runKind{rank: fresh, limit: loadLimit})
	if err != nil {
		return "", err
	}
	defer cancel()
	r.call.loading, r.call.offline = true, true
	r.vm.budget = loadInstructions
	forms := &formCollector{}
	r.forms = forms
	err = r.execute()
	v.out.problems = append(v.out.problems, forms.problems...)
	r.end(nil, false)
	return r.trace, err
}

// finish completes the plugins of a source that is good.
func (l *loader) finish(s *source, whole *code, out *readResult, shownAs string) {
	lean, found := l.compile(s, true)
	if len(found) > 0 {
		lean = whole
	}
	needsSettings, needsViewURL := s.mentions("settings"), s.mentions("view_url")
	for _, v := range out.plugins {
		v.whole, v.lean = whole, lean
		v.meta.File, v.meta.Hash = shownAs, s.hash
		v.needsSettings, v.needsViewURL = needsSettings, needsViewURL
		for _, f := range v.meta.Forms[engine.SettingsForm].Fields {
			v.readsEnv = v.readsEnv || f.Env != ""
		}
		v.allowed = map[string]bool{}
		for _, name := range v.meta.Variables {
			v.allowed[name] = true
		}
		v.layouts = map[engine.FormName]*layout{}
		for _, name := range formNames() {
			v.layouts[name] = newLayout(v.meta.Forms[name], formTitle(name))
		}
	}
}

// mentions reports whether any file of the source holds the word, as a plugin
// must that reads a key of that name.
func (s *source) mentions(word string) bool {
	for _, text := range s.files {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
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
