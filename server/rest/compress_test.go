package rest

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Text that is long is answered with gzip to who takes it, and reads the same.
func TestCompressed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("All is quiet. ", 200)
	for _, c := range []struct {
		kind, body, takes string
		packed            bool
	}{
		{"text/html; charset=utf-8", long, "gzip, br", true},
		{"application/json", long, "gzip", true},
		{"image/svg+xml", long, "gzip", true},
		{"text/html; charset=utf-8", long, "", false},
		{"text/html; charset=utf-8", long, "br", false},
		{"text/html; charset=utf-8", "short", "gzip", false},
		{"text/event-stream", long, "gzip", false},
		{"application/octet-stream", long, "gzip", false},
		{"font/woff2", long, "gzip", false},
	} {
		h := Compressed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			io.WriteString(w, c.body)
		}))
		r := httptest.NewRequest("GET", "/", nil)
		if c.takes != "" {
			r.Header.Set("Accept-Encoding", c.takes)
		}
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		if packed := out.Header().Get("Content-Encoding") == "gzip"; packed != c.packed || !strings.Contains(out.Header().Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s of %d bytes for %q: %v", c.kind, len(c.body), c.takes, out.Header())
			continue
		}
		body := io.Reader(out.Body)
		if c.packed {
			if out.Body.Len() > len(c.body)/10 {
				t.Errorf("%s: %d bytes of %d", c.kind, out.Body.Len(), len(c.body))
			}
			var err error
			if body, err = gzip.NewReader(out.Body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != c.body {
			t.Errorf("%s reads %d bytes, %v", c.kind, len(got), err)
		}
	}
}
