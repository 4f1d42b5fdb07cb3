// Package plugintest runs the tests that stand beside plugins, in Lua: for
// name.lua in name_test.lua, for a folder in its plugin_test.lua. A file of tests
// requires the module testing, and returns a table whose functions test_… are the
// tests.
//
// Each test has a harness of its own: the plugin is loaded afresh, over a stub in
// place of the network (host.Stub), with an empty store, environment and settings.
// What the plugin asks for and no stub answers fails the test. The module's
// functions find the harness through the context of the run, and call the plugin
// as the monitor does: forms clean what the test gives, and a run has its limits.
//
// The runs are made by luaapi/internal/runner, so that nothing here knows of a
// registry or of the monitor. As the package sees every module that Lua code can
// require, its own tests hold luaapi/describe against all that is bound.
package plugintest
