package host

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxTransports is how many sets of kept connections there are: one for each
// combination of TLS options and connect_to in use.
const maxTransports = 256

// maxHeaderBytes bounds the header of a response.
const maxHeaderBytes = 256 << 10

// transportKey is what requests must have in common to share connections.
type transportKey struct {
	tls       TLSOptions
	connectTo string
}

// transports are the sets of kept connections.
type transports struct {
	net *Net

	mu       sync.Mutex
	byKey    map[transportKey]*transport
	madeRoom time.Time
}

// transport is one set of kept connections.
type transport struct {
	http      *http.Transport
	net       *Net
	tls       *tls.Config // ServerName is set for each connection
	connectTo string

	mu     sync.Mutex
	states map[*tls.ConnectionState]*TLSState // what is known of live connections; emptied when it grows
}

func newTransports(n *Net) *transports {
	return &transports{net: n, byKey: make(map[transportKey]*transport)}
}

// get returns the transport for a key, making it when there is none.
func (ts *transports) get(key transportKey) (*transport, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.byKey[key]; t != nil {
		return t, nil
	}
	config, err := key.tls.config("")
	if err != nil {
		return nil, err
	}
	if len(ts.byKey) >= maxTransports {
		ts.dropOneLocked()
	}
	t := newTransport(ts.net, config, key.connectTo)
	ts.byKey[key] = t
	return t, nil
}

// dropOneLocked forgets any one transport; requests under way on it go on.
func (ts *transports) dropOneLocked() {
	for key, t := range ts.byKey {
		if key != (transportKey{}) {
			t.http.CloseIdleConnections()
			delete(ts.byKey, key)
			return
		}
	}
}

func (ts *transports) closeIdle() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.byKey {
		t.http.CloseIdleConnections()
	}
}

// makeRoom closes idle connections when a host has reached its limit, since
// those of one transport are of no use to another; at most once a second.
func (ts *transports) makeRoom() {
	ts.mu.Lock()
	soon := time.Since(ts.madeRoom) < time.Second
	if !soon {
		ts.madeRoom = time.Now()
	}
	ts.mu.Unlock()
	if !soon {
		ts.closeIdle()
	}
}

func newTransport(n *Net, config *tls.Config, connectTo string) *transport {
	t := &transport{net: n, tls: config, connectTo: connectTo, states: make(map[*tls.ConnectionState]*TLSState)}
	t.http = &http.Transport{
		DialContext:            t.dialPlain,
		DialTLSContext:         t.dialTLS,
		DisableCompression:     true, // bodies are decoded here, under the size limit
		MaxIdleConns:           4096,
		MaxIdleConnsPerHost:    n.options.PerHost,
		MaxConnsPerHost:        n.options.PerHost,
		IdleConnTimeout:        n.options.IdleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         4 << 10,
		WriteBufferSize:        2 << 10,
	}
	return t
}

// dialPlain connects for the transport. It outlives the request that asked for
// it, when that got another connection first, but not that request's deadline.
func (t *transport) dialPlain(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := t.dialContext(ctx)
	defer cancel()
	var times dialTimes
	conn, err := t.dial(ctx, addr, &times)
	exchangeOf(ctx).setTimes(times)
	return conn, err
}

func (t *transport) dialTLS(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := t.dialContext(ctx)
	defer cancel()
	var times dialTimes
	conn, err := t.dial(ctx, addr, &times)
	if err != nil {
		return nil, err
	}
	config := t.tls
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	started := time.Now()
	secure, err := handshake(ctx, conn, config, addr)
	times.tls = time.Since(started)
	exchangeOf(ctx).setTimes(times)
	if err != nil {
		return nil, err // not a nil *tls.Conn in an interface
	}
	return secure, nil
}

func (t *transport) dial(ctx context.Context, addr string, times *dialTimes) (net.Conn, error) {
	if t.connectTo != "" {
		addr = t.connectTo
	}
	host, port, err := splitHostPort(addr)
	if err != nil {
		return nil, &Error{Invalid, err.Error()}
	}
	return t.net.dial(ctx, host, port, times)
}

func (t *transport) dialContext(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(t.net.options.DialTimeout)
	if e := exchangeOf(ctx); e != nil {
		if own, ok := e.Deadline(); ok && own.Before(deadline) {
			deadline = own
		}
	}
	return context.WithDeadline(ctx, deadline)
}

// describe returns what is known of a connection's certificate. Verifying is
// dear, so it is done once for each connection.
func (t *transport) describe(state *tls.ConnectionState) *TLSState {
	t.mu.Lock()
	known := t.states[state]
	t.mu.Unlock()
	if known != nil {
		return known
	}
	known = describeTLS(state, t.tls)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.states) >= 512 {
		clear(t.states)
	}
	t.states[state] = known
	return known
}

// exchange is the context of one request on the wire. Unlike httptrace, which
// costs an allocation for each of its hooks, it gathers only what dialling took.
type exchange struct {
	context.Context

	mu    sync.Mutex
	times dialTimes
}

type exchangeKey struct{}

// Value returns the exchange itself, so that the dialler finds it.
func (e *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return e
	}
	return e.Context.Value(key)
}

func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

func (e *exchange) setTimes(times dialTimes) {
	if e == nil {
		return
	}
	e.mu.Lock()
	e.times = times
	e.mu.Unlock()
}

func (e *exchange) dialTimes() dialTimes {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.times
}
