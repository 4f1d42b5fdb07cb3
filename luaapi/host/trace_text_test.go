package host

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A trace shows the names of cookies and never their values.
func TestTraceNamesCookies(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"Cookie", "session=V1; theme=V2", "Cookie: session=***; theme=***"},
		{"cookie", "session=V1;theme=V2==", "cookie: session=***; theme=***"},
		{"Cookie", "V1", "Cookie: ***"},
		{"Cookie", "V1==", "Cookie: ***"},
		{"Cookie", "=V1", "Cookie: ***"},
		{"Cookie", "a=V1=V2", "Cookie: a=***"},
		{"Set-Cookie", "session=V1; Path=/; HttpOnly", "Set-Cookie: session=***; Path=/; HttpOnly"},
		{"set-cookie", "session=V1;max-age=0;V2;x=V3; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "set-cookie: session=***; max-age=0; ***; x=***; Expires=Wed, 21 Oct 2026 07:28:00 GMT"},
		{"Set-Cookie", "V1; Secure", "Set-Cookie: ***; Secure"},
		{"Set-Cookie", "path=V1; SameSite=Lax", "Set-Cookie: path=***; SameSite=Lax"},
		{"X-Cookie", "a=V1", "X-Cookie: ***"},
		{"Authorization", "Basic V1", "Authorization: ***"},
	} {
		if got := headerText(map[string][]string{tt.name: {tt.line}}); got != tt.want+"\n" {
			t.Errorf("%s: %s\n got %q\nwant %q", tt.name, tt.line, got, tt.want)
		}
	}
	if got := headerText(map[string][]string{"Set-Cookie": {"a=V1; Secure", "b=V2"}}); got != "Set-Cookie: a=***; Secure\nSet-Cookie: b=***\n" {
		t.Errorf("two cookies: %q", got)
	}
}

// The cookies that a session adds stand among the others.
func TestTraceNamesTheCookiesOfASession(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "http", Host: "h.test"}
	s := NewStub(time.Now())
	s.OnHTTP("GET", "http://h.test/", &HTTPResponse{Status: 200}, nil)
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "V1"}})
	trace := NewTrace(s)
	_, _ = trace.HTTP(t.Context(), &HTTPRequest{URL: "http://h.test/", Jar: jar, Header: map[string][]string{"cookie": {"theme=V2"}}})
	calls, _ := trace.Calls()
	if want := "GET http://h.test/\nCookie: theme=***; session=***"; len(calls) != 1 || calls[0].Request != want {
		t.Errorf("got %+v, want %q", calls, want)
	}
}

// Bytes that are not text are written out, after the secrets were masked.
func TestTraceKeepsBytes(t *testing.T) {
	const body = "a\r\nb\tü\xff\x00\x1b[2Jover\rwritten\u0085 S\xfeT"
	const shown = "a\r\nb\tü\\xff\\x00\\x1b[2Jover\\x0dwritten\\u0085 ***"
	s := NewStub(time.Now())
	s.OnHTTP("POST", "http://h.test/", &HTTPResponse{Status: 200, Body: body}, nil)
	s.OnDial("h.test", 1, []Step{{Expect: body, Reply: body}}, nil)
	trace := NewTrace(s)
	_, _ = trace.HTTP(t.Context(), &HTTPRequest{Method: "POST", URL: "http://h.test/", Body: body})
	conn, err := trace.Dial(t.Context(), &DialRequest{Host: "h.test", Port: 1})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Send(t.Context(), body)
	_, _ = conn.Receive(t.Context(), 100)
	trace.Mask(func(text string) string { return strings.ReplaceAll(text, "S\xfeT", "***") })
	calls, _ := trace.Calls()
	if len(calls) != 4 {
		t.Fatalf("got %d calls", len(calls))
	}
	for _, text := range []string{calls[0].Request, calls[0].Answer} {
		if !strings.HasSuffix(text, "\n"+shown) {
			t.Errorf("HTTP: got %q, want %q", text, shown)
		}
	}
	const line = `a\r\nb\tü\xff\x00\x1b[2Jover\rwritten\u0085 ***`
	if calls[2].Request != "send "+line || calls[3].Answer != line {
		t.Errorf("stream: got %s and %s, want %s", calls[2].Request, calls[3].Answer, line)
	}
}
