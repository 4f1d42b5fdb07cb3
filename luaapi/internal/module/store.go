package module

import (
	"context"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/vm"
)

// maxStored is the largest value that store keeps, as JSON.
const maxStored = 16 << 10

// maxStoreKey is the longest key, in bytes.
const maxStoreKey = 256

// openStore opens store, with store.shared in it.
func openStore(*lua.LState) *lua.LTable {
	t := ModuleOf(storeFunctions("store.", false))
	t.RawSetString("shared", ModuleOf(storeFunctions("store.shared.", true)))
	return t
}

func storeFunctions(prefix string, shared bool) map[string]lua.LGFunction {
	functions := make(map[string]lua.LGFunction, 4)
	for name, fn := range map[string]func(storeCall) int{
		"get": storeGet, "set": storeSet, "increment": storeIncrement, "delete": storeDelete,
	} {
		functions[name] = func(L *lua.LState) int {
			return fn(newStoreCall(vm.Args{L: L, Fn: prefix + name}, shared))
		}
	}
	return functions
}

// storeCall is one call of a function of store.
type storeCall struct {
	vm.Args
	call  *vm.Call
	scope engine.Scope
	key   string
}

func newStoreCall(a vm.Args, shared bool) storeCall {
	c := a.Inside()
	if c.Data == nil {
		a.L.RaiseError("%s cannot be called here: there is no store", a.Fn)
	}
	s := storeCall{Args: a, call: c, scope: c.Scope, key: strings.Clone(a.Text(1, "key"))}
	if shared {
		s.scope.Subject = ""
	}
	if s.key == "" || len(s.key) > maxStoreKey || strings.Contains(s.key, "\x00") {
		a.Fail(1, "key must be 1 to %d bytes without a zero byte", maxStoreKey)
	}
	return s
}

func storeGet(s storeCall) int {
	var data []byte
	var found bool
	err := s.call.Wait(0, func(ctx context.Context) (err error) {
		data, found, err = s.call.Data.Get(ctx, s.scope, s.key)
		return err
	})
	if err != nil {
		return vm.Failed(s.L, err)
	}
	if !found {
		s.L.Push(lua.LNil)
		return 1
	}
	v, err := DecodeJSON(string(data), true, nil)
	if err != nil {
		return vm.Failed(s.L, err)
	}
	s.L.Push(v)
	return 1
}

// storeSet keeps a value; nil deletes the key.
func storeSet(s storeCall) int {
	var ttl time.Duration
	if s.Has(3) {
		seconds := s.Number(3, "ttl")
		if seconds <= 0 || seconds > 100*vm.MaxSeconds {
			s.Fail(3, "ttl must be above 0 seconds")
		}
		ttl = max(vm.ToDuration(seconds), 1)
	}
	if !s.Has(2) {
		return storeDelete(s)
	}
	data, err := EncodeJSON(s.L.Get(2), vm.Looking(s.L))
	if err != nil {
		s.Fail(2, "value: %s", err.Error())
	}
	if len(data) > maxStored {
		return vm.Failed(s.L, &host.Error{Kind: host.TooLarge, Message: "the value is longer than 16 KiB"})
	}
	return s.done(func(ctx context.Context) error { return s.call.Data.Set(ctx, s.scope, s.key, data, ttl) })
}

func storeIncrement(s storeCall) int {
	by := 1.0
	if s.Has(2) {
		by = s.Number(2, "by")
	}
	var sum float64
	err := s.call.Wait(0, func(ctx context.Context) (err error) {
		sum, err = s.call.Data.Increment(ctx, s.scope, s.key, by)
		return err
	})
	if err != nil {
		return vm.Failed(s.L, err)
	}
	s.L.Push(lua.LNumber(sum))
	return 1
}

func storeDelete(s storeCall) int {
	return s.done(func(ctx context.Context) error { return s.call.Data.Delete(ctx, s.scope, s.key) })
}

// done runs a write and answers true.
func (s storeCall) done(write func(ctx context.Context) error) int {
	if err := s.call.Wait(0, write); err != nil {
		return vm.Failed(s.L, err)
	}
	s.L.Push(lua.LTrue)
	return 1
}
