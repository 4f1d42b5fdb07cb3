package server

import (
	"net/http"
	"sync"
)

// How many live event streams there may be at one time: of one user, of one
// address, behind which may be many, and of all.
const (
	maxUserStreams    = 50
	maxAddressStreams = 500
	maxStreams        = 1000
)

// streams counts event streams. The zero value is ready, and safe for concurrent use.
type streams struct {
	mu  sync.Mutex
	all int            // guarded by mu, as what follows
	of  map[string]int // by user and by address
}

// enter counts one more; leave is called when it ends.
func (s *streams) enter(user, address string) (leave func(), err error) {
	user, address = "user "+user, "address "+address
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of[user] >= maxUserStreams:
		return nil, refuse(http.StatusTooManyRequests, "you have too many event streams").with("Retry-After", "30")
	case s.of[address] >= maxAddressStreams:
		return nil, refuse(http.StatusTooManyRequests, "there are too many event streams from your address").with("Retry-After", "30")
	case s.all >= maxStreams:
		return nil, refuse(http.StatusServiceUnavailable, "there are too many event streams").with("Retry-After", "30")
	}
	s.add(user, address, 1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.add(user, address, -1)
	}, nil
}

func (s *streams) add(user, address string, n int) {
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

// count is how many there are.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}
