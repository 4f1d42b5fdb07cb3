package module

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// bench is a Lua state with every module as a global, in the service of one call.
type bench struct {
	t    testing.TB
	L    *lua.LState
	call *vm.Call
	log  []string
}

// newBench returns a bench whose run has forty seconds left.
func newBench(t testing.TB, h host.Host) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	b := &bench{t: t, L: lua.NewState(lua.Options{SkipOpenLibs: true})}
	b.call = &vm.Call{Ctx: ctx, Host: h, Now: time.Now, Scope: engine.Scope{Plugin: "p", Subject: "c1"}}
	b.call.Deadline, _ = ctx.Deadline()
	b.call.Log = func(level, message string) {
		b.log = append(b.log, level+": "+b.call.CleanBytes(message, vm.MaxLogLine))
	}
	t.Cleanup(func() {
		b.call.Close()
		b.L.Close()
	})
	b.L.SetContext(context.WithValue(ctx, vm.CallKey{}, b.call))
	for name, fn := range lualib.Base() {
		b.global(name, b.L.NewFunction(fn))
	}
	b.global("print", b.L.NewFunction(vm.BasePrint))
	for name, functions := range map[string]map[string]lua.LGFunction{"string": lualib.String(), "table": lualib.Table(), "math": lualib.Math()} {
		b.global(name, ModuleOf(functions))
	}
	strings := luaval.NewTable()
	strings.RawSetString("__index", b.L.GetGlobal("string"))
	b.L.SetMetatable(lua.LString(""), strings)
	for name, open := range Builtin() {
		b.global(name, open(b.L))
	}
	return b
}

// global gives the scripts a value.
func (b *bench) global(name string, v lua.LValue) { b.L.SetGlobal(name, v) }

// do runs a script and returns its results, as text.
func (b *bench) do(script string) ([]string, error) {
	b.t.Helper()
	L := b.L
	fn, err := L.LoadString(script)
	if err != nil {
		b.t.Fatalf("the test's script does not compile: %v", err)
	}
	top := L.GetTop()
	defer L.SetTop(top)
	if err := L.CallByParam(lua.P{Fn: fn, NRet: lua.MultRet, Protect: true}); err != nil {
		if api, ok := err.(*lua.ApiError); ok {
			return nil, errorText(api.Object.String())
		}
		return nil, err
	}
	var results []string
	for i := top + 1; i <= L.GetTop(); i++ {
		results = append(results, lualib.ToString(L, L.Get(i)))
	}
	return results, nil
}

type errorText string

func (e errorText) Error() string { return string(e) }

// gives checks the results of a script, joined by " | ".
func (b *bench) gives(script, want string) {
	b.t.Helper()
	got, err := b.do(script)
	if err != nil {
		b.t.Errorf("%s\nraised %v\nwant %s", script, err, want)
	} else if text := strings.Join(got, " | "); text != want {
		b.t.Errorf("%s\ngot  %s\nwant %s", script, text, want)
	}
}

// raises checks that a script raises, at its own line 1, with a text.
func (b *bench) raises(script, want string) {
	b.t.Helper()
	got, err := b.do(script)
	if err == nil {
		b.t.Errorf("%s\ngot  %s\nwant an error with %q", script, strings.Join(got, " | "), want)
	} else if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "<string>:1:") {
		b.t.Errorf("%s\nraised %v\nwant   <string>:1: … %s", script, err, want)
	}
}

// memoryData is a PluginData in memory. err, when set, fails every call.
type memoryData struct {
	mu     sync.Mutex
	values map[engine.Scope]map[string]string
	ttl    time.Duration // of the last Set
	err    error
}

func newMemoryData() *memoryData {
	return &memoryData{values: map[engine.Scope]map[string]string{}}
}

func (m *memoryData) scope(s engine.Scope) map[string]string {
	if m.values[s] == nil {
		m.values[s] = map[string]string{}
	}
	return m.values[s]
}

func (m *memoryData) Get(_ context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.scope(s)[key]
	return []byte(v), ok, m.err
}

func (m *memoryData) Set(_ context.Context, s engine.Scope, key string, value []byte, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scope(s)[key], m.ttl = string(value), ttl
	return m.err
}

func (m *memoryData) Increment(_ context.Context, s engine.Scope, key string, by float64) (float64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, _ := DecodeJSON(m.scope(s)[key], false, nil)
	n, _ := old.(lua.LNumber)
	sum := float64(n) + by
	m.scope(s)[key] = lua.LNumber(sum).String()
	return sum, m.err
}

func (m *memoryData) Delete(_ context.Context, s engine.Scope, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.scope(s), key)
	return m.err
}
