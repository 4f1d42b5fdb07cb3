package luaapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// serveOnce serves each connection to a loopback port with serve and closes it.
func serveOnce(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c, bufio.NewReader(c)) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// request reads a request with its body, to the last byte.
func readRequest(r *bufio.Reader) {
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			break
		}
		fmt.Sscanf(strings.ToLower(line), "content-length: %d", &length)
	}
	_, _ = io.CopyN(io.Discard, r, int64(length))
}

// mailTo talks SMTP up to a command, at which it leaves without a word; "." is the
// message's end. With refuse it answers that with an error first.
func mailTo(last, refuse string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		fmt.Fprint(c, "220 ready\r\n")
		for data := false; ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			word := strings.ToUpper(strings.Fields(line + " .")[0])
			if data && word != "." {
				continue
			}
			switch {
			case word == last && refuse == "":
				return
			case word == last:
				fmt.Fprint(c, refuse+"\r\n")
			case word == "DATA":
				data = true
				fmt.Fprint(c, "354 go on\r\n")
			default:
				fmt.Fprint(c, "250 ok\r\n")
			}
			data = data && word != "."
		}
	}
}

// TestUnansweredRequests holds which attempts of an alert plugin may have reached
// somebody though nobody said so, whatever the plugin made of it.
func TestUnansweredRequests(t *testing.T) {
	program := filepath.Join(t.TempDir(), "send")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 30\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	answer := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, r *bufio.Reader) { readRequest(r); io.WriteString(c, text) }
	}
	slow := func(text string) func(net.Conn, *bufio.Reader) {
		return func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, text)
			_, _ = r.ReadByte() // until the client gives up
		}
	}
	const post = `local ok, why = http.post("http://127.0.0.1:"..PORT, { body = "page", timeout = 0.2 }) `
	const mail = `local ok, why = smtp.send{ host = "127.0.0.1", port = PORT, security = "none", from = "a@x.org", to = "b@x.org", subject = "s", text = "t", timeout = 5 } `
	const line = `local c = tcp.connect("127.0.0.1", PORT, { timeout = 0.3 }) `
	for _, tt := range []struct {
		name  string
		serve func(net.Conn, *bufio.Reader)
		body  string
		want  bool
	}{
		{"http: no answer in time", slow(""), post + `return false, why`, true},
		{"http: no answer, and the plugin skips", slow(""), post + `return "skipped", why`, true},
		{"http: no answer, and the plugin breaks", slow(""), post + `error(why)`, true},
		{"http: no answer, and the plugin wants no retry", slow(""), post + `return false, why, { retry = false }`, true},
		{"http: no answer by GET", slow(""), `local ok, why = http.get("http://127.0.0.1:"..PORT.."/send?to=1", { timeout = 0.2 }) return false, why`, true},
		{"http: a session", slow(""), `local ok, why = http.session{ timeout = 0.2 }:post("http://127.0.0.1:"..PORT, { body = "page" }) return false, why`, true},
		{"http: one of several", slow(""), `http.all{ { url = "http://127.0.0.1:"..CLOSED }, { url = "http://127.0.0.1:"..PORT, timeout = 0.2 } } return false, "no"`, true},
		{"http: closed without an answer", answer(""), post + `return false, why`, true},
		{"http: the header breaks off", answer("HTTP/1.1 200 O"), post + `return false, why`, true},
		{"http: the body breaks off", answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), post + `return false, why or "half"`, true},
		{"http: the body comes too late", slow("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), post + `return false, why or "half"`, true},
		{"http: the second of two, after the first was answered", func(c net.Conn, r *bufio.Reader) {
			readRequest(r)
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			readRequest(r)
			_, _ = r.ReadByte()
		}, post + post + `return false, why`, true},
		{"http: an answer", answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), post + `return false, "503"`, false},
		{"http: redirected in a circle", answer("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /\r\n\r\n"), post + `return false, why`, false},
		{"http: nobody there", nil, `local ok, why = http.post("http://127.0.0.1:"..CLOSED, { body = "page" }) return false, why`, false},
		{"http: no such name", nil, `local ok, why = http.post("http://no-such-name.invalid", { body = "page", timeout = 2 }) return false, why`, false},
		{"http: no TLS there", answer(""), `local ok, why = http.post("https://127.0.0.1:"..PORT, { body = "page", timeout = 2 }) return false, why`, false},
		{"http: the request breaks off", func(c net.Conn, r *bufio.Reader) {
			_ = c.(*net.TCPConn).SetLinger(0)
		}, `local ok, why = http.post("http://127.0.0.1:"..PORT, { body = ("x"):rep(8*1024*1024), timeout = 5 }) return false, why or "?"`, false},
		{"smtp: no word after the message", mailTo(".", ""), mail + `return false, why`, true},
		{"smtp: the message refused", mailTo(".", "554 spam"), mail + `return false, why`, false},
		{"smtp: leaves at DATA", mailTo("DATA", ""), mail + `return false, why`, false},
		{"smtp: leaves at RCPT", mailTo("RCPT", ""), mail + `return false, why`, false},
		{"smtp: leaves after the message was taken", mailTo("QUIT", ""), mail + `return ok, why`, false},
		{"tcp: no answer in time", func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }, line + `c:send("PAGE\n") return false, select(2, c:receive())`, true},
		{"tcp: closed without an answer", func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n') }, line + `c:send("PAGE\n") return false, select(2, c:receive())`, true},
		{"tcp: closed, read to the end", func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n') }, line + `c:send("PAGE\n") return false, "got " .. c:receive("*a")`, true},
		{"tcp: answered", func(c net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n'); io.WriteString(c, "no\n") }, line + `c:send("PAGE\n") return false, c:receive()`, false},
		{"tcp: answered, then closed", func(c net.Conn, r *bufio.Reader) { _, _ = r.ReadString('\n'); io.WriteString(c, "no\n") }, line + `c:send("PAGE\n") c:receive() c:receive() return false, "no"`, false},
		{"tcp: nothing was sent", func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadByte() }, line + `return false, select(2, c:receive())`, false},
		{"exec: does not end", nil, `local ok, why = exec.run{ PROGRAM, timeout = 0.2 } return false, why`, true},
		{"exec: not allowed", nil, `local ok, why = exec.run{ "/bin/false" } return false, why`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := host.DefaultOptions()
			o.AllowExec = []string{program}
			network, err := host.New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer network.Close()
			port := 0
			if tt.serve != nil {
				port = serveOnce(t, tt.serve)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			closed := l.Addr().(*net.TCPAddr).Port
			l.Close()
			source := fmt.Sprintf("local http, smtp, tcp, exec = require 'http', require 'smtp', require 'tcp', require 'exec'\nlocal PORT, CLOSED, PROGRAM = %d, %d, %q\n", port, closed, program)
			rt := newTestRuntime(t, map[string]string{"pager.lua": source + alertSource(tt.body)}, func(o *Options) { o.Host = network })
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			got := plugin(t, rt, "pager").Alert(ctx, alertCall())
			if got.Unanswered != tt.want {
				t.Errorf("unanswered is %v, want %v: %+v", got.Unanswered, tt.want, got)
			}
			settled := got.Settled()
			if told := settled.Outcome == engine.OutcomeUnknown; told != tt.want {
				t.Errorf("the attempt's outcome is %s: %+v", settled.Outcome, got)
			}
			if settled.NoRetry != got.NoRetry || settled.Why != got.Why {
				t.Errorf("got %+v from %+v, want the plugin's words kept", settled, got)
			}
		})
	}
}
