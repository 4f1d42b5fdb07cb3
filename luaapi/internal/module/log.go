package module

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

func openLog(*lua.LState) *lua.LTable {
	functions := make(map[string]lua.LGFunction, 4)
	for _, level := range []string{"debug", "info", "warn", "error"} {
		functions[level] = func(L *lua.LState) int { return logLine(L, level) }
	}
	return ModuleOf(functions)
}

// logLine writes (message, fields) to the run's log. Any value is a message.
func logLine(L *lua.LState, level string) int {
	a := vm.Args{L: L, Fn: "log." + level}
	if L.GetTop() == 0 {
		a.Fail(1, "message is missing")
	}
	text := lualib.ToString(L, L.Get(1))
	if a.Has(2) {
		text += logFields(L, a.Table(2, "fields"))
	}
	if c := vm.CallOf(L); c != nil && c.Log != nil {
		c.Log(level, text)
	}
	return 0
}

// logFields writes fields as " name=value" in order of name.
func logFields(L *lua.LState, t *lua.LTable) string {
	var parts []string
	t.ForEach(func(k, v lua.LValue) {
		if len(parts) < 100 {
			parts = append(parts, " "+luaval.KeyText(k)+"="+luaval.Shorten(lualib.ToString(L, v), vm.MaxLogLine))
		}
	})
	sort.Strings(parts)
	return strings.Join(parts, "")
}
