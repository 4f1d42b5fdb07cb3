package module

import lua "github.com/yuin/gopher-lua"

// Builtin returns the modules that every plugin may require, by name,
// but for forms. Each function builds a module's table, which all states may
// share as long as plugins cannot write to it: its functions hold nothing of a
// run or a state. Patterns and time zones, which are dear to make and cannot be
// changed, are kept with them.
func Builtin() map[string]func(*lua.LState) *lua.LTable {
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
		"re":         openRe(&patterns{}),
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
