package binding

import (
	"reflect"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/lualib"
)

// newState is a state in which v stands as a global.
func newState(t *testing.T, v lua.LValue) *lua.LState {
	t.Helper()
	L := lua.NewState(lua.Options{SkipOpenLibs: true})
	t.Cleanup(L.Close)
	for name, fn := range lualib.Base() {
		L.SetGlobal(name, L.NewFunction(fn))
	}
	L.SetGlobal("null", module.JSONNull)
	L.SetGlobal("v", v)
	return L
}

// run runs a script and returns its error's first line.
func run(L *lua.LState, script string) string {
	err := L.DoString(script)
	if err == nil {
		return ""
	}
	return strings.SplitN(err.Error(), "\n", 2)[0]
}

func TestValuesGoToLuaAndBack(t *testing.T) {
	t.Parallel()
	shared := NewShared()
	for _, tt := range []struct {
		what  string
		value any
		holds string // of it in Lua
		back  any
	}{
		{"nothing", nil, `v == nil`, nil},
		{"text", "a", `v == "a"`, "a"},
		{"a switch", true, `v == true`, true},
		{"a number", 1.5, `v == 1.5`, 1.5},
		{"a whole number", 3, `v == 3`, 3.0},
		{"a long one", int64(4), `v == 4`, 4.0},
		{"an instant", time.UnixMilli(1500), `v == 1.5`, 1.5},
		{"no instant", time.Time{}, `v == nil`, nil},
		{"texts", []string{"a", "b"}, `#v == 2 and v[2] == "b"`, []any{"a", "b"}},
		{"a list", []any{"a", 2.0, nil}, `#v == 3 and v[1] == "a" and v[2] == 2 and v[3] == null`, []any{"a", 2.0, nil}},
		{"no list", []any{}, `#v == 0 and next(v) == nil`, []any{}},
		{"an object", map[string]any{"a": 1.0, "b": []any{"x"}}, `v.a == 1 and v.b[1] == "x" and v.c == nil`, map[string]any{"a": 1.0, "b": []any{"x"}}},
		{"an empty object", map[string]any{}, `next(v) == nil`, map[string]any{}},
		{"rows", []map[string]any{{"host": "a"}, {"host": "b"}}, `#v == 2 and v[2].host == "b"`, []any{map[string]any{"host": "a"}, map[string]any{"host": "b"}}},
		{"names and values", form.KeyValues{{Name: "Accept", Value: "x"}}, `v.Accept == "x" and v.ACCEPT == "x" and v.accept == "x" and v.other == nil and v[1] == nil`,
			map[string]any{"Accept": "x"}},
		{"names twice", form.KeyValues{{Name: "A", Value: "1"}, {Name: "a", Value: "2"}}, `v.a == "2" and v.A == "2"`, map[string]any{"a": "2"}},
		{"what Lua does not know", struct{}{}, `v == nil`, nil},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			for way, v := range map[string]lua.LValue{"plain": ToLua(nil, shared, tt.value), "frozen": frozen(shared, "v", tt.value)} {
				if problem := run(newState(t, v), `if not (`+tt.holds+`) then error("it does not hold") end`); problem != "" {
					t.Errorf("%s: %s: %s", way, tt.holds, problem)
				}
				if back, problem := FromLua(v, 0); problem != "" || !reflect.DeepEqual(back, tt.back) {
					t.Errorf("%s: came back as %#v %s, want %#v", way, back, problem, tt.back)
				}
			}
		})
	}
}

func TestWhatIsNoValue(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`v = function() end`:                     "a function is no value",
		`v = { a = { next } }`:                   "a function is no value",
		`v = { 1, a = 2 }`:                       "a table has both numbered and named keys",
		`v = { [true] = 1 }`:                     "a key is a boolean",
		`v = {} v.v = v`:                         "values are nested too deeply",
		`v = {} for i = 1, 101 do v = { v } end`: "values are nested too deeply",
		`v = {} for i = 1, 90 do v = { v } end`:  "",
		`v = null`:                               "",
	} {
		L := newState(t, lua.LNil)
		if raised := run(L, script); raised != "" {
			t.Fatalf("%s: %s", script, raised)
		}
		if _, problem := FromLua(L.GetGlobal("v"), 0); problem != want {
			t.Errorf("%s: got %q, want %q", script, problem, want)
		}
	}
	sealed := form.Sealed("x")
	if back, problem := FromLua(&lua.LUserData{Value: sealed, Metatable: lua.LNil}, 0); problem != "" || !reflect.DeepEqual(back, sealed) {
		t.Errorf("a sealed value came back as %v %s", back, problem)
	}
	if back, _ := FromLua(lua.LString("a\xff"), 0); back != "a\uFFFD" {
		t.Errorf("text that is not UTF-8 came back as %q", back)
	}
}

func TestValuesOfFormsAreFrozen(t *testing.T) {
	t.Parallel()
	f := form.Form{Fields: []form.Field{
		{Name: "address", Type: form.Char}, {Name: "count", Type: form.Integer},
		{Name: "headers", Type: form.KeyValue}, {Name: "rows", Type: form.List, Fields: []form.Field{{Name: "host", Type: form.Char}}},
	}}
	x := &Binder{Env: func(string) (string, bool) { return "", false }, Shared: NewShared()}
	bound := x.Bind(NewLayout(f, "settings"), "o", form.Values{"address": "a", "count": 3,
		"rows": []any{map[string]any{"host": "h"}}})
	if bound.Problem != nil {
		t.Fatal(bound.Problem)
	}
	L := newState(t, bound.Table(x.Shared))
	for script, want := range map[string]string{
		`if v.address ~= "a" or v.count ~= 3 or v.rows[1].host ~= "h" or #v.rows ~= 1 or #v.headers ~= 0 then error("other values") end`: "",

		`v.address = "b"`:        "settings is read-only: 'address' cannot be set",
		`v.other = 1`:            "settings is read-only: 'other' cannot be set",
		`v.headers.Accept = "x"`: "settings.headers is read-only: 'Accept' cannot be set",
		`v.rows[1] = nil`:        "settings.rows is read-only: '1' cannot be set",
		`v.rows[2] = {}`:         "settings.rows is read-only: '2' cannot be set",
		`v.rows[1].host = "x"`:   "settings.rows[1] is read-only: 'host' cannot be set",

		`return v.adress`: "settings has no field 'adress'; did you mean 'address'?",
		`return v.Count`:  "settings has no field 'Count'; did you mean 'count'?",
	} {
		if raised := run(L, script); !strings.HasSuffix(raised, want) || want == "" && raised != "" {
			t.Errorf("%s\n raised %s\n want %s", script, raised, want)
		}
	}
}

func TestMetricsNameTheNearestField(t *testing.T) {
	t.Parallel()
	v := luaval.NewTable()
	v.Metatable = NewShared().metric
	if raised := run(newState(t, v), `return v.vlaue`); !strings.HasSuffix(raised, "metric has no field 'vlaue'; did you mean 'value'?") {
		t.Errorf("raised %s", raised)
	}
}
