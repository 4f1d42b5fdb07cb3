package rest

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// What bodies of requests by nobody in particular may hold at one time, in bytes:
// of all together, and of one address.
const (
	MaxBodies      = 32 << 20
	MaxBodiesShare = 8 << 20
)

// errBodies says that too many bodies are held.
var errBodies = errors.New("too many requests are under way")

func tooManyBodies() *Problem {
	return Refuse(http.StatusServiceUnavailable, errBodies.Error()).With("Connection", "close").With("Retry-After", "10")
}

// Budget bounds the bytes that visitors have the monitor hold. The zero value is
// ready, and safe for concurrent use.
type Budget struct {
	mu   sync.Mutex
	held int            // guarded by mu
	of   map[string]int // by address; guarded by mu
}

// Take adds to what an address holds, if there is room.
func (b *Budget) Take(key string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > MaxBodies || b.of[key]+n > MaxBodiesShare {
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
func (b *Budget) Held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Give takes n bytes off what an address holds.
func (b *Budget) Give(key string, n int) {
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
	budget *Budget
	key    string
	held   int
}

func (c *charged) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if n > 0 && !c.budget.Take(c.key, n) {
		return 0, errBodies
	}
	c.held += n
	return n, err
}

// release gives back what the body held.
func (c *charged) release() { c.budget.Give(c.key, c.held) }
