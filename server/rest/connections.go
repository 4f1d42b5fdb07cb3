package rest

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine/access"
)

// Patience is how long a client may take. What runs within the monitor has no
// bound here.
type Patience struct {
	Header  time.Duration // to send the headers of a request
	Request time.Duration // to send a whole request
	Body    time.Duration // to send a body, of a caller who is known
	Answer  time.Duration // to take an answer, and a second more for each rate bytes
	Rate    int
	Idle    time.Duration // between two requests
}

// DefaultPatience is that of a monitor on the open net.
func DefaultPatience() Patience {
	return Patience{
		Header:  10 * time.Second,
		Request: 30 * time.Second,
		Body:    time.Minute,
		Answer:  30 * time.Second,
		Rate:    16 << 10,
		Idle:    2 * time.Minute,
	}
}

// maxHeader bounds the headers of a request, in bytes.
const maxHeader = 32 << 10

// HTTP returns a server for Handler or SocketHandler with bounds on what a client
// may hold by sending or taking slowly.
func (s *Router) HTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.o.Patience.Header,
		ReadTimeout:       s.o.Patience.Request,
		IdleTimeout:       s.o.Patience.Idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100, MaxReceiveBufferPerConnection: 128 << 10, MaxReceiveBufferPerStream: 64 << 10,
			SendPingTimeout: s.o.Patience.Answer, PingTimeout: s.o.Patience.Header, WriteByteTimeout: s.o.Patience.Answer},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if over, ok := c.(*tls.Conn); ok {
				c = over.NetConn()
			}
			if own, ok := c.(*connection); ok {
				ctx = context.WithValue(ctx, connectionKey{}, own)
			}
			return ctx
		},
	}
}

// Bound returns a listener that holds at most so many connections of l, and of
// one address (of IPv6 a /64) half of them, unless it is a trusted proxy's. For a
// new one beyond that it closes the one that has kept the monitor waiting longest,
// of the address with most of them; where none waits, the new one is closed.
func (s *Router) Bound(l net.Listener, most int) *Connections {
	return &Connections{Listener: l, most: most, share: max(most/2, 1),
		trusted: s.o.Trusts,
		open:    map[*connection]bool{}, of: map[string]int{}}
}

// Connections are those of a listener.
type Connections struct {
	net.Listener
	most, share int
	trusted     func(address string) bool

	mu   sync.Mutex
	open map[*connection]bool // guarded by mu
	of   map[string]int       // how many by address; guarded by mu
}

// Open is how many connections there are.
func (l *Connections) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// connection is one of them. It waits for its client unless a handler works for it.
type connection struct {
	net.Conn
	all   *Connections
	key   string // of its address; "" for a trusted proxy's
	busy  atomic.Int32
	since atomic.Int64 // when its last request began or ended, or it was accepted, in nanoseconds
}

type connectionKey struct{}

// Accept implements net.Listener.
func (l *Connections) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		own := &connection{Conn: c, all: l, key: l.keyOf(c.RemoteAddr())}
		own.mark()
		if l.admit(own) {
			return own, nil
		}
		c.Close()
	}
}

func (l *Connections) keyOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		host = a.String()
	}
	if l.trusted(host) {
		return ""
	}
	return access.AddressKey(host)
}

// admit adds a connection, in place of another if need be.
func (l *Connections) admit(c *connection) bool {
	l.mu.Lock()
	var victim *connection
	switch {
	case c.key != "" && l.of[c.key] >= l.share:
		victim = l.waiting(func(other *connection) bool { return other.key == c.key })
	case len(l.open) >= l.most:
		victim = l.waiting(func(*connection) bool { return true })
	default:
		l.add(c)
		l.mu.Unlock()
		return true
	}
	if victim != nil {
		l.drop(victim)
		l.add(c)
	}
	l.mu.Unlock()
	if victim == nil {
		return false
	}
	victim.Conn.Close()
	return true
}

// waiting is the connection to give up; nil when all are at work. mu is held.
func (l *Connections) waiting(eligible func(*connection) bool) *connection {
	var found *connection
	for c := range l.open {
		if c.busy.Load() > 0 || !eligible(c) {
			continue
		}
		if found == nil || l.weight(c) > l.weight(found) || l.weight(c) == l.weight(found) && c.since.Load() < found.since.Load() {
			found = c
		}
	}
	return found
}

// weight is how many connections the address of c has; a trusted proxy's are
// given up last. mu is held.
func (l *Connections) weight(c *connection) int {
	if c.key == "" {
		return 0
	}
	return l.of[c.key]
}

func (l *Connections) add(c *connection) {
	l.open[c] = true
	l.of[c.key]++
}

func (l *Connections) drop(c *connection) {
	if !l.open[c] {
		return
	}
	delete(l.open, c)
	if l.of[c.key]--; l.of[c.key] == 0 {
		delete(l.of, c.key)
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.drop(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

func (c *connection) mark() { c.since.Store(time.Now().UnixNano()) }

// work and wait say that a handler works, or waits for the client. c may be nil.
func (c *connection) work() {
	if c != nil {
		c.busy.Add(1)
	}
}

func (c *connection) wait() {
	if c != nil {
		c.busy.Add(-1)
	}
}

// connectionOf is the connection that a request came by, nil when it is not bounded.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}
