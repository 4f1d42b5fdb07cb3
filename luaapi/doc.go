// Package luaapi is everything that a plugin can see and touch: the sandbox,
// the pooled Lua states, the objects and modules that Lua code is given, and the
// loading and watching of plugin folders. It implements engine.Plugins.
//
// A file becomes a version in this order: it is read and hashed, its source is
// judged before it is compiled, it runs once in a state that has no way out, and
// the table that it returns is validated with all its problems collected. Only
// then is the version swapped into the registry, whole; runs under way end on
// the version they began with.
//
// A run takes a Lua state from its version's pool, executes the file's top level
// in a fresh environment, calls the function that was asked for, and gives the
// state back only if it ended cleanly. Nothing that Lua holds is a pointer into
// the engine, and no table that a plugin can write to is seen by a second run.
package luaapi
