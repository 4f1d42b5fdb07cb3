package plugins_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// mailServer is an SMTP server that keeps what it is given.
type mailServer struct {
	port   int
	refuse map[string]bool // recipients
	busy   bool            // refuses all messages for now

	mu    sync.Mutex
	mails []mail // guarded by mu
}

type mail struct {
	login string // argument of AUTH
	to    []string
	text  string // header and body, with \n
}

func newMailServer(t testing.TB) *mailServer {
	s := &mailServer{refuse: map[string]bool{}}
	s.port = listen(t, s.serve)
	return s
}

func (s *mailServer) taken() []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

func (s *mailServer) serve(c net.Conn) {
	r := bufio.NewReader(c)
	say := func(text string) { fmt.Fprint(c, text+"\r\n") }
	var m mail
	say("220 test ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		switch verb, rest, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO":
			say("250-test\r\n250 AUTH PLAIN LOGIN")
		case "AUTH":
			m.login = rest
			say("235 welcome")
		case "MAIL":
			if s.busy {
				say("451 try again later")
				continue
			}
			say("250 ok")
		case "RCPT":
			address := strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			if s.refuse[address] {
				say("550 no such user")
				continue
			}
			m.to = append(m.to, address)
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line = strings.TrimRight(line, "\r\n"); line == "." {
					break
				}
				text.WriteString(line + "\n")
			}
			m.text = text.String()
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			m = mail{login: m.login}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
