package host

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// scripted answers each line (or the first eight bytes, for "8") with the next
// text, and then speaks TLS.
func scripted(id identity, greeting string, exchange ...[2]string) func(net.Conn) {
	return func(c net.Conn) {
		io.WriteString(c, greeting)
		r := bufio.NewReader(c)
		for _, e := range exchange {
			if e[0] == "8" {
				io.ReadFull(r, make([]byte, 8))
			} else if line, _ := r.ReadString('\n'); !strings.HasPrefix(line, e[0]) {
				return
			}
			io.WriteString(c, e[1])
		}
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{id.pair}})
		s.Handshake()
		hang(s)
	}
}

func TestCertificate(t *testing.T) {
	id := valid(t)
	old := newIdentity(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour), "127.0.0.1")
	tests := []struct {
		name, starttls string
		serve          func(net.Conn)
		kind           Kind
		text           string // of the error, or of verify_error
	}{
		{"direct", "", scripted(id, ""), "", "signed by an unknown authority"},
		{"expired", "", scripted(old, ""), "", "expired on"},
		{"smtp", "smtp", scripted(id, "220-a\r\n220 b\r\n", [2]string{"EHLO", "250-x\r\n250 STARTTLS\r\n"}, [2]string{"STARTTLS", "220 go\r\n"}), "", "unknown authority"},
		{"imap", "imap", scripted(id, "* OK ready\r\n", [2]string{"a1 STARTTLS", "* info\r\na1 OK begin\r\n"}), "", "unknown authority"},
		{"pop3", "pop3", scripted(id, "+OK ready\r\n", [2]string{"STLS", "+OK begin\r\n"}), "", "unknown authority"},
		{"ftp", "ftp", scripted(id, "220 ready\r\n", [2]string{"AUTH TLS", "234 go\r\n"}), "", "unknown authority"},
		{"postgresql", "postgresql", scripted(id, "", [2]string{"8", "S"}), "", "unknown authority"},
		{"postgresql without TLS", "postgresql", scripted(id, "", [2]string{"8", "N"}), Protocol, "does not offer TLS"},
		{"smtp without TLS", "smtp", scripted(id, "220 a\r\n", [2]string{"EHLO", "250 x\r\n"}, [2]string{"STARTTLS", "502 no\r\n"}), Protocol, "does not offer TLS: 502 no"},
		{"imap without TLS", "imap", scripted(id, "* OK\r\n", [2]string{"a1", "a1 BAD what\r\n"}), Protocol, "BAD what"},
		{"pop3 without TLS", "pop3", scripted(id, "+OK\r\n", [2]string{"STLS", "-ERR no\r\n"}), Protocol, "-ERR no"},
		{"ftp, words that begin with digits", "ftp", scripted(id, "220-Welcome\r\n331 people are here\r\n220-ten\r\n220 ready\r\n", [2]string{"AUTH TLS", "234 go\r\n"}), "", "unknown authority"},
		{"ftp asks for patience", "ftp", scripted(id, "120 soon\r\n220 ready\r\n", [2]string{"AUTH TLS", "234 go\r\n"}), "", "unknown authority"},
		{"ftp is full", "ftp", scripted(id, "421 too many connections\r\n"), Refused, "refuses the connection: 421 too many connections"},
		{"ftp gives up", "ftp", scripted(id, "220 a\r\n", [2]string{"AUTH", "421 time is up\r\n"}), Refused, "refuses the connection: 421 time is up"},
		{"ftp without TLS", "ftp", scripted(id, "220 a\r\n", [2]string{"AUTH", "500 what\r\n"}), Protocol, "does not offer TLS: 500 what"},
		{"smtp is full", "smtp", scripted(id, "421-too\r\n421 many\r\n"), Refused, "refuses the connection: 421 many"},
		{"smtp bars us", "smtp", scripted(id, "554 no\r\n"), Refused, "refuses the connection: 554 no"},
		{"smtp bars our name", "smtp", scripted(id, "220 a\r\n", [2]string{"EHLO", "421 later\r\n"}), Refused, "refuses the connection: 421 later"},
		{"smtp is no smtp", "smtp", scripted(id, "* OK imap\r\n"), Protocol, "does not speak SMTP: * OK imap"},
		{"imap is full", "imap", scripted(id, "* BYE overloaded\r\n"), Refused, "refuses the connection: * BYE overloaded"},
		{"imap goes", "imap", scripted(id, "* OK\r\n", [2]string{"a1", "* BYE going down\r\n"}), Refused, "refuses the connection: * BYE going down"},
		{"imap is logged in", "imap", scripted(id, "* PREAUTH hello\r\n"), Protocol, "does not offer TLS: * PREAUTH"},
		{"imap is no imap", "imap", scripted(id, "220 smtp\r\n"), Protocol, "does not speak IMAP: 220 smtp"},
		{"pop3 is full", "pop3", scripted(id, "-ERR busy\r\n"), Refused, "refuses the connection: -ERR busy"},
		{"pop3 is no pop3", "pop3", scripted(id, "220 ftp\r\n"), Protocol, "does not speak POP3: 220 ftp"},
		{"postgresql is full", "postgresql", scripted(id, "", [2]string{"8", "E\x00\x00\x00\x2fSFATAL\x00C53300\x00Msorry, too many clients\x00\x00"}), Refused, "refuses the connection: FATAL: sorry, too many clients"},
		{"old postgresql", "postgresql", scripted(id, "", [2]string{"8", "Eunsupported frontend\n\x00"}), Refused, "refuses the connection: unsupported frontend"},
		{"postgresql is none", "postgresql", scripted(id, "", [2]string{"8", "HTTP/1.1 400"}), Protocol, "does not speak PostgreSQL"},
		{"unknown protocol", "xmpp", scripted(id, ""), Invalid, "starttls must be"},
		{"not TLS", "", func(c net.Conn) { io.WriteString(c, "220 hello there\r\n"); hang(c) }, TLS, "does not speak TLS"},
		{"closes", "smtp", func(net.Conn) {}, Closed, "connection closed"},
		{"hangs", "smtp", hang, Timeout, "timed out"},
		{"an endless line", "smtp", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("2", 1000)); err != nil {
					return
				}
			}
		}, Protocol, "too long"},
		{"an endless greeting", "smtp", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220-x\r\n"); err != nil {
					return
				}
			}
		}, Protocol, "does not end"},
	}
	n := newNet(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := n.Certificate(within(t, 500*time.Millisecond), &CertificateRequest{
				Host: "127.0.0.1", Port: listen(t, tt.serve), StartTLS: tt.starttls,
			})
			if tt.kind != "" {
				wantError(t, err, tt.kind, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Verified || !strings.Contains(got.VerifyError, tt.text) {
				t.Errorf("verified %v, %q; want %q", got.Verified, got.VerifyError, tt.text)
			}
			if got.Subject != "CN=test 127.0.0.1" || got.NotBefore.IsZero() || got.NotAfter.IsZero() || got.Issuer == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}
