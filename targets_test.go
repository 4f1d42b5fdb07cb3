package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// hostileTargets replaces HANG and its like by addresses that behave so.
func hostileTargets(t testing.TB) *strings.Replacer {
	mux := http.NewServeMux()
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, "x"); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	mux.HandleFunc("/gigabytes", func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for range 16 << 10 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/redirect", http.StatusFound) })
	eight := bytes.Repeat([]byte("x"), 8_000_000)
	mux.HandleFunc("/eight", func(w http.ResponseWriter, r *http.Request) { w.Write(eight) })
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		for i := range 40 {
			w.Header().Set(fmt.Sprint("X-", i), string(eight[:5000]))
		}
	})
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, r *http.Request) {
		for i := range 50 {
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i, "x", time.Now().UnixNano()), Value: string(eight[:4000])})
		}
	})
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 32 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	// A server sees that its client has gone only behind a body that was read.
	after := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			mux.ServeHTTP(w, r)
		}
	})
	plain := httptest.NewServer(after)
	secure := httptest.NewUnstartedServer(after)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it is meant to fail
	secure.StartTLS()
	noise := bytes.Repeat([]byte{0xff, 0x16, 'A', 0x00}, 16<<10)
	silent := stream(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	flood := stream(t, func(c net.Conn) {
		for {
			if _, err := c.Write(noise); err != nil {
				return
			}
		}
	})
	slow := stream(t, func(c net.Conn) {
		for _, b := range []byte("HTTP/1.1 200 OK\r\nX-Slow: " + strings.Repeat("x", 1000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	hangup := stream(t, func(net.Conn) {})
	t.Cleanup(func() {
		plain.CloseClientConnections()
		plain.Close()
		secure.Close()
	})
	host, port, _ := net.SplitHostPort(silent)
	_, floodPort, _ := net.SplitHostPort(flood)
	return strings.NewReplacer("HANGUP", "http://"+hangup, "SLOWHEAD", "http://"+slow, "NOISE", "http://"+flood, "EIGHT", plain.URL+"/eight",
		"HEADERS", plain.URL+"/headers", "COOKIES", plain.URL+"/cookies", "BOMB", plain.URL+"/bomb", "FLOODHOST", host, "FLOODPORT", floodPort,
		"HANG", plain.URL+"/hang", "TRICKLE", plain.URL+"/trickle", "GIGABYTES", plain.URL+"/gigabytes",
		"REDIRECT", plain.URL+"/redirect", "BADTLS", secure.URL, "REFUSED", "http://"+programtest.FreeAddress(t), "SILENTHOST", host, "SILENTPORT", port)
}

// stream serves connections by serve, which are closed when it returns, and
// returns its address.
func stream(t testing.TB, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			go func() {
				serve(c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			}()
		}
	}()
	return l.Addr().String()
}
