package host

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Requests are written and answers read on the goroutine that asks, as the
// Request.Write and ReadResponse of net/http do it. Its Transport has two
// goroutines for each connection, and at thousands of requests a second handing
// each request to them and back costs more than all the rest of a check.

// httpConn is one connection on which HTTP/1.1 is spoken. It serves one request
// at a time, and is used by one goroutine at a time.
type httpConn struct {
	wire   wire
	key    poolKey
	target string // host:port that was dialled
	born   time.Time
	left   time.Time // when it was kept last
	times  dialTimes
	tls    *TLSState // nil without TLS
	weight int
	probe  func() bool // whether the socket is open; without TLS, also that nothing came unasked

	interrupt func()       // ends what reads and writes; made once
	stop      func() bool  // undoes what has interrupt called; nil between requests
	timed     bool         // the connection has the request's deadline
	buffers   *httpBuffers // of the request under way
	written   chan error   // of a body that is written beside; nil when none is
	spent     bool         // the answer was read whole, and another request may follow
	closed    bool
}

// httpBuffers are what one request needs of memory. Idle connections have none.
type httpBuffers struct {
	in  *bufio.Reader
	out *bufio.Writer
}

var httpBufferPool = sync.Pool{New: func() any {
	return &httpBuffers{bufio.NewReaderSize(nil, 4<<10), bufio.NewWriterSize(nil, 2<<10)}
}}

// wire counts what comes over a connection, so that it is known whether a broken
// one brought any of the answer, and bounds what the head of an answer takes.
type wire struct {
	net.Conn
	got  int64 // bytes
	left int64 // that may come still
}

var errHeadTooLarge = errors.New("the head of the answer is too large")

// Read reads and counts.
func (w *wire) Read(p []byte) (int, error) {
	if w.left <= 0 {
		return 0, errHeadTooLarge
	}
	if int64(len(p)) > w.left {
		p = p[:w.left]
	}
	n, err := w.Conn.Read(p)
	w.got += int64(n)
	w.left -= int64(n)
	return n, err
}

// newHTTPConn speaks HTTP over conn; socket is what lies beneath its TLS, or conn itself.
func newHTTPConn(c *httpConn, conn, socket net.Conn) *httpConn {
	c.wire.Conn = conn
	c.interrupt = func() { conn.SetDeadline(time.Unix(1, 0)) }
	c.probe = func() bool { return true }
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.probe = prober(raw, conn != socket)
		}
	}
	return c
}

// writesBeside is how long a request is, in bytes, that is written on a goroutine
// of its own: the other side may answer before it has read it all, and a shorter
// one finds room in the system's buffers.
const writesBeside = 16 << 10

// isLong reports whether a request is to be written so.
func isLong(r *http.Request) bool {
	size := r.ContentLength
	for _, values := range r.Header {
		for _, v := range values {
			size += int64(len(v))
		}
	}
	return size > writesBeside
}

// begin sends a request and reads the head of the answer. Until it is ended, ctx
// interrupts what is read or written. sent is told when the request is out.
func (c *httpConn) begin(ctx context.Context, r *http.Request, sent *writing) (*http.Response, error) {
	c.spent = false
	c.stop = c.within(ctx)
	c.buffers = httpBufferPool.Get().(*httpBuffers)
	c.buffers.in.Reset(&c.wire)
	c.buffers.out.Reset(c.wire.Conn)
	write := func() error {
		err := r.Write(c.buffers.out)
		if err == nil {
			err = c.buffers.out.Flush()
		}
		if err == nil {
			sent.done()
		}
		return err
	}
	var unwritten error
	if isLong(r) {
		c.written = make(chan error, 1)
		go func() { c.written <- write() }()
	} else {
		unwritten = write() // it may be answered all the same
	}
	got, err := c.head(r)
	switch {
	case err != nil && unwritten != nil:
		return nil, unwritten
	case err != nil:
		return nil, err
	}
	last := got.Close || got.StatusCode == http.StatusSwitchingProtocols || unwritten != nil
	if got.ContentLength == 0 || got.Body == http.NoBody {
		c.spent = !last
	} else {
		got.Body = &answerBody{got.Body, c, last}
	}
	return got, nil
}

// within ends what is read and written when ctx ends. The returned function undoes
// that, and reports whether it was in time.
func (c *httpConn) within(ctx context.Context) (stop func() bool) {
	if wait, ok := ctx.(interface {
		OnCancel(func()) (stop func() bool)
	}); ok { // it needs no timer where the connection has one
		deadline, _ := ctx.Deadline()
		c.wire.Conn.SetDeadline(deadline)
		c.timed = !deadline.IsZero()
		return wait.OnCancel(c.interrupt)
	}
	return context.AfterFunc(ctx, c.interrupt)
}

// head reads the head of the answer, behind those that only say that one is to come.
func (c *httpConn) head(r *http.Request) (*http.Response, error) {
	c.wire.left = maxHeaderBytes
	for {
		got, err := http.ReadResponse(c.buffers.in, r)
		if err != nil {
			if c.wire.left <= 0 { // what was cut off cannot be read
				err = errHeadTooLarge
			}
			return nil, err
		}
		if got.StatusCode >= 200 || got.StatusCode == http.StatusSwitchingProtocols {
			c.wire.left = math.MaxInt64
			return got, nil
		}
	}
}

// answerBody is the body of an answer; its end frees the connection.
type answerBody struct {
	io.ReadCloser
	c    *httpConn
	last bool // no request may follow
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.c.spent = !b.last
	}
	return n, err
}

// end ends a request, and closes the connection unless another may follow.
func (c *httpConn) end() {
	if c.stop == nil {
		return
	}
	if !c.stop() { // it was or is being interrupted
		c.spent = false
	}
	c.stop = nil
	if c.written != nil {
		select {
		case err := <-c.written:
			c.spent = c.spent && err == nil
		default: // it was answered before it was sent whole
			c.spent = false
			c.close()
			<-c.written
		}
		c.written = nil
	}
	if c.buffers.in.Buffered() > 0 { // nobody asked for that
		c.spent = false
	}
	if !c.spent {
		c.close()
	} else if c.timed {
		c.wire.Conn.SetDeadline(time.Time{})
	}
	c.timed = false
	c.buffers.in.Reset(nil)
	c.buffers.out.Reset(nil)
	httpBufferPool.Put(c.buffers)
	c.buffers = nil
}

// probeAfter is how long a connection is idle before it is looked at anew. What
// breaks within it is noticed by the request, which is sent once more.
const probeAfter = 250 * time.Millisecond

// usable reports whether a request may be sent.
func (c *httpConn) usable(maxAge time.Duration) bool {
	now := time.Now()
	return !c.closed && now.Sub(c.born) < maxAge && (now.Sub(c.left) < probeAfter || c.probe())
}

// close closes the connection, once.
func (c *httpConn) close() {
	if !c.closed {
		c.closed = true
		c.wire.Conn.Close()
	}
}
