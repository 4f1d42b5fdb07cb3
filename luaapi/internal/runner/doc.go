// Package runner makes the runs of plugins: checks, pings, alerts, views, cleaning
// and status rules. A Runner loads a source into Versions, one for each plugin of
// it, and a Version implements engine.Plugin. Which versions are in force, and
// from which folder they come, is for the package that holds the Runner to know:
// luaapi for the monitor, luaapi/plugintest for the tests of plugins.
//
// Every run goes the same way: the settings are bound, a Lua state is begun on
// (vm.Machine.Begin), the file's top level runs in a fresh environment, the
// function that was asked for is called inside the protected call, what it
// returned is judged, and the state goes back to its version's pool if the run
// ended cleanly. A run never fails the caller: how it ended stands in its report.
package runner
