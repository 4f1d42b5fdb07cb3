package host

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// raw answers each connection's first request with text, and keeps the
// connection when stays is set.
func raw(t *testing.T, stays bool, text string) string {
	t.Helper()
	return fmt.Sprintf("http://127.0.0.1:%d/", listen(t, func(c net.Conn) {
		c.Read(make([]byte, 4096))
		io.WriteString(c, text)
		if stays {
			hang(c)
		}
	}))
}

func TestBodyThatBreaksKeepsTheStatus(t *testing.T) {
	n := newNet(t, nil)
	url := raw(t, false, "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nshort")
	_, err := n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: url})
	wantError(t, err, Closed, "in the body of an answer with status 503")
	resp := get(t, n, HTTPRequest{URL: url, BodyTimeout: time.Second})
	if resp.Status != 503 || resp.Body != "short" || !resp.Truncated {
		t.Errorf("with an optional body: %+v", resp)
	}
}

func TestBodyThatNobodyWaitsFor(t *testing.T) {
	n := newNet(t, nil)
	stream := raw(t, true, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
	for name, req := range map[string]HTTPRequest{"none": {MaxBody: NoBody}, "optional": {MaxBody: 1 << 10, BodyTimeout: 50 * time.Millisecond}} {
		req.URL = stream
		started := time.Now()
		resp := get(t, n, req)
		if took := time.Since(started); took > 2*time.Second || resp.Status != 200 {
			t.Errorf("%s: status %d after %v", name, resp.Status, took)
		}
		if optional := req.BodyTimeout > 0; optional != (resp.Body == "data: 1\n\n") || optional != resp.Truncated {
			t.Errorf("%s: body %q, truncated %v", name, resp.Body, resp.Truncated)
		}
	}
	// A page that is soon over keeps its connection.
	url := serveHTTP(t, func(conn, _ int, _ *http.Request, _ string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Conn: %d\r\nContent-Length: 100000\r\n\r\n%s", conn, strings.Repeat("x", 100_000))
	})
	for name, req := range map[string]HTTPRequest{"none": {MaxBody: NoBody}, "optional": {MaxBody: 1 << 10, BodyTimeout: 2 * time.Second}} {
		req.URL, req.Owner = url, name
		first := get(t, n, req).Header.Get("X-Conn")
		resp := get(t, n, req)
		if got := resp.Header.Get("X-Conn"); got != first || len(resp.Body) != max(0, int(req.MaxBody)) {
			t.Errorf("%s: connection %s after %s, %d bytes", name, got, first, len(resp.Body))
		}
	}
}

func TestEncodings(t *testing.T) {
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "hello")
	w.Close()
	var bomb bytes.Buffer
	w.Reset(&bomb)
	w.Write(make([]byte, 20<<20))
	w.Close()
	tests := []struct {
		name, encoding, body, want, undecoded string
		err                                   string
	}{
		{"zstd", "zstd", packed.String(), "hello", "", ""},
		{"twice", "zstd, identity", packed.String(), "hello", "", ""},
		{"zstd that is none", "zstd", "this is not zstd at all", "", "", "not encoded as"},
		{"zstd cut short", "zstd", packed.String()[:packed.Len()-3], "", "", "not encoded as"},
		{"a charset by mistake", "UTF-8", "hello", "hello", "", ""},
		{"br", "br", "\x0b\x02\x80hello\x03", "\x0b\x02\x80hello\x03", "br", ""},
		{"in parts unknown", "br, zstd", packed.String(), "hello", "br", ""},
		{"too many", "gzip,gzip,gzip,gzip", "x", "x", "more than 3 encodings", ""},
	}
	n := newNet(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := raw(t, true, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", tt.encoding, len(tt.body), tt.body))
			resp, err := n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: url})
			if tt.err != "" {
				wantError(t, err, Protocol, tt.err)
				return
			}
			if err != nil || resp.Body != tt.want || resp.Undecoded != tt.undecoded {
				t.Errorf("got %+v, %v; want %q, %q", resp, err, tt.want, tt.undecoded)
			}
		})
	}
	url := raw(t, true, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String()))
	if resp := get(t, n, HTTPRequest{URL: url}); len(resp.Body) != DefaultMaxBody || !resp.Truncated {
		t.Errorf("a bomb gave %d bytes, truncated %v", len(resp.Body), resp.Truncated)
	}
}

func TestRedirectsKeepCookiesAndSayWhenTheyLoop(t *testing.T) {
	url := serveHTTP(t, func(_, _ int, r *http.Request, _ string) string {
		cookie := r.Header.Get("Cookie")
		if r.URL.Path == "/" && cookie == "" || r.URL.Path == "/loop" {
			return "HTTP/1.1 302 Found\r\nSet-Cookie: gate=1; Path=/\r\nLocation: " + r.URL.Path + "\r\nContent-Length: 0\r\n\r\n"
		}
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(cookie), cookie)
	})
	n := newNet(t, nil)
	if resp := get(t, n, HTTPRequest{URL: url, Redirects: 5}); resp.Body != "gate=1" {
		t.Errorf("got %d %q", resp.Status, resp.Body)
	}
	if resp := get(t, n, HTTPRequest{URL: url + "other"}); resp.Body != "" {
		t.Errorf("a cookie of another request: %q", resp.Body)
	}
	_, err := n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: url + "loop", Redirects: 5})
	wantError(t, err, Protocol, "too many redirects: stopped after 5; on the way the cookies gate were set")
}

func TestRedirectsKeepTheMethodWhenAsked(t *testing.T) {
	for code, want := range map[int]string{301: "POST x", 302: "POST x", 303: "GET ", 307: "POST x", 308: "POST x"} {
		url := serveHTTP(t, func(_, _ int, r *http.Request, body string) string {
			if r.URL.Path == "/" {
				return fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n", code)
			}
			text := r.Method + " " + body
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
		})
		if got := get(t, newNet(t, nil), HTTPRequest{Method: "POST", URL: url, Body: "x", Redirects: 5, KeepMethod: true}).Body; got != want {
			t.Errorf("%d: got %q, want %q", code, got, want)
		}
	}
}

// TestALongHeadThatIsRefused has a server answer and close before it has read the
// head of a request: the answer counts, and nothing is sent twice.
func TestALongHeadThatIsRefused(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	s.Config.MaxHeaderBytes = 8 << 10
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	conns := map[net.Conn]bool{}
	var mu sync.Mutex
	s.Config.ConnState = func(c net.Conn, _ http.ConnState) { mu.Lock(); conns[c] = true; mu.Unlock() }
	s.Start()
	defer s.Close()
	n := newNet(t, nil)
	get(t, n, HTTPRequest{URL: s.URL})
	resp := get(t, n, HTTPRequest{URL: s.URL, Header: http.Header{"X-Long": {strings.Repeat("x", 1<<20)}}})
	if resp.Status != http.StatusRequestHeaderFieldsTooLarge || asked.Load() != 1 {
		t.Errorf("status %d, %d requests arrived", resp.Status, asked.Load())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) != 1 {
		t.Errorf("%d connections were made, want one", len(conns))
	}
}

// TestAddCookies holds the quick way against that of net/http.
func TestAddCookies(t *testing.T) {
	cookies := []*http.Cookie{{Name: "a", Value: "1"}, {Name: "b", Value: "x y", Quoted: true}, {Name: "bad name", Value: "1"}, {Name: "c", Value: "\x01;ü"}, {Name: "", Value: "z"}}
	for _, before := range []string{"", "own=1"} {
		want, got := &http.Request{Header: http.Header{}}, http.Header{}
		if before != "" {
			want.Header.Set("Cookie", before)
			got.Set("Cookie", before)
		}
		for _, c := range cookies {
			want.AddCookie(c)
		}
		addCookies(got, cookies)
		if got.Get("Cookie") != want.Header.Get("Cookie") {
			t.Errorf("got %q, net/http %q", got.Get("Cookie"), want.Header.Get("Cookie"))
		}
	}
}
