package vm

import (
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// Scale sums up what a run holds: everything that its stack, its environment
// and its results lead to, but for what all runs share. It stops as soon as it
// has seen enough, at the run's deadline, and when the run wants to go on.
type Scale struct {
	limit   uint64
	Until   time.Time    // zero is none
	stop    *atomic.Bool // nil is none
	over    bool         // it is past until, or was stopped
	Sum     uint64
	Steps   int
	seen    map[any]struct{}
	pending []lua.LValue
}

const (
	weighSteps   = 4 << 20 // values looked at in one weighing, about 200 ms at the very most
	WeighLook    = 4096    // of them, between two looks at the clock
	TableWeight  = 112
	entryWeight  = 150     // of a named entry: the library keeps each key three times
	stringWeight = 32      // beside its bytes
	bigString    = 1 << 10 // strings from here on are counted once, however often they are held
)

// weighed are values behind objects that hold text of their own or lead to
// values of Lua.
type weighed interface {
	// Weigh adds what the value holds to s.
	Weigh(s *Scale)
}

// NewScale is a scale that has seen enough beyond limit, in bytes.
func NewScale(limit uint64) *Scale { return &Scale{limit: limit, seen: map[any]struct{}{}} }

// Run weighs all that what was added leads to.
func (s *Scale) Run() {
	for len(s.pending) > 0 && !s.done() {
		v := s.pending[len(s.pending)-1]
		s.pending = s.pending[:len(s.pending)-1]
		s.open(v)
	}
}

// done reports whether nothing more is to be looked at.
func (s *Scale) done() bool { return s.over || s.Sum > s.limit || s.Steps > weighSteps }

// stack adds what the functions under way on one thread hold.
func (s *Scale) stack(L *lua.LState) {
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
func (s *Scale) Add(v lua.LValue) {
	if s.Steps++; s.Steps%WeighLook == 0 {
		s.over = s.over || !s.Until.IsZero() && time.Now().After(s.Until) || s.stop != nil && s.stop.Load()
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
func (s *Scale) Text(v string) {
	if len(v) < bigString {
		s.Sum += uint64(len(v)) + stringWeight
	} else if s.first(unsafe.StringData(v)) {
		s.Sum += uint64(len(v))
	}
}

func (s *Scale) first(v any) bool {
	if _, ok := s.seen[v]; ok {
		return false
	}
	s.seen[v] = struct{}{}
	return true
}

func (s *Scale) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		s.Sum += TableWeight + 16*uint64(v.Len())
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
			s.Add(m)
		}
		v.ForEach(func(key, value lua.LValue) {
			if s.done() {
				return
			}
			if key.Type() != lua.LTNumber {
				s.Sum += entryWeight
				s.Add(key)
			}
			s.Add(value)
		})
	case *lua.LFunction:
		s.Sum += TableWeight
		for _, up := range v.Upvalues {
			if up != nil {
				s.Add(up.Value())
			}
		}
		if v.Env != nil {
			s.Add(v.Env)
		}
	case *lua.LUserData:
		s.Sum += TableWeight
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
			s.Add(m)
		}
		if heavy, ok := v.Value.(weighed); ok {
			heavy.Weigh(s)
		} else {
			s.fields(v.Value)
		}
	}
}

// fields counts the texts of an object that gopher-luar shows, and what its
// fields lead to: its lists and settings are tables that a plugin may write to.
func (s *Scale) fields(object any) {
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
func (s *Scale) Root(v lua.LValue) {
	if v != nil {
		s.Add(v)
	}
}

// WeighAll returns how many bytes the run holds, or any number over limit when it
// is more than that, and how many values it looked at. It remembers the most
// that was found. It is called between two instructions by the goroutine that
// runs them, or by the watchdog while the run is parked.
func (r *Run) WeighAll(limit uint64) (held uint64, steps int) {
	s := NewScale(limit)
	s.Until, s.stop = r.Call.Deadline, &r.VM.parking.back
	s.Sum += uint64(len(r.lib.Asserted()) + len(r.Trace) + r.lib.Building())
	for i := range r.log {
		s.Sum += uint64(len(r.log[i].Message)) + stringWeight
	}
	r.Program.Weigh(s)
	s.Root(r.env)
	for _, lib := range LibraryNames() {
		s.Root(r.st.Libs.RawGetString(lib)) // what the run added to them
	}
	for _, m := range r.loaded {
		s.Root(m.value)
	}
	if s.Sum <= limit {
		s.stack(r.st.L)
		for _, th := range r.st.threads[:r.protectedDepth] {
			s.stack(th.L)
		}
		s.Run()
	}
	if s.Sum+r.Call.outside() > r.Held {
		r.Held = s.Sum + r.Call.outside()
	}
	if !s.over {
		r.VM.weight.Store(s.Sum)
	}
	return s.Sum + r.Call.outside(), s.Steps
}
