package lualib

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Base returns the global functions that work on values alone: assert, error,
// ipairs, next, pairs, pcall, rawequal, rawget, select, setmetatable, tonumber,
// tostring, type, unpack and xpcall.
func Base() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"assert":       baseAssert,
		"error":        baseError,
		"ipairs":       baseIpairs,
		"next":         baseNext,
		"pairs":        basePairs,
		"pcall":        basePCall,
		"rawequal":     baseRawEqual,
		"rawget":       baseRawGet,
		"select":       baseSelect,
		"setmetatable": baseSetMetatable,
		"tonumber":     baseToNumber,
		"tostring":     baseToString,
		"type":         baseType,
		"unpack":       baseUnpack,
		"xpcall":       baseXPCall,
	}
}

// ToString is what tostring(v) gives. It may run the value's __tostring, and
// raises when that fails or does not return a string.
func ToString(L *lua.LState, v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return numberString(v)
	}
	if fn := L.GetMetaField(v, "__tostring"); fn != lua.LNil {
		L.Push(fn)
		L.Push(v)
		L.Call(1, 1)
		r := L.Get(-1)
		L.Pop(1)
		switch r := r.(type) {
		case lua.LString:
			return string(r)
		case lua.LNumber:
			return numberString(r)
		}
		L.RaiseError("'__tostring' must return a string")
	}
	return v.String()
}

func baseToString(L *lua.LState) int {
	v := checkAny(L, 1, "tostring")
	if s, ok := v.(lua.LString); ok {
		L.Push(s)
		return 1
	}
	L.Push(lua.LString(ToString(L, v)))
	return 1
}

// baseAssert raises its message as it is, as Lua 5.1 does; where that was, the
// run remembers.
func baseAssert(L *lua.LState) int {
	if lua.LVAsBool(checkAny(L, 1, "assert")) {
		return L.GetTop()
	}
	switch v := L.Get(2).(type) {
	case *lua.LNilType:
		failAssert(L, "assertion failed!")
	case lua.LString, lua.LNumber:
		failAssert(L, ToString(L, v))
	default:
		L.Error(v, 0)
	}
	return 0
}

func failAssert(L *lua.LState, message string) {
	if r := runOf(L); r != nil {
		r.asserted, r.assertedAt = message, L.Where(1)
	}
	L.Error(lua.LString(message), 0)
}

// baseError puts the position of the given level in front of a text: 1 is the
// caller, 2 the caller's caller. (The stock function is off by one.)
func baseError(L *lua.LState) int {
	v, level := L.Get(1), optInt(L, 2, "error", 1)
	if s, ok := v.(lua.LString); ok && level > 0 && level <= L.Options.CallStackSize {
		if where := L.Where(level); where != "" && !strings.HasPrefix(where, "[G]") {
			v = lua.LString(where+" ") + s
		}
	}
	L.Error(v, 0)
	return 0
}

func baseType(L *lua.LState) int {
	L.Push(lua.LString(checkAny(L, 1, "type").Type().String()))
	return 1
}

func baseRawEqual(L *lua.LState) int {
	L.Push(lua.LBool(L.RawEqual(checkAny(L, 1, "rawequal"), checkAny(L, 2, "rawequal"))))
	return 1
}

func baseRawGet(L *lua.LState) int {
	L.Push(checkTable(L, 1, "rawget").RawGet(checkAny(L, 2, "rawget")))
	return 1
}

// baseSetMetatable takes tables only: the metatable of any other type is shared
// by all values of that type, and by the state's later runs.
func baseSetMetatable(L *lua.LState) int {
	t := checkWritable(L, 1, "setmetatable")
	mt := L.Get(2)
	if mt.Type() != lua.LTTable && (mt != lua.LNil || L.GetTop() < 2) {
		typeError(L, 2, "setmetatable", "nil or table")
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		L.RaiseError("cannot change a protected metatable")
	}
	L.SetMetatable(t, mt)
	L.SetTop(1)
	return 1
}

func baseSelect(L *lua.LState) int {
	if s, ok := L.Get(1).(lua.LString); ok && s == "#" {
		L.Push(lua.LNumber(L.GetTop() - 1))
		return 1
	}
	n, count := checkInt(L, 1, "select"), L.GetTop()
	if n < 0 {
		n += count
	} else if n > count {
		n = count
	}
	if n < 1 {
		argError(L, 1, "select", "index out of range")
	}
	return count - n
}

func baseUnpack(L *lua.LState) int {
	t := checkTable(L, 1, "unpack")
	from := optInt(L, 2, "unpack", 1)
	to := 0
	if L.Get(3) == lua.LNil {
		to = t.Len()
	} else {
		to = checkInt(L, 3, "unpack")
	}
	if from > to {
		return 0
	}
	n := to - from + 1
	if n > MaxResults {
		L.RaiseError("too many results to unpack")
	}
	for i := from; i <= to; i++ {
		L.Push(element(t, i))
	}
	return n
}

// basePCall leaves what it calls to the VM, which looks at the context at its
// next instruction: a deadline that was caught here is raised again there.
func basePCall(L *lua.LState) int {
	checkAny(L, 1, "pcall")
	if err := L.PCall(L.GetTop()-1, lua.MultRet, nil); err != nil {
		L.Push(lua.LFalse)
		L.Push(errorValue(err))
		return 2
	}
	L.Insert(lua.LTrue, 1)
	return L.GetTop()
}

func baseXPCall(L *lua.LState) int {
	fn := checkAny(L, 1, "xpcall")
	handler, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		typeError(L, 2, "xpcall", "function")
	}
	top := L.GetTop()
	L.Push(fn)
	if err := L.PCall(0, lua.MultRet, handler); err != nil {
		L.Push(lua.LFalse)
		L.Push(errorValue(err))
		return 2
	}
	L.Insert(lua.LTrue, top+1)
	return L.GetTop() - top
}

func errorValue(err error) lua.LValue {
	if api, ok := err.(*lua.ApiError); ok && api.Object != nil {
		return api.Object
	}
	return lua.LString(err.Error())
}
