package rest

import (
	"net/http"
	"sync"
)

// How many live event streams there may be at one time: of one user, of one
// address, behind which may be many, and of all.
const (
	MaxUserStreams    = 50
	maxAddressStreams = 500
	maxStreams        = 1000
)

// Streams counts event streams. The zero value is ready, and safe for concurrent use.
type Streams struct {
	mu  sync.Mutex
	all int            // guarded by mu, as what follows
	of  map[string]int // by user and by address
}

// Enter counts one more; leave is called when it ends.
func (s *Streams) Enter(user, address string) (leave func(), err error) {
	user, address = "user "+user, "address "+address
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of[user] >= MaxUserStreams:
		return nil, Refuse(http.StatusTooManyRequests, "you have too many event streams").With("Retry-After", "30")
	case s.of[address] >= maxAddressStreams:
		return nil, Refuse(http.StatusTooManyRequests, "there are too many event streams from your address").With("Retry-After", "30")
	case s.all >= maxStreams:
		return nil, Refuse(http.StatusServiceUnavailable, "there are too many event streams").With("Retry-After", "30")
	}
	s.add(user, address, 1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(user, address, -1)
	}, nil
}

func (s *Streams) add(user, address string, n int) {
	if s.of == nil {
		s.of = map[string]int{}
	}
	s.all += n
	for _, key := range []string{user, address} {
		if s.of[key] += n; s.of[key] == 0 {
			delete(s.of, key)
		}
	}
}

// Count is how many there are.
func (s *Streams) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}
