package plugintest

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"sort"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

// testLimit bounds one test, and all that it calls.
const testLimit = 10 * time.Second

// testPlan is a plugin and the tests of it.
type testPlan struct {
	source *loader.Source // of the plugin
	file   string         // chunk name of the tests
	code   *vm.Code       // of the tests
	shown  string         // the plugin's file
	tests  []plannedTest
}

type plannedTest struct {
	name string
	line int
}

// TestFS runs the tests of the plugin file or folder name of fsys, as Test does.
// Files are named as in fsys.
func (t *Tester) TestFS(ctx context.Context, fsys fs.FS, name string) File {
	out := File{File: testFileOf(fsys, name)}
	plan, found := t.planTests(ctx, fsys, name, out.File)
	if len(found) > 0 {
		out.Problems = found
		return out
	}
	for _, test := range plan.tests {
		out.Tests = append(out.Tests, t.runTest(ctx, plan, test))
	}
	return out
}

// testFileOf is the file with the tests of a plugin file or folder.
func testFileOf(fsys fs.FS, name string) string {
	if file, ok := strings.CutSuffix(name, ".lua"); ok {
		if info, err := fs.Stat(fsys, name); err != nil || !info.IsDir() {
			return file + loader.TestSuffix
		}
	}
	return path.Join(name, "plugin"+loader.TestSuffix)
}

// planTests compiles the tests and finds them, and makes sure that the plugin loads.
func (t *Tester) planTests(ctx context.Context, fsys fs.FS, name, file string) (*testPlan, loader.Problems) {
	text, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, loader.Problems{{File: file, Message: "there is no such file: " + name + " has no tests"}}
	}
	if err != nil {
		return nil, loader.Problems{{File: file, Message: err.Error()}}
	}
	s, err := loader.ReadSource(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, loader.Problems{{File: file, Message: "there is no plugin " + name + " to test"}}
	}
	if err != nil {
		return nil, loader.Problems{{File: name, Message: err.Error()}}
	}
	plugin, found := t.runner.Loader.Compile(s, false)
	if len(found) > 0 {
		return nil, found
	}
	tests, err := loader.CompileFile(file, string(text), false)
	if err != nil {
		return nil, loader.Problems{loader.SourceProblem(file, err)}
	}
	plan := &testPlan{source: s, file: file, shown: loader.ShownFile(name, s.Folder, false)}
	plan.code = &vm.Code{Main: tests, Modules: t.runner.Loader.WithShipped(plugin.Modules, s, string(text)), Libs: make([]bool, len(vm.LibraryNames()))}
	for i := range plan.code.Libs {
		plan.code.Libs[i] = true
	}
	return plan, t.findTests(ctx, plan)
}

// findTests runs the file's top level once, and notes the tests in the order in
// which they stand in the file.
func (t *Tester) findTests(ctx context.Context, plan *testPlan) (found loader.Problems) {
	h, found := t.newHarness(ctx, plan)
	if len(found) > 0 {
		return found
	}
	defer h.close()
	failure, _ := h.run(ctx, plan, 0, func(L *lua.LState, top lua.LValue) {
		list, ok := top.(*lua.LTable)
		if !ok {
			L.Error(lua.LString("the file must return a table of tests, but returned "+luaval.TypeName(top)), 0)
		}
		list.ForEach(func(k, v lua.LValue) {
			name, isText := k.(lua.LString)
			fn, isFunction := v.(*lua.LFunction)
			if isText && isFunction && strings.HasPrefix(string(name), "test_") {
				line := 0
				if fn.Proto != nil {
					line = fn.Proto.LineDefined
				}
				plan.tests = append(plan.tests, plannedTest{string(name), line})
			}
		})
	})
	if failure != nil {
		return loader.Problems{*failure}
	}
	if len(plan.tests) == 0 {
		return loader.Problems{{File: plan.file, Message: "there is no test: the file returns no function whose name begins with test_"}}
	}
	sort.Slice(plan.tests, func(i, j int) bool {
		a, b := plan.tests[i], plan.tests[j]
		return a.line < b.line || a.line == b.line && a.name < b.name
	})
	return nil
}

// runTest runs one test, in a harness of its own.
func (t *Tester) runTest(ctx context.Context, plan *testPlan, test plannedTest) Result {
	begun := time.Now()
	out := Result{Name: test.name, Line: test.line}
	h, found := t.newHarness(ctx, plan)
	if len(found) > 0 {
		out.Failure = &found[0]
		return out
	}
	defer h.close()
	out.Failure, out.Log = h.run(ctx, plan, test.line, func(L *lua.LState, top lua.LValue) {
		list, _ := top.(*lua.LTable)
		if list == nil || list.RawGetString(test.name).Type() != lua.LTFunction {
			L.Error(lua.LString("the file returned no "+test.name+" this time"), 0)
		}
		L.Push(list.RawGetString(test.name))
		L.Call(0, 0)
	})
	if out.Failure != nil {
		out.Detail = h.last
	}
	out.Took = time.Since(begun)
	return out
}

// run executes the file of tests from its top in a state of its own and hands
// what it returned to enter. line is blamed for what has no line of its own.
func (h *harness) run(ctx context.Context, plan *testPlan, line int, enter func(L *lua.LState, top lua.LValue)) (*engine.PluginProblem, []engine.LogLine) {
	meta := &h.plugins[0].Manifest
	kind := vm.RunKind{Rank: permit.Fresh, Limit: testLimit, Subject: "c1"}
	if meta.Kind == engine.AlertPlugin {
		kind.Subject = "s1"
	}
	r := &vm.Run{}
	cancel, err := h.runner.Machine.Begin(ctx, r, &testProgram{harness: h, then: enter}, plan.code, nil, meta, kind)
	if err != nil {
		return &engine.PluginProblem{File: plan.file, Line: line, Message: err.Error()}, nil
	}
	defer cancel()
	r.Extra = map[string]vm.ModuleOpener{"testing": openTesting}
	r.Call.Env = func(name string) (string, bool) { v, ok := h.env[name]; return v, ok }
	defer r.End(nil, false)
	err = r.Execute()
	log := r.FinishLog()
	if errors.Is(err, context.DeadlineExceeded) {
		return h.locate(plan, r, line, "the test took longer than "+form.FormatDuration(testLimit)), log
	}
	switch {
	case errors.Is(err, context.Canceled):
		return h.locate(plan, r, line, "given up"), log
	case h.fault != "": // stands, even if something caught it
		return h.locate(plan, r, line, h.fault), log
	case err != nil:
		return h.locate(plan, r, line, err.Error()), log
	}
	if missing := h.stub.Missing(); len(missing) > 0 {
		return h.locate(plan, r, line, missing[0]), log
	}
	return nil, log
}

// testProgram is the program of a test's run.
type testProgram struct {
	harness *harness
	then    func(L *lua.LState, top lua.LValue)
}

func (t *testProgram) Enter(L *lua.LState, top lua.LValue) { t.then(L, top) }

func (t *testProgram) Measure(*memory.Meter) {}

// locate finds the line of the test at which an error was raised.
func (h *harness) locate(plan *testPlan, r *vm.Run, line int, text string) *engine.PluginProblem {
	p := loader.RaisedProblem(plan.file, text, nil)
	if p.Line > 0 {
		return &p
	}
	p.Line = line
	for entry := range strings.Lines(r.Trace) {
		if at := loader.RaisedProblem(plan.file, strings.TrimSpace(entry), nil); at.Line > 0 {
			p.Line = at.Line
			break
		}
	}
	return &p
}
