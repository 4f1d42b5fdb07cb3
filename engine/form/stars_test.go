package form

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// No form of a secret, and no half of one before a cut, gets through.
func TestStars(t *testing.T) {
	for _, secret := range []string{"hunter22", `CANARY"SECRET\x`, "päss wörd/+&<'>%", "line1\nline2\ttab", "\xff\xfesecret", "sixsix"} {
		var m Stars
		m.Add("short", "unrelated secret", secret)
		asJSON, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"plain": secret, "quoted": strconv.Quote(secret), "ASCII": strconv.QuoteToASCII(secret), "%q": fmt.Sprintf("%q", secret),
			"JSON": string(asJSON), "query": url.QueryEscape(secret), "path": url.PathEscape(secret), "HTML": html.EscapeString(secret),
			"URL":        (&url.URL{Scheme: "http", Host: "h", User: url.UserPassword("u", secret)}).String(),
			"quoted URL": strconv.Quote("ht!tp://" + secret + "/x"),
			"valid":      strings.ToValidUTF8(secret, "\uFFFD"),
		} {
			got := m.Text("before " + text + " after")
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, "***") || holdsPart(got, secret) {
				t.Errorf("%q as %s: %q", secret, name, got)
			}
		}
		for _, user := range []string{"", "u", "us", "use", "user", "user5"} {
			encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
			if got := m.Text("Basic " + encoded + "."); !strings.Contains(got, "***") || len(got) > len("Basic ***.")+8+len(user)*4/3 {
				t.Errorf("%q as base64 behind %q: %q of %q", secret, user, got, encoded)
			}
		}
		for n := 1; n < len(secret); n++ {
			for _, text := range []string{secret[:n] + "…", strconv.Quote(secret[:n] + "…"), strings.ToValidUTF8(secret[:n]+"…", "\uFFFD")} {
				if got := m.Text("got " + text + " here"); n > minPart+2 && holdsPart(got, secret[:n]) {
					t.Errorf("%q, cut after %d: %q", secret, n, got)
				}
			}
		}
	}
}

// holdsPart reports whether text shows five bytes and more of a secret.
func holdsPart(text, secret string) bool {
	for i := 0; i+5 <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+5]) {
			return true
		}
	}
	return false
}

func TestStarsOverlap(t *testing.T) {
	var m Stars
	m.Add("abcdef", "abcdefgh", "defghijkl", "xyzxyz")
	for text, want := range map[string]string{
		"": "", "abcde": "abcde", "abcdef": "***", "abcdefgh": "***", "abcdefghijkl": "***", "-abcdef-abcdefgh-": "-***-***-",
		"abcdefabcdef": "******", "1xyzxyz2xyzxyz…": "1***2***…", "no secret…": "no secret…", "it abcd… and": "it ***… and", "abc…": "abc…",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var none Stars
	if got := none.Text("abcdef"); got != "abcdef" {
		t.Errorf("no secrets: %q", got)
	}
}
