package host

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Net is the Host that reaches the real network.
type Net struct {
	options   Options
	policy    policy
	limit     *limiter
	pool      *pool
	dialer    net.Dialer
	exec      map[string]bool
	userAgent []string // header values that requests share; never written
	encodings []string
	defaults  http.Header // of requests that have no other
	buffers   sync.Pool   // of *bytes.Buffer, for bodies
	programs  programs
	rawPing   atomic.Bool // which kind of socket the last ping went through
}

var _ Host = (*Net)(nil)

// New returns a Net. Close releases its idle connections.
func New(options Options) (*Net, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	n := &Net{
		options: options,
		policy:  newPolicy(options.Allow, options.Deny),
		limit:   newLimiter(options.PerHost),
		exec:    make(map[string]bool, len(options.AllowExec)),
	}
	n.userAgent, n.encodings = []string{options.UserAgent}, []string{"gzip"}
	for _, path := range options.AllowExec {
		n.exec[path] = true
	}
	n.defaults = http.Header{"User-Agent": n.userAgent, "Accept-Encoding": n.encodings}
	n.pool = newPool(&options, n.limit)
	return n, nil
}

// Close closes the connections that are kept for later requests. Requests under
// way go on, and none is kept after them.
func (n *Net) Close() error {
	n.pool.close()
	return nil
}
