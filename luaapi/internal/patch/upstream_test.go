package patch

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/syntax"
)

// run runs code without any patch of the compiler and returns its one value as
// text, or its error.
func run(t *testing.T, L *lua.LState, code string) (string, error) {
	t.Helper()
	fn, err := L.LoadString(code)
	if err != nil {
		t.Fatal(err)
	}
	L.Push(fn)
	if err := L.PCall(0, 1, nil); err != nil {
		return "", err
	}
	defer L.Pop(1)
	return L.Get(-1).String(), nil
}

// mendedRun is run for code that went through Compile.
func mendedRun(t *testing.T, L *lua.LState, code string) string {
	t.Helper()
	chunk, err := syntax.Parse("p.lua", code)
	if err != nil {
		t.Fatal(err)
	}
	proto, err := Compile(chunk, "p.lua")
	if err != nil {
		t.Fatal(err)
	}
	L.Push(L.NewFunctionFromProto(proto))
	if err := L.PCall(0, 1, nil); err != nil {
		t.Fatal(err)
	}
	defer L.Pop(1)
	return L.Get(-1).String()
}

func newState(t *testing.T) *lua.LState {
	t.Helper()
	L := lua.NewState()
	t.Cleanup(L.Close)
	return L
}

// TestUpstreamVersion names the patches to look through when the library moves on.
func TestUpstreamVersion(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mod, []byte("github.com/yuin/gopher-lua "+Version+"\n")) {
		t.Errorf("go.mod does not ask for gopher-lua %s: look through the patches, then set Version", Version)
	}
}

func TestUpstreamAssignment(t *testing.T) {
	const code = `local a, b, c = 1, 2, 3; a, b, c = c, a, b; return a .. b .. c`
	if got, err := run(t, newState(t), code); err == nil && got == "312" {
		t.Error("the library now reads all values before it assigns: Mend can leave assignments alone")
	}
	if got := mendedRun(t, newState(t), code); got != "312" {
		t.Errorf("mended: got %s, want 312", got)
	}
}

func TestUpstreamFor(t *testing.T) {
	const code = `local n, t = 0, { 5, 6 } do local a, b, c, d = 2, 2, 2, 2 end for k in next, t do n = n + k end return n`
	if got, err := run(t, newState(t), code); err == nil && got == "3" {
		t.Error("the library now fills a loop's three values: Mend can leave loops alone")
	}
	if got := mendedRun(t, newState(t), code); got != "3" {
		t.Errorf("mended: got %s, want 3", got)
	}
}

func TestUpstreamPrototype(t *testing.T) {
	chunk, err := syntax.Parse("p.lua", `local t = {} for i = 1, 3 do t[i] = function() return i end end return t`)
	if err != nil {
		t.Fatal(err)
	}
	proto, err := lua.Compile(chunk, "p.lua")
	if err != nil {
		t.Fatal(err)
	}
	if proto.IsVarArg&lua.VarArgNeedsArg == 0 {
		t.Error("a file is no longer compiled with a table of its arguments")
	}
	if cap(proto.Code) == len(proto.Code) && cap(proto.Constants) == len(proto.Constants) {
		t.Error("a prototype keeps no spare room any more: trim can go")
	}
}

// TestUpstreamConcat and TestUpstreamIndexed hold that the table of instructions
// is where and what it was. The patches stay for the test's process; they do
// nothing but count.
func TestUpstreamConcat(t *testing.T) {
	bytes := 0
	BeforeConcat(func(_ *lua.LState, n int) { bytes += n })
	if got, err := run(t, newState(t), `local a = "abc" return a .. "de" .. 7 .. a`); err != nil || got != "abcde7abc" || bytes != 8 {
		t.Errorf("got %s, %v, and %d bytes before it, want 8", got, err, bytes)
	}
}

func TestUpstreamIndexed(t *testing.T) {
	at, length := 0, 0
	BeforeIndexed(10, func(_ *lua.LState, obj lua.LValue, n int) { at, length = n, ArrayLen(obj.(*lua.LTable)) })
	got, err := run(t, newState(t), `local t, k = { 1, 2, 3 }, 1 t[k] = 4 t.x = 5 t[2000] = 6 return t[2000] + t[1]`)
	if err != nil || got != "10" || at != 2000 || length != 3 {
		t.Errorf("got %s, %v, and place %d of an array of %d before it, want 2000 and 3", got, err, at, length)
	}
	table := &lua.LTable{}
	table.RawSetInt(3000, lua.LTrue)
	if ArrayLen(table) != 3000 {
		t.Errorf("an array is filled up to %d, no longer to its index: BeforeIndexed can go", ArrayLen(table))
	}
}

func TestUpstreamArrayIndex(t *testing.T) {
	if lua.MaxArrayIndex < 1<<26 {
		t.Errorf("arrays end at %d by themselves: LimitIndex may be for nothing", lua.MaxArrayIndex)
	}
}

func TestUpstreamStack(t *testing.T) {
	L := lua.NewState(lua.Options{MinimizeStackMemory: true})
	t.Cleanup(L.Close)
	stack := StackOf(L)
	if _, err := run(t, L, `local function f() local s = ("x"):rep(3) local t = s return { s, t } end f() return 1`); err != nil {
		t.Fatal(err)
	}
	L.SetTop(0)
	if stack.Len() == 0 || stack.frames.IsZero() {
		t.Error("a stack at rest no longer keeps the functions that returned: Clear can go")
	}
	stack.Clear()
	if !stack.frames.IsZero() {
		t.Error("Clear left a frame")
	}
	for i, v := range *stack.registers {
		if v != nil {
			t.Errorf("Clear left %v in register %d", v, i)
		}
	}
	if got, err := run(t, L, `return 1 + 1`); err != nil || got != "2" {
		t.Errorf("after Clear: got %s, %v", got, err)
	}
}

func TestUpstreamThread(t *testing.T) {
	const code = `local n = 0 local function add() n = n + 1 end add() pcall(error, "x") add() return n`
	if got, err := run(t, newState(t), code); err == nil && got == "2" {
		t.Error("variables stay shared after an error: protected calls need no thread of their own")
	}
	L := lua.NewState(lua.Options{MinimizeStackMemory: true})
	t.Cleanup(L.Close)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	L.SetContext(ctx)
	derived, stop := L.NewThread()
	if stop == nil || derived.Context() == ctx {
		t.Error("a thread no longer gets a context of its own: NewThread can leave the context where it is")
	} else {
		stop()
	}
	if th := NewThread(L); th.L.Context() != nil || L.Context() != ctx {
		t.Error("NewThread moved a context")
	}
}

func TestUpstreamTraceback(t *testing.T) {
	const code = `local function f(n) if n == 0 then error("x") end return f(n - 1) end f(1000000)`
	L := newState(t)
	fn, err := L.LoadString(code)
	if err != nil {
		t.Fatal(err)
	}
	took := func(call func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	theirs := took(func() { L.Push(fn); _ = L.PCall(0, 0, nil) })
	L.Panic = func(L *lua.LState) { Raise(L, L.Get(-1)) }
	ours := took(func() {
		defer func() {
			if api, ok := recover().(*lua.ApiError); !ok || strings.Count(api.StackTrace, "\n") > 2*traceLines {
				t.Errorf("got %+v", api)
			}
		}()
		L.Push(fn)
		L.Call(0, 0)
	})
	if theirs < ours+16<<20 {
		t.Errorf("a traceback of a million tail calls takes %d bytes, ours %d: Raise can go", theirs, ours)
	}
}

func TestUpstreamOverflow(t *testing.T) {
	L := lua.NewState(lua.Options{RegistrySize: 256, RegistryMaxSize: 1024, RegistryGrowStep: 64})
	defer L.Close()
	_, err := run(t, L, `local function f(...) return 1 + f(1, ...) end return f()`)
	if err == nil || !Overflow(err.(*lua.ApiError).Object.String()) && !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("a full stack says: %v", err)
	}
	L = lua.NewState(lua.Options{CallStackSize: 20})
	defer L.Close()
	if _, err := run(t, L, `local function f() return 1 + f() end return f()`); err == nil || !Overflow(err.(*lua.ApiError).Object.String()) {
		t.Errorf("a full call stack says: %v", err)
	}
}

// TestUpstreamWords holds the library's words that InWords knows.
func TestUpstreamWords(t *testing.T) {
	for code, want := range map[string]string{
		`local x = nil x()`:        "attempt to call a non-function object",
		`local x = nil return x.y`: "attempt to index a non-table object(nil) with key 'y'",
		`return 1 < {}`:            "attempt to compare number with table",
		`return 1 + {}`:            "cannot perform add operation between number and table",
		`return "a" .. {}`:         "cannot perform concat operation between string and table",
		`for i = nil, 1 do end`:    "for statement init must be a number",
		`local x return -x`:        "__unm undefined",
		`local x return #x`:        "__len undefined",
	} {
		_, err := run(t, newState(t), code)
		if err == nil || !strings.HasSuffix(err.(*lua.ApiError).Object.String(), ": "+want) {
			t.Errorf("%s: the library says %v, not %q", code, err, want)
		}
	}
}

// TestUpstreamInstruction holds that the instruction under way is found in a
// field that the library does not offer.
func TestUpstreamInstruction(t *testing.T) {
	L := newState(t)
	var got *fault
	L.Panic = func(L *lua.LState) {
		got = faultOf(L)
		panic(&lua.ApiError{Type: lua.ApiErrorRun, Object: L.Get(-1)})
	}
	fn, err := L.LoadString("local a = 1\nlocal b = a.x.y")
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		L.Push(fn)
		L.Call(0, 0)
	}()
	if got == nil || got.proto != fn.Proto || opOf(got.proto.Code[got.pc]) != lua.OP_GETTABLEKS || got.proto.DbgSourcePositions[got.pc] != 2 {
		t.Fatalf("got %+v", got)
	}
	if name := localAt(got.proto, got.pc, argB(got.proto.Code[got.pc])); name != "a" {
		t.Errorf("got local %q", name)
	}
}

// TestUpstreamLocals holds that the ends of the scopes of variables are written to
// the wrong ones.
func TestUpstreamLocals(t *testing.T) {
	chunk, err := syntax.Parse("p.lua", "do local a = 1 end do local b = 2 end local c = 3 return c")
	if err != nil {
		t.Fatal(err)
	}
	proto, err := lua.Compile(chunk, "p.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range proto.DbgLocals {
		if l.EndPc == 0 {
			return
		}
	}
	t.Error("every variable has the end of its scope: localAt can rely on them")
}

// TestUpstreamTable holds that a table's fields are where Snapshot reads them.
func TestUpstreamTable(t *testing.T) {
	ours, theirs := reflect.TypeFor[tableFields](), reflect.TypeFor[lua.LTable]()
	if ours.NumField() != theirs.NumField() || ours.Size() != theirs.Size() {
		t.Fatalf("the library's table is %v", theirs)
	}
	for i := range ours.NumField() {
		a, b := ours.Field(i), theirs.Field(i)
		if a.Name != b.Name || a.Type != b.Type || a.Offset != b.Offset {
			t.Errorf("field %d is %s %v at %d, not %s %v at %d", i, b.Name, b.Type, b.Offset, a.Name, a.Type, a.Offset)
		}
	}
}

// TestUpstreamEmptyTable holds that a first named entry still makes room for many,
// and that a mended file's tables do without.
func TestUpstreamEmptyTable(t *testing.T) {
	const code = `for i = 1, 1000 do local t = {} t.x = i end return "done"`
	bytes := func(run func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / 1000
	}
	plain := bytes(func() { run(t, newState(t), code) })
	if plain < 1500 {
		t.Errorf("an empty table with one entry takes %d bytes upstream: hint can go", plain)
	}
	if mended := bytes(func() { mendedRun(t, newState(t), code) }); mended > plain/2 {
		t.Errorf("mended: %d bytes a table, upstream %d", mended, plain)
	}
}
