package patch

import (
	"maps"
	"slices"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// tableFields are the fields of a lua.LTable, in their order.
type tableFields struct {
	Metatable lua.LValue
	array     []lua.LValue
	dict      map[lua.LValue]lua.LValue
	strdict   map[string]lua.LValue
	keys      []lua.LValue // in the order in which they came, also of what is gone
	k2i       map[lua.LValue]int
}

func fieldsOf(t *lua.LTable) *tableFields { return (*tableFields)(unsafe.Pointer(t)) }

// LookUp is a table with these entries for reading by name alone: no plugin
// may write to it, and next finds none of them. It owns fields.
//
// Upstream: a table keeps each name three times, so that next may tell them in
// order. One that stands behind each check and is never told is three times as large.
func LookUp(fields map[string]lua.LValue, meta lua.LValue) *lua.LTable {
	t := &lua.LTable{Metatable: meta}
	fieldsOf(t).strdict = fields
	return t
}

// Snapshot is what a table held, with the order of its keys.
//
// Upstream: a table tells its entries one by one, but neither how many there are
// nor which keys it remembers that are gone, by which the order of others is told.
type Snapshot struct {
	of    *lua.LTable
	meta  lua.LValue
	array []lua.LValue
	named map[string]lua.LValue
	rest  map[lua.LValue]lua.LValue
	keys  int
}

// TakeSnapshot notes what a table holds.
func TakeSnapshot(t *lua.LTable) Snapshot {
	f := fieldsOf(t)
	return Snapshot{t, f.Metatable, slices.Clone(f.array), maps.Clone(f.strdict), maps.Clone(f.dict), len(f.keys)}
}

// Len is how many entries the table held.
func (s *Snapshot) Len() int { return len(s.array) + len(s.named) + len(s.rest) }

// Values yields the values that the table held, and the keys that are no text.
func (s *Snapshot) Values(yield func(lua.LValue) bool) {
	for _, v := range s.array {
		if !yield(v) {
			return
		}
	}
	for _, v := range s.named {
		if !yield(v) {
			return
		}
	}
	for k, v := range s.rest {
		if !yield(k) || !yield(v) {
			return
		}
	}
}

// Reset gives a named entry the value that it had. added is whether there was none.
func (s *Snapshot) Reset(key string) (added bool) {
	v, was := s.named[key]
	if !was {
		v = lua.LNil
	}
	s.of.RawSetString(key, v)
	return !was
}

// Of is the table.
func (s *Snapshot) Of() *lua.LTable { return s.of }

// Holds reports whether the table holds what it held, value by value: nothing
// that Lua can do with it tells that it was in use meanwhile. more is how many
// keys were added since and taken out again by the host.
func (s *Snapshot) Holds(more int) bool {
	f := fieldsOf(s.of)
	if f.Metatable != s.meta || len(f.keys) != s.keys+more || len(f.array) != len(s.array) ||
		len(f.strdict) != len(s.named) || len(f.dict) != len(s.rest) {
		return false
	}
	for i, v := range s.array {
		if f.array[i] != v {
			return false
		}
	}
	for k, v := range f.strdict {
		if was, ok := s.named[k]; !ok || was != v {
			return false
		}
	}
	for k, v := range f.dict {
		if was, ok := s.rest[k]; !ok || was != v {
			return false
		}
	}
	return true
}
