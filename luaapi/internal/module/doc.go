// Package module has the modules that a plugin may require (http, tcp, json,
// store, …), one file for each, and larger ones in several.
//
// Builtin returns them all. A module is a table of Go functions that hold nothing
// of a state, so that all states share it; a function finds the run that it serves
// by vm.CallOf. Arguments are read by vm.Args, which raises at the caller's line;
// what can go wrong outside is answered as nil, a message and a kind. Everything
// that reaches outside goes through the run's host.Host and waits by vm.Call.Wait.
//
// What a module has is described in package describe; a test holds the two
// together. The package knows no plugin, check or alert.
package module
