package module

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
)

// tcpBench is a bench over the real network, with the port of a listener.
func tcpBench(t *testing.T, serve func(net.Conn)) *bench {
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
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	n, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	b := newBench(t, n)
	b.global("port", lua.LNumber(l.Addr().(*net.TCPAddr).Port))
	return b
}

func TestTCP(t *testing.T) {
	b := tcpBench(t, func(c net.Conn) {
		io.WriteString(c, "220 ready\r\nsecond\nbinary\x00\xffrest")
		io.Copy(c, c)
	})
	b.gives(`c = tcp.connect("127.0.0.1", port, { timeout = 2 })
		return c:receive(), c:receive("*l"), c:receive(8), c:receive(0), c:receive(4), c:send("echo\n"), c:receive("l")`, "220 ready | second | binary\x00\xff |  | rest | true | echo")
	b.gives(`return c:close(), c:close(), select(3, c:receive()), select(3, c:send("x"))`, "true | true | closed | closed")
	b.gives(`return select(3, c:starttls())`, "closed")
	for script, want := range map[string]string{
		`tcp.connect()`:                                 "bad argument #1 to tcp.connect: host must be text, got nil",
		`tcp.connect("h")`:                              "port must be a number, got nil",
		`tcp.connect("h", "80")`:                        "port must be a number, got text",
		`tcp.connect("h", 0)`:                           "port must be from 1 to 65535",
		`tcp.connect("h", 1.5)`:                         "port must be a whole number",
		`tcp.connect("h", 1, 5)`:                        "options must be a table, got a number",
		`tcp.connect("h", 1, { tsl = true })`:           "did you mean 'tls'?",
		`tcp.connect("h", 1, { tls = 1 })`:              "tls must be true or a table, got a number",
		`tcp.connect("h", 1, { tls = { name = "x" } })`: "unknown option 'name'",
		`c:receive("*n")`:                               `pattern must be "*l", "*a", "*s" or a number, got *n`,
		`c:receive("*s", 0)`:                            "timeout must be above 0",
		`c:receive("*s", "1")`:                          "timeout must be a number, got text",
		`c:receive(-1)`:                                 "n must be from 0 to 8388608",
		`c:receive(1.5)`:                                "n must be a whole number",
		`c:receive({})`:                                 `pattern must be "*l"`,
		`c:send()`:                                      "text must be text, got nil",
		`c.send("x")`:                                   "connection:send must be called with a colon on a connection",
		`c:recieve()`:                                   "connection has no field 'recieve'; did you mean 'receive'?",
		`c.x = 1`:                                       "connection is read-only: 'x' cannot be set",
	} {
		b.raises(script, want)
	}
}

func TestTCPEnds(t *testing.T) {
	b := tcpBench(t, func(c net.Conn) { io.WriteString(c, "one\r\ntwo") })
	b.gives(`local c = tcp.connect("127.0.0.1", port) return c:receive(), c:receive("*a"), c:receive("*a"), select(3, c:receive())`, "one | two |  | closed")
	b.gives(`local c = tcp.connect("127.0.0.1", port) local text, message, kind = c:receive(100) return text, kind, message:find("^connection closed by 127.0.0.1:") ~= nil`, "nil | closed | true")
	b = tcpBench(t, func(c net.Conn) { time.Sleep(5 * time.Second) })
	started := time.Now()
	b.gives(`local c = tcp.connect("127.0.0.1", port, { timeout = 0.05 }) return select(3, c:receive())`, "timeout")
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
	b = tcpBench(t, func(c net.Conn) {
		chunk := strings.Repeat("x", 64<<10)
		for {
			if _, err := io.WriteString(c, chunk); err != nil {
				return
			}
		}
	})
	b.gives(`return select(2, tcp.connect("127.0.0.1", port):receive())`, "the line is longer than 1 MiB | too_large")
	b.gives(`return select(2, tcp.connect("127.0.0.1", port):receive("*a"))`, "the answer is longer than 8 MiB | too_large")
	b.gives(`return select(3, tcp.connect("127.0.0.1", 1)), select(3, tcp.connect("169.254.169.254", 80))`, "refused | denied")
}

// What has come is there at once, whether or not a line or the stream has ended,
// and a timeout of one call loses nothing of it.
func TestTCPReceivesWhatHasCome(t *testing.T) {
	b := tcpBench(t, func(c net.Conn) {
		io.WriteString(c, "login: ")
		line, _ := bufio.NewReader(c).ReadString('\n')
		io.WriteString(c, line)
	})
	b.gives(`local c = tcp.connect("127.0.0.1", port)
		local first, _, kind = c:receive("*s"), c:receive("*s", 0.02)
		local _, _, again = c:receive("*l", 0.02)
		c:send("ada\n")
		return first, again, c:receive("*s"), select(3, c:receive("*s"))`, "login:  | timeout | ada\n | closed")
	b.gives(`local c = tcp.connect("127.0.0.1", port)
		local _, _, kind = c:receive(100, 0.05)
		return kind, c:receive("*s")`, "timeout | login: ")
}

func TestTCPClosesAtTheRunsEnd(t *testing.T) {
	closed := make(chan bool, 10)
	b := tcpBench(t, func(c net.Conn) {
		io.Copy(io.Discard, c)
		closed <- true
	})
	b.gives(`a, b = tcp.connect("127.0.0.1", port), tcp.connect("127.0.0.1", port) a:close()`, "")
	b.call.Close()
	for range 2 {
		select {
		case <-closed:
		case <-time.After(2 * time.Second):
			t.Fatal("a connection is still open after the run")
		}
	}
}

// openConn is a stream that does nothing.
type openConn struct{ host.Conn }

func (openConn) Close() error { return nil }

func TestTCPConnectionsAreBounded(t *testing.T) {
	b := newBench(t, &hosttest.Fake{OnDial: func(context.Context, *host.DialRequest) (host.Conn, error) { return openConn{}, nil }})
	b.raises(`for i = 1, 300 do tcp.connect("h", 1):close() end`, "more than 200 connections in one run")
}

func TestTCPStartTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(nil) // for its certificate
	s.StartTLS()
	defer s.Close()
	pair := s.TLS.Certificates[0]
	b := tcpBench(t, func(c net.Conn) {
		io.WriteString(c, "ready\n")
		io.ReadFull(c, make([]byte, 4))
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
		io.WriteString(secure, "safe\n")
		secure.Close()
	})
	b.gives(`local c = tcp.connect("127.0.0.1", port) c:receive() c:send("tls\n") return c:starttls{ verify = false }, c:receive()`, "true | safe")
	b.gives(`local c = tcp.connect("127.0.0.1", port) c:receive() c:send("tls\n") return select(3, c:starttls())`, "tls")
	b.gives(`local c = tcp.connect("127.0.0.1", port) c:receive(1) return select(2, c:starttls{ verify = false })`, "there is unread plain text before TLS | protocol")
	b.raises(`tcp.connect("127.0.0.1", port):starttls{ vrify = false }`, "did you mean 'verify'?")
}

func TestTCPDialOptions(t *testing.T) {
	var got host.DialRequest
	h := &hosttest.Fake{OnDial: func(_ context.Context, r *host.DialRequest) (host.Conn, error) {
		got = *r
		return nil, &host.Error{Kind: host.TLS, Message: "no"}
	}}
	b := newBench(t, h)
	b.gives(`return tcp.connect("h", 25, { tls = { server_name = "s", verify = false, ca = "pem" } })`, "nil | no | tls")
	if got.Host != "h" || got.Port != 25 || *got.TLS != (host.TLSOptions{ServerName: "s", Insecure: true, CA: "pem"}) {
		t.Errorf("got %+v %+v", got, got.TLS)
	}
	b.gives(`return select(3, tcp.connect("h", 25, { tls = true }))`, "tls")
	if got.TLS == nil || *got.TLS != (host.TLSOptions{}) {
		t.Errorf("tls = true gave %+v", got.TLS)
	}
	b.gives(`return select(3, tcp.connect("h", 25, { tls = false }))`, "tls")
	if got.TLS != nil {
		t.Errorf("tls = false gave %+v", got.TLS)
	}
}
