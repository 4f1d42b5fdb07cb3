package host

import (
	"mime"
	"strings"
	"testing"
)

// TestMediaType holds the quick way against the whole one.
func TestMediaType(t *testing.T) {
	for _, text := range []string{
		"", "text/html", "TEXT/HTML", "text/plain; charset=utf-8", "text/html;charset=ISO-8859-1", "text/html; charset=\"utf-8\"", "text/html; Charset=UTF-8",
		"application/json", "application/vnd.api+json; charset=utf-8", "multipart/mixed; boundary=x", "text/html; charset=utf-8; x=y", "text/html; x=y; charset=utf-8",
		"text", "text/", "/html", "text/html;", "text/html; charset", "text/html; charset=", "text/html; charset=a b", " text/html", "text/html ; charset=utf-8",
		"text/html; charset=utf-8;", "a b/c", "text/html, text/plain", "text/html; =utf-8", "text/a/b", "text/html; charset=a/b",
	} {
		media, parameters, _ := mime.ParseMediaType(text)
		charset := strings.ToLower(strings.TrimSpace(parameters["charset"]))
		if gotMedia, gotCharset := mediaType(text); gotMedia != media || gotCharset != charset {
			t.Errorf("%q: got %q and %q, want %q and %q", text, gotMedia, gotCharset, media, charset)
		}
	}
}
