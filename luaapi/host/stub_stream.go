package host

import (
	"context"
	"strconv"
	"strings"
)

// Step is one turn of a stubbed stream: once Expect was sent, Reply can be
// received. With an empty Expect the other side speaks unasked.
type Step struct {
	Expect, Reply string
	Close         bool // the other side closes after Reply
}

// OnDial prepares one stream to a host and port. After its last step the other
// side closes.
func (s *Stub) OnDial(host string, port int, steps []Step, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials.put(hostPort(hostKey(host), port), steps, err)
}

// Dial opens a prepared stream. TLS is as good as plain.
func (s *Stub) Dial(_ context.Context, req *DialRequest) (Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := hostPort(hostKey(req.Host), req.Port)
	steps, err, ok := s.dials.take(target)
	if !ok {
		return nil, s.refuse("a connection to "+target, s.dials.keys())
	}
	if err != nil {
		return nil, err
	}
	c := &stubConn{stub: s, target: target, steps: steps, secure: req.TLS != nil}
	c.advance()
	return c, nil
}

// stubConn is a prepared stream.
type stubConn struct {
	stub    *Stub
	target  string
	steps   []Step // those still to come
	sent    string // not matched by a step yet
	waiting string // to be received
	secure  bool
	ended   bool // by the other side
	closed  bool
}

// advance goes through the steps whose turn has come.
func (c *stubConn) advance() {
	for len(c.steps) > 0 && !c.ended && strings.HasPrefix(c.sent, c.steps[0].Expect) {
		step := c.steps[0]
		c.steps = c.steps[1:]
		c.sent = c.sent[len(step.Expect):]
		c.waiting += step.Reply
		c.ended = step.Close
	}
	c.ended = c.ended || len(c.steps) == 0
}

// Send takes what the next steps expect; anything else is a fault.
func (c *stubConn) Send(_ context.Context, data string) error {
	if c.closed {
		return &Error{Closed, "the connection is closed"}
	}
	c.sent += data
	c.advance()
	if c.sent == "" || len(c.steps) > 0 && strings.HasPrefix(c.steps[0].Expect, c.sent) {
		return nil
	}
	text := "the stub of " + c.target + " got " + shown(c.sent)
	if len(c.steps) > 0 {
		text += ", but expects " + shown(c.steps[0].Expect)
	} else {
		text += ", but expects nothing more"
	}
	c.stub.mu.Lock()
	defer c.stub.mu.Unlock()
	return c.stub.fault(text)
}

// shown is text as a test's author writes it.
func shown(text string) string { return strconv.Quote(cut(text, 200)) }

// Receive gives what the steps so far replied. With nothing left of it, it fails
// as a peer does that waits for something else, or that has closed.
func (c *stubConn) Receive(_ context.Context, max int) (string, error) {
	switch {
	case c.closed:
		return "", &Error{Closed, "the connection is closed"}
	case c.waiting == "" && c.ended:
		return "", &Error{Closed, "connection closed by " + c.target}
	case c.waiting == "":
		return "", &Error{Timeout, "timed out waiting for " + c.target}
	}
	n := min(max, len(c.waiting))
	data := c.waiting[:n]
	c.waiting = c.waiting[n:]
	return data, nil
}

// StartTLS succeeds once.
func (c *stubConn) StartTLS(context.Context, *TLSOptions) error {
	if c.secure {
		return &Error{Invalid, "the connection to " + c.target + " is TLS already"}
	}
	c.secure = true
	return nil
}

// Close ends the stream.
func (c *stubConn) Close() error {
	c.closed = true
	return nil
}
