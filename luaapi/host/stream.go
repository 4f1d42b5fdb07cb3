package host

import (
	"context"
	"crypto/tls"
	"net"
)

// Dial opens a stream within the address policy and the limit per host.
func (n *Net) Dial(ctx context.Context, req *DialRequest) (Conn, error) {
	conn, err := n.dial(ctx, req.Host, req.Port, new(dialTimes))
	if err != nil {
		return nil, err
	}
	s := &stream{conn: conn, host: req.Host, target: hostPort(req.Host, req.Port)}
	if req.TLS != nil {
		if err := s.StartTLS(ctx, req.TLS); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return s, nil
}

// stream is the Conn of a Net.
type stream struct {
	conn   net.Conn
	host   string // as asked for
	target string // host:port, for messages
	secure bool
}

// maxReceive is the largest piece that Receive returns.
const maxReceive = 64 << 10

// Send writes all of data.
func (s *stream) Send(ctx context.Context, data string) error {
	defer bindDeadline(ctx, s.conn)()
	for len(data) > 0 {
		piece := data[:min(len(data), maxReceive)]
		if _, err := s.conn.Write([]byte(piece)); err != nil {
			return explain(ctx, err, s.target)
		}
		data = data[len(piece):]
	}
	return nil
}

// Receive waits for bytes and returns those that came.
func (s *stream) Receive(ctx context.Context, max int) (string, error) {
	defer bindDeadline(ctx, s.conn)()
	buffer := make([]byte, min(max, maxReceive))
	for {
		got, err := s.conn.Read(buffer)
		if got > 0 {
			return string(buffer[:got]), nil
		}
		if err != nil {
			return "", explain(ctx, err, s.target)
		}
	}
}

// StartTLS turns the stream into TLS.
func (s *stream) StartTLS(ctx context.Context, options *TLSOptions) error {
	if s.secure {
		return &Error{Invalid, "the connection to " + s.target + " is TLS already"}
	}
	config, err := options.config(s.host)
	if err != nil {
		return err
	}
	defer bindDeadline(ctx, s.conn)()
	var secure *tls.Conn
	if secure, err = handshake(ctx, s.conn, config, s.target); err != nil {
		return err
	}
	s.conn, s.secure = secure, true
	return nil
}

// Close ends the stream.
func (s *stream) Close() error { return s.conn.Close() }
