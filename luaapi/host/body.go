package host

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/http/httpguts"
)

// maxDrained is how much of a body is read on, unseen, so that its connection
// can serve again, and drainFor is how long it is waited for.
const (
	maxDrained = 256 << 10
	drainFor   = 100 * time.Millisecond
)

// readBody reads and decodes the body of an answer into resp. Nobody looks at
// that of one that passes on to another: it is only read to keep the connection.
func (n *Net) readBody(h *hop, c *httpConn, got *http.Response, resp *HTTPResponse, passes bool) error {
	if h.method == http.MethodHead || got.ContentLength == 0 || got.Body == http.NoBody {
		return nil
	}
	if passes || h.maxBody < 0 {
		c.upTo(drainFor, func() { io.CopyN(io.Discard, got.Body, maxDrained) })
		return nil
	}
	var body string
	var err error
	read := func() { body, resp.Truncated, resp.Undecoded, err = n.decodeBody(got, h.maxBody, h.received) }
	if h.bodyTimeout == 0 {
		read()
	} else {
		c.upTo(h.bodyTimeout, func() {
			if read(); err == nil && resp.Truncated {
				io.CopyN(io.Discard, got.Body, maxDrained)
			}
		})
		resp.Truncated = resp.Truncated || err != nil
		err = nil
	}
	if err != nil {
		return err
	}
	resp.Body = body
	if !h.rawBody && resp.Undecoded == "" {
		resp.Body, resp.Undecoded = decodeText(body, got.Header.Get("Content-Type"), resp.Truncated)
	}
	return nil
}

// upTo calls read, and lets reading fail after d. A connection that got so
// far is of no further use.
func (c *httpConn) upTo(d time.Duration, read func()) {
	timer := time.AfterFunc(d, func() { c.wire.SetReadDeadline(time.Unix(1, 0)) })
	read()
	if !timer.Stop() {
		c.close()
	}
}

// decodeBody reads at most max bytes of what the body decodes to. On an error it
// returns what came before. received, if not nil, counts them. undecoded names an encoding that is not known.
func (n *Net) decodeBody(resp *http.Response, max int64, received *atomic.Int64) (body string, truncated bool, undecoded string, err error) {
	wire := &source{Reader: resp.Body}
	r, undecoded, err := decoder(wire, resp.Header["Content-Encoding"])
	if err != nil {
		return "", false, "", wire.blame(err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	buffer, _ := n.buffers.Get().(*bytes.Buffer)
	if buffer == nil {
		buffer = new(bytes.Buffer)
	}
	defer func() {
		if buffer.Cap() <= 64<<10 {
			buffer.Reset()
			n.buffers.Put(buffer)
		}
	}()
	if received != nil {
		r = counted{r, received}
	}
	if _, err = buffer.ReadFrom(io.LimitReader(r, max+1)); err != nil {
		err = wire.blame(err)
	}
	if int64(buffer.Len()) > max {
		return string(buffer.Bytes()[:max]), true, undecoded, err
	}
	return buffer.String(), false, undecoded, err
}

// counted counts what is read twice: it lies in a buffer that doubles.
type counted struct {
	io.Reader
	sum *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.sum.Add(2 * int64(n))
	return n, err
}

// maxEncodings is how many encodings a body may have on top of one another.
const maxEncodings = 3

// decoder undoes the encodings of a body, the last one first. From one that is
// not known on, the body is left as it is.
func decoder(body io.Reader, header []string) (r io.Reader, undecoded string, err error) {
	if len(header) == 0 {
		return body, "", nil
	}
	names := strings.Split(strings.Join(header, ","), ",")
	if len(names) > maxEncodings {
		return body, "more than 3 encodings", nil
	}
	for r = body; len(names) > 0; names = names[:len(names)-1] {
		switch name := strings.ToLower(strings.TrimSpace(names[len(names)-1])); name {
		case "", "identity", "none", "utf-8", "utf8", "binary", "8bit": // the last ones are said by mistake, and change nothing
		case "gzip", "x-gzip":
			z, err := gzip.NewReader(r)
			if err == io.EOF {
				return strings.NewReader(""), "", nil
			}
			if err != nil {
				return nil, "", err
			}
			r = z
		case "deflate":
			r = inflate(r)
		case "zstd":
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
			if err != nil {
				return nil, "", err
			}
			r = z.IOReadCloser()
		default:
			return r, cut(name, 60), nil
		}
	}
	return r, "", nil
}

// maxWindow is the memory that RFC 8878 wants a decoder of zstd to have.
const maxWindow = 8 << 20

// inflate reads "deflate", which servers send with zlib's frame or without.
func inflate(r io.Reader) io.Reader {
	var head [1]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return strings.NewReader("")
	}
	r = io.MultiReader(bytes.NewReader(head[:]), r)
	if head[0]&0x0f != 8 {
		return flate.NewReader(r)
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return errorReader{err}
	}
	return z
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

// source remembers how reading the body itself ended.
type source struct {
	io.Reader
	err error
}

// Read reads.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// blame tells an error of the body's encoding from one of reading the body.
func (s *source) blame(err error) error {
	if s.err != nil && s.err != io.EOF {
		return s.err
	}
	return &Error{Protocol, "the body is not encoded as its Content-Encoding says"}
}

// setBody gives a request a body that can be sent again.
func setBody(r *http.Request, body string) {
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
}

// checkHeader refuses names and values that would break the request.
func checkHeader(header http.Header) error {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return &Error{Invalid, "not a header name: " + given(name)}
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return &Error{Invalid, "the value of header " + name + " holds a line break or a control character"}
			}
		}
	}
	return nil
}
