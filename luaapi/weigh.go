package luaapi

import (
	"reflect"
	"sync/atomic"
	"time"
	"unsafe"

	lua "github.com/yuin/gopher-lua"
)

// scale sums up what a run holds: everything that its stack, its environment
// and its results lead to, but for what all runs share. It stops as soon as it
// has seen enough, at the run's deadline, and when the run wants to go on.
type scale struct {
	limit   uint64
	until   time.Time    // zero is none
	stop    *atomic.Bool // nil is none
	over    bool         // it is past until, or was stopped
	sum     uint64
	steps   int
	seen    map[any]struct{}
	pending []lua.LValue
}

const (
	weighSteps   = 4 << 20 // values looked at in one weighing, about 200 ms at the very most
	weighLook    = 4096    // of them, between two looks at the clock
	tableWeight  = 112
	entryWeight  = 150     // of a named entry: the library keeps each key three times
	stringWeight = 32      // beside its bytes
	bigString    = 1 << 10 // strings from here on are counted once, however often they are held
)

// weighed are values behind objects that hold text of their own or lead to
// values of Lua.
type weighed interface {
	// weigh adds what the value holds to s.
	weigh(s *scale)
}

// newScale is a scale that has seen enough beyond limit, in bytes.
func newScale(limit uint64) *scale { return &scale{limit: limit, seen: map[any]struct{}{}} }

// run weighs all that what was added leads to.
func (s *scale) run() {
	for len(s.pending) > 0 && !s.done() {
		v := s.pending[len(s.pending)-1]
		s.pending = s.pending[:len(s.pending)-1]
		s.open(v)
	}
}

// done reports whether nothing more is to be looked at.
func (s *scale) done() bool { return s.over || s.sum > s.limit || s.steps > weighSteps }

// stack adds what the functions under way on one thread hold.
func (s *scale) stack(L *lua.LState) {
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if fn, err := L.GetInfo("f", frame, lua.LNil); err == nil {
			s.add(fn)
		}
		for i := 1; ; i++ {
			name, v := L.GetLocal(frame, i)
			if name == "" || v == nil {
				break
			}
			s.add(v)
		}
	}
}

// add counts a value and remembers it when it leads further.
func (s *scale) add(v lua.LValue) {
	if s.steps++; s.steps%weighLook == 0 {
		s.over = s.over || !s.until.IsZero() && time.Now().After(s.until) || s.stop != nil && s.stop.Load()
	}
	switch v := v.(type) {
	case lua.LString:
		s.text(string(v))
	case *lua.LTable, *lua.LFunction, *lua.LUserData:
		if s.first(v) {
			s.pending = append(s.pending, v)
		}
	}
}

// text counts a text.
func (s *scale) text(v string) {
	if len(v) < bigString {
		s.sum += uint64(len(v)) + stringWeight
	} else if s.first(unsafe.StringData(v)) {
		s.sum += uint64(len(v))
	}
}

func (s *scale) first(v any) bool {
	if _, ok := s.seen[v]; ok {
		return false
	}
	s.seen[v] = struct{}{}
	return true
}

func (s *scale) open(v lua.LValue) {
	switch v := v.(type) {
	case *lua.LTable:
		s.sum += tableWeight + 16*uint64(v.Len())
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
			s.add(m)
		}
		v.ForEach(func(key, value lua.LValue) {
			if s.done() {
				return
			}
			if key.Type() != lua.LTNumber {
				s.sum += entryWeight
				s.add(key)
			}
			s.add(value)
		})
	case *lua.LFunction:
		s.sum += tableWeight
		for _, up := range v.Upvalues {
			if up != nil {
				s.add(up.Value())
			}
		}
		if v.Env != nil {
			s.add(v.Env)
		}
	case *lua.LUserData:
		s.sum += tableWeight
		if m, ok := v.Metatable.(*lua.LTable); ok && !hidden(m) {
			s.add(m)
		}
		if heavy, ok := v.Value.(weighed); ok {
			heavy.weigh(s)
		} else {
			s.fields(v.Value)
		}
	}
}

// fields counts the texts of an object that gopher-luar shows, and what its
// fields lead to: its lists and settings are tables that a plugin may write to.
func (s *scale) fields(object any) {
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
			s.text(field)
		case lua.LValue:
			s.add(field)
		}
	}
}

// root adds a value that is held, and keeps nothing back when there is none.
func (s *scale) root(v lua.LValue) {
	if v != nil {
		s.add(v)
	}
}

// weighAll returns how many bytes the run holds, or any number over limit when it
// is more than that, and how many values it looked at. It remembers the most
// that was found. It is called between two instructions by the goroutine that
// runs them, or by the watchdog while the run is parked.
func (r *run) weighAll(limit uint64) (held uint64, steps int) {
	s := newScale(limit)
	s.until, s.stop = r.call.deadline, &r.vm.parking.back
	s.sum += uint64(len(r.lib.Asserted()) + len(r.trace) + r.lib.Building())
	for i := range r.log {
		s.sum += uint64(len(r.log[i].Message)) + stringWeight
	}
	r.program.weigh(s)
	s.root(r.env)
	for _, lib := range libraryNames() {
		s.root(r.st.libs.RawGetString(lib)) // what the run added to them
	}
	for _, m := range r.loaded {
		s.root(m.value)
	}
	if s.sum <= limit {
		s.stack(r.st.L)
		for _, th := range r.st.threads[:r.protectedDepth] {
			s.stack(th.L)
		}
		s.run()
	}
	if s.sum+r.call.outside() > r.held {
		r.held = s.sum + r.call.outside()
	}
	if !s.over {
		r.vm.weight.Store(s.sum)
	}
	return s.sum + r.call.outside(), s.steps
}
