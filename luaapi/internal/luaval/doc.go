// Package luaval makes values of Lua and reads them, without a state: tables and
// their metatables, functions of Go, names of types and keys for errors, and text
// cut to what may be kept. A table that Strict guards raises at an unknown key and
// names the nearest; a metatable from HiddenTable cannot be seen or replaced by a
// plugin.
package luaval
