package lualib

import (
	lua "github.com/yuin/gopher-lua"
)

// sorter sorts a copy of a table's values by merging, which makes at most
// n·log n comparisons and stays within its bounds however the comparator answers.
type sorter struct {
	pacer
	less func(a, b lua.LValue) bool
}

// tableSort is stable. A comparator that contradicts itself is an error where
// the result shows it, and whatever the comparator raises passes through; in
// both cases the table is left as it was.
func tableSort(L *lua.LState) int {
	t := checkWritable(L, 1, "sort")
	fn, ok := L.Get(2).(*lua.LFunction)
	if !ok && L.Get(2) != lua.LNil {
		typeError(L, 2, "sort", "function")
	}
	n := t.Len()
	if n < 2 {
		return 0
	}
	claim(L, min(n*32, maxString(L)))
	values := make([]lua.LValue, n)
	for i := range values {
		values[i] = t.RawGetInt(i + 1)
	}
	s := sorter{pacer: pacer{L: L}}
	s.less = s.natural
	if fn != nil {
		s.less = func(a, b lua.LValue) bool {
			s.step(1)
			L.Push(fn)
			L.Push(a)
			L.Push(b)
			L.Call(2, 1)
			answer := L.Get(-1)
			L.Pop(1)
			return lua.LVAsBool(answer)
		}
	}
	s.sort(values, make([]lua.LValue, n))
	if fn != nil {
		s.verify(values)
	}
	for i, v := range values {
		t.RawSetInt(i+1, v)
	}
	return 0
}

// natural is the operator <.
func (s *sorter) natural(a, b lua.LValue) bool {
	switch x := a.(type) {
	case lua.LNumber:
		if y, ok := b.(lua.LNumber); ok {
			s.step(1)
			return x < y
		}
	case lua.LString:
		if y, ok := b.(lua.LString); ok {
			s.step(1 + min(len(x), len(y))/16)
			return x < y
		}
	}
	s.step(1)
	return s.L.LessThan(a, b)
}

// runLength is how many values insertion sorts quicker than merging.
const runLength = 8

// sort sorts v; spare is as long as v.
func (s *sorter) sort(v, spare []lua.LValue) {
	if len(v) <= runLength {
		for i := 1; i < len(v); i++ {
			for k := i; k > 0 && s.less(v[k], v[k-1]); k-- {
				v[k], v[k-1] = v[k-1], v[k]
			}
		}
		return
	}
	half := len(v) / 2
	s.sort(v[:half], spare[:half])
	s.sort(v[half:], spare[half:])
	if !s.less(v[half], v[half-1]) {
		return
	}
	left, right := spare[:half], v[half:]
	copy(left, v[:half])
	for i := 0; len(left) > 0; i++ {
		if len(right) > 0 && s.less(right[0], left[0]) {
			v[i], right = right[0], right[1:]
		} else {
			v[i], left = left[0], left[1:]
		}
	}
}

// verify looks for neighbours that the comparator puts both ways round: it has
// no order. "<=" in place of "<" is let pass where the values are the same.
func (s *sorter) verify(v []lua.LValue) {
	for i := 1; i < len(v); i++ {
		if s.less(v[i], v[i-1]) && !s.L.RawEqual(v[i], v[i-1]) && s.less(v[i-1], v[i]) {
			s.L.RaiseError("invalid order function for sorting")
		}
	}
}
