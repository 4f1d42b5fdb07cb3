package auth

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// maxUsername is the longest that a username can be, in bytes.
const maxUsername = 64

// Attempt takes one attempt to log in, or with no username to set up, and says
// how long to wait for the next when there is none left. A wrong guess counts
// against the address it came from. Guesses at one username from many addresses
// lock nobody out: they are slowed down, but for whoever comes from where the
// user is logged in. It blocks as long as that takes.
func (s *Sessions) Attempt(r *http.Request, username string) error {
	now, address := s.now(), s.Remote(r).Visitor()
	if !s.limits.ByAddress.Allow(address, now) {
		return tooMany("too many attempts: wait a while", s.limits.ByAddress.Wait(address, now))
	}
	name := limitKey(username)
	if name == "" || len(name) > maxUsername || s.limits.ByUsername.Allow(name, now) || s.familiar(r, name) {
		return nil
	}
	return s.limits.Slowed.pass(r.Context(), name)
}

// familiar reports whether a request comes from a browser or an address where the
// user is logged in.
func (s *Sessions) familiar(r *http.Request, name string) bool {
	if _, user, ok := s.SessionOf(r); ok && limitKey(user.Username) == name {
		return true
	}
	here := s.Remote(r).Visitor()
	return s.engine.Sessions.LoggedInFrom(name, func(address string) bool { return access.AddressKey(address) == here })
}

func tooMany(words string, wait time.Duration) *rest.Problem {
	return rest.Refuse(http.StatusTooManyRequests, words).With("Retry-After", strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds()))))
}

// Limits bound attempts to log in or set up.
type Limits struct {
	ByAddress  *access.Limiter // of IPv6 by /64
	ByUsername *access.Limiter
	Slowed     *Slowed // what is beyond the limit of a username
}

// DefaultLimits returns those of a monitor, as if nobody had tried yet.
func DefaultLimits() Limits {
	return Limits{ByAddress: access.NewLimiter(10, 10*time.Second), ByUsername: access.NewLimiter(20, 10*time.Second),
		Slowed: &Slowed{Time: 2 * time.Second, Max: 4}}
}

// Slowed has attempts at a username take time, a few at once. It is safe for
// concurrent use; its fields are set before.
type Slowed struct {
	Time time.Duration
	Max  int // at once, of one username

	mu  sync.Mutex
	now map[string]int // by username; guarded by mu
}

// Waiting is how many attempts at a username take their time now.
func (l *Slowed) Waiting(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now[name]
}

// pass blocks for the time, or refuses when too many do.
func (l *Slowed) pass(ctx context.Context, name string) error {
	l.mu.Lock()
	if l.now[name] >= l.Max {
		l.mu.Unlock()
		return tooMany("too many attempts at this username: wait a while", l.Time)
	}
	if l.now == nil {
		l.now = map[string]int{}
	}
	l.now[name]++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		if l.now[name]--; l.now[name] == 0 {
			delete(l.now, name)
		}
		l.mu.Unlock()
	}()
	timer := time.NewTimer(l.Time)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// limitKey is a username as attempts are counted: it is good in any case.
func limitKey(username string) string { return strings.ToLower(username) }

// Bounds on those who wait for a password to be hashed.
const (
	maxHashing  = 64
	hashingTime = 10 * time.Second
)

// Guard bounds work that takes memory. It blocks for hashingTime at most; the
// error is an *engine.Error.
func (s *Sessions) Guard(ctx context.Context) (release func(), err error) {
	busy := &engine.Error{Kind: engine.Unavailable, Message: "too many passwords are being checked; try again in a moment"}
	if s.queued.Add(1) > maxHashing {
		s.queued.Add(-1)
		return nil, busy
	}
	defer s.queued.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, hashingTime)
	defer cancel()
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, busy
	}
}
