package luaapi

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// reachable lists every function of Go that a plugin can call without an object:
// the globals, Lua's own libraries and all modules, with what is nested in them.
func reachable(rt *Runtime) map[string]lua.LValue {
	all := map[string]lua.LValue{}
	var walk func(path string, t *lua.LTable)
	walk = func(path string, t *lua.LTable) {
		t.ForEach(func(k, v lua.LValue) {
			switch v := v.(type) {
			case *lua.LFunction:
				all[path+k.String()] = v
			case *lua.LTable:
				walk(path+k.String()+".", v)
			}
		})
	}
	behind := func(meta *lua.LTable) *lua.LTable { return meta.RawGetString("__index").(*lua.LTable) }
	walk("", behind(rt.runner.Machine.Tools.BaseMeta))
	for _, lib := range rt.runner.Machine.Tools.Libs {
		walk(lib.Name+".", lib.Table)
	}
	for name, open := range rt.runner.Machine.Builtin {
		module := rt.runner.Machine.Tools.Built(name, open)
		walk(name+".", behind(module.Meta))
		for inner, m := range module.Nested {
			walk(name+"."+inner+".", behind(m.Meta))
		}
	}
	walk("result.", behind(rt.runner.Binder.Shared.ResultMeta))
	return all
}

// hostileValues are arguments that are as large, or as dear to work on, as they
// can be.
func hostileValues() map[string]lua.LValue {
	const size = 8 << 20
	fill := func(unit string) lua.LString { return lua.LString(strings.Repeat(unit, size/len(unit))) }
	var pairs strings.Builder
	for i := 0; pairs.Len() < size-20; i++ {
		fmt.Fprintf(&pairs, "k%d=%d&", i, i)
	}
	manyKeys, manyItems := luaval.NewTable(), luaval.NewTable()
	for i := range 100_000 {
		manyKeys.RawSetString(fmt.Sprintf("key%d", i), lua.LString("value<&>%"))
		manyItems.Append(lua.LString("value"))
	}
	return map[string]lua.LValue{
		"a": fill("a"), "quotes": fill(`"`), "lines": fill("a\n"), "escapes": fill("%41"), "layout": fill("%c"), "query": fill("a=1&b%20=2&c&"),
		"JSON": lua.LString("[" + strings.Repeat(`{"a":[1,"\u00e9"]},`, 80_000) + "1]"), "JSON text": lua.LString(`"` + strings.Repeat(`\n`, size/2-1) + `"`),
		"brackets": fill("["), "base64": fill("YWE-_ \n"), "XML": lua.LString("<a>" + strings.Repeat("<b c='d'>&lt;</b>", 90_000) + "</a>"),
		"comments": lua.LString("<a>" + strings.Repeat("<!---->x", 900_000) + "</a>"), "entities": fill("&lt;&#x3c;&amp"),
		"bytes": fill("\xff\xfe"), "pack": fill("x"), "pack numbers": fill("b"), "spaces": fill(" "), "é": fill("é"), "keys": manyKeys, "items": manyItems,
		"pairs":    lua.LString(pairs.String()),
		"elements": lua.LString("<a>" + strings.Repeat("<b/>", 99_000) + "</a>"), "true": lua.LTrue, "0": lua.LNumber(0), "1": lua.LNumber(1), "1e6": lua.LNumber(1e6), "2e6": lua.LNumber(2e6), "1e15": lua.LNumber(1e15), "-1": lua.LNumber(-1),
		"1024": lua.LNumber(1024), "sha512": lua.LString("sha512"), "hex": lua.LString("hex"), "small": lua.LString("x"), "dots": lua.LString("."), "loop": loopFunction,
		"nil": lua.LNil, "url": lua.LString("http://host.test/"),
	}
}

// loopFunction returns nothing, for callbacks.
var loopFunction = luaval.GoFunction(func(*lua.LState) int { return 0 })

// tuples are the lists of arguments that every function is called with, by the
// names of their values.
func tuples(values map[string]lua.LValue) [][]string {
	large := []string{"a", "quotes", "lines", "escapes", "layout", "query", "JSON", "JSON text", "brackets", "base64", "XML", "comments", "entities", "bytes",
		"pack", "pack numbers", "spaces", "é", "keys", "items", "pairs", "elements"}
	list := [][]string{{}, {"1e6"}, {"1e15"}, {"loop"}, {"sha512", "a", "a", "2e6", "1024"}, {"sha512", "small", "a", "2e6", "1"}, {"sha512", "small", "small", "1e6", "1024"},
		{"sha512", "small", "small", "1e6", "1"}, {"small", "1e6"}, {"small", "1e15"}, {"1e15", "1e15"}, {"0", "layout"}, {"0", "layout", "small"}, {"small", "layout"},
		{"a", "layout"}, {"dots", "a"}, {"dots", "a", "a"}, {"a", "dots", "a"}, {"a", "dots", "loop"}, {"items", "small"}, {"items", "a"}, {"items", "1", "small"},
		{"items", "loop"}, {"keys", "small"}, {"url", "keys"}, {"a", "1", "-1"}, {"a", "-1"}, {"pack", "a"}, {"pack numbers", "bytes"}, {"items", "1", "1e6"}, {"true", "items"}}
	for _, name := range large {
		list = append(list, []string{name})
		if longTests() {
			list = append(list, []string{"small", name}, []string{name, name}, []string{name, "1"}, []string{name, name, name}, []string{name, "small", "small"})
		}
	}
	for _, tuple := range list {
		for _, name := range tuple {
			if values[name] == nil {
				panic("no value " + name)
			}
		}
	}
	return list
}

func longTests() bool { return os.Getenv("MOONWATCH_LONG_TESTS") != "" }

// inTurn reports whether what has that name is tried with the case of that index:
// with all of them in the long tests, else with one in so many, which its name decides.
func inTurn(name string, index, in int) bool {
	return longTests() || (int(crc32.ChecksumIEEE([]byte(name)))+index)%in == 0
}

// Whatever a plugin calls, with arguments however large, ends with the run, and
// holds no more than a run may. A function that is new is among them by itself.
func TestEveryFunctionHoldsTheBounds(t *testing.T) {
	rt := boundRuntime(t, nil)
	functions := reachable(rt)
	rt.runner.Machine.Host, rt.runner.Machine.Data = hostileHost(), noData{}
	next := &call{}
	rt.runner.Machine.Builtin["probe"] = next.probe
	out := rt.runner.Load(t.Context(), &loader.Source{Path: "test.lua", Files: map[string]string{"": checkSource("test", `require("probe").call() return result`)}}, "test.lua")
	if len(out.Problems) > 0 {
		t.Fatal(out.Problems)
	}
	v := out.Plugins[0]
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(names) < 100 {
		t.Errorf("only %d functions are reached: %v", len(names), names)
	}
	values := hostileValues()
	calls, raised, late := 0, 0, 0
	for _, name := range names {
		before := calls
		for i, tuple := range tuples(values) {
			if !inTurn(name, i, 6) {
				continue
			}
			calls++
			report := holdsBounds(t, name+" of "+strings.Join(tuple, ", "), func(ctx context.Context) engine.RunReport {
				*next = call{fn: functions[name]}
				for _, arg := range tuple {
					next.args = append(next.args, values[arg])
				}
				return v.Run(ctx, checkRun("test", nil))
			})
			switch {
			case report.TimedOut:
				late++
			case report.Error != "failed":
				raised++
			}
			if report.Error == vm.ErrInternal.Error() {
				t.Errorf("%s of %s: %s", name, strings.Join(tuple, ", "), report.Traceback)
			}
		}
		if calls-before < 7 {
			t.Errorf("%s was called %d times", name, calls-before)
		}
	}
	t.Logf("%d functions, %d calls: %d raised, %d ended at the deadline", len(names), calls, raised, late)
}

// call is what the probe of TestEveryFunctionHoldsTheBounds calls next.
type call struct {
	fn   lua.LValue
	args []lua.LValue
}

// probe is a module whose function makes the call.
func (c *call) probe(L *lua.LState) *lua.LTable {
	table := luaval.NewRecord(1)
	table.RawSetString("call", luaval.GoFunction(func(L *lua.LState) int {
		L.Push(c.fn)
		for _, arg := range c.args {
			L.Push(arg)
		}
		L.Call(len(c.args), lua.MultRet)
		return 0
	}))
	return table
}

// noData is a store that is empty.
type noData struct{ engine.PluginData }

func (noData) Get(context.Context, engine.Scope, string) ([]byte, bool, error) {
	return nil, false, nil
}
func (noData) Set(context.Context, engine.Scope, string, []byte, time.Duration) error {
	return nil
}
func (noData) Increment(context.Context, engine.Scope, string, float64) (float64, error) {
	return 1, nil
}
func (noData) Delete(context.Context, engine.Scope, string) error { return nil }

// hostileHost answers with as much as it may, or not at all.
func hostileHost() host.Host {
	body := strings.Repeat(`<a href="x">{"a":1}</a>`, 8<<20/24)
	none := errors.New("no answer")
	return &hosttest.Fake{
		OnHTTP: func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) {
			return &host.HTTPResponse{Status: 200, Header: http.Header{"X": {body}}, Body: body}, nil
		},
		OnDial:        func(context.Context, *host.DialRequest) (host.Conn, error) { return nil, none },
		OnPing:        func(context.Context, *host.PingRequest) (*host.PingAnswer, error) { return nil, none },
		OnMail:        func(context.Context, *host.Mail) ([]string, error) { return nil, io.EOF },
		OnLookup:      func(context.Context, *host.LookupRequest) ([]host.Record, error) { return nil, none },
		OnCertificate: func(context.Context, *host.CertificateRequest) (*host.Certificate, error) { return nil, none },
		OnExec: func(context.Context, *host.ExecRequest) (*host.ExecAnswer, error) {
			return &host.ExecAnswer{Stdout: body}, nil
		},
	}
}
