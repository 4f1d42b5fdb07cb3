package binding

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/vm"
)

var ErrNoKey = errors.New("there is no key to open secrets with")

// Shared are metatables that all states use. They are never written
// after they were made, no plugin can reach them, and their functions are Go's
// and hold no state.
type Shared struct {
	anyCase    *lua.LTable
	lastResult *lua.LTable
	record     *lua.LTable
	metric     *lua.LTable
	ack        *lua.LTable
	Ping       *lua.LTable
	checkMeta  *lua.LTable
	ResultMeta *lua.LTable
	checkRest  *lua.LTable // leads to the fields of a check that are not plain
	checkWrite *lua.LFunction
}

func NewShared() *Shared {
	return &Shared{
		anyCase:    vm.HiddenTable(map[string]lua.LValue{"__index": vm.GoFunction(anyCaseIndex)}),
		lastResult: vm.Strict("last_result", []string{"succeeded", "unknown", "error", "at"}),
		record:     vm.Strict("check", RecordNames()),
		metric:     vm.Strict("metric", []string{"name", "value", "unit", "warn", "fail", "min", "max"}),
		ack:        vm.Strict("acknowledgement", []string{"user", "comment", "at", "expires_at"}),
		Ping:       vm.Strict("ping", []string{"kind", "code", "run_id", "body", "at", "address"}),
		checkMeta:  vm.ObjectMeta(checkIndex, checkNewIndex),
		ResultMeta: resultMeta(),
		checkRest:  vm.HiddenTable(map[string]lua.LValue{"__index": vm.GoFunction(checkIndex)}),
		checkWrite: vm.GoFunction(checkNewIndex),
	}
}
