package binding

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
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
		anyCase:    luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.GoFunction(anyCaseIndex)}),
		lastResult: luaval.Strict("last_result", []string{"succeeded", "unknown", "error", "at"}),
		record:     luaval.Strict("check", RecordNames()),
		metric:     luaval.Strict("metric", []string{"name", "value", "unit", "warn", "fail", "min", "max"}),
		ack:        luaval.Strict("acknowledgement", []string{"user", "comment", "at", "expires_at"}),
		Ping:       luaval.Strict("ping", []string{"kind", "code", "run_id", "body", "at", "address"}),
		checkMeta:  vm.ObjectMeta(checkIndex, checkNewIndex),
		ResultMeta: resultMeta(),
		checkRest:  luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.GoFunction(checkIndex)}),
		checkWrite: luaval.GoFunction(checkNewIndex),
	}
}
