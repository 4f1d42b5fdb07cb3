package lualib

import (
	"sync"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/patch"
)

// LimitConcat has `..` report to the budget what it is about to build, and
// refuse more than MaxString where there is no budget to refuse it. It is to be
// called before any state runs; later calls do nothing.
var LimitConcat = sync.OnceFunc(func() {
	patch.BeforeConcat(func(L *lua.LState, size int) {
		if size >= reportFrom && !report(L, size) && size > MaxString {
			L.RaiseError("%s", errTooLarge.Error())
		}
	})
})
