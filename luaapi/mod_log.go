package luaapi

import (
	"sort"
	"strings"

	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

func openLog(*lua.LState) *lua.LTable {
	functions := make(map[string]lua.LGFunction, 4)
	for _, level := range []string{"debug", "info", "warn", "error"} {
		functions[level] = func(L *lua.LState) int { return logLine(L, level) }
	}
	return moduleOf(functions)
}

// logLine writes (message, fields) to the run's log. Any value is a message.
func logLine(L *lua.LState, level string) int {
	a := args{L, "log." + level}
	if L.GetTop() == 0 {
		a.fail(1, "message is missing")
	}
	text := lualib.ToString(L, L.Get(1))
	if a.has(2) {
		text += logFields(L, a.table(2, "fields"))
	}
	if c := callOf(L); c != nil && c.log != nil {
		c.log(level, text)
	}
	return 0
}

// logFields writes fields as " name=value" in order of name.
func logFields(L *lua.LState, t *lua.LTable) string {
	var parts []string
	t.ForEach(func(k, v lua.LValue) {
		if len(parts) < 100 {
			parts = append(parts, " "+keyText(k)+"="+shorten(lualib.ToString(L, v), maxLogLine))
		}
	})
	sort.Strings(parts)
	return strings.Join(parts, "")
}
