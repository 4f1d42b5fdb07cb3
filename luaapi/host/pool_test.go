package host

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serveHTTP answers requests on raw connections: answer gets the number of the
// connection and of the request on it, both from 1, and what came; "" closes.
func serveHTTP(t *testing.T, answer func(conn, nth int, r *http.Request, body string) string) string {
	t.Helper()
	var conns atomic.Int32
	return fmt.Sprintf("http://127.0.0.1:%d/", listen(t, func(c net.Conn) {
		number, r := int(conns.Add(1)), bufio.NewReader(c)
		for nth := 1; ; nth++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(req.Body)
			text := answer(number, nth, req, string(body))
			if text == "" {
				return
			}
			io.WriteString(c, text)
		}
	}))
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestConnectionsAreNotSharedBetweenOwners(t *testing.T) {
	url := serveHTTP(t, func(conn, nth int, _ *http.Request, _ string) string {
		text := fmt.Sprintf("%d.%d", conn, nth)
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	})
	n := newNet(t, nil)
	for _, tt := range []struct{ owner, want string }{{"a", "1.1"}, {"a", "1.2"}, {"b", "2.1"}, {"", "3.1"}, {"b", "2.2"}, {"a", "1.3"}} {
		if got := get(t, n, HTTPRequest{URL: url, Owner: tt.owner}).Body; got != tt.want {
			t.Errorf("owner %q got connection and request %s, want %s", tt.owner, got, tt.want)
		}
	}
	// Nor do connections with different options of TLS or targets stand in for one another.
	get(t, n, HTTPRequest{URL: url, Owner: "a", TLS: TLSOptions{Insecure: true}})
	if got := n.pool.count; got != 4 {
		t.Errorf("%d connections are kept, want 4", got)
	}
}

func TestMethodsThatAreNoRequests(t *testing.T) {
	n, s := newNet(t, nil), NewStub(time.Now())
	s.OnHTTP("CONNECT", "http://127.0.0.1:1/", &HTTPResponse{Status: 200}, nil)
	for _, req := range []HTTPRequest{{Method: "CONNECT"}, {Method: "connect"}, {Method: "Connect", Body: "GET / HTTP/1.1\r\n\r\n"},
		{Method: "PRI"}, {Method: "TRACE", Body: "x"}, {Method: "trace", Body: "x"}} {
		req.URL = "http://127.0.0.1:1/"
		_, err := n.HTTP(within(t, time.Second), &req)
		wantError(t, err, Invalid, "")
		_, err = s.HTTP(within(t, time.Second), &req)
		wantError(t, err, Invalid, "")
	}
}

func TestKeptConnectionsAreYoung(t *testing.T) {
	id, old := valid(t), newIdentity(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour), "svc.test")
	var expired, moved atomic.Bool
	serve := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host) }
	first := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	first.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if expired.Load() {
			return &old.pair, nil
		}
		return &id.pair, nil
	}}
	first.Config.ErrorLog = log.New(io.Discard, "", 0)
	first.StartTLS()
	defer first.Close()
	port := first.Listener.Addr().(*net.TCPAddr).Port
	const age = 150 * time.Millisecond
	var lookups atomic.Int32
	n := newNet(t, func(o *Options) {
		o.MaxAge = age
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			lookups.Add(1)
			if moved.Load() {
				return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
	})
	req := HTTPRequest{URL: fmt.Sprintf("https://svc.test:%d/", port), TLS: TLSOptions{CA: id.certPEM + old.certPEM}}
	// A certificate that was swapped is seen once the connection is too old,
	// however often it was used meanwhile.
	get(t, n, req)
	expired.Store(true)
	started := time.Now()
	for {
		_, err := n.HTTP(within(t, 5*time.Second), &req)
		if err != nil {
			wantError(t, err, TLS, "expired on")
			break
		}
		if time.Since(started) > 3*age {
			t.Fatal("the old certificate passes for ever")
		}
	}
	// So is a name that moved.
	expired.Store(false)
	get(t, n, req)
	before := lookups.Load()
	moved.Store(true)
	for started = time.Now(); ; {
		_, err := n.HTTP(within(t, 5*time.Second), &req)
		if err != nil {
			wantError(t, err, Refused, "")
			break
		}
		if time.Since(started) > 3*age {
			t.Fatal("the old address is asked for ever")
		}
	}
	if lookups.Load() != before+1 {
		t.Errorf("%d look-ups, want one", lookups.Load()-before)
	}
	// What nobody uses is closed, too.
	deadline := time.Now().Add(5 * time.Second)
	for n.pool.size() > 0 {
		if time.Now().After(deadline) {
			t.Fatal("idle connections are kept for ever")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func TestMaxAgeIsUnderAMinute(t *testing.T) {
	if age := DefaultOptions().MaxAge; age >= time.Minute {
		t.Errorf("a connection of %v serves two runs of a check that is made every minute", age)
	}
}

func TestSentAgainWhenAKeptConnectionBreaks(t *testing.T) {
	var mu sync.Mutex
	var sent []string
	url := serveHTTP(t, func(conn, nth int, r *http.Request, body string) string {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, fmt.Sprintf("%s %d.%d %q", r.Method, conn, nth, body))
		if nth > 1 {
			return "" // as a server that was just closing
		}
		return okAnswer
	})
	for _, method := range []string{"POST", "GET", "DELETE", "PATCH"} {
		mu.Lock()
		sent = nil
		mu.Unlock()
		n := newNet(t, nil)
		get(t, n, HTTPRequest{URL: url})
		if resp := get(t, n, HTTPRequest{Method: method, URL: url, Body: "data"}); resp.Body != "ok" {
			t.Errorf("%s: got %q", method, resp.Body)
		}
		mu.Lock()
		if len(sent) != 3 || !strings.HasPrefix(sent[1], method) || !strings.HasPrefix(sent[2], method) ||
			!strings.HasSuffix(sent[1], ` "data"`) || !strings.HasSuffix(sent[2], `.1 "data"`) {
			t.Errorf("%s: the server saw %q", method, sent)
		}
		mu.Unlock()
	}
}

func TestNotSentTwiceOtherwise(t *testing.T) {
	var requests atomic.Int32
	tests := []struct {
		name   string
		kept   bool // a connection is there already
		answer func(nth int) string
		want   int32 // requests that the server sees in all
		kind   Kind
	}{
		{"a new connection breaks", false, func(int) string { return "" }, 1, Closed},
		{"a new connection breaks within the answer", false, func(int) string { return "HTTP/1.1 2" }, 1, Protocol},
		{"a kept connection breaks within the answer", true, func(nth int) string {
			if nth == 1 {
				return okAnswer
			}
			return "HTTP/1.1 2"
		}, 2, Protocol},
		{"the new connection breaks, too", true, func(nth int) string {
			if nth == 1 {
				return okAnswer
			}
			return ""
		}, 3, Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			requests.Store(0)
			port := listen(t, func(c net.Conn) {
				for r := bufio.NewReader(c); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					text := tt.answer(int(requests.Add(1)))
					if io.WriteString(c, text); text != okAnswer {
						return
					}
				}
			})
			n := newNet(t, nil)
			req := HTTPRequest{Method: "POST", URL: fmt.Sprintf("http://127.0.0.1:%d/", port), Body: "x"}
			if tt.kept {
				get(t, n, req)
			}
			_, err := n.HTTP(within(t, 5*time.Second), &req)
			wantError(t, err, tt.kind, "")
			if got := requests.Load(); got != tt.want {
				t.Errorf("the server saw %d requests, want %d", got, tt.want)
			}
		})
	}
}

func TestPoolIsBounded(t *testing.T) {
	id := valid(t)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{id.pair}}
	s.StartTLS()
	defer s.Close()
	n := newNet(t, func(o *Options) { o.PerHost = 4 })
	for i := range 10 {
		get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: true}, Owner: fmt.Sprint(i)})
		if got := n.pool.size(); got > 4 {
			t.Fatalf("%d connections to one address, want at most 4", got)
		}
	}
	// By weight: each connection counts what its certificates hold.
	n.pool.mu.Lock()
	for _, list := range n.pool.idle {
		for _, c := range list {
			if c.weight <= idleWeight {
				t.Errorf("a connection with certificates weighs %d", c.weight)
			}
			c.weight += maxIdleWeight
			n.pool.weight += maxIdleWeight
		}
	}
	n.pool.mu.Unlock()
	get(t, n, HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: true}, Owner: "last"})
	n.pool.mu.Lock()
	if n.pool.weight > maxIdleWeight || n.pool.count > 1 {
		t.Errorf("%d connections of %d bytes are kept", n.pool.count, n.pool.weight)
	}
	n.pool.mu.Unlock()
	n.Close()
	if n.pool.count != 0 || n.pool.weight != 0 || len(n.pool.idle) != 0 {
		t.Errorf("after Close: %d connections, weight %d", n.pool.count, n.pool.weight)
	}
}

// TestOptionsOfAnyLengthAreRefused holds that nothing which a plugin makes as
// long as it likes comes near what is kept.
func TestOptionsOfAnyLengthAreRefused(t *testing.T) {
	long := strings.Repeat("x", MaxPEM+1)
	n := newNet(t, nil)
	for name, options := range map[string]TLSOptions{
		"ca": {CA: long}, "client_cert": {ClientCert: long, ClientKey: "k"}, "client_key": {ClientCert: "c", ClientKey: long}, "server_name": {ServerName: long},
	} {
		_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: "https://127.0.0.1:1/", TLS: options})
		wantError(t, err, Invalid, name+" is longer than")
		port := listen(t, hang)
		_, err = n.Dial(within(t, time.Second), &DialRequest{Host: "127.0.0.1", Port: port, TLS: &options})
		wantError(t, err, Invalid, name+" is longer than")
	}
	_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: "http://127.0.0.1:1/", ConnectTo: strings.Repeat("h", 300) + ":1"})
	wantError(t, err, Invalid, "connect_to is longer than 300 bytes")
	if size := len(fmt.Sprintf("%v", keyOf("o", "https", "h:1", "", &TLSOptions{CA: long[1:]}))); size > 300 {
		t.Errorf("a key of %d characters", size)
	}
}

// BenchmarkHTTPNewConnections is BenchmarkHTTP with a connection for each request.
func BenchmarkHTTPNewConnections(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	defer s.Close()
	benchmarkAged(b, HTTPRequest{URL: s.URL})
}

// BenchmarkHTTPSNewConnections is the same with TLS, which is what renewing a
// connection costs most.
func BenchmarkHTTPSNewConnections(b *testing.B) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	defer s.Close()
	benchmarkAged(b, HTTPRequest{URL: s.URL, TLS: TLSOptions{Insecure: true}})
}

func benchmarkAged(b *testing.B, req HTTPRequest) {
	o := DefaultOptions()
	o.MaxAge = time.Nanosecond
	n, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	for b.Loop() {
		if _, err := n.HTTP(context.Background(), &req); err != nil {
			b.Fatal(err)
		}
	}
}
