package module

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
)

func TestSMTP(t *testing.T) {
	var got host.Mail
	h := &hosttest.Fake{OnMail: func(_ context.Context, m *host.Mail) ([]string, error) {
		got = *m
		if m.Host == "down" {
			return nil, &host.Error{Kind: host.Refused, Message: "connection refused by down:25"}
		}
		return []string{"no@x"}, nil
	}}
	b := newBench(t, h)
	b.gives(`local ok, refused = smtp.send{ host = "h", port = 2525, security = "tls", username = "u", password = "p", from = "f@x", to = { "a@x", "no@x" }, cc = "c@x",
		subject = "s", text = "t", html = "h", headers = { ["X-A"] = 1 }, timeout = 3, verify = false, ca = "pem" } return ok, refused[1], #refused`, "true | no@x | 1")
	want := fmt.Sprintf("%+v", host.Mail{Host: "h", Port: 2525, Security: "tls", Username: "u", Password: "p", From: "f@x", To: []string{"a@x", "no@x"}, Cc: []string{"c@x"},
		Subject: "s", Text: "t", HTML: "h", Headers: []host.HeaderField{{Name: "X-A", Value: "1"}}, TLS: host.TLSOptions{Insecure: true, CA: "pem"}})
	if text := fmt.Sprintf("%+v", got); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	b.gives(`return smtp.send{ host = "down", from = "f@x", to = "a@x" }`, "nil | connection refused by down:25 | refused")
	if got.Security != host.SecurityStartTLS {
		t.Errorf("default security %q", got.Security)
	}
	for script, text := range map[string]string{
		`smtp.send()`: "bad argument #1 to smtp.send: message must be a table, got nil", `smtp.send{ from = "f", to = "t" }`: "host must be text, got nil",
		`smtp.send{ host = "h", to = "t" }`: "from must be an address, got nil", `smtp.send{ host = "h", from = "f" }`: "to and cc must name 1 to 500 addresses, got 0",
		`smtp.send{ host = "h", from = "f", to = { {} } }`: "to must hold texts, got a table at 1", `smtp.send{ host = "h", from = "f", to = true }`: "to must be text or an array of texts",
		`smtp.send{ host = "h", from = "f", to = "t", security = "ssl" }`: "security must be starttls, tls or none, got ssl",
		`smtp.send{ host = "h", from = "f", to = "t", port = 0 }`:         "port must be from 1 to 65535", `smtp.send{ bcc = "x" }`: "unknown option 'bcc'; did you mean 'cc'?",
		`smtp.send{ host = "h", from = "f", to = "t", headers = { A = {} } }`: "headers must be a table of names and texts",
	} {
		b.raises(script, text)
	}
}

func TestICMP(t *testing.T) {
	var got host.PingRequest
	h := &hosttest.Fake{OnPing: func(_ context.Context, r *host.PingRequest) (*host.PingAnswer, error) {
		switch r.Host {
		case "gone":
			return nil, &host.Error{Kind: host.DNS, Message: "no such host: gone"}
		case "silent":
			return &host.PingAnswer{Sent: 3, Loss: 100}, nil
		}
		if r.Host == "h" {
			got = *r
		}
		return &host.PingAnswer{Sent: 4, Received: 3, Loss: 25, Min: time.Millisecond, Avg: 2 * time.Millisecond, Max: 3 * time.Millisecond}, nil
	}}
	b := newBench(t, h)
	b.gives(`local p = icmp.ping("h", { count = 4, interval = 0.5, size = 100, timeout = 2 }) return p.sent, p.received, p.loss, p.min, p.avg, p.max`, "4 | 3 | 25 | 0.001 | 0.002 | 0.003")
	if want := (host.PingRequest{Host: "h", Count: 4, Interval: 500 * time.Millisecond, Size: 100, Timeout: 2 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.gives(`local p = icmp.ping("silent") return p.sent, p.received, p.loss, p.min`, "3 | 0 | 100 | nil")
	b.gives(`return icmp.ping("gone")`, "nil | no such host: gone | dns")
	b.gives(`local l = icmp.ping{ "a", "gone", "silent" } return #l, l[1].received, l[2].error, l[2].kind, l[3].loss`, "3 | 3 | no such host: gone | dns | 100")
	b.gives(`return #icmp.ping{}`, "0")
	for script, text := range map[string]string{
		`icmp.ping()`: "bad argument #1 to icmp.ping: host must be text, got nil", `icmp.ping{ 1, {} }`: "hosts must hold texts, got a table at 2",
		`icmp.ping("h", { count = 0 })`: "count must be from 1 to 100", `icmp.ping("h", { size = 1 })`: "size must be from 24 to 65000",
		`icmp.ping("h", { interval = 0 })`: "interval must be above 0", `icmp.ping("h", { cuont = 1 })`: "did you mean 'count'?",
	} {
		b.raises(script, text)
	}
}

func TestDNSModule(t *testing.T) {
	var got host.LookupRequest
	h := &hosttest.Fake{OnLookup: func(_ context.Context, r *host.LookupRequest) ([]host.Record, error) {
		got = *r
		if r.Name == "gone" {
			return nil, &host.Error{Kind: host.DNS, Message: "no such name: gone"}
		}
		if r.Name == "none" {
			return nil, nil
		}
		return []host.Record{{Type: "MX", Value: "mail", TTL: 60, Preference: 0}, {Type: "A", Value: "1.2.3.4", TTL: 1, Preference: -1}}, nil
	}}
	b := newBench(t, h)
	b.gives(`local r = dns.lookup("x", "MX", { server = "1.1.1.1", timeout = 1 }) return #r, r[1].type, r[1].value, r[1].ttl, r[1].preference, r[2].preference`, "2 | MX | mail | 60 | 0 | nil")
	if want := (host.LookupRequest{Name: "x", Type: "MX", Server: "1.1.1.1"}); got != want {
		t.Errorf("got %+v", got)
	}
	b.gives(`return dns.lookup("gone")`, "nil | no such name: gone | dns")
	b.gives(`return #dns.lookup("none", "AAAA")`, "0")
	b.raises(`dns.lookup()`, "bad argument #1 to dns.lookup: name must be text, got nil")
	b.raises(`dns.lookup("x", {})`, "type must be text, got a table")
	b.raises(`dns.lookup("x", "A", { sever = "x" })`, "did you mean 'server'?")
}

func TestTLSModule(t *testing.T) {
	var got host.CertificateRequest
	h := &hosttest.Fake{OnCertificate: func(_ context.Context, r *host.CertificateRequest) (*host.Certificate, error) {
		got = *r
		return &host.Certificate{Subject: "CN=s", Issuer: "CN=i", NotBefore: time.Unix(1, 0), NotAfter: time.Unix(2, 0), DNSNames: []string{"a"}, VerifyError: "expired"}, nil
	}}
	b := newBench(t, h)
	b.gives(`local c = tls.certificate("h", 25, { server_name = "n", starttls = "smtp", timeout = 1 })
		return c.subject, c.issuer, c.not_before, c.not_after, c.dns_names[1], c.verified, c.verify_error`, "CN=s | CN=i | 1 | 2 | a | false | expired")
	if want := (host.CertificateRequest{Host: "h", Port: 25, ServerName: "n", StartTLS: "smtp"}); got != want {
		t.Errorf("got %+v", got)
	}
	b.gives(`return tls.certificate("h").subject`, "CN=s")
	if got.Port != 443 {
		t.Errorf("default port %d", got.Port)
	}
	b.raises(`tls.certificate()`, "bad argument #1 to tls.certificate: host must be text, got nil")
	b.raises(`tls.certificate("h", "x")`, "port must be a number, got text")
	b.raises(`tls.certificate("h", 1, { starttls = "xmpp" })`, "starttls must be smtp, imap, pop3, ftp or postgresql, got xmpp")
}

func TestExecModule(t *testing.T) {
	var got host.ExecRequest
	h := &hosttest.Fake{OnExec: func(_ context.Context, r *host.ExecRequest) (*host.ExecAnswer, error) {
		got = *r
		if r.Path == "/no" {
			return nil, &host.Error{Kind: host.Denied, Message: "/no is not allowed"}
		}
		return &host.ExecAnswer{Code: 2, Stdout: "o", Stderr: "e"}, nil
	}}
	b := newBench(t, h)
	b.gives(`local r = exec.run{ "/bin/check", "-w", 5, stdin = "i", timeout = 1, env = { A = 1 } } return r.code, r.signal, r.stdout, r.stderr`, "2 | nil | o | e")
	if text := fmt.Sprintf("%+v", got); text != "{Path:/bin/check Args:[-w 5] Stdin:i Env:map[A:1]}" {
		t.Errorf("got %s", text)
	}
	b.gives(`return exec.run{ "/no" }`, "nil | /no is not allowed | denied")
	for script, text := range map[string]string{
		`exec.run()`: "bad argument #1 to exec.run: command must be a table, got nil", `exec.run{}`: "command must be 1 to 1000 texts", `exec.run{ {} }`: "command must hold texts, got a table at 1",
		`exec.run{ "/x", stdout = "x" }`: "unknown option 'stdout'", `exec.run{ "/x", env = { 1 } }`: "env must be a table of names and texts",
		`exec.run{ "/x", timeout = -1 }`: "timeout must be above 0", `exec.split()`: "text must be text, got nil",
	} {
		b.raises(script, text)
	}
	for text, want := range map[string]string{
		``: "", `a b`: "a|b", "  a\t\nb ": "a|b", `'a b' "c d"`: "a b|c d", `a\ b`: "a b", `"a\"b\$\x"`: `a"b$\x`, `'a\'`: `a\`, `a"b"'c'd`: "abcd", `""`: "", `'' a`: "|a", "a\\\nb": "ab",
	} {
		words, err := SplitWords(text)
		if err != nil || strings.Join(words, "|") != want {
			t.Errorf("split(%q) = %q, %v; want %q", text, words, err, want)
		}
	}
	b.gives(`return exec.split([['a]])`, "nil | a quote in the text is not closed | invalid")
	b.gives(`return select(2, exec.split("a\\"))`, "the text ends in a backslash | invalid")
}

// Every function that reaches outside refuses while the plugin loads, and in
// clean and description.
func TestNothingReachesOutsideWhereItMayNot(t *testing.T) {
	outside := []string{
		"http.get", "http.post", "http.request", "http.all", "http.session", "tcp.connect", "tls.certificate", "dns.lookup", "icmp.ping", "smtp.send", "exec.run", "time.sleep",
	}
	for _, fn := range outside {
		b := newBench(t, &hosttest.Fake{})
		b.call.Loading = true
		b.raises(fn+"()", fn+" cannot be called while the plugin loads")
		b.call.Loading, b.call.Offline = false, true
		b.raises(fn+"()", fn+" cannot be called in clean or description")
	}
}

// No function of any module panics or hangs, whatever it is given.
func TestNoArgumentsPanic(t *testing.T) {
	b := newBench(t, refusingHost())
	b.call.Data = newMemoryData()
	values := []string{`nil`, `""`, `"x"`, `0`, `-1`, `1e308`, `0/0`, `1/0`, `true`, `{}`, `{1,2}`, `{a=1}`, `print`, `json.null`, `("x"):rep(70000)`}
	for module := range Builtin() {
		functions, err := b.do(`return (function() local n = {} for _, k in ipairs{ "encode", "decode", "object", "get", "match", "find_all", "replace", "quote", "parse", "build", "escape",
			"unescape", "query", "len", "sub", "pack", "unpack", "md5", "sha1", "sha256", "sha512", "hmac", "xor", "equal", "random", "all", "chat", "phone", "sms", "email", "now", "left",
			"format", "split", "debug", "info", "warn", "error", "set", "increment", "delete",
			"post", "request", "all", "session", "connect", "certificate", "lookup", "ping", "send", "run" } do if ` + module + `[k] then n[#n + 1] = k end end return table.concat(n, " ") end)()`)
		if err != nil {
			t.Fatal(err)
		}
		for _, fn := range strings.Fields(functions[0]) {
			for _, x := range values {
				for _, y := range values {
					script := fmt.Sprintf("%s.%s(%s, %s, %s, 1)", module, fn, x, y, x)
					if _, err := b.do(script); err != nil && !strings.HasPrefix(err.Error(), "<string>:1: bad argument") {
						t.Errorf("%s: %v", script, err)
					}
				}
			}
		}
	}
}

// refusingHost answers everything with an error.
func refusingHost() *hosttest.Fake {
	no := &host.Error{Kind: host.Refused, Message: "no"}
	return &hosttest.Fake{
		OnHTTP:        func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) { return nil, no },
		OnDial:        func(context.Context, *host.DialRequest) (host.Conn, error) { return nil, no },
		OnPing:        func(context.Context, *host.PingRequest) (*host.PingAnswer, error) { return nil, no },
		OnMail:        func(context.Context, *host.Mail) ([]string, error) { return nil, no },
		OnLookup:      func(context.Context, *host.LookupRequest) ([]host.Record, error) { return nil, no },
		OnCertificate: func(context.Context, *host.CertificateRequest) (*host.Certificate, error) { return nil, no },
		OnExec:        func(context.Context, *host.ExecRequest) (*host.ExecAnswer, error) { return nil, no },
	}
}
