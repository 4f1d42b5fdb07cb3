package host

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is an SMTP server that refuses addresses beginning with "no".
type mailServer struct {
	id       identity
	implicit bool   // TLS from the first byte
	offer    string // extensions, one a line

	mu    sync.Mutex
	got   string   // the message; guarded by mu, as are the next two
	rcpts []string // accepted
	login string
}

func (s *mailServer) start(t *testing.T) int {
	return listen(t, func(c net.Conn) {
		if s.implicit {
			c = tls.Server(c, s.config())
		}
		s.talk(c)
	})
}

func (s *mailServer) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.id.pair}}
}

func (s *mailServer) talk(c net.Conn) {
	r := bufio.NewReader(c)
	say := func(line string) { io.WriteString(c, line+"\r\n") }
	say("220 mail.test ready")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(word) {
		case "EHLO":
			io.WriteString(c, "250-mail.test\r\n")
			for _, ext := range strings.Fields(s.offer) {
				say("250-" + strings.ReplaceAll(ext, "=", " "))
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, s.config())
			r = bufio.NewReader(c)
		case "AUTH":
			data, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			if strings.HasSuffix(string(data), "\x00wrong") {
				say("535 5.7.8 bad credentials")
				continue
			}
			s.mu.Lock()
			s.login = string(data)
			s.mu.Unlock()
			say("235 welcome")
		case "RCPT":
			if strings.HasPrefix(rest, "TO:<no") {
				say("550 5.1.1 no such user")
				continue
			}
			s.mu.Lock()
			s.rcpts = append(s.rcpts, rest)
			s.mu.Unlock()
			say("250 ok")
		case "DATA":
			say("354 go on")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			s.mu.Lock()
			s.got = b.String()
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func message(port int) Mail {
	return Mail{
		Host: "127.0.0.1", Port: port, Security: SecurityNone, From: "Moonwatch <m@test>", To: []string{"a@test"},
		Subject: "Zürich is down", Text: "text body", Headers: []HeaderField{{"X-Incident", "i-1"}},
	}
}

func TestMail(t *testing.T) {
	id := valid(t)
	tests := []struct {
		name    string
		server  *mailServer
		edit    func(*Mail)
		refused []string
		kind    Kind
		text    string
	}{
		{name: "plain"},
		{name: "some refused", edit: func(m *Mail) { m.To = []string{"no1@test", "a@test"}; m.Cc = []string{"no2@test"} },
			refused: []string{"no1@test", "no2@test"}},
		{name: "all refused", edit: func(m *Mail) { m.To = []string{"no@test"} }, refused: []string{"no@test"}, kind: Refused, text: "550 5.1.1 no such user"},
		{name: "starttls", server: &mailServer{offer: "STARTTLS"}, edit: func(m *Mail) { m.Security = SecurityStartTLS }},
		{name: "starttls not offered", edit: func(m *Mail) { m.Security = SecurityStartTLS }, kind: TLS, text: "does not offer STARTTLS"},
		{name: "starttls not trusted", server: &mailServer{offer: "STARTTLS"}, edit: func(m *Mail) { m.Security, m.TLS = SecurityStartTLS, TLSOptions{} },
			kind: TLS, text: "unknown authority"},
		{name: "tls", server: &mailServer{implicit: true}, edit: func(m *Mail) { m.Security = SecurityTLS }},
		{name: "tls with login", server: &mailServer{implicit: true, offer: "AUTH=PLAIN"},
			edit: func(m *Mail) { m.Security, m.Username, m.Password = SecurityTLS, "u", "p" }},
		{name: "starttls with login", server: &mailServer{offer: "STARTTLS AUTH=LOGIN=PLAIN"},
			edit: func(m *Mail) { m.Security, m.Username, m.Password = SecurityStartTLS, "u", "p" }},
		{name: "plain with login", server: &mailServer{offer: "AUTH=PLAIN"}, edit: func(m *Mail) { m.Username, m.Password = "u", "p" }},
		{name: "wrong password", server: &mailServer{offer: "AUTH=PLAIN"}, edit: func(m *Mail) { m.Username, m.Password = "u", "wrong" },
			kind: Denied, text: "535 5.7.8 bad credentials"},
		{name: "no login offered", edit: func(m *Mail) { m.Username = "u" }, kind: Protocol, text: "offers no login"},
		{name: "bad from", edit: func(m *Mail) { m.From = "nobody" }, kind: Invalid, text: "from is no e-mail address"},
		{name: "bad to", edit: func(m *Mail) { m.To = []string{"a@test", "b@test>\r\nX: y"} }, kind: Invalid, text: "to is no e-mail address"},
		{name: "no recipient", edit: func(m *Mail) { m.To = nil }, kind: Invalid, text: "no recipient"},
		{name: "header with a line break", edit: func(m *Mail) { m.Headers = []HeaderField{{"X", "a\r\nBcc: b"}} }, kind: Invalid, text: "line break"},
		{name: "header that is not one", edit: func(m *Mail) { m.Headers = []HeaderField{{"X Y", "a"}} }, kind: Invalid, text: "not a header name"},
		{name: "header of ours", edit: func(m *Mail) { m.Headers = []HeaderField{{"bcc", "a@test"}} }, kind: Invalid, text: "cannot be set"},
		{name: "bad security", edit: func(m *Mail) { m.Security = "ssl" }, kind: Invalid, text: "security must be"},
	}
	n := newNet(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.server == nil {
				tt.server = &mailServer{}
			}
			tt.server.id = id
			m := message(tt.server.start(t))
			m.TLS.CA = id.certPEM
			if tt.edit != nil {
				tt.edit(&m)
			}
			refused, err := n.Mail(within(t, 5*time.Second), &m)
			if strings.Join(refused, " ") != strings.Join(tt.refused, " ") {
				t.Errorf("refused %v, want %v", refused, tt.refused)
			}
			if tt.kind != "" {
				wantError(t, err, tt.kind, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.server.mu.Lock()
			defer tt.server.mu.Unlock()
			got, err := mail.ReadMessage(strings.NewReader(tt.server.got))
			if err != nil {
				t.Fatalf("the message cannot be read: %v", err)
			}
			if got.Header.Get("X-Incident") != "i-1" || got.Header.Get("Message-Id") == "" || got.Header.Get("Date") == "" {
				t.Errorf("headers: %v", got.Header)
			}
			if m.Username != "" && tt.server.login != "\x00u\x00p" {
				t.Errorf("login %q", tt.server.login)
			}
		})
	}
}

func TestMailBothBodies(t *testing.T) {
	s := &mailServer{}
	m := message(s.start(t))
	m.HTML = "<b>html body</b>"
	m.Subject = "a\r\nBcc: evil@test"
	if _, err := newNet(t, nil).Mail(within(t, 5*time.Second), &m); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	got, err := mail.ReadMessage(strings.NewReader(s.got))
	if err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Bcc") != "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/alternative") {
		t.Errorf("headers: %v", got.Header)
	}
	for _, part := range []string{"text body", "html body"} {
		if !strings.Contains(s.got, part) {
			t.Errorf("the message has no %q", part)
		}
	}
}

func TestMailBadServers(t *testing.T) {
	n := newNet(t, nil)
	tests := []struct {
		name  string
		serve func(net.Conn)
		kind  Kind
		text  string
	}{
		{"hangs", hang, Timeout, "timed out"},
		{"closes", func(net.Conn) {}, Closed, "connection closed"},
		{"busy", func(c net.Conn) { io.WriteString(c, "421 try later\r\n"); hang(c) }, Refused, "421 try later"},
		{"not SMTP", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n") }, Protocol, "unexpected answer"},
		{"an endless line", func(c net.Conn) {
			for {
				if _, err := fmt.Fprint(c, strings.Repeat("2", 4096)); err != nil {
					return
				}
			}
		}, TooLarge, "says too much"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message(listen(t, tt.serve))
			_, err := n.Mail(within(t, 300*time.Millisecond), &m)
			wantError(t, err, tt.kind, tt.text)
		})
	}
	m := message(closedPort(t))
	_, err := n.Mail(within(t, time.Second), &m)
	wantError(t, err, Refused, "connection refused by")
}
