package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// inProcess is a listener whose connections are made within this process: a
// command that opened a data folder speaks to its API through one, as it does
// through the socket of a monitor that runs. Nothing is buffered: who writes waits
// for who reads.
type inProcess struct {
	made   chan net.Conn
	closed chan struct{}
	once   sync.Once // closes closed
}

func newInProcess() *inProcess {
	return &inProcess{made: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *inProcess) Accept() (net.Conn, error) {
	select {
	case c := <-l.made:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close stops accepting; connections that were made stay.
func (l *inProcess) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *inProcess) Addr() net.Addr { return inProcessAddr{} }

type inProcessAddr struct{}

func (inProcessAddr) Network() string { return "pipe" }
func (inProcessAddr) String() string  { return "in process" }

// dial makes a connection; it waits until it is accepted.
func (l *inProcess) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.made <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// clientOf serves a handler within this process and returns a client of it. Its
// close ends the serving, then calls after.
func clientOf(handler http.Handler, after func() error) *client {
	l := newInProcess()
	s := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	transport := &http.Transport{DialContext: l.dial}
	return &client{&http.Client{Transport: transport}, func() error {
		transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		err := s.Shutdown(ctx)
		if err != nil {
			err = s.Close()
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return errors.Join(err, after())
	}}
}
