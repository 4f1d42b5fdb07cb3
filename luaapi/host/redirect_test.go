package host

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestHTTPRedirects(t *testing.T) {
	var other *httptest.Server
	seen := make(chan http.Header, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
	mux.HandleFunc("/seen", func(w http.ResponseWriter, r *http.Request) { seen <- r.Header })
	for _, code := range []int{301, 302, 303, 307, 308} {
		mux.HandleFunc("/"+strconv.Itoa(code), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end", code) })
	}
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", 302) })
	mux.HandleFunc("/nowhere", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(302) })
	mux.HandleFunc("/ftp", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "ftp://x/")
		w.WriteHeader(302)
	})
	mux.HandleFunc("/metadata", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/", 302)
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/seen", 302) })
	mux.HandleFunc("/stay", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/seen", 302) })
	s := httptest.NewServer(mux)
	defer s.Close()
	other = httptest.NewServer(mux)
	defer other.Close()
	n := newNet(t, nil)

	for path, want := range map[string]string{"/301": "GET ", "/302": "GET ", "/303": "GET ", "/307": "POST body", "/308": "POST body"} {
		resp := get(t, n, HTTPRequest{Method: "POST", URL: s.URL + path, Body: "body", Redirects: 10})
		if resp.Body != want || resp.URL != s.URL+"/end" {
			t.Errorf("%s: got %q at %s, want %q", path, resp.Body, resp.URL, want)
		}
	}
	if resp := get(t, n, HTTPRequest{URL: s.URL + "/302"}); resp.Status != 302 || resp.URL != s.URL+"/302" {
		t.Errorf("without redirects: %d %s", resp.Status, resp.URL)
	}
	if resp := get(t, n, HTTPRequest{URL: s.URL + "/nowhere", Redirects: 10}); resp.Status != 302 {
		t.Errorf("without Location: %d", resp.Status)
	}
	fails := []struct {
		path string
		kind Kind
		text string
	}{
		{"/loop", Protocol, "too many redirects: stopped after 10"},
		{"/ftp", Protocol, "not http"},
		{"/metadata", Denied, "may not be reached"},
	}
	for _, tt := range fails {
		_, err := n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: s.URL + tt.path, Redirects: 10})
		wantError(t, err, tt.kind, tt.text)
	}
	secrets := http.Header{
		"Authorization": {"Bearer x"}, "Cookie": {"a=b"}, "X-Api-Key": {"k"}, "Private-Token": {"t"}, "X-Plain": {"stays"},
	}
	get(t, n, HTTPRequest{URL: s.URL + "/away", Header: secrets, Redirects: 1})
	h := <-seen
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "Private-Token"} {
		if h.Get(name) != "" {
			t.Errorf("%s went to another host", name)
		}
	}
	if h.Get("X-Plain") != "stays" {
		t.Error("X-Plain was lost")
	}
	get(t, n, HTTPRequest{URL: s.URL + "/stay", Header: secrets, Auth: &BasicAuth{"u", "p"}, Redirects: 1})
	if h := <-seen; h.Get("Cookie") == "" || !strings.HasPrefix(h.Get("Authorization"), "Basic ") {
		t.Errorf("credentials were lost on the same host: %v", h)
	}
	if secrets.Get("Cookie") == "" {
		t.Error("the caller's header was changed")
	}
}

func TestHTTPSlowRedirectsEndAtDeadline(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(30 * time.Millisecond)
		http.Redirect(w, r, "/", 302)
	}))
	defer s.Close()
	_, err := newNet(t, nil).HTTP(within(t, 100*time.Millisecond), &HTTPRequest{URL: s.URL, Redirects: 1000})
	wantError(t, err, Timeout, "timed out")
}

func TestHTTPCookies(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "42", Path: "/"})
			http.Redirect(w, r, "/", 302)
			return
		}
		io.WriteString(w, r.Header.Get("Cookie"))
	}))
	defer s.Close()
	n := newNet(t, nil)
	jar, _ := cookiejar.New(nil)
	if resp := get(t, n, HTTPRequest{URL: s.URL + "/login", Redirects: 3, Jar: jar}); resp.Body != "session=42" {
		t.Errorf("after the redirect: %q", resp.Body)
	}
	if resp := get(t, n, HTTPRequest{URL: s.URL, Jar: jar}); resp.Body != "session=42" {
		t.Errorf("the next request: %q", resp.Body)
	}
	if resp := get(t, n, HTTPRequest{URL: s.URL}); resp.Body != "" {
		t.Errorf("without the jar: %q", resp.Body)
	}
}
