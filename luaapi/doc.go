// Package luaapi runs plugins that are written in Lua. It implements
// engine.Plugins: it holds which plugins there are, and reads and watches their
// folder. What it stands on: internal/vm is the sandbox, internal/module the
// modules that Lua code may require, internal/binding the objects that it is
// given, internal/loader permits sources into plugins, and internal/runner makes
// the runs of checks, alerts, views and status rules.
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
