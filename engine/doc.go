// Package engine is the monitor itself: the domain's types and what happens to
// them. It schedules checks, judges their results, derives the status of
// services and instances, opens and closes incidents and delivers alerts.
//
// It knows no Lua, no Badger and no HTTP. What it needs of them it asks for
// through the small interfaces Store, Sealer, Plugins and Plugin.
//
// Judging (judge.go) and alerting (alert.go) are pure functions of state, event
// and time. One goroutine, the keeper (keeper.go), owns all state: it turns
// results, edits and timers into batches, and its state advances when the store
// has acknowledged them.
package engine
