// Package snapshot notes all that some values of Lua lead to, and tells later
// whether Lua code could see that it was in use meanwhile.
//
// A run of a plugin begins with what the plugin's top level has made. Where
// running that anew would make the same, its tables and functions may serve the
// next run, if this one has left them as they were: every table with its entries,
// their order and its metatable, and every variable that a function holds. The
// package knows nothing of runs; package vm decides what is kept and for whom.
package snapshot
