package luaapi

import (
	"context"
	"slices"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// allowedGlobals is the last paragraph of the contract's Modules.
var allowedGlobals = []string{
	"string", "table", "math", "os", "pcall", "xpcall", "error", "assert", "select", "unpack", "tostring", "tonumber",
	"type", "next", "pairs", "ipairs", "setmetatable", "rawget", "rawequal", "print", "require",
}

// TestGlobals holds that plugins find what the contract lists, and nothing else.
func TestGlobals(t *testing.T) {
	tools := vm.NewToolbox()
	got := vm.LibraryNames()
	base, _ := tools.BaseMeta.RawGetString("__index").(*lua.LTable)
	base.ForEach(func(k, _ lua.LValue) { got = append(got, k.String()) })
	slices.Sort(got)
	got = slices.Compact(got)
	want := slices.Clone(allowedGlobals)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("globals are\n%v, want\n%v", got, want)
	}
}

func TestForbiddenGlobals(t *testing.T) {
	for _, name := range []string{"io", "debug", "load", "loadstring", "loadfile", "dofile", "coroutine", "channel", "getmetatable",
		"setfenv", "getfenv", "rawset", "_G", "package", "module", "collectgarbage", "newproxy", "_printregs", "_VERSION",
		"string.dump", "os.execute", "os.exit", "os.remove", "os.rename", "os.tmpname", "os.setenv", "os.setlocale", "os.difftime"} {
		got := runBody(t, `result.succeeded = `+name+` == nil return result`)
		if !got.Succeeded {
			t.Errorf("%s is there: %+v", name, short(got))
		}
	}
}

// reach collects every table and userdata that Lua code can get hold of from
// some values: entries, upvalues, and what reading a key through a metatable gives.
type reach struct {
	L    *lua.LState
	seen map[lua.LValue]string
}

func (r *reach) walk(v lua.LValue, path string) {
	switch v := v.(type) {
	case *lua.LTable:
		if _, ok := r.seen[v]; ok {
			return
		}
		r.seen[v] = path
		v.ForEach(func(k, item lua.LValue) {
			r.walk(k, path+"[key]")
			r.walk(item, path+"."+k.String())
		})
		r.through(v, v.Metatable, path)
	case *lua.LUserData:
		if _, ok := r.seen[v]; ok {
			return
		}
		r.seen[v] = path
		r.through(v, v.Metatable, path)
	case *lua.LFunction:
		if _, ok := r.seen[v]; ok || v.IsG {
			return // a Go function's upvalues are out of Lua's reach
		}
		r.seen[v] = path
		for _, up := range v.Upvalues {
			if up != nil {
				r.walk(up.Value(), path+"^")
			}
		}
	case lua.LString:
		r.through(v, r.L.GetMetatable(v), path)
	}
}

// through walks what a metatable lets Lua code read: the values behind __index,
// and never the metatable itself unless a key gives it away.
func (r *reach) through(v, meta lua.LValue, path string) {
	for _, key := range []string{"__index", "__newindex", "__metatable", "__gc", "metatable", "methods", "fields"} {
		r.L.SetTop(0)
		fn := r.L.NewFunction(func(L *lua.LState) int { L.Push(L.GetField(L.Get(1), key)); return 1 })
		if err := r.L.CallByParam(lua.P{Fn: fn, NRet: 1, Protect: true}, v); err == nil {
			r.walk(r.L.Get(-1), path+"!"+key)
		}
	}
	t, ok := meta.(*lua.LTable)
	if !ok {
		return
	}
	for depth := 0; ok && depth < 10; depth++ {
		index, isTable := t.RawGetString("__index").(*lua.LTable)
		if !isTable {
			return
		}
		index.ForEach(func(k, item lua.LValue) { r.walk(item, path+":"+k.String()) })
		t, ok = index.Metatable.(*lua.LTable)
	}
}

// TestNothingWritableIsShared walks everything that a plugin can reach in two
// runs of one state, and wants no table in both.
func TestNothingWritableIsShared(t *testing.T) {
	text := `
local forms = require "forms"
local modules = {}
for i, name in ipairs(probe.names()) do modules[i] = require(name) end
local P = { name = "T", slug = "test", version = "1", settings_form = { forms.CharField{ "token", initial = "x" } },
  config_form = { forms.KeyValueField{ "headers", initial = "A: b" }, forms.ListField{ "rows", fields = { forms.CharField{ "h" } } }, forms.JSONField{ "j" } } }
local helper = { n = 1 }
function P:run(check, result)
  local set = check.instance_set
  probe.keep("all", { string, table, math, os, modules, check, result, self, self.settings, check.config, check.headers, check.rows, check.j,
    set, set[1], check.service_set, check.service_set[1], check.last_result, "", P, helper,
    pcall, pairs, require, string.format, result.metric, pairs({}), ipairs({}) })
  result.succeeded = true
  return result
end
return P`
	rt := newTestRuntime(t, nil)
	var kept lua.LValue
	names := luaval.SortedKeys(rt.runner.Machine.Builtin)
	probe := func(st *vm.State) *lua.LTable {
		p := st.L.NewTable()
		p.RawSetString("names", st.L.NewFunction(func(L *lua.LState) int {
			list := L.NewTable()
			for _, name := range names {
				list.Append(lua.LString(name))
			}
			L.Push(list)
			return 1
		}))
		p.RawSetString("keep", st.L.NewFunction(func(L *lua.LState) int { kept = L.Get(2); return 0 }))
		return p
	}
	s := &loader.Source{Path: "test.lua", Files: map[string]string{"": "local probe = require \"probe\"\n" + text}, Hash: "1"}
	rt.runner.Machine.Builtin["probe"] = func(L *lua.LState) *lua.LTable { return probe(&vm.State{L: L}) }
	out := rt.runner.Load(context.Background(), s, "test.lua")
	if len(out.Problems) > 0 {
		t.Fatalf("%+v", out.Problems)
	}
	v := out.Plugins[0]
	in := checkRun("test", form.Values{"headers": "A: b\nC: d", "rows": []any{map[string]any{"h": "x"}}, "j": map[string]any{"a": []any{1.0}}})
	in.Instances = []engine.InstanceSnapshot{{ID: "i1", Name: "one"}}
	in.Services = []engine.ServiceSnapshot{{ID: "s1", Name: "two"}}
	in.Last = &engine.LastResult{Succeeded: true, At: time.Unix(1, 0)}

	collect := func() map[lua.LValue]string {
		st := v.Pool.Get()
		v.Pool.Put(st, 0)
		report := v.Run(context.Background(), in)
		if !report.Succeeded {
			t.Fatalf("%+v", report)
		}
		if v.Pool.Idle[len(v.Pool.Idle)-1] != st {
			t.Fatal("the run used another state")
		}
		r := &reach{L: st.L, seen: map[lua.LValue]string{}}
		st.L.SetContext(context.Background())
		r.walk(kept, "")
		return r.seen
	}
	first, second := collect(), collect()
	if len(first) < 50 {
		t.Errorf("only %d objects were reached: the walk is broken", len(first))
	}
	for v, path := range second {
		if table, ok := v.(*lua.LTable); ok && lualib.Reading(table) != table {
			continue
		}
		if before, ok := first[v]; ok && v.Type() == lua.LTTable {
			t.Errorf("the table at %s of the second run was at %s in the first", path, before)
		}
	}
}

// What one run leaves in globals, locals, libraries and modules is not there for the next.
func TestRunsStartAfresh(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{
		"test/plugin.lua": `
local lib = require "lib.counter"
local json = require "json"
local count = 0
local P = { name = "T", slug = "test", version = "1" }
function P:run(check, result)
  count = count + 1
  total = (total or 0) + 1
  string.seen = (string.seen or 0) + 1
  math.seen = (math.seen or 0) + 1
  json.seen = (json.seen or 0) + 1
  self.seen = (self.seen or 0) + 1
  lib.n = lib.n + 1
  shared_by_module()
  result.message = table.concat({ count, total, string.seen, math.seen, json.seen, self.seen, lib.n, module_calls, ("x"):trimmed() }, " ")
  result.succeeded = true
  return result
end
function string.trimmed(s) return s .. "!" end
return P`,
		"test/lib/counter.lua": `
function shared_by_module() module_calls = (module_calls or 0) + 1 end
return { n = 0 }`,
	})
	for range 3 {
		got := runOnce(t, rt, "test", nil)
		if want := "1 1 1 1 1 1 1 1 x!"; got.Message != want {
			t.Fatalf("message is %q, want %q: %+v", got.Message, want, short(got))
		}
	}
}

// A method added to string in one run is not there in the next.
func TestStringMethodsEndWithTheRun(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  result.message = tostring(("x").shout)
  function string.shout(s) return s:upper() end
  result.succeeded = ("x"):shout() == "X"
  return result`)})
	for range 2 {
		got := runOnce(t, rt, "test", nil)
		if !got.Succeeded || got.Message != "nil" {
			t.Fatalf("got %+v", short(got))
		}
	}
}

func TestPoisonAttempts(t *testing.T) {
	for _, body := range []string{
		`local ok = pcall(setmetatable, string, {}) result.succeeded = not ok return result`,
		`local ok = pcall(setmetatable, require "json", {}) result.succeeded = not ok return result`,
		`local ok = pcall(function() ("").x = 1 end) result.succeeded = not ok return result`,
		`result.succeeded = (""):rep(1).__index == nil and ("").__metatable == nil return result`,
		`result.succeeded = check.__index == nil return result`,
		`string.upper = nil result.succeeded = ("a"):upper() == "A" return result`,
	} {
		got := runBody(t, body)
		if !got.Succeeded && got.Cause != engine.CauseError {
			t.Errorf("%s: %+v", body, short(got))
		}
	}
}
