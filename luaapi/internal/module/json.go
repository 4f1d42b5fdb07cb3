package module

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// JSONNull is what stands for null in Lua. It is one value for all states, and
// nothing of it can be changed.
var JSONNull = objectOf(nil, luaval.HiddenTable(map[string]lua.LValue{
	"__tostring": luaval.GoFunction(func(L *lua.LState) int {
		L.Push(lua.LString("null"))
		return 1
	}),
	"__newindex": luaval.GoFunction(func(L *lua.LState) int {
		L.RaiseError("json.null cannot be changed")
		return 0
	}),
}))

// JSONObjectMeta marks tables that are written as objects even when they are
// empty. It is empty and never written.
var JSONObjectMeta = luaval.NewTable()

// maxJSONDepth bounds the nesting of values that are read and written.
const maxJSONDepth = 100

func openJSON(*lua.LState) *lua.LTable {
	t := ModuleOf(map[string]lua.LGFunction{
		"encode": jsonEncode,
		"decode": jsonDecode,
		"object": jsonObject,
		"get":    jsonGet,
	})
	t.RawSetString("null", JSONNull)
	return t
}

func jsonEncode(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "json.encode"}
	if L.GetTop() == 0 {
		a.Fail(1, "value is missing")
	}
	data, err := EncodeJSON(L.Get(1), vm.Looking(L))
	if err != nil {
		a.Fail(1, "%s", err.Error())
	}
	L.Push(lua.LString(data))
	return 1
}

func jsonDecode(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "json.decode"}
	text := a.Text(1, "text")
	v, err := DecodeJSON(text, KeepNull(a), vm.Looking(L))
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(v)
	return 1
}

// KeepNull reads the option null = "keep" of the options, the second argument.
func KeepNull(a vm.Args) bool {
	o := a.Options(2, "options", []string{"null"})
	switch o.Text("null") {
	case "":
		return false
	case "keep":
		return true
	}
	a.Fail(2, `null must be "keep"`)
	return false
}

// jsonObject marks a table as an object. One that has a metatable of its own is
// copied, since it cannot have two.
func jsonObject(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "json.object"}
	if !a.Has(1) {
		L.Push(&lua.LTable{Metatable: JSONObjectMeta})
		return 1
	}
	a.Table(1, "table")
	t, _ := L.Get(1).(*lua.LTable)
	switch t.Metatable {
	case JSONObjectMeta:
	case lua.LNil:
		t.Metatable = JSONObjectMeta
	default:
		marked := &lua.LTable{Metatable: JSONObjectMeta}
		lualib.Reading(t).ForEach(func(k, v lua.LValue) { marked.RawSet(k, v) })
		t = marked
	}
	L.Push(t)
	return 1
}

func jsonGet(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "json.get"}
	path := a.Text(2, "path")
	v := L.Get(1)
	for rest := path; rest != ""; {
		key, index, after, ok := nextStep(rest, rest == path)
		if !ok {
			a.Fail(2, "not a path: %s", luaval.KeyText(lua.LString(path)))
		}
		rest = after
		if index < 0 && key == "" {
			continue // the $ at the beginning
		}
		v = stepInto(v, key, index)
	}
	L.Push(v)
	return 1
}

func stepInto(v lua.LValue, key string, index int) lua.LValue {
	t, ok := v.(*lua.LTable)
	if !ok {
		return lua.LNil
	}
	t = lualib.Reading(t)
	if index >= 0 {
		return t.RawGetInt(index + 1)
	}
	return t.RawGetString(key)
}

// nextStep parts the first step from a path: .key, [0] or ["key"]; the first
// key has no dot, and a $ may stand for the whole.
func nextStep(path string, first bool) (key string, index int, rest string, ok bool) {
	if first && path[0] == '$' {
		return "", -1, path[1:], true
	}
	if path[0] == '[' {
		return bracketStep(path[1:])
	}
	if path[0] == '.' {
		path = path[1:]
	} else if !first {
		return "", 0, "", false
	}
	end := 0
	for end < len(path) && path[end] != '.' && path[end] != '[' {
		end++
	}
	return path[:end], -1, path[end:], end > 0
}

func bracketStep(path string) (key string, index int, rest string, ok bool) {
	if path != "" && (path[0] == '"' || path[0] == '\'') {
		for i := 1; i+1 < len(path); i++ {
			if path[i] == path[0] && path[i+1] == ']' {
				return path[1:i], -1, path[i+2:], i > 1
			}
		}
		return "", 0, "", false
	}
	i := 0
	for i < len(path) && path[i] >= '0' && path[i] <= '9' && i < 9 {
		index = index*10 + int(path[i]-'0')
		i++
	}
	if i == 0 || i == len(path) || path[i] != ']' {
		return "", 0, "", false
	}
	return "", index, path[i+1:], true
}
