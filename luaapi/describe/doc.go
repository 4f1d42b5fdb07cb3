// Package describe describes all that a plugin may use: the modules and their
// functions, the objects, the types and arguments of form fields, the keys of a
// plugin's table, and what is there of Lua's own library. The linter, the
// reference, the definitions for editors and the pages are made from it; tests
// in luaapi hold it against the tables that plugins really see.
//
// Functions return fresh values, which are the caller's.
package describe
