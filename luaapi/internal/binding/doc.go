// Package binding shows Lua what a plugin is given: settings, check, result,
// service, users, request and monitor.
//
// A Binder makes a Binding of the stored values of a form: secrets are opened,
// and values from the environment filled in. A PluginRun is a run of a plugin
// with the objects that it was given; it is the program of its run, and collects
// what the plugin said in its result.
//
// Objects that are read often are bound by hand, with metatables that all states
// share; those of alerts and views by gopher-luar, as copies. Nothing that Lua
// holds points into the engine. What the objects have to ask of the plugin itself
// they ask its Owner: the package knows neither versions nor the registry.
package binding
