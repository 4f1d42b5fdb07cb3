package host

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestASCIIName(t *testing.T) {
	for in, want := range map[string]string{
		"münchen.test": "xn--mnchen-3ya.test", "MÜNCHEN.Test": "xn--mnchen-3ya.Test", "münchen.test.": "xn--mnchen-3ya.test.",
		"例え。テスト": "xn--r8jz45g.xn--zckzah", "_srv._tcp.münchen.test": "_srv._tcp.xn--mnchen-3ya.test", "plain_name.test": "plain_name.test",
		"straße.test": "xn--strae-oqa.test", "": "", "::1": "::1",
	} {
		if got, err := asciiName(in); got != want || err != nil {
			t.Errorf("asciiName(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"ü ü.test", "\xff.test", "☃️-\u202e.test"} {
		if got, err := asciiName(bad); err == nil {
			t.Errorf("asciiName(%q) = %q, want an error", bad, got)
		}
	}
}

// TestNamesInAnyScript holds that a name is in ASCII wherever it leaves us.
func TestNamesInAnyScript(t *testing.T) {
	const ascii = "xn--mnchen-3ya.test"
	id := newIdentity(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), ascii)
	var asked string
	n := newNet(t, func(o *Options) {
		o.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
			asked = name
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		o.Nameservers = []string{dnsServer(t, "xn--mnchen-3ya 60 IN A 192.0.2.7\n")}
	})
	port := listen(t, scripted(id, ""))
	cert, err := n.Certificate(within(t, 5*time.Second), &CertificateRequest{Host: "münchen.test", Port: port})
	if err != nil || asked != ascii || !strings.Contains(cert.VerifyError, "self-signed") { // not: "not valid for"
		t.Errorf("certificate: asked for %q, got %+v, %v", asked, cert, err)
	}
	for name, options := range map[string]TLSOptions{"host": {CA: id.certPEM}, "server name": {CA: id.certPEM, ServerName: "MÜNCHEN.test"}} {
		conn, err := n.Dial(within(t, 5*time.Second), &DialRequest{Host: "münchen.test", Port: port, TLS: &options})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		conn.Close()
	}
	records, err := n.Lookup(within(t, 5*time.Second), &LookupRequest{Name: "münchen.test", Type: "A"})
	if err != nil || len(records) != 1 || records[0].Value != "192.0.2.7" {
		t.Errorf("look-up: %v, %v", records, err)
	}
	var host string
	url := serveHTTP(t, func(_, _ int, r *http.Request, _ string) string { host = r.Host; return okAnswer })
	_, port2, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	get(t, n, HTTPRequest{URL: "http://münchen.test:" + port2})
	if want := ascii + ":" + strings.TrimSuffix(port2, "/"); host != want || asked != ascii {
		t.Errorf("HTTP: host %q, asked for %q, want %q", host, asked, want)
	}
	get(t, n, HTTPRequest{URL: "http://nowhere.test/", ConnectTo: "münchen.test:" + strings.TrimSuffix(port2, "/")})
}

func TestURLsThatAreNone(t *testing.T) {
	n := newNet(t, nil)
	for url, want := range map[string]string{
		"http://a b/": "holds a space", "http://x/?q=a b": "holds a space", " http://x/": "holds a space", "http://x/%": "% must be followed by",
		"http://x/%zz": "% must be followed by", "http://x/\n": "control character", "http://x:port/": "the port is no number", "x": "must begin with http://",
	} {
		_, err := n.HTTP(within(t, time.Second), &HTTPRequest{URL: url})
		wantError(t, err, Invalid, want)
	}
}

// TestErrorsShowNoPartOfASecret holds that what an error repeats of a caller's
// text can be masked: it is whole and as it was, or not there.
func TestErrorsShowNoPartOfASecret(t *testing.T) {
	const secret = `CANARY"SECRET\WITH QUOTES`
	n := newNet(t, func(o *Options) { o.Nameservers = []string{"127.0.0.1:1"} })
	for _, filler := range []int{0, 30, 50, 70, 90, 190, 270, 290, 400} {
		text := strings.Repeat("x", filler) + secret
		for name, do := range map[string]func() error{
			"url": func() error {
				_, err := n.HTTP(t.Context(), &HTTPRequest{URL: "ht!tp://" + text})
				return err
			},
			"scheme": func() error { _, err := n.HTTP(t.Context(), &HTTPRequest{URL: "ftp://h/" + text}); return err },
			"method": func() error {
				_, err := n.HTTP(t.Context(), &HTTPRequest{URL: "http://127.0.0.1:1/", Method: text})
				return err
			},
			"connect_to": func() error {
				_, err := n.HTTP(t.Context(), &HTTPRequest{URL: "http://127.0.0.1:1/", ConnectTo: text})
				return err
			},
			"header": func() error { return checkHeader(map[string][]string{text: {"x"}}) },
			"host":   func() error { _, err := n.Dial(t.Context(), &DialRequest{Host: "\u200b" + text, Port: 1}); return err },
			"lookup": func() error {
				_, err := n.Lookup(t.Context(), &LookupRequest{Name: text + "..", Type: "A"})
				return err
			},
			"type":    func() error { _, err := n.Lookup(t.Context(), &LookupRequest{Name: "x", Type: text}); return err },
			"program": func() error { _, err := n.Exec(t.Context(), &ExecRequest{Path: text}); return err },
			"allowed": func() error { _, err := n.Exec(t.Context(), &ExecRequest{Path: "/" + text}); return err },
			"mail":    func() error { _, err := compose(&Mail{From: text, To: []string{"a@b.test"}}); return err },
		} {
			err := do()
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			masked := strings.ReplaceAll(err.Error(), secret, "***")
			if strings.Contains(masked, "CANARY") || strings.Contains(masked, "SECRET") {
				t.Errorf("%s after %d bytes shows a part: %s", name, filler, masked)
			}
		}
	}
	// Nor does cutting what the other side said leave part of a word.
	for max := range 60 {
		got := cut("the password is CANARYSECRET and more words to come", max)
		if rest := strings.ReplaceAll(got, "CANARYSECRET", ""); strings.Contains(rest, "CAN") {
			t.Errorf("cut at %d: %q", max, got)
		}
	}
}

func TestCanonicalRecord(t *testing.T) {
	for _, tt := range []struct{ kind, a, b string }{
		{"AAAA", "2001:0DB8:0:0:0:0:0:1", "2001:db8::1"}, {"aaaa", "::ffff:1.2.3.4", "::ffff:1.2.3.4"}, {"CNAME", "Mail.Example.", "mail.example"},
		{"MX", "010  Mail.Example.", "10 mail.example"}, {"NS", "ns.münchen.test", "ns.XN--mnchen-3ya.test."}, {"SRV", "1 02 5060 SIP.test.", "1 2 5060 sip.test"},
		{"PTR", "A.test.", "a.test"},
		{"TXT", `"v=spf1 " "-all"`, "v=spf1 -all"}, {"TXT", `"a\"b"`, `a"b`}, {"TXT", `"\065"`, "A"}, {"TXT", `a "b"`, `a "b"`}, {"DS", "1 8 2 ab cd", "1 8 2 ABCD"}, {"TLSA", "3 1 1 aB", "3 1 1 AB"}, {"SOA", "NS.test. admin.test. 1 2 3 4 5", "ns.test admin.test 1 2 3 4 5"},
	} {
		if a, b := CanonicalRecord(tt.kind, tt.a), CanonicalRecord(tt.kind, tt.b); a != b {
			t.Errorf("%s: %q is %q, %q is %q", tt.kind, tt.a, a, tt.b, b)
		}
	}
	for _, tt := range []struct{ kind, a, b string }{
		{"TXT", "A", "a"}, {"TXT", "a ", "a"}, {"CAA", `0 issue "CA"`, `0 issue "ca"`}, {"DNSKEY", "257 3 8 aB", "257 3 8 ab"}, {"MX", "10 a", "20 a"}, {"AAAA", "::1", "::2"},
	} {
		if CanonicalRecord(tt.kind, tt.a) == CanonicalRecord(tt.kind, tt.b) {
			t.Errorf("%s: %q and %q are one", tt.kind, tt.a, tt.b)
		}
	}
}

// TestTraceMasksBeforeItCuts holds that a secret at the end of what is shown,
// or one that is written in escapes there, is masked like any other.
func TestTraceMasksBeforeItCuts(t *testing.T) {
	const secret = "CANARY\"SECRET\n1"
	for _, filler := range []int{0, 290, maxTraceText - 60, maxTraceText - 30, maxTraceText - 20, maxTraceText - 10, maxTraceText} {
		text := strings.Repeat("x", filler) + secret
		s := NewStub(time.Now())
		s.OnHTTP("POST", "http://h.test/", &HTTPResponse{Status: 200, Body: text, Header: map[string][]string{"X-Echo": {text}}}, nil)
		s.OnDial("h.test", 1, []Step{{Expect: text, Reply: text}}, nil)
		trace := NewTrace(s)
		_, _ = trace.HTTP(t.Context(), &HTTPRequest{Method: "POST", URL: "http://h.test/", Body: text})
		conn, err := trace.Dial(t.Context(), &DialRequest{Host: "h.test", Port: 1})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Send(t.Context(), text)
		_, _ = conn.Receive(t.Context(), 100_000)
		trace.Mask(func(text string) string { return strings.ReplaceAll(text, secret, "***") })
		calls, _ := trace.Calls()
		for _, c := range calls {
			if all := c.Request + c.Answer + c.Error; strings.Contains(all, "CANARY") || strings.Contains(all, "SECRET") || len(c.Answer) > maxTraceText+10 {
				t.Errorf("after %d bytes, %s %s: %d and %d bytes, a part is shown", filler, c.Kind, c.Target, len(c.Request), len(c.Answer))
			}
		}
	}
}
