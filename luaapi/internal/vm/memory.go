package vm

import (
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// Meter sums up what a run holds: everything that its stack, its environment
// and its results lead to, but for what all runs share. It stops as soon as it
// has seen enough, at the run's deadline, and when the run wants to go on.
type Meter struct {
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
	maxSteps   = 4 << 20 // values looked at in one measurement, about 200 ms at the very most
	MeterLook  = 4096    // of them, between two looks at the clock
	TableSize  = 112
	entrySize  = 150     // of a named entry: the library keeps each key three times
	stringSize = 32      // beside its bytes
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
func (s *Meter) done() bool { return s.over || s.Sum > s.limit || s.Steps > maxSteps }

// stack adds what the functions under way on one thread hold.
func (s *Meter) stack(L *lua.LState) {
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
	if s.Steps++; s.Steps%MeterLook == 0 {
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
func (s *Meter) Text(v string) {
	if len(v) < bigString {
		s.Sum += uint64(len(v)) + stringSize
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
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
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
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
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

// MeasureAll returns how many bytes the run holds, or any number over limit when it
// is more than that, and how many values it looked at. It remembers the most
// that was found. It is called between two instructions by the goroutine that
// runs them, or by the watchdog while the run is parked.
func (r *Run) MeasureAll(limit uint64) (held uint64, steps int) {
	s := NewMeter(limit)
	s.Until, s.stop = r.Call.Deadline, &r.VM.parking.back
	s.Sum += uint64(len(r.lib.Asserted()) + len(r.Trace) + r.lib.Building())
	for i := range r.log {
		s.Sum += uint64(len(r.log[i].Message)) + stringSize
	}
	r.Program.Measure(s)
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
		r.VM.reach.Store(s.Sum)
	}
	return s.Sum + r.Call.outside(), s.Steps
}
