// Package demo is a made-up city to be looked at: services with people, rotas and
// checks, what happened to them in the last 90 days, and an outage that is
// rehearsed again and again while the monitor runs.
//
// All that a check finds comes of one pure function of the city, the check and
// the instant (City.Report): the history is written with it, and while the monitor
// runs it answers in the place of the check's plugin (Plugins). So charts go on
// where the history ends, and nothing of it reaches a network. Alerts reach
// nobody: a delivery keeps what would have been sent.
//
// The history is made by the engine itself, which judges results of the past on a
// clock that is set back (Clock, WritePast). The package knows no Lua, no store
// and no HTTP.
package demo
