package module

import (
	"encoding/base64"
	"html"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

func openBase64(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{
		"encode": func(L *lua.LState) int {
			text := vm.Args{L: L, Fn: "base64.encode"}.Text(1, "text")
			L.Push(lua.LString(base64.StdEncoding.EncodeToString([]byte(text))))
			return 1
		},
		"decode": base64Decode,
	})
}

// base64Decode takes both alphabets, with and without padding and white space.
func base64Decode(L *lua.LState) int {
	text := vm.Args{L: L, Fn: "base64.decode"}.Text(1, "text")
	text = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", "\t", "", " ", "").Replace(text)
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return vm.Failed(L, vm.Invalid("not base64"))
	}
	L.Push(lua.LString(data))
	return 1
}

func openHTML(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{
		"escape": func(L *lua.LState) int {
			L.Push(lua.LString(html.EscapeString(vm.Args{L: L, Fn: "html.escape"}.Growing(1, "text", `&<>"'`, 5))))
			return 1
		},
		"unescape": func(L *lua.LState) int {
			L.Push(lua.LString(html.UnescapeString(vm.Args{L: L, Fn: "html.unescape"}.Text(1, "text"))))
			return 1
		},
	})
}

func openUTF8(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"len": utf8Len, "sub": utf8Sub, "line": utf8Line, "fit": utf8Fit})
}

// utf8Len counts characters, or another unit; a byte that is part of no character
// counts as one.
func utf8Len(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "utf8.len"}
	text := a.Text(1, "text")
	L.Push(lua.LNumber(Unit(a, 2)(text)))
	return 1
}

// utf8Sub is string.sub with characters in place of bytes.
func utf8Sub(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "utf8.sub"}
	text := a.Text(1, "text")
	first := a.Integer(2, "first", -1<<53, 1<<53)
	last := -1
	if a.Has(3) {
		last = a.Integer(3, "last", -1<<53, 1<<53)
	}
	length := utf8.RuneCountInString(text)
	if first < 0 {
		first = length + first + 1
	}
	if last < 0 {
		last = length + last + 1
	}
	first, last = max(first, 1), min(last, length)
	if first > last {
		L.Push(lua.LString(""))
		return 1
	}
	L.Push(lua.LString(lualib.Part(text, text[offsetOf(text, first-1):offsetOf(text, last)])))
	return 1
}

// offsetOf returns the place in bytes after n characters.
func offsetOf(text string, n int) int {
	at := 0
	for range n {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}
