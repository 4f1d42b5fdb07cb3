// Package vm executes Lua: it is the sandbox, and knows no plugin.
//
// A Machine is what all runs of a process share: permits, which limit how many runs
// execute at one time; the watchdog, which ends those that hold too much memory;
// the functions that Lua code finds. A Run is one execution of a compiled file
// (Code) in a State of a Pool: fresh globals, the Call that the functions of
// modules find, a Context that counts instructions, and after the end the log,
// the error and the traceback. What a run is for is its Program, which is told
// what the file's top level returned.
//
// Lua code sees nothing that another run can see, is ended at its deadline and at
// its bounds whatever it does, and gives its permit back while it waits. A state
// serves again after a clean end alone.
//
// Args and Options read what Lua code passes to a function of the host.
//
// The package knows no module by name, no object, and no file: packages module,
// binding and loader stand on it.
package vm
