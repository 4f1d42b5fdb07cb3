package host

import (
	"context"
	"fmt"
)

// Dial records the opening of a stream, and then what is sent and received.
func (t *Trace) Dial(ctx context.Context, req *DialRequest) (Conn, error) {
	asked := *req
	target := hostPort(req.Host, req.Port)
	request := "connect"
	if req.TLS != nil {
		request = "connect with TLS"
	}
	c := t.begin("tcp", target, request, &asked)
	conn, err := t.host.Dial(ctx, req)
	t.end(c, err, nil, func() string { return "connected" })
	if err != nil {
		return nil, err
	}
	return &tracedConn{Conn: conn, trace: t, target: target}, nil
}

// tracedConn records what passes through a stream. Pieces that are received one
// after another are shown as one call.
type tracedConn struct {
	Conn
	trace    *Trace
	target   string
	received *Call // the last call, while it is one that received
}

// Send records and sends.
func (c *tracedConn) Send(ctx context.Context, data string) error {
	c.received = nil
	call := c.trace.begin("tcp", c.target, "send "+data, data)
	c.trace.escape(call)
	err := c.Conn.Send(ctx, data)
	c.trace.end(call, err, nil, func() string { return fmt.Sprintf("%d bytes sent", len(data)) })
	return err
}

// Receive receives and records.
func (c *tracedConn) Receive(ctx context.Context, max int) (string, error) {
	call := c.received
	if call == nil {
		call = c.trace.begin("tcp", c.target, "receive", nil)
		c.trace.escape(call)
	}
	data, err := c.Conn.Receive(ctx, max)
	c.received = call
	if err != nil {
		c.received = nil
		if KindOf(err) == Closed && c.extend(call, "") { // the end of what was received before
			return data, err
		}
	} else if c.extend(call, data) {
		return data, nil
	}
	c.trace.end(call, err, data, func() string { return data })
	return data, err
}

// extend adds data to what call received already; it reports whether there was any.
func (c *tracedConn) extend(call *Call, data string) bool {
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	before, ok := call.Got.(string)
	if !ok {
		return false
	}
	if len(before) < 2*maxTraceText { // more than is shown: a secret at the end of that is whole
		before += data
	}
	call.Got, call.Answer = before, before
	return true
}

// escape marks a call whose texts may hold anything.
func (t *Trace) escape(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.escaped = true
}

// StartTLS records the turn to TLS.
func (c *tracedConn) StartTLS(ctx context.Context, options *TLSOptions) error {
	c.received = nil
	call := c.trace.begin("tcp", c.target, "start TLS", nil)
	err := c.Conn.StartTLS(ctx, options)
	c.trace.end(call, err, nil, func() string { return "TLS" })
	return err
}
