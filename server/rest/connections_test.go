package rest

import (
	"net"
	"testing"
)

// TestWhichConnectionIsGivenUp holds the order in which connections are closed
// for a new one.
func TestWhichConnectionIsGivenUp(t *testing.T) {
	l := &Connections{most: 4, share: 3, open: map[*connection]bool{}, of: map[string]int{}}
	at := int64(0)
	add := func(key string, busy bool) (c *connection, fits bool) {
		at++
		c = &connection{Conn: &net.TCPConn{}, all: l, key: key}
		c.since.Store(at)
		if busy {
			c.work()
		}
		return c, l.admit(c)
	}
	must := func(key string, busy bool) *connection {
		t.Helper()
		c, fits := add(key, busy)
		if !fits {
			t.Fatalf("a connection of %q does not fit", key)
		}
		return c
	}
	proxy, working := must("", false), must("a", true)
	first, second := must("a", false), must("b", false)
	third := must("a", false) // all are taken: of a, which has most, the one that does not work
	if l.open[first] || !l.open[proxy] || !l.open[working] || !l.open[second] || !l.open[third] {
		t.Errorf("not the first connection of the address with most was closed: %v", l.of)
	}
	third.work()
	fourth := must("c", false) // a's work: then the one that waits longest of others
	if l.open[second] || !l.open[proxy] || !l.open[fourth] {
		t.Errorf("the wrong one was closed: %v", l.of)
	}
	fourth.work()
	if must("d", true); l.open[proxy] {
		t.Error("a proxy's connection that waits outlives all others at work")
	}
	if _, fits := add("e", false); fits {
		t.Error("a connection at work was closed")
	}
	l.most = 100
	must("a", true)
	if _, fits := add("a", false); fits || l.of["a"] != 3 {
		t.Errorf("one address has %d of at most 3", l.of["a"])
	}
	fourth.all.mu.Lock()
	l.drop(fourth)
	l.drop(fourth)
	l.mu.Unlock()
	if l.of["c"] != 0 || len(l.of) != 2 {
		t.Errorf("what is left is counted wrongly: %v", l.of)
	}
}
