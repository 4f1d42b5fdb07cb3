package luaapi

import (
	"errors"

	lua "github.com/yuin/gopher-lua"
)

var errNoKey = errors.New("there is no key to open secrets with")

// sharedObjects are metatables that all states use. They are never written
// after they were made, no plugin can reach them, and their functions are Go's
// and hold no state.
type sharedObjects struct {
	anyCase    *lua.LTable
	lastResult *lua.LTable
	record     *lua.LTable
	metric     *lua.LTable
	ack        *lua.LTable
	ping       *lua.LTable
	checkMeta  *lua.LTable
	resultMeta *lua.LTable
	checkRest  *lua.LTable // leads to the fields of a check that are not plain
	checkWrite *lua.LFunction
}

func newSharedObjects() *sharedObjects {
	return &sharedObjects{
		anyCase:    hiddenTable(map[string]lua.LValue{"__index": goFunction(anyCaseIndex)}),
		lastResult: strict("last_result", []string{"succeeded", "unknown", "error", "at"}),
		record:     strict("check", recordNames()),
		metric:     strict("metric", []string{"name", "value", "unit", "warn", "fail", "min", "max"}),
		ack:        strict("acknowledgement", []string{"user", "comment", "at", "expires_at"}),
		ping:       strict("ping", []string{"kind", "code", "run_id", "body", "at", "address"}),
		checkMeta:  objectMeta(checkIndex, checkNewIndex),
		resultMeta: resultMeta(),
		checkRest:  hiddenTable(map[string]lua.LValue{"__index": goFunction(checkIndex)}),
		checkWrite: goFunction(checkNewIndex),
	}
}
