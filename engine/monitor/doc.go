// Package monitor puts the engine together. A Monitor owns the state and the services
// that act on it, runs checks when the scheduler says so, takes pings, and serves what
// plugins and their authors need: views, the plugins' store, editing and trying, the
// breaker that suspends what misbehaves.
//
// New loads everything; between New and Start it answers and takes commands, but runs
// and sends nothing. Stop ends it in the reverse order.
package monitor
