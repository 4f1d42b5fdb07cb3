package host

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// attemptGap is how long an address may keep silent before the next one of the
// same name is tried beside it (RFC 8305).
const attemptGap = 250 * time.Millisecond

// dialTimes are how long the parts of connecting took.
type dialTimes struct {
	dns, connect, tls time.Duration
}

// dial opens a TCP connection to host and port within the address policy and
// the limit per host. The connection's slot is given back when it is closed.
func (n *Net) dial(ctx context.Context, host string, port int, times *dialTimes) (net.Conn, error) {
	target := hostPort(host, port)
	if port < 1 || port > 65535 {
		return nil, &Error{Invalid, "port must be from 1 to 65535, got " + strconv.Itoa(port)}
	}
	if err := n.place(ctx, target); err != nil {
		return nil, err
	}
	n.pool.makeRoom(target)
	conn, err := n.connect(ctx, host, port, times)
	if err != nil {
		n.limit.release(target)
		return nil, explain(ctx, err, target)
	}
	return &limitedConn{Conn: conn, release: func() { n.limit.release(target) }}, nil
}

// place waits for a place among the connections to target. The caller gives it
// back to n.limit.
func (n *Net) place(ctx context.Context, target string) error {
	if err := n.limit.acquire(ctx, target); err != nil {
		return &Error{Timeout, "timed out waiting for one of the " + strconv.Itoa(n.options.PerHost) + " connections to " + target}
	}
	return nil
}

// connect resolves host and connects to the first of its addresses that answers.
func (n *Net) connect(ctx context.Context, host string, port int, times *dialTimes) (net.Conn, error) {
	started := time.Now()
	addrs, err := n.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err != nil {
		times.dns = time.Since(started)
		started = time.Now()
	}
	conn, err := n.race(ctx, addrs, port)
	times.connect = time.Since(started)
	return conn, err
}

// resolve returns the addresses of host that may be reached, or an error when there are none.
func (n *Net) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := n.lookupHost(ctx, host)
	if err != nil {
		return nil, explain(ctx, err, host)
	}
	allowed := make([]netip.Addr, 0, len(addrs))
	for _, addr := range addrs {
		if addr = addr.Unmap(); n.policy.allows(addr) {
			allowed = append(allowed, addr)
		}
	}
	if len(allowed) == 0 {
		if len(addrs) == 0 {
			return nil, &Error{DNS, "no address for " + host}
		}
		return nil, &Error{Denied, "the address of " + host + " (" + addrs[0].String() + ") may not be reached"}
	}
	return allowed, nil
}

func (n *Net) lookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if host == "" || len(host) > 255 {
		return nil, &Error{Invalid, "not a host name or address: " + given(host)}
	}
	host, err := asciiName(host)
	if err != nil {
		return nil, err
	}
	if n.options.Resolve != nil {
		return n.options.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// attempt is the outcome of connecting to one address.
type attempt struct {
	conn net.Conn
	err  error
}

// race connects to the addresses in order, beginning the next one when the one
// before fails or keeps silent for attemptGap; the first connection wins.
func (n *Net) race(ctx context.Context, addrs []netip.Addr, port int) (net.Conn, error) {
	if len(addrs) == 1 {
		return n.dialAddr(ctx, addrs[0], port)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan attempt)
	next, running := 0, 0
	begin := func() {
		addr := addrs[next]
		next++
		running++
		go func() {
			conn, err := n.dialAddr(ctx, addr, port)
			select {
			case done <- attempt{conn, err}:
			case <-ctx.Done():
				if conn != nil {
					conn.Close()
				}
			}
		}()
	}
	begin()
	gap := time.NewTicker(attemptGap)
	defer gap.Stop()
	var first error
	for {
		select {
		case a := <-done:
			if a.err == nil {
				return a.conn, nil
			}
			if first == nil {
				first = a.err
			}
			running--
			if next < len(addrs) {
				begin()
			} else if running == 0 {
				return nil, first
			}
		case <-gap.C:
			if next < len(addrs) {
				begin()
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (n *Net) dialAddr(ctx context.Context, addr netip.Addr, port int) (net.Conn, error) {
	return n.dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, uint16(port)).String())
}

// limitedConn gives its slot back when it is closed.
type limitedConn struct {
	net.Conn
	once    sync.Once
	release func()
}

// Close closes the connection and gives its slot back, once.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.release)
	return err
}

// hostPort joins a host and a port.
func hostPort(host string, port int) string {
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// splitHostPort parts "host:port".
func splitHostPort(text string) (string, int, error) {
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, errors.New("not host:port: " + given(text))
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, errors.New("not a port: " + given(portText))
	}
	return host, port, nil
}
