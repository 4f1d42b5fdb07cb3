package binding

import (
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/lualib"
)

// ToLua turns a seen value into a Lua value. Tables are always fresh: nothing
// that a plugin can write to is shared.
func ToLua(L *lua.LState, shared *Shared, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case lua.LValue:
		return v
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case int:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case time.Time:
		return luaval.Instant(v)
	case form.KeyValues:
		return keyValueTable(L, shared, v)
	case []any:
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, orNull(ToLua(L, shared, item)))
		}
		return t
	case []map[string]any:
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, ToLua(L, shared, item))
		}
		return t
	case []string:
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, lua.LString(item))
		}
		return t
	case map[string]any:
		t := L.CreateTable(0, len(v))
		for _, key := range luaval.SortedKeys(v) {
			t.RawSetString(key, ToLua(L, shared, v[key]))
		}
		markObject(t, v)
		return t
	}
	return lua.LNil
}

// frozen turns a seen value into a value that plugins can read, not write; what
// is how errors call it.
func frozen(shared *Shared, what string, v any) lua.LValue {
	if plain, ok := scalar(v); ok {
		return plain
	}
	t := luaval.NewTable()
	switch v := v.(type) {
	case form.KeyValues:
		t = keyValueTable(nil, shared, v)
	case []any:
		for i, item := range v {
			t.RawSetInt(i+1, frozenItem(shared, what, i, item))
		}
	case []map[string]any:
		for i, item := range v {
			t.RawSetInt(i+1, frozenItem(shared, what, i, item))
		}
	case map[string]any:
		t = luaval.NewRecord(len(v))
		for _, key := range luaval.SortedKeys(v) {
			t.RawSetString(key, frozen(shared, what+"."+key, v[key]))
		}
		markObject(t, v)
	default:
		list, ok := ToLua(nil, shared, v).(*lua.LTable)
		if !ok {
			return ToLua(nil, shared, v)
		}
		t = list
	}
	return lualib.Freeze(what, t)
}

func frozenItem(shared *Shared, what string, i int, v any) lua.LValue {
	if plain, ok := scalar(v); ok {
		return orNull(plain)
	}
	return frozen(shared, what+"["+strconv.Itoa(i+1)+"]", v)
}

// orNull is an item of an array: where json.decode has json.null, so do we.
func orNull(v lua.LValue) lua.LValue {
	if v == lua.LNil {
		return module.JSONNull
	}
	return v
}

// markObject keeps an empty object from being written as an empty array, as
// json.decode does.
func markObject(t *lua.LTable, v map[string]any) {
	for _, item := range v {
		if item != nil {
			return
		}
	}
	t.Metatable = module.JSONObjectMeta
}

// tablesIn counts the tables that a seen value becomes.
func tablesIn(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += tablesIn(item)
		}
	case map[string]any:
		for _, item := range v {
			n += tablesIn(item)
		}
	case []map[string]any:
		for _, item := range v {
			n += tablesIn(item)
		}
	case form.KeyValues, []string:
	default:
		return 0
	}
	return n
}

// scalar converts values that need no table; ok is false for the others.
func scalar(v any) (lua.LValue, bool) {
	switch v := v.(type) {
	case nil:
		return lua.LNil, true
	case string:
		return lua.LString(v), true
	case bool:
		return lua.LBool(v), true
	case float64:
		return lua.LNumber(v), true
	case int:
		return lua.LNumber(v), true
	}
	return nil, false
}

// keyValueTable is a plain table whose names are found without regard to case.
// Of names that differ only in case the last one wins.
func keyValueTable(L *lua.LState, shared *Shared, pairs form.KeyValues) *lua.LTable {
	t := L.CreateTable(0, len(pairs))
	spelled := make(map[string]string, len(pairs))
	for _, p := range pairs {
		lower := strings.ToLower(p.Name)
		if old, ok := spelled[lower]; ok && old != p.Name {
			t.RawSetString(old, lua.LNil)
		}
		spelled[lower] = p.Name
		t.RawSetString(p.Name, lua.LString(p.Value))
	}
	t.Metatable = shared.anyCase
	return t
}

// anyCaseIndex finds a key that differs only in case; an absent one is nil.
func anyCaseIndex(L *lua.LState) int {
	t, isTable := L.Get(1).(*lua.LTable)
	key, isString := L.Get(2).(lua.LString)
	if isTable && isString {
		found := lua.LValue(lua.LNil)
		t.ForEach(func(k, v lua.LValue) {
			if name, ok := k.(lua.LString); ok && strings.EqualFold(string(name), string(key)) {
				found = v
			}
		})
		L.Push(found)
		return 1
	}
	L.Push(lua.LNil)
	return 1
}

// MaxNesting bounds the depth of values that come from Lua.
const MaxNesting = 100

// FromLua turns what a plugin returned into a seen value: a table with
// consecutive whole keys is a list, any other a map. A function, a userdata, a
// cycle or too deep a nesting is refused.
func FromLua(v lua.LValue, depth int) (any, string) {
	if depth > MaxNesting {
		return nil, "values are nested too deeply"
	}
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, ""
	case lua.LBool:
		return bool(v), ""
	case lua.LNumber:
		return float64(v), ""
	case lua.LString:
		return strings.ToValidUTF8(string(v), "\uFFFD"), ""
	case *lua.LTable:
		return tableFromLua(v, depth)
	case *lua.LUserData:
		if v == module.JSONNull {
			return nil, ""
		}
		if kept, ok := v.Value.(form.Sealed); ok {
			return kept, ""
		}
	}
	return nil, "a " + v.Type().String() + " is no value"
}

func tableFromLua(t *lua.LTable, depth int) (any, string) {
	t = lualib.Reading(t)
	n := t.Len()
	list := make([]any, 0, n)
	fields := map[string]any{}
	problem := ""
	t.ForEach(func(k, v lua.LValue) {
		if problem != "" {
			return
		}
		value, p := FromLua(v, depth+1)
		if p != "" {
			problem = p
			return
		}
		switch k := k.(type) {
		case lua.LNumber:
			list = append(list, value)
		case lua.LString:
			fields[string(k)] = value
		default:
			problem = "a key is a " + k.Type().String()
		}
	})
	switch {
	case problem != "":
		return nil, problem
	case len(list) > 0 && len(fields) > 0:
		return nil, "a table has both numbered and named keys"
	case len(list) > 0:
		return list, ""
	case len(fields) > 0, t.Metatable == module.JSONObjectMeta:
		return fields, ""
	}
	return []any{}, ""
}
