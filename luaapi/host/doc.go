// Package host is the outside world as plugins reach it, behind one narrow
// interface: every byte of a run's input and output passes a Host, so that it
// can be stubbed in tests, traced and recorded. Net is the real one: it guards
// which addresses may be reached, limits connections per host, and turns the
// errors of Go's network packages into short messages with a kind.
package host
