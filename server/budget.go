package server

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// What bodies of requests by nobody in particular may hold at one time, in bytes:
// of all together, and of one address.
const (
	bodiesMost  = 32 << 20
	bodiesShare = 8 << 20
)

// errBodies says that too many bodies are held.
var errBodies = errors.New("too many requests are under way")

func tooManyBodies() *problem {
	return refuse(http.StatusServiceUnavailable, errBodies.Error()).with("Connection", "close").with("Retry-After", "10")
}

// budget bounds the bytes that visitors have the monitor hold. The zero value is
// ready, and safe for concurrent use.
type budget struct {
	mu   sync.Mutex
	held int            // guarded by mu
	of   map[string]int // by address; guarded by mu
}

// take adds to what an address holds, if there is room.
func (b *budget) take(key string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > bodiesMost || b.of[key]+n > bodiesShare {
		return false
	}
	if b.of == nil {
		b.of = map[string]int{}
	}
	b.held += n
	b.of[key] += n
	return true
}

// Held is how many bytes are held.
func (b *budget) Held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

func (b *budget) give(key string, n int) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.of[key] -= n; b.of[key] <= 0 {
		delete(b.of, key)
	}
}

// charged is a body that is paid for as it comes.
type charged struct {
	io.Reader
	budget *budget
	key    string
	held   int
}

func (c *charged) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 && !c.budget.take(c.key, n) {
		return 0, errBodies
	}
	c.held += n
	return n, err
}

// release gives back what the body held.
func (c *charged) release() { c.budget.give(c.key, c.held) }
