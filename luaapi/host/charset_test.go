package host

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestDecodeText(t *testing.T) {
	utf16 := func(big bool, text string) string {
		var b strings.Builder
		for _, c := range text {
			if big {
				b.WriteByte(byte(c >> 8))
			}
			b.WriteByte(byte(c))
			if !big {
				b.WriteByte(byte(c >> 8))
			}
		}
		return b.String()
	}
	tests := []struct{ name, contentType, body, want, unknown string }{
		{"plain", "text/plain", "hello", "hello", ""},
		{"UTF-8", "text/plain; charset=utf-8", "héllo", "héllo", ""},
		{"Latin 1", "text/html; charset=ISO-8859-1", "h\xe9llo", "héllo", ""},
		{"quoted, any case", `text/plain; Charset="Iso-8859-15"`, "\xa4", "€", ""},
		{"GBK", "text/html; charset=gbk", "\xc4\xe3\xba\xc3", "你好", ""},
		{"Shift_JIS", "text/html; charset=Shift_JIS", "\x8a\x4f", "外", ""},
		{"UTF-16 by its mark", "text/plain", "\xff\xfe" + utf16(false, "né"), "né", ""},
		{"UTF-16 BE by its mark", "application/json", "\xfe\xff" + utf16(true, "[1]"), "[1]", ""},
		{"UTF-16 by name", "text/plain; charset=utf-16le", utf16(false, "né"), "né", ""},
		{"UTF-32 by its mark", "text/plain", "\xff\xfe\x00\x00a\x00\x00\x00", "a", ""},
		{"the mark wins", "text/plain; charset=iso-8859-1", "\xef\xbb\xbfé", "é", ""},
		{"the mark of UTF-8 goes", "application/json", "\xef\xbb\xbf[1]", "[1]", ""},
		{"HTML says so itself", "text/html", "<meta charset=windows-1251>\xcf\xf0", "<meta charset=windows-1251>Пр", ""},
		{"HTML says nothing", "text/html", "caf\xe9", "café", ""},
		{"HTML in UTF-8 says nothing", "text/html", "café", "café", ""},
		{"HTML in UTF-8, cut within a character", "text/html", "café"[:4], "café"[:4], ""},
		{"XML says so itself", "application/xml", `<?xml version="1.0" encoding='ISO-8859-1'?><a>` + "\xe9</a>", `<?xml version="1.0" encoding='ISO-8859-1'?><a>é</a>`, ""},
		{"text that says nothing", "text/plain", "\xe9", "\xe9", ""},
		{"binary", "application/octet-stream", "\xff\xfea\x00", "\xff\xfea\x00", ""},
		{"image", "image/png", "\x89PNG\xe9", "\x89PNG\xe9", ""},
		{"unknown", "text/plain; charset=klingon", "abc", "abc", "charset klingon"},
		{"garbled type", "text/html; charset", "caf\xe9", "café", ""},
		{"no type, a mark", "", "\xff\xfea\x00", "a", ""},
		{"no type", "", "\xe9", "\xe9", ""},
		{"empty", "text/plain; charset=klingon", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, unknown := decodeText(tt.body, tt.contentType, strings.Contains(tt.name, "cut"))
			if got != tt.want || unknown != tt.unknown {
				t.Errorf("got %q, %q; want %q, %q", got, unknown, tt.want, tt.unknown)
			}
		})
	}
}

func TestRawBody(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		io.WriteString(w, "\xe9")
	}))
	defer s.Close()
	n := newNet(t, nil)
	if got := get(t, n, HTTPRequest{URL: s.URL}).Body; got != "é" {
		t.Errorf("got %q", got)
	}
	if got := get(t, n, HTTPRequest{URL: s.URL, RawBody: true}).Body; got != "\xe9" {
		t.Errorf("raw: got %q", got)
	}
}
