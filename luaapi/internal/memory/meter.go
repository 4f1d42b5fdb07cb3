package memory

import (
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
)

// Meter sums up what a run holds: everything that its stack, its environment
// and its results lead to, but for what all runs share. It stops as soon as it
// has seen enough, at the run's deadline, and when the run wants to go on.
type Meter struct {
	limit   uint64
	Until   time.Time    // zero is none
	Stop    *atomic.Bool // nil is none
	Over    bool         // it is past until, or was stopped
	Sum     uint64
	Steps   int
	seen    map[any]struct{}
	pending []lua.LValue
}

const (
	maxSteps   = 4 << 20 // values looked at in one measurement, about 200 ms at the very most
	LookEvery  = 4096    // of them, between two looks at the clock
	TableSize  = 112
	entrySize  = 150     // of a named entry: the library keeps each key three times
	StringSize = 32      // beside its bytes
	bigString  = 1 << 10 // strings from here on are counted once, however often they are held
)

// measured are values behind objects that hold text of their own or lead to
// values of Lua.
type measured interface {
	// Measure adds what the value holds to s.
	Measure(s *Meter)
}

// NewMeter is a meter that has seen enough beyond limit, in bytes.
func NewMeter(limit uint64) *Meter { return &Meter{limit: limit, seen: map[any]struct{}{}} }

// Run measures all that what was added leads to.
func (s *Meter) Run() {
	for len(s.pending) > 0 && !s.done() {
		v := s.pending[len(s.pending)-1]
		s.pending = s.pending[:len(s.pending)-1]
		s.open(v)
	}
}

// done reports whether nothing more is to be looked at.
func (s *Meter) done() bool { return s.Over || s.Sum > s.limit || s.Steps > maxSteps }

// Stack adds what the functions under way on one thread hold.
func (s *Meter) Stack(L *lua.LState) {
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if fn, err := L.GetInfo("f", frame, lua.LNil); err == nil {
			s.Add(fn)
		}
		for i := 1; ; i++ {
			name, v := L.GetLocal(frame, i)
			if name == "" || v == nil {
				break
			}
			s.Add(v)
		}
	}
}

// Add counts a value and remembers it when it leads further.
func (s *Meter) Add(v lua.LValue) {
	if s.Steps++; s.Steps%LookEvery == 0 {
		s.Over = s.Over || !s.Until.IsZero() && time.Now().After(s.Until) || s.Stop != nil && s.Stop.Load()
	}
	switch v := v.(type) {
	case lua.LString:
		s.Text(string(v))
	case *lua.LTable, *lua.LFunction, *lua.LUserData:
		if s.first(v) {
			s.pending = append(s.pending, v)
		}
	}
}

// Text counts a text.
func (s *Meter) Text(v string) {
	if len(v) < bigString {
		s.Sum += uint64(len(v)) + StringSize
	} else if s.first(unsafe.StringData(v)) {
		s.Sum += uint64(len(v))
	}
}

func (s *Meter) first(v any) bool {
	if _, ok := s.seen[v]; ok {
		return false
	}
	s.seen[v] = struct{}{}
	return true
}

func (s *Meter) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		s.Sum += TableSize + 16*uint64(v.Len())
		if m, ok := v.Metatable.(*lua.LTable); ok && !luaval.Hidden(m) {
			s.Add(m)
		}
		v.ForEach(func(key, value lua.LValue) {
			if s.done() {
				return
			}
			if key.Type() != lua.LTNumber {
				s.Sum += entrySize
				s.Add(key)
			}
			s.Add(value)
		})
	case *lua.LFunction:
		s.Sum += TableSize
		for _, up := range v.Upvalues {
			if up != nil {
				s.Add(up.Value())
			}
		}
		if v.Env != nil {
			s.Add(v.Env)
		}
	case *lua.LUserData:
		s.Sum += TableSize
		if m, ok := v.Metatable.(*lua.LTable); ok && !luaval.Hidden(m) {
			s.Add(m)
		}
		if heavy, ok := v.Value.(measured); ok {
			heavy.Measure(s)
		} else {
			s.fields(v.Value)
		}
	}
}

// fields counts the texts of an object that gopher-luar shows, and what its
// fields lead to: its lists and settings are tables that a plugin may write to.
func (s *Meter) fields(object any) {
	v := reflect.ValueOf(object)
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		switch field := v.Field(i).Interface().(type) {
		case string:
			s.Text(field)
		case lua.LValue:
			s.Add(field)
		}
	}
}

// Root adds a value that is held, and keeps nothing back when there is none.
func (s *Meter) Root(v lua.LValue) {
	if v != nil {
		s.Add(v)
	}
}
