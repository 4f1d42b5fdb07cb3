package host

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// readBody reads and decodes a body of at most max bytes.
func (n *Net) readBody(method string, resp *http.Response, max int64) (body string, truncated bool, err error) {
	if method == http.MethodHead || resp.ContentLength == 0 || resp.Body == http.NoBody {
		return "", false, nil
	}
	r, err := decoder(resp)
	if err != nil {
		return "", false, err
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
	if _, err := buffer.ReadFrom(io.LimitReader(r, max+1)); err != nil {
		return "", false, decodeError(err)
	}
	if int64(buffer.Len()) > max {
		return string(buffer.Bytes()[:max]), true, nil
	}
	return buffer.String(), false, nil
}

// decoder undoes the encoding of a body. One that is not known is left as it is.
func decoder(resp *http.Response) (io.Reader, error) {
	encoding := resp.Header["Content-Encoding"]
	if len(encoding) == 0 {
		return resp.Body, nil
	}
	switch strings.ToLower(strings.TrimSpace(encoding[0])) {
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(resp.Body)
		if err == io.EOF {
			return strings.NewReader(""), nil
		}
		if err != nil {
			return nil, decodeError(err)
		}
		return r, nil
	case "deflate":
		return inflate(resp.Body), nil
	}
	return resp.Body, nil
}

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

// decodeError names errors of decoders; others stay.
func decodeError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zlib.ErrHeader) ||
		errors.Is(err, zlib.ErrChecksum) || errors.As(err, &corrupt) {
		return &Error{Protocol, "the body is not encoded as its Content-Encoding says"}
	}
	return err
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
			return &Error{Invalid, "not a header name: " + strconv.Quote(cut(name, 60))}
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return &Error{Invalid, "the value of header " + name + " holds a line break or a control character"}
			}
		}
	}
	return nil
}
