package lualib

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// Table returns the functions of the table table.
func Table() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"concat": tableConcat,
		"insert": tableInsert,
		"maxn":   tableMaxN,
		"remove": tableRemove,
		"sort":   tableSort,
	}
}

// tableConcat measures before it builds, so that it allocates once.
func tableConcat(L *lua.LState) int {
	t := checkTable(L, 1, "concat")
	sep := optString(L, 2, "concat", "")
	from := optInt(L, 3, "concat", 1)
	to := 0
	if L.Get(4) == lua.LNil {
		to = t.Len()
	} else {
		to = checkInt(L, 4, "concat")
	}
	if from > to {
		L.Push(lua.LString(""))
		return 1
	}
	size, most := 0, maxString(L)
	p := pacer{L: L}
	for i := from; i <= to; i++ {
		p.step(1)
		switch v := element(t, i).(type) {
		case lua.LString:
			size += len(v)
		case lua.LNumber:
			size += len(numberString(v))
		default:
			L.RaiseError("%s", fmt.Sprintf("invalid value (%s) at index %d in table for 'concat'", v.Type(), i))
		}
		if i < to {
			size += len(sep)
		}
		if size > most {
			L.RaiseError("%s", errTooLarge.Error())
		}
	}
	claim(L, size)
	b := make([]byte, 0, size)
	for i := from; i <= to; i++ {
		p.step(1)
		switch v := element(t, i).(type) {
		case lua.LString:
			b = append(b, v...)
		case lua.LNumber:
			b = appendNumber(b, float64(v))
		}
		if i < to {
			b = append(b, sep...)
		}
	}
	L.Push(lua.LString(b))
	return 1
}

// tableInsert keeps arrays below lua.MaxArrayIndex: beyond it the VM would look
// for the values elsewhere.
func tableInsert(L *lua.LState) int {
	t := checkWritable(L, 1, "insert")
	n := t.Len()
	switch L.GetTop() {
	case 2:
		checkRoom(L, n+1)
		t.RawSetInt(n+1, L.Get(2))
	case 3:
		at := checkInt(L, 2, "insert")
		if at < 1 {
			argError(L, 2, "insert", "position out of bounds")
		}
		checkRoom(L, max(at, n+1))
		if at > n {
			fill(L, t, at)
			t.RawSetInt(at, L.Get(3))
			return 0
		}
		scanned(L, 16*(n-at))
		t.Insert(at, L.Get(3))
	default:
		L.RaiseError("wrong number of arguments to 'insert'")
	}
	return 0
}

func checkRoom(L *lua.LState, n int) {
	if n >= lua.MaxArrayIndex {
		L.RaiseError("table too large")
	}
}

func tableRemove(L *lua.LState) int {
	t := checkWritable(L, 1, "remove")
	n := t.Len()
	at := optInt(L, 2, "remove", n)
	if at < 1 || at > n {
		return 0
	}
	scanned(L, 16*(n-at))
	L.Push(t.Remove(at))
	return 1
}

func tableMaxN(L *lua.LState) int {
	t := checkTable(L, 1, "maxn")
	most := lua.LNumber(t.MaxN())
	p := pacer{L: L}
	t.ForEach(func(k, _ lua.LValue) {
		p.step(4)
		if n, ok := k.(lua.LNumber); ok && n > most {
			most = n
		}
	})
	L.Push(most)
	return 1
}
