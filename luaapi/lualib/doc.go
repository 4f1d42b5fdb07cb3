// Package lualib holds Lua 5.1's own library functions, written anew for
// gopher-lua so that they can be interrupted and are bounded in steps and size:
// the stock ones cannot be stopped at a deadline, and one call can take minutes
// or gigabytes.
//
// The functions hold no state. String, Table, Math, OS and Base return plain
// function maps, from which each environment gets tables of its own. What a
// function needs to know of the run it serves (what may still be spent, the
// random source, the clock) it finds in the state's context, see Run. Without a
// Run the fixed limits below hold, and without a context nothing is interrupted.
//
// Differences from Lua 5.1, all on purpose: %s in string.format takes any value
// and honours __tostring (as in 5.2); tonumber does not know "inf" and "nan";
// whole numbers are written with all their digits up to 2^63 (as the VM's own
// concatenation does); math.log takes an optional base; table.sort is stable
// and never calls the comparator with values that are not in the table; pairs
// honours __pairs and ipairs honours __index; assert raises whatever it is given.
package lualib
