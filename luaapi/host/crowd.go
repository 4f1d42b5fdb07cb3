package host

import "sync"

// crowd counts the requests under way by host, and how many of them wait for
// others because the host has no connection left for them.
type crowd struct {
	limit int // connections of one host

	mu      sync.Mutex // guards what follows
	under   map[string]int
	waiting int
}

func (c *crowd) enter(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == nil {
		c.under = map[string]int{}
	}
	c.under[host]++
	if c.under[host] > c.limit {
		c.waiting++
	}
}

func (c *crowd) leave(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under[host] > c.limit {
		c.waiting--
	}
	if c.under[host]--; c.under[host] == 0 {
		delete(c.under, host)
	}
}

// Waiting returns how many HTTP requests wait for a connection now, because
// their host has all that it may have.
func (n *Net) Waiting() int {
	n.crowd.mu.Lock()
	defer n.crowd.mu.Unlock()
	return n.crowd.waiting
}
