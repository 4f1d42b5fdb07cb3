package luaapi

import lua "github.com/yuin/gopher-lua"

// builtinModules returns the modules that every plugin may require, by name,
// but for forms. Each function builds a module's table for one state. The
// functions in it hold nothing of a run; patterns and time zones, which are dear
// to make and cannot be changed, are kept for all states of one runtime.
func builtinModules() map[string]func(*lua.LState) *lua.LTable {
	return map[string]func(*lua.LState) *lua.LTable{
		"base64":     openBase64,
		"bytes":      openBytes,
		"crypto":     openCrypto,
		"dns":        openDNS,
		"exec":       openExec,
		"html":       openHTML,
		"http":       openHTTP,
		"icmp":       openICMP,
		"json":       openJSON,
		"log":        openLog,
		"re":         openRe(newPatterns()),
		"recipients": openRecipients,
		"smtp":       openSMTP,
		"store":      openStore,
		"tcp":        openTCP,
		"time":       openTime(newZones()),
		"tls":        openTLS,
		"url":        openURL,
		"utf8":       openUTF8,
		"xml":        openXML,
	}
}
