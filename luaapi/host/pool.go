package host

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

// The bounds of what is kept for later requests, by all owners together.
const (
	maxIdle       = 4096     // connections
	maxIdleWeight = 64 << 20 // bytes, about
	idleWeight    = 10 << 10 // of one connection: its buffers and what TLS holds
)

// maxHeaderBytes bounds the header of a response.
const maxHeaderBytes = 256 << 10

// poolKey is what requests must have in common to share a connection. It holds
// no text of unbounded length: certificates and keys are in it as a hash.
type poolKey struct {
	owner      string // nothing passes from one owner to another
	scheme     string
	host       string // of the URL, with its port if it names one
	connectTo  string
	serverName string
	insecure   bool
	pem        [sha256.Size]byte // zero without any
}

// keyOf returns the key of a request's connection.
func keyOf(owner, scheme, host, connectTo string, o *TLSOptions) poolKey {
	key := poolKey{owner: owner, scheme: scheme, host: host, connectTo: connectTo, serverName: o.ServerName, insecure: o.Insecure}
	if o.CA != "" || o.ClientCert != "" || o.ClientKey != "" {
		key.pem = sha256.Sum256([]byte(strings.Join([]string{o.CA, o.ClientCert, o.ClientKey}, "\x00")))
	}
	return key
}

// pool keeps the connections that HTTP requests left behind, none longer than
// maxAge after it was asked for: what a name or a certificate says now is never
// judged by an older look.
type pool struct {
	maxAge  time.Duration
	perHost int
	limit   *limiter

	mu     sync.Mutex             // guards what follows
	idle   map[string][]*httpConn // by the address that was dialled; the last used is last
	count  int
	weight int
	sweeps bool // whether a sweep is to come
	closed bool
	timer  *time.Timer
}

func newPool(o *Options, limit *limiter) *pool {
	return &pool{maxAge: o.MaxAge, perHost: o.PerHost, limit: limit, idle: make(map[string][]*httpConn)}
}

// take returns a connection that was kept for key, or nil. The caller has a
// place among the connections to target.
func (p *pool) take(key *poolKey, target string) *httpConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[target]
	for i := len(list) - 1; i >= 0; i-- {
		c := list[i]
		if c.key != *key {
			continue
		}
		p.removeLocked(target, i)
		if c.usable(p.maxAge) {
			return c
		}
		c.close()
		list = p.idle[target]
	}
	return nil
}

// put ends the request of a connection, and keeps that for later or closes it.
func (p *pool) put(c *httpConn) {
	c.end()
	c.left = time.Now()
	if !c.usable(p.maxAge) {
		c.close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.close()
		return
	}
	p.idle[c.target] = append(p.idle[c.target], c)
	p.count++
	p.weight += c.weight
	for p.count > maxIdle || p.weight > maxIdleWeight {
		p.dropOneLocked()
	}
	if !p.sweeps {
		p.sweeps = true
		p.timer = time.AfterFunc(p.maxAge/4, p.sweep)
	}
}

// removeLocked takes the i-th connection to target out.
func (p *pool) removeLocked(target string, i int) {
	list := p.idle[target]
	p.count--
	p.weight -= list[i].weight
	if len(list) == 1 {
		delete(p.idle, target)
		return
	}
	copy(list[i:], list[i+1:])
	list[len(list)-1] = nil
	p.idle[target] = list[:len(list)-1]
}

// dropOneLocked closes the connection that waits longest, of any one address.
func (p *pool) dropOneLocked() {
	for target, list := range p.idle {
		c := list[0]
		p.removeLocked(target, 0)
		c.close()
		return
	}
}

// makeRoom closes idle connections to target until those in use and those kept
// are together no more than one address may have. Who is about to dial calls it.
func (p *pool) makeRoom(target string) {
	used := p.limit.held(target)
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle[target]) > 0 && len(p.idle[target])+used > p.perHost {
		c := p.idle[target][0]
		p.removeLocked(target, 0)
		c.close()
	}
}

// sweep closes what is too old, or was closed by the other side.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for target, list := range p.idle {
		for i := len(list) - 1; i >= 0; i-- {
			if c := list[i]; !c.usable(p.maxAge) {
				p.removeLocked(target, i)
				c.close()
			}
		}
	}
	p.sweeps = p.count > 0 && !p.closed
	if p.sweeps {
		p.timer.Reset(p.maxAge / 4)
	}
}

// close closes what is kept, and keeps nothing from then on.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.count > 0 {
		p.dropOneLocked()
	}
	if p.timer != nil {
		p.timer.Stop()
	}
}

// openHTTP dials for a request and, for https, agrees on TLS. The caller has a
// place among the connections to target, which is host:port.
func (n *Net) openHTTP(ctx context.Context, h *hop, key poolKey, target string) (*httpConn, error) {
	ctx, cancel := context.WithTimeout(ctx, n.options.DialTimeout)
	defer cancel()
	config, err := h.tls.config(h.url.Hostname()) // also for http: what is wrong with it is told
	if err != nil {
		return nil, err
	}
	host, port, err := splitHostPort(target)
	if err != nil {
		return nil, &Error{Invalid, err.Error()}
	}
	c := &httpConn{key: key, target: target, born: time.Now(), weight: idleWeight}
	conn, err := n.connect(ctx, host, port, &c.times)
	if err != nil {
		return nil, explain(ctx, err, target)
	}
	if h.url.Scheme == "https" {
		started := time.Now()
		secure, err := handshake(ctx, conn, config, target)
		if err != nil {
			return nil, err
		}
		c.times.tls = time.Since(started)
		state := secure.ConnectionState()
		c.tls = describeTLS(&state, config)
		for _, cert := range state.PeerCertificates {
			c.weight += 4 * len(cert.Raw)
		}
		return newHTTPConn(c, secure, conn), nil
	}
	return newHTTPConn(c, conn, conn), nil
}
