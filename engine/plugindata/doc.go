// Package plugindata is what plugins keep between their runs: a store of keys and
// JSON values for each plugin and subject (engine.Scope), with a time to live.
//
// Each key is a record of its own, so that a small value costs a small write
// however much its scope holds; older versions kept a scope in one record, which
// the first write to it takes apart. Writes pass the one writer of engine/state,
// so that an increment is atomic and what was answered is on the disk. What a
// plugin may write in a second is bounded, since it would otherwise take the
// writer from everybody else.
package plugindata
