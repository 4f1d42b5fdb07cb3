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

// run weighs all that the threads and roots hold.
func (s *scale) run(stacks []*lua.LState, roots []lua.LValue) {
	s.seen = map[any]struct{}{}
	for _, v := range roots {
		s.add(v)
	}
	for _, L := range stacks {
		s.stack(L)
	}
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

// weigh returns how many bytes the run holds, or any number over limit when it
// is more than that, and how many values it looked at. It remembers the most
// that was found. It is called between two instructions by the goroutine that
// runs them, or by the watchdog while the run is parked.
func (r *run) weigh(limit uint64) (held uint64, steps int) {
	s := &scale{limit: limit, until: r.call.deadline, stop: &r.vm.parking.back}
	for _, text := range []string{r.result.text, r.result.message, r.result.rawData, r.lib.Asserted(), r.trace} {
		s.sum += uint64(len(text))
	}
	for i := range r.log {
		s.sum += uint64(len(r.log[i].Message)) + stringWeight
	}
	for i := range r.result.metrics {
		s.sum += uint64(len(r.result.metrics[i].Name)+len(r.result.metrics[i].Unit)) + tableWeight
	}
	if r.ping != nil {
		s.sum += uint64(len(r.ping.Body))
	}
	s.sum += uint64(r.lib.Building())
	roots := append(make([]lua.LValue, 0, 24), r.env, r.returned, r.top)
	for _, lib := range libraryNames() {
		roots = append(roots, r.st.libs.RawGetString(lib)) // what the run added to them
	}
	for _, m := range r.loaded {
		if m.value != nil {
			roots = append(roots, m.value)
		}
	}
	if r.self != nil {
		roots = append(roots, r.self)
	}
	roots = r.objects.values(roots)
	stacks := []*lua.LState{r.st.L}
	for _, th := range r.st.threads[:r.protectedDepth] {
		stacks = append(stacks, th.L)
	}
	if s.sum <= limit {
		s.run(stacks, roots)
	}
	if s.sum+r.call.outside() > r.held {
		r.held = s.sum + r.call.outside()
	}
	if !s.over {
		r.vm.weight.Store(s.sum)
	}
	return s.sum + r.call.outside(), s.steps
}

// weighSample is how many runs of a version go by unweighed for each that is
// weighed at its end: a weighing takes about as long as a short run.
const weighSample = 64

// weighEnd weighs a run that has come to its end, before its state goes back:
// the first of its version and one in weighSample after it, or every one where
// people look at runs. It returns the most that the run was seen to hold, in
// bytes, 0 when nobody looked.
func (r *run) weighEnd() uint64 {
	if r.vm.measured || r.version.started.Add(1)%weighSample == 1 {
		r.weigh(r.rt.watchdog.perRun)
	}
	r.version.counts.heaviest(r.held)
	return r.held
}
