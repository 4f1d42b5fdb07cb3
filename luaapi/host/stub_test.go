package host

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"reflect"
	"strings"
	"testing"
	"time"
)

func newStub() *Stub { return NewStub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) }

func askStub(t *testing.T, s *Stub, address string, change ...func(*HTTPRequest)) (*HTTPResponse, error) {
	t.Helper()
	req := &HTTPRequest{URL: address, Redirects: DefaultRedirects}
	for _, fn := range change {
		fn(req)
	}
	return s.HTTP(t.Context(), req)
}

func TestStubHTTP(t *testing.T) {
	s := newStub()
	s.OnHTTP("", "https://a.test?x=1&b=2", &HTTPResponse{Status: 200, Body: "one"}, nil)
	s.OnHTTP("GET", "HTTPS://A.test:443/?b=2&x=1#f", &HTTPResponse{Status: 201, Body: "two"}, nil)
	for _, want := range []string{"one", "two", "two"} { // in turn; the last repeats
		got, err := askStub(t, s, "https://a.test/?b=2&x=1")
		if err != nil || got.Body != want || got.URL != "https://a.test/?b=2&x=1" {
			t.Fatalf("got %+v, %v, want %q", got, err, want)
		}
	}
	for _, address := range []string{"https://a.test/", "http://a.test/?x=1&b=2", "https://a.test/?x=1", "https://b.test/?x=1&b=2"} {
		_, err := askStub(t, s, address)
		wantError(t, err, Denied, "no stub for GET "+address+"; there is one for GET https://a.test/?b=2&x=1")
	}
	_, err := askStub(t, s, "https://a.test/?x=1&b=2", func(r *HTTPRequest) { r.Method = "POST" })
	wantError(t, err, Denied, "no stub for POST")
	if n := len(s.Missing()); n != 5 {
		t.Errorf("got %d complaints, want 5", n)
	}
	_, err = askStub(t, s, "ftp://a.test/")
	wantError(t, err, Invalid, "must begin with http://")
	if n := len(s.Missing()); n != 5 {
		t.Errorf("a bad URL is no missing stub, but %d complaints", n)
	}
	s.OnHTTP("GET", "https://fails.test/", nil, &Error{TLS, "certificate has expired"})
	_, err = askStub(t, s, "https://fails.test/")
	wantError(t, err, TLS, "certificate has expired")
	s.OnHTTP("GET", "https://long.test/", &HTTPResponse{Status: 200, Body: "12345"}, nil)
	if got, _ := askStub(t, s, "https://long.test/", func(r *HTTPRequest) { r.MaxBody = 3 }); got.Body != "123" || !got.Truncated {
		t.Errorf("got %+v, want the body cut", got)
	}
}

func TestStubHTTPRecords(t *testing.T) {
	s := newStub()
	jar, _ := cookiejar.New(nil)
	session := func(r *HTTPRequest) { r.Jar, r.Auth = jar, &BasicAuth{"u", "p"} }
	s.OnHTTP("POST", "http://a.test/login", &HTTPResponse{Status: 303, Header: http.Header{"Location": {"/home"}, "Set-Cookie": {"id=7"}}}, nil)
	s.OnHTTP("GET", "http://a.test/home", &HTTPResponse{Status: 200, Body: "hi"}, nil)
	got, err := askStub(t, s, "http://a.test/login", session, func(r *HTTPRequest) { r.Method, r.Body = "POST", "x=1" })
	if err != nil || got.Body != "hi" || got.URL != "http://a.test/home" {
		t.Fatalf("got %+v, %v", got, err)
	}
	requests := s.Requests()
	if len(requests) != 2 || requests[0].Method != "POST" || requests[0].Body != "x=1" || requests[1].Method != "GET" || requests[1].Body != "" {
		t.Fatalf("got %+v", requests)
	}
	if requests[1].Header.Get("Cookie") != "id=7" || requests[1].Header.Get("Authorization") == "" {
		t.Errorf("got headers %v", requests[1].Header)
	}
	if _, err := askStub(t, s, "http://a.test/login", func(r *HTTPRequest) { r.Method, r.Redirects = "POST", 0 }); err != nil {
		t.Errorf("a redirect that is not followed needs no stub: %v", err)
	}
	s.OnHTTP("GET", "http://loop.test/", &HTTPResponse{Status: 302, Header: http.Header{"Location": {"/"}}}, nil)
	_, err = askStub(t, s, "http://loop.test/")
	wantError(t, err, Protocol, "too many redirects")
}

func TestStubStream(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	s.OnDial("A.test", 25, []Step{{Reply: "220 hi\r\n"}, {Expect: "EHLO x\r\n", Reply: "250 ok\r\n"}, {Expect: "QUIT\r\n", Reply: "221\r\n"}}, nil)
	dial := func() Conn {
		conn, err := s.Dial(ctx, &DialRequest{Host: "a.test", Port: 25})
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	c := dial()
	receive := func(want string) {
		t.Helper()
		if got, err := c.Receive(ctx, 100); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	receive("220 hi\r\n")
	_, err := c.Receive(ctx, 1)
	wantError(t, err, Timeout, "timed out waiting for a.test:25")
	for _, piece := range []string{"EHLO", " x\r\nQU", "IT\r\n"} { // in pieces, and two at a time
		if err := c.Send(ctx, piece); err != nil {
			t.Fatal(err)
		}
	}
	receive("250 ok\r\n221\r\n")
	_, err = c.Receive(ctx, 1)
	wantError(t, err, Closed, "closed by a.test:25")
	if len(s.Missing()) != 0 {
		t.Fatalf("got %v", s.Missing())
	}

	c = dial()
	wantError(t, c.Send(ctx, "HELO x\r\n"), Denied, `the stub of a.test:25 got "HELO x\r\n", but expects "EHLO x\r\n"`)
	if len(s.Missing()) != 1 {
		t.Errorf("got %v, want a complaint", s.Missing())
	}
	if err := c.StartTLS(ctx, &TLSOptions{}); err != nil {
		t.Error(err)
	}
	wantError(t, c.StartTLS(ctx, &TLSOptions{}), Invalid, "TLS already")
	c.Close()
	wantError(t, c.Send(ctx, "x"), Closed, "closed")
	_, err = s.Dial(ctx, &DialRequest{Host: "b.test", Port: 25})
	wantError(t, err, Denied, "no stub for a connection to b.test:25; there is one for a.test:25")
}

func TestStubOthers(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	calls := map[string]func() error{
		"a ping of a.test":          func() error { _, err := s.Ping(ctx, &PingRequest{Host: "a.test"}); return err },
		"a look-up of a.test MX":    func() error { _, err := s.Lookup(ctx, &LookupRequest{Name: "a.test.", Type: "mx"}); return err },
		"the certificate of a.test": func() error { _, err := s.Certificate(ctx, &CertificateRequest{Host: "a.test", Port: 443}); return err },
		"the program /bin/a b c": func() error {
			_, err := s.Exec(ctx, &ExecRequest{Path: "/bin/a", Args: []string{"b", "c"}})
			return err
		},
		"mail to a@test through mail.test:587": func() error {
			_, err := s.Mail(ctx, &Mail{Host: "mail.test", From: "m@test", To: []string{"a@test"}})
			return err
		},
	}
	for what, call := range calls {
		wantError(t, call(), Denied, "no stub for "+what)
	}
	if got := len(s.Missing()); got != len(calls) {
		t.Errorf("got %d complaints, want %d", got, len(calls))
	}
	s.OnPing("A.test", &PingAnswer{Received: 1}, nil)
	s.OnLookup("a.test", "MX", []Record{{Type: "MX", Value: "mail.test", Preference: 10}}, nil)
	s.OnCertificate("a.test", 443, &Certificate{Subject: "CN=a.test"}, nil)
	s.OnExec([]string{"/bin/a", "b", "c"}, &ExecAnswer{Code: 2}, nil)
	s.OnMail([]string{"no@test"}, nil)
	for what, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, _ := s.Ping(ctx, &PingRequest{Host: "a.test", Count: 4}); got.Sent != 4 || got.Received != 1 || got.Loss != 75 {
		t.Errorf("got %+v", got)
	}
	refused, _ := s.Mail(ctx, &Mail{Host: "mail.test", From: "m@test", To: []string{"a@test", "no@test"}})
	if !reflect.DeepEqual(refused, []string{"no@test"}) || len(s.Mails()) != 3 {
		t.Errorf("refused %v of %d mails", refused, len(s.Mails()))
	}
	_, err := s.Mail(ctx, &Mail{Host: "mail.test", From: "m@test", To: []string{"nobody"}})
	wantError(t, err, Invalid, "to is no e-mail address")
	_, err = s.Exec(ctx, &ExecRequest{Path: "a"})
	wantError(t, err, Invalid, "absolute path")
}

func TestStubClock(t *testing.T) {
	s := newStub()
	start := s.Now()
	if _, ok := s.Left(); ok {
		t.Error("a run that has not begun has an end")
	}
	s.Begin(10*time.Second, time.Second)
	if err := s.Sleep(t.Context(), 4*time.Second); err != nil || s.Now().Sub(start) != 4*time.Second {
		t.Errorf("got %v at %v", err, s.Now())
	}
	if left, ok := s.Left(); !ok || left != 6*time.Second {
		t.Errorf("got %v left, %v", left, ok)
	}
	wantError(t, s.Sleep(t.Context(), 6*time.Second), Timeout, "timed out")
	if got := s.Now().Sub(start); got != 9*time.Second {
		t.Errorf("the clock went on for %v, want 9s: the reserve is left", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sleep(ended, time.Second); err == nil || s.Now().Sub(start) != 9*time.Second {
		t.Error("a run that has ended sleeps")
	}
	s.Set(start)
	if !s.Now().Equal(start) {
		t.Errorf("got %v", s.Now())
	}
}

func TestTrace(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	trace := NewTrace(s)
	s.OnHTTP("POST", "https://a.test/?key=top-secret", &HTTPResponse{Status: 201, Header: http.Header{"X-A": {"b"}}, Body: "made top-secret"}, nil)
	s.OnDial("b.test", 1, []Step{{Expect: "ping", Reply: "pong"}}, nil)
	if _, err := trace.HTTP(ctx, &HTTPRequest{Method: "POST", URL: "https://a.test/?key=top-secret", Header: http.Header{"X-Api-Key": {"k"}, "Accept": {"x"}},
		Auth: &BasicAuth{"u", "p"}, Body: "top-secret"}); err != nil {
		t.Fatal(err)
	}
	c, err := trace.Dial(ctx, &DialRequest{Host: "b.test", Port: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(ctx, "ping"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := c.Receive(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, err = c.Receive(ctx, 1)
	wantError(t, err, Closed, "closed by b.test:1")
	_, err = trace.Lookup(ctx, &LookupRequest{Name: "c.test", Type: "A"})
	wantError(t, err, Denied, "no stub")
	trace.Mask(func(text string) string { return strings.ReplaceAll(text, "top-secret", "***") })

	calls, more := trace.Calls()
	var got []string
	for _, c := range calls {
		got = append(got, strings.Join([]string{c.Kind, c.Target, c.Request, c.Answer, c.Error, string(c.ErrKind)}, "|"))
		if c.Start.IsZero() || c.Took < 0 {
			t.Errorf("%s took %v from %v", c.Kind, c.Took, c.Start)
		}
	}
	want := []string{
		"http|POST https://a.test/?key=***|POST https://a.test/?key=***\nAccept: x\nX-Api-Key: ***\nAuthorization: ***\n\n***|201, 15 bytes\nX-A: b\n\nmade ***||",
		"tcp|b.test:1|connect|connected||",
		"tcp|b.test:1|send ping|4 bytes sent||",
		"tcp|b.test:1|receive|pong||",
		"dns|c.test A|||no stub for a look-up of c.test A|denied",
	}
	if !reflect.DeepEqual(got, want) || more != 0 {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if asked, ok := calls[0].Asked.(*HTTPRequest); !ok || asked.Body != "top-secret" || calls[0].Got.(*HTTPResponse).Status != 201 {
		t.Errorf("what was asked and answered cannot be replayed: %+v", calls[0])
	}
}

func TestTraceIsBounded(t *testing.T) {
	s := newStub()
	s.OnPing("a.test", &PingAnswer{Received: -1}, nil)
	trace := NewTrace(s)
	for range maxCalls + 3 {
		if _, err := trace.Ping(t.Context(), &PingRequest{Host: "a.test"}); err != nil {
			t.Fatal(err)
		}
	}
	if calls, more := trace.Calls(); len(calls) != maxCalls || more != 3 {
		t.Errorf("got %d calls and %d more", len(calls), more)
	}
	if trace.Sleep(t.Context(), time.Hour) != nil {
		t.Error("the stub's sleep does not pass the trace")
	}
}

// TestStubKeepsCookies holds that a request which has no header of its own has the
// cookies of its session all the same.
func TestStubKeepsCookies(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	s := NewStub(time.Now())
	s.OnHTTP("GET", "http://a.test/set", &HTTPResponse{Status: 200, Header: http.Header{"Set-Cookie": {"a=1"}}}, nil)
	s.OnHTTP("GET", "http://a.test/", &HTTPResponse{Status: 200}, nil)
	for _, url := range []string{"http://a.test/set", "http://a.test/"} {
		if _, err := s.HTTP(t.Context(), &HTTPRequest{URL: url, Jar: jar}); err != nil {
			t.Fatal(err)
		}
	}
}
