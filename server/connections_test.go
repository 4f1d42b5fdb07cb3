package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// bounded serves a house on a listener with at most so many connections, for
// clients that are given little time.
func (h *house) bounded(most int) (address string, open func() int) {
	h.t.Helper()
	o := h.options
	o.patience = rest.Patience{Header: 300 * time.Millisecond, Request: 400 * time.Millisecond, Body: 500 * time.Millisecond,
		Answer: 400 * time.Millisecond, Rate: 1 << 30, Idle: 500 * time.Millisecond}
	server, err := New(o)
	if err != nil {
		h.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	b := server.Bound(l, most)
	s := server.HTTP(server.Handler())
	go s.Serve(b)
	h.t.Cleanup(func() { s.Close() })
	return l.Addr().String(), b.Open
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// healthy asks on a connection of its own, as a load balancer does.
func healthy(t *testing.T, address string) {
	t.Helper()
	c := dial(t, address)
	fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if text, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200 ") {
		t.Errorf("an honest client is answered %.60q, %v", text, err)
	}
}

// TestHalfSentRequestsEnd: on every route a connection whose request does not
// come is closed, whoever serves the route and whether it reads a body or not.
func TestHalfSentRequestsEnd(t *testing.T) {
	t.Parallel()
	h, _ := viewHouse(t)
	token := "Authorization: Bearer " + h.tokens[access.Admin] + "\r\n"
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "up"}})
	_, ping, _ := strings.Cut(check.body["ping_url"].(string), "/ping/")
	requests := map[string]string{
		"nothing": "", "half a line": "GET /hea", "half a header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b",
		"an idle connection": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	const form, json = "application/x-www-form-urlencoded", "application/json"
	for _, r := range []struct{ line, kind, more string }{
		{"POST /login", form, ""}, {"POST /login", "multipart/form-data; boundary=b", ""}, {"POST /setup", form, ""}, {"POST /logout", form, ""},
		{"POST /api/v1/session", json, ""}, {"POST /api/v1/setup", json, ""}, {"POST /api/v1/services", json, token}, {"POST /api/v1/import", "application/yaml", token},
		{"GET /api/v1/services", json, ""}, {"POST /api/v1/nosuch", json, ""}, {"POST /ping/" + ping, form, ""}, {"POST /ping/wrong", form, ""},
		{"POST /plugins/pager/hook", json, ""}, {"POST /plugins/pager/", json, ""}, {"GET /healthz", json, ""}, {"GET /status", json, ""},
		{"GET /badge/x.svg", json, ""}, {"GET /feeds/x.ics", json, ""}, {"GET /assets/x/y", json, ""}, {"GET /metrics", json, token}, {"POST /nowhere", form, ""},
		{"POST /services/new", form, ""},
	} {
		head := r.line + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + r.kind + "\r\n" + r.more
		requests[r.line+" "+r.kind+", length"] = head + "Content-Length: 1000\r\n\r\nx"
		requests[r.line+" "+r.kind+", chunks"] = head + "Transfer-Encoding: chunked\r\n\r\n5\r\nx"
	}
	address, open := h.bounded(1000)
	start := time.Now()
	conns := map[string]net.Conn{}
	for name, text := range requests {
		conns[name] = dial(t, address)
		io.WriteString(conns[name], text)
	}
	var all sync.WaitGroup
	for name, c := range conns {
		all.Go(func() {
			if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%s: the connection is open after %s", name, time.Since(start))
			}
		})
	}
	all.Wait()
	until(t, "no connection is left", func() bool { return open() == 0 })
}

// TestLongHandlersAreNotCutOff: what takes the monitor long has no deadline, and a
// body that was read whole leaves none behind.
func TestLongHandlersAreNotCutOff(t *testing.T) {
	t.Parallel()
	short := rest.Patience{Header: 200 * time.Millisecond, Request: 200 * time.Millisecond, Answer: 200 * time.Millisecond, Rate: 1 << 30, Idle: time.Second}
	h := newHouse(t, func(o *Options) { o.patience = short })
	ended := make(chan error, 1)
	s := httptest.NewUnstartedServer(nil)
	s.Config = h.server.HTTP(h.server.Observed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-time.After(2 * short.Request):
		}
		ended <- r.Context().Err()
		io.WriteString(w, "done")
	})))
	s.Start()
	defer s.Close()
	for _, body := range []string{"", "all of it"} {
		res, err := http.Post(s.URL, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || string(text) != "done" {
			t.Errorf("answered %q, %v", text, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the request of a handler that takes long ended: %v", err)
		}
	}
}

// TestSlowReadersEnd: an answer that nobody takes does not hold its connection.
func TestSlowReadersEnd(t *testing.T) {
	t.Parallel()
	h := populated(t)
	address, open := h.bounded(100)
	request := "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + h.tokens[access.Viewer] + "\r\n\r\n"
	for range 5 {
		c := dial(t, address)
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		go io.WriteString(c, strings.Repeat(request, 200)) // more than any buffer holds
	}
	until(t, "they are connected", func() bool { return open() == 5 })
	until(t, "no connection is left", func() bool { return open() == 0 })
}

// TestConnectionsAreBounded: whoever opens many connections has their own closed,
// the longest waiting first; an honest client is always answered.
func TestConnectionsAreBounded(t *testing.T) {
	h := populated(t)
	h.admin(200, "PUT", "/settings", m{"trusted_proxies": []string{"127.0.0.9"}})
	address, open := h.bounded(8)
	for range 60 {
		c := dial(t, address)
		io.WriteString(c, "GET /half HTTP/1.1\r\n")
		if n := open(); n > 4 {
			t.Fatalf("%d connections of one address are open, of 8 in all", n)
		}
		healthy(t, address)
	}
}
