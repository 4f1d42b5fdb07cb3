package lualib

import (
	lua "github.com/yuin/gopher-lua"
)

func baseNext(L *lua.LState) int {
	key, value := checkTable(L, 1, "next").Next(L.Get(2))
	if key == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(key)
	L.Push(value)
	return 2
}

// basePairs honours __pairs, so that the host's objects can be walked.
func basePairs(L *lua.LState) int {
	v := L.Get(1)
	t, isTable := v.(*lua.LTable)
	if !isTable || t.Metatable != lua.LNil {
		if fn := L.GetMetaField(v, "__pairs"); fn != lua.LNil {
			L.Push(fn)
			L.Push(v)
			L.Call(1, 3)
			return 3
		}
		if !isTable {
			typeError(L, 1, "pairs", "table")
		}
	}
	L.Push(L.NewFunction(baseNext))
	L.Push(t)
	L.Push(lua.LNil)
	return 3
}

// baseIpairs walks tables, and whatever has an __index, from 1 to the first nil.
func baseIpairs(L *lua.LState) int {
	v := L.Get(1)
	step := ipairsStep
	t, isTable := v.(*lua.LTable)
	switch {
	case isTable && (t.Metatable == lua.LNil || Reading(t).Metatable == lua.LNil || L.GetMetaField(v, "__index") == lua.LNil):
	case v.Type() != lua.LTString && L.GetMetaField(v, "__index") != lua.LNil:
		step = ipairsIndexStep
	default:
		typeError(L, 1, "ipairs", "table")
	}
	L.Push(L.NewFunction(step))
	L.Push(v)
	L.Push(lua.LNumber(0))
	return 3
}

func ipairsStep(L *lua.LState) int {
	i := checkInt(L, 2, "ipairs") + 1
	return pushPair(L, i, element(checkTable(L, 1, "ipairs"), i))
}

func ipairsIndexStep(L *lua.LState) int {
	i := checkInt(L, 2, "ipairs") + 1
	return pushPair(L, i, L.GetTable(L.Get(1), lua.LNumber(i)))
}

func pushPair(L *lua.LState, i int, v lua.LValue) int {
	if v == lua.LNil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(i))
	L.Push(v)
	return 2
}

// element reads t[i] without metamethods, in the array part or outside it.
func element(t *lua.LTable, i int) lua.LValue {
	if i >= 1 && i < lua.MaxArrayIndex {
		return t.RawGetInt(i)
	}
	return t.RawGet(lua.LNumber(i))
}
