package plugins_test

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// listen serves each connection on the loopback address with fn, and returns the port.
func listen(t testing.TB, fn func(net.Conn)) int {
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
				fn(c)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTCP(t *testing.T) {
	banner := listen(t, func(c net.Conn) { fmt.Fprint(c, "220 mail.example ESMTP\r\n"); _, _ = c.Read(make([]byte, 1)) })
	prompt := listen(t, func(c net.Conn) { fmt.Fprint(c, "login: "); _, _ = c.Read(make([]byte, 1)) })
	echo := listen(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		fmt.Fprint(c, "+"+line)
	})
	silent := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
	closing := listen(t, func(net.Conn) {})
	chatty := listen(t, func(c net.Conn) { fmt.Fprint(c, strings.Repeat("bla ", 5000)); _, _ = c.Read(make([]byte, 1)) })
	pieces := func(texts ...string) int { // sent one by one, then closed
		return listen(t, func(c net.Conn) {
			for _, text := range texts {
				fmt.Fprint(c, text)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	refused := closedPort(t)
	b := newBench(t, nil)

	for _, tt := range []struct {
		name   string
		port   int
		config map[string]any
		err    string
		raw    string
		within time.Duration // 0: a second
	}{
		{name: "connects", port: silent},
		{name: "refused", port: refused, err: fmt.Sprintf("Connection refused by 127.0.0.1:%d", refused)},
		{name: "banner", port: banner, config: map[string]any{"expect": "^220 "}},
		{name: "no line end", port: prompt, config: map[string]any{"expect": "login: $"}},
		{name: "other banner", port: banner, config: map[string]any{"expect": "^SSH-"}, err: "Failed to find match regex /^SSH-/ in answer: timed out", raw: "220 mail.example"},
		{name: "dialogue", port: echo, config: map[string]any{"send": `PING\x21\t\\\r\n`, "expect": `^\+PING!`}},
		{name: "unexpected answer", port: echo, config: map[string]any{"send": `PING\n`, "expect": "PONG"}, err: "Failed to find match regex /PONG/ in answer: connection closed before more", raw: "+PING"},
		{name: "silent", port: silent, config: map[string]any{"expect": "x"}, err: fmt.Sprintf("No answer from 127.0.0.1:%d: timed out", silent)},
		{name: "closes", port: closing, config: map[string]any{"expect": "x"}, err: fmt.Sprintf("No answer from 127.0.0.1:%d: connection closed", closing)},
		{name: "chatty", port: chatty, config: map[string]any{"expect": "never"}, err: "Failed to find match regex /never/ in answer", raw: "bla "},
		{name: "no TLS", port: banner, config: map[string]any{"tls": true}, err: "Connection to 127.0.0.1:"},
		{name: "longer word", port: pieces("O", "K", "AY but degraded\r\n"), config: map[string]any{"expect": "^OK$"}, err: "Failed to find", raw: "OKAY"},
		{name: "longer number", port: pieces("status=1", "2 FAILED\n"), config: map[string]any{"expect": "^status=1$"}, err: "Failed to find", raw: "status=12"},
		{name: "line in pieces", port: pieces("O", "K\r", "\n"), config: map[string]any{"expect": "^OK$"}},
		{name: "ends by closing", port: pieces("O", "K"), config: map[string]any{"expect": "^OK$"}},
		{name: "lines", port: pieces(strings.Repeat("no\n", 1500)), config: map[string]any{"expect": "(x+x+)+y"}, err: "Failed to find", raw: "no\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "chatty" || tt.name == "lines" { // what is looked at in vain costs little
				started := time.Now()
				defer func() {
					if took := time.Since(started); took > 5*time.Second {
						t.Errorf("took %v", took)
					}
				}()
			}
			got := b.run("tcp", check{
				config:  with(map[string]any{"host": "127.0.0.1", "port": tt.port}, tt.config),
				timeout: cmp.Or(tt.within, time.Second),
			})
			if got.Unknown || got.TimedOut || got.Succeeded != (tt.err == "") || !strings.HasPrefix(got.Error, tt.err) || !strings.HasPrefix(got.RawData, tt.raw) {
				t.Errorf("got %+v, want error %q with %q", got, tt.err, tt.raw)
			}
			if m, ok := metric(got, "connect"); ok == strings.HasPrefix(tt.err, "Connection") {
				t.Errorf("got metric connect %+v, %v", m, ok)
			}
		})
	}
}

func TestTCPEscapes(t *testing.T) {
	lines := make(chan string, 1)
	port := listen(t, func(c net.Conn) {
		line, _ := bufio.NewReader(c).ReadString('\n')
		lines <- line
		fmt.Fprint(c, "ok")
	})
	b := newBench(t, nil)
	for send, want := range map[string]string{
		`plain\n`:    "plain\n",
		`\x41\x7a\n`: "Az\n",
		`\\x41\n`:    "\\x41\n",
		`a\tb\r\n`:   "a\tb\r\n",
		`\q\xg1\n`:   "\\q\\xg1\n",
		`\r1f\n`:     "\r1f\n",
		`\x5cn\n`:    "\\n\n",
	} {
		got := b.run("tcp", check{config: map[string]any{"host": "127.0.0.1", "port": port, "send": send, "expect": "ok"}})
		received := <-lines
		if !got.Succeeded || received != want {
			t.Errorf("%s: got %q sent, want %q (%s)", send, received, want, got.Error)
		}
	}
}

func TestTCPConfig(t *testing.T) {
	b := newBench(t, nil)
	for _, tt := range []struct {
		config map[string]any
		at     string
	}{
		{map[string]any{"host": "db", "port": 5432}, ""},
		{map[string]any{"port": 5432}, "host"},
		{map[string]any{"host": "db"}, "port"},
		{map[string]any{"host": "db", "port": 70000}, "port"},
		{map[string]any{"host": "d b", "port": 1}, "host"},
		{map[string]any{"host": "db", "port": 1, "expect": "["}, "expect"},
	} {
		_, errs := b.clean("tcp", "config_form", "c1", tt.config)
		if tt.at == "" && len(errs) > 0 || tt.at != "" && (len(errs) != 1 || errs[0].Location != tt.at) {
			t.Errorf("%v: got %+v, want a complaint at %q", tt.config, errs, tt.at)
		}
	}
	text, err := b.plugin("tcp").Describe(t.Context(), b.checkRun("tcp", check{config: map[string]any{"host": "db", "port": 25, "expect": "^220"}}))
	if err != nil || text != "TCP port 25 of db answers /^220/" {
		t.Errorf("got description %q, %v", text, err)
	}
}
