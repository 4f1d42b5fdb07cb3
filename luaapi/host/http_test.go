package host

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func get(t *testing.T, n *Net, req HTTPRequest) *HTTPResponse {
	t.Helper()
	resp, err := n.HTTP(within(t, 5*time.Second), &req)
	if err != nil {
		t.Fatalf("HTTP(%s): %v", req.URL, err)
	}
	return resp
}

func TestHTTPRoundTrip(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		w.Header().Add("X-Twice", "a")
		w.Header().Add("X-Twice", "b")
		w.WriteHeader(418)
		fmt.Fprintf(w, "%s %s %s ua=%s x=%s %s:%s host=%s", r.Method, r.URL, body, r.UserAgent(), r.Header.Get("X-Own"), user, password, r.Host)
	}))
	defer s.Close()
	n := newNet(t, nil)
	resp := get(t, n, HTTPRequest{
		Method: "POST", URL: s.URL + "/p?q=1", Body: "data", Header: http.Header{"X-Own": {"yes"}}, Auth: &BasicAuth{"me", "pw"},
	})
	want := fmt.Sprintf("POST /p?q=1 data ua=Moonwatch x=yes me:pw host=%s", strings.TrimPrefix(s.URL, "http://"))
	if resp.Status != 418 || resp.Body != want {
		t.Errorf("got %d %q, want 418 %q", resp.Status, resp.Body, want)
	}
	if resp.URL != s.URL+"/p?q=1" || resp.Truncated || resp.TLS != nil {
		t.Errorf("got URL %q, truncated %v, TLS %v", resp.URL, resp.Truncated, resp.TLS)
	}
	if got := resp.Header["X-Twice"]; len(got) != 2 {
		t.Errorf("X-Twice = %v", got)
	}
	first := resp.Timings
	if first.Connect <= 0 || first.FirstByte <= 0 || first.Total < first.FirstByte || first.DNS != 0 {
		t.Errorf("timings of a new connection: %+v", first)
	}
	again := get(t, n, HTTPRequest{URL: s.URL})
	if again.Timings.Connect != 0 {
		t.Errorf("the connection was not kept: %+v", again.Timings)
	}
	withUser := get(t, n, HTTPRequest{URL: strings.Replace(s.URL, "http://", "http://u:p@", 1)})
	if !strings.Contains(withUser.Body, "u:p host") || strings.Contains(withUser.URL, "u:p") {
		t.Errorf("user in the URL: body %q, URL %q", withUser.Body, withUser.URL)
	}
	virtual := get(t, n, HTTPRequest{URL: s.URL, Header: http.Header{"Host": {"virtual.test"}, "User-Agent": {"own"}}})
	if !strings.Contains(virtual.Body, "host=virtual.test") || !strings.Contains(virtual.Body, "ua=own ") {
		t.Errorf("own Host and User-Agent: %q", virtual.Body)
	}
}

func TestHTTPInvalid(t *testing.T) {
	n := newNet(t, nil)
	ok := "http://127.0.0.1:1/"
	for name, req := range map[string]HTTPRequest{
		"no scheme":      {URL: "127.0.0.1/"},
		"file":           {URL: "file:///etc/passwd"},
		"no host":        {URL: "http:///x"},
		"garbage":        {URL: "http://a b/"},
		"empty":          {},
		"method":         {URL: ok, Method: "GE T"},
		"header name":    {URL: ok, Header: http.Header{"A B": {"x"}}},
		"header value":   {URL: ok, Header: http.Header{"A": {"x\r\nB: y"}}},
		"connect_to":     {URL: ok, ConnectTo: "nowhere"},
		"ca":             {URL: ok, TLS: TLSOptions{CA: "x"}},
		"client cert":    {URL: ok, TLS: TLSOptions{ClientCert: "x", ClientKey: "y"}},
		"a cert alone":   {URL: ok, TLS: TLSOptions{ClientCert: "x"}},
		"port":           {URL: "http://127.0.0.1:99999/"},
		"escaped colon":  {URL: "http://127.0.0.1:x/"},
		"control in URL": {URL: "http://127.0.0.1/\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.HTTP(within(t, time.Second), &req)
			wantError(t, err, Invalid, "")
		})
	}
	_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: "http://u:hunter2@/x"})
	wantError(t, err, Invalid, "no host")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error shows a password: %v", err)
	}
}

func TestHTTPFailures(t *testing.T) {
	raw := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
		}
	}
	n := newNet(t, nil)
	tests := []struct {
		name  string
		serve func(net.Conn)
		kind  Kind
		text  string
	}{
		{"closes at once", func(net.Conn) {}, Closed, "connection closed by"},
		{"not HTTP", raw("SSH-2.0-OpenSSH_9.6\r\n"), Protocol, "unexpected answer"},
		{"cut body", raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), Closed, "connection closed by"},
		{"cut header", raw("HTTP/1.1 200 OK\r\nContent-Le"), Protocol, "unexpected answer"},
		{"bad chunk", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Protocol, "unexpected answer"},
		{"not gzip", raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\nthis is not gzip at all"), Protocol, "not encoded as"},
		{"hangs", hang, Timeout, "timed out waiting for"},
		{"hangs in the body", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
			hang(c)
		}, Timeout, "timed out waiting for"},
		{"trickles", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}, Timeout, "timed out waiting for"},
		{"trickles headers", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(c, "X: y\r\n"); err != nil {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}, Timeout, "timed out waiting for"},
		{"endless headers", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			line := strings.Repeat("X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 100)
			for {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
		}, TooLarge, "headers sent by"},
		{"endless 1xx", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early\r\nX: y\r\n\r\n"); err != nil {
					return
				}
			}
		}, TooLarge, "headers sent by"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url := fmt.Sprintf("http://127.0.0.1:%d/", listen(t, tt.serve))
			patience := 2 * time.Second // of a busy machine: what fails by itself does so at once
			if tt.kind == Timeout {
				patience = 200 * time.Millisecond
			}
			started := time.Now()
			_, err := n.HTTP(within(t, patience), &HTTPRequest{URL: url})
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
			wantError(t, err, tt.kind, tt.text)
		})
	}
	_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: fmt.Sprintf("http://127.0.0.1:%d/", closedPort(t))})
	wantError(t, err, Refused, "connection refused by 127.0.0.1:")
	_, err = n.HTTP(within(t, time.Second), &HTTPRequest{URL: "http://169.254.169.254/latest/meta-data/"})
	wantError(t, err, Denied, "may not be reached")
}

func TestHTTPBodies(t *testing.T) {
	gzipped := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	zlibbed := func(text string) string {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		io.WriteString(w, text)
		w.Close()
		return b.String()
	}
	bodies := map[string]struct{ encoding, body string }{
		"/plain":   {"", "hello"},
		"/gzip":    {"gzip", gzipped("hello")},
		"/deflate": {"deflate", zlibbed("hello")},
		"/bomb":    {"gzip", gzipped(strings.Repeat("\x00", 20<<20))},
		"/large":   {"", strings.Repeat("x", 3<<20)},
		"/brotli":  {"br", "left as it is"},
		"/empty":   {"gzip", ""},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := bodies[r.URL.Path]
		if b.encoding != "" {
			w.Header().Set("Content-Encoding", b.encoding)
		}
		if r.URL.Path == "/empty" {
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, b.body)
	}))
	defer s.Close()
	n := newNet(t, nil)
	tests := []struct {
		path, method string
		max          int64
		want         string
		length       int
		truncated    bool
	}{
		{"/plain", "GET", 0, "hello", 5, false},
		{"/plain", "GET", 5, "hello", 5, false},
		{"/plain", "GET", 4, "hell", 4, true},
		{"/plain", "HEAD", 0, "", 0, false},
		{"/gzip", "GET", 0, "hello", 5, false},
		{"/gzip", "HEAD", 0, "", 0, false},
		{"/deflate", "GET", 0, "hello", 5, false},
		{"/brotli", "GET", 0, "left as it is", 13, false},
		{"/empty", "GET", 0, "", 0, false},
		{"/bomb", "GET", 0, "\x00", 1 << 20, true},
		{"/large", "GET", 0, "x", 1 << 20, true},
		{"/large", "GET", 4 << 20, "x", 3 << 20, false},
	}
	for _, tt := range tests {
		t.Run(tt.method+tt.path+strconv.FormatInt(tt.max, 10), func(t *testing.T) {
			resp := get(t, n, HTTPRequest{Method: tt.method, URL: s.URL + tt.path, MaxBody: tt.max})
			if len(resp.Body) != tt.length || !strings.HasPrefix(resp.Body, tt.want) || resp.Truncated != tt.truncated {
				t.Errorf("got %d bytes beginning %.20q, truncated %v; want %d, %q, %v", len(resp.Body), resp.Body, resp.Truncated, tt.length, tt.want, tt.truncated)
			}
		})
	}
}

func TestHTTPConnectTo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }))
	defer s.Close()
	n := newNet(t, nil)
	resp := get(t, n, HTTPRequest{URL: "http://nowhere.invalid/x", ConnectTo: strings.TrimPrefix(s.URL, "http://")})
	if resp.Body != "nowhere.invalid" || resp.URL != "http://nowhere.invalid/x" {
		t.Errorf("got %q at %s", resp.Body, resp.URL)
	}
	_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: s.URL, ConnectTo: "169.254.169.254:80"})
	wantError(t, err, Denied, "may not be reached")
}

func TestHTTPS(t *testing.T) {
	id, client := valid(t), valid(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(client.certPEM))
	start := func(id identity, auth tls.ClientAuthType) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s client=%d", r.TLS.ServerName, len(r.TLS.PeerCertificates))
		}))
		s.Config.ErrorLog = nil
		s.TLS = &tls.Config{Certificates: []tls.Certificate{id.pair}, ClientAuth: auth, ClientCAs: pool}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	s := start(id, tls.VerifyClientCertIfGiven)
	n := newNet(t, nil)
	resp := get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{CA: id.certPEM}})
	if resp.TLS == nil || !resp.TLS.Verified || resp.TLS.Subject != "CN=test 127.0.0.1" || len(resp.TLS.DNSNames) != 2 || resp.Timings.TLS <= 0 {
		t.Errorf("trusted: %+v %+v", resp.TLS, resp.Timings)
	}
	resp = get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: true}})
	if resp.TLS.Verified || resp.TLS.NotAfter.IsZero() {
		t.Errorf("not verified: %+v", resp.TLS)
	}
	resp = get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: true, CA: id.certPEM}})
	if !resp.TLS.Verified {
		t.Errorf("would verify, yet says it would not: %+v", resp.TLS)
	}
	resp = get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{CA: id.certPEM, ClientCert: client.certPEM, ClientKey: client.keyPEM}})
	if !strings.HasSuffix(resp.Body, "client=1") {
		t.Errorf("client certificate: %q", resp.Body)
	}
	resp = get(t, n, HTTPRequest{URL: "https://svc.test/", ConnectTo: s.Listener.Addr().String(), TLS: TLSOptions{CA: id.certPEM}})
	if !strings.HasPrefix(resp.Body, "svc.test ") {
		t.Errorf("connect_to keeps the server name: %q", resp.Body)
	}
	_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: s.URL})
	wantError(t, err, TLS, "signed by an unknown authority")
	old := newIdentity(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour), "127.0.0.1")
	expired := start(old, tls.NoClientCert)
	_, err = n.HTTP(within(t, time.Second), &HTTPRequest{URL: expired.URL, TLS: TLSOptions{CA: old.certPEM}})
	wantError(t, err, TLS, "expired on "+time.Now().Add(-24*time.Hour).UTC().Format(time.DateOnly))
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, err = n.HTTP(within(t, time.Second), &HTTPRequest{URL: strings.Replace(plain.URL, "http", "https", 1)})
	wantError(t, err, TLS, "does not speak TLS")
	required := start(id, tls.RequireAnyClientCert)
	_, err = n.HTTP(within(t, time.Second), &HTTPRequest{URL: required.URL, TLS: TLSOptions{CA: id.certPEM}})
	wantError(t, err, TLS, "certificate required")
}

func TestHTTPLimitPerHost(t *testing.T) {
	var now, most atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(5 * time.Millisecond)
	}))
	defer s.Close()
	n := newNet(t, func(o *Options) { o.PerHost = 4 })
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			// Two transports share the limit: the second must not starve.
			req := HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: i%2 == 0}}
			if _, err := n.HTTP(within(t, 10*time.Second), &req); err != nil {
				t.Errorf("HTTP: %v", err)
			}
		})
	}
	wait.Wait()
	if most.Load() > 4 {
		t.Errorf("%d requests at once, want at most 4", most.Load())
	}
}

func TestHTTPDNSTiming(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	n := newNet(t, func(o *Options) {
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			time.Sleep(10 * time.Millisecond)
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
	})
	resp := get(t, n, HTTPRequest{URL: strings.Replace(s.URL, "127.0.0.1", "slow.test", 1)})
	if resp.Timings.DNS < 10*time.Millisecond || resp.Timings.DNS > resp.Timings.FirstByte {
		t.Errorf("timings: %+v", resp.Timings)
	}
}

func BenchmarkHTTP(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	defer s.Close()
	n, err := New(DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	req := HTTPRequest{URL: s.URL, Redirects: 10}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.HTTP(context.Background(), &req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHTTPClient is the same with net/http's own client, for comparison.
func BenchmarkHTTPClient(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Get(s.URL)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
