package plugins_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

func TestBanner(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, tt := range []struct {
		name, protocol, greeting string
		replies                  []string
		config                   map[string]any
		want                     verdict
		said                     string // what the client must have said, in the raw data
	}{
		{name: "SMTP", protocol: "smtp", greeting: "220 mail.example ESMTP Postfix\r\n", replies: []string{"250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n"},
			want: verdict{message: "220 mail.example ESMTP Postfix", raw: "220 mail.example ESMTP Postfix\n> EHLO moonwatch\n250-mail.example\n250-STARTTLS\n250 HELP\n> QUIT"}},
		{name: "SMTP in lines", protocol: "smtp", greeting: "220-welcome\r\n220 mail.example\r\n", replies: []string{"250 ok\r\n"}, want: verdict{message: "220 mail.example"}},
		{name: "SMTP busy", protocol: "smtp", greeting: "421 too busy\r\n", want: verdict{err: "Unexpected greeting: 421 too busy", raw: "421"}},
		{name: "SMTP refuses", protocol: "smtp", greeting: "220 mail\r\n", replies: []string{"502 what\r\n"}, want: verdict{err: "Unexpected answer to EHLO: 502 what"}},
		{name: "SMTP hangs", protocol: "smtp", greeting: "220 mail\r\n", replies: []string{"250-mail\r\n"}, want: verdict{err: "No answer to EHLO: timed out", raw: "250-mail"}},
		{name: "SMTP with TLS", protocol: "smtp", greeting: "220 mail\r\n", replies: []string{"250-mail\r\n250 STARTTLS\r\n"}, config: map[string]any{"expect": "(?m)^250[ -]STARTTLS$"}, want: verdict{message: "220 mail"}},
		{name: "SMTP without", protocol: "smtp", greeting: "220 mail\r\n", replies: []string{"250 mail\r\n"}, config: map[string]any{"expect": "STARTTLS"}, want: verdict{err: "Failed to find match regex /STARTTLS/ in the dialogue", raw: "> QUIT"}},
		{name: "what we said does not count", protocol: "smtp", greeting: "220 mail\r\n", replies: []string{"250 mail\r\n"}, config: map[string]any{"expect": "moonwatch"}, want: verdict{err: "Failed to find match regex /moonwatch/ in the dialogue"}},
		{name: "endless", protocol: "smtp", greeting: strings.Repeat("220-more\r\n", 200), want: verdict{err: "The greeting does not end"}},
		{name: "IMAP", protocol: "imap", greeting: "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", replies: []string{"* CAPABILITY IMAP4rev1\r\na1 OK done\r\n"},
			want: verdict{message: "* OK [CAPABILITY", raw: "> a1 CAPABILITY\n* CAPABILITY IMAP4rev1\na1 OK done\n> a2 LOGOUT"}},
		{name: "IMAP bye", protocol: "imap", greeting: "* BYE overloaded\r\n", want: verdict{err: "Unexpected greeting: * BYE overloaded"}},
		{name: "IMAP bad", protocol: "imap", greeting: "* OK\r\n", replies: []string{"a1 BAD what\r\n"}, want: verdict{err: "Unexpected answer to CAPABILITY: a1 BAD what"}},
		{name: "POP3", protocol: "pop3", greeting: "+OK ready\r\n", want: verdict{message: "+OK ready"}},
		{name: "POP3 not", protocol: "pop3", greeting: "-ERR locked\r\n", want: verdict{err: "Unexpected greeting: -ERR locked"}},
		{name: "FTP", protocol: "ftp", greeting: "220-Welcome\r\n to us\r\n331 is no code here\r\n220 ready\r\n", want: verdict{message: "220 ready", raw: " to us"}},
		{name: "FTP closed", protocol: "ftp", greeting: "421 Service not available\r\n", want: verdict{err: "Unexpected greeting: 421"}},
		{name: "SSH", protocol: "ssh", greeting: "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", want: verdict{message: "SSH-2.0-OpenSSH_9.2p1", raw: "> SSH-2.0-moonwatch"}},
		{name: "SSH after lines", protocol: "ssh", greeting: "Authorized use only\r\nSee you\r\nSSH-2.0-dropbear\n", config: map[string]any{"expect": "dropbear"}, want: verdict{message: "SSH-2.0-dropbear"}},
		{name: "SSH 1", protocol: "ssh", greeting: "SSH-1.5-old\r\n", want: verdict{err: "Unexpected greeting: SSH-1.5-old"}},
		{name: "HTTP for FTP", protocol: "ftp", greeting: "HTTP/1.1 400 Bad Request\r\n\r\n", want: verdict{err: "Unexpected greeting: HTTP/1.1 400 Bad Request"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			port := listen(t, func(c net.Conn) {
				talk(c, tt.greeting, tt.replies...)
				_, _ = c.Read(make([]byte, 100))
				time.Sleep(short)
			})
			got := b.run("banner", check{timeout: tt.want.patience(), config: with(map[string]any{"protocol": tt.protocol, "host": "127.0.0.1", "port": port}, tt.config)})
			tt.want.compare(t, got)
			if _, ok := metric(got, "dialogue"); ok != (tt.want.err == "" || strings.HasPrefix(tt.want.err, "Failed to find")) {
				t.Errorf("got metrics %+v", got.Metrics)
			}
		})
	}
	for name, port := range faulty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where := fmt.Sprintf("127.0.0.1:%d", port)
			want := map[string]string{"refused": "Connection refused by " + where, "silent": "No greeting from " + where + ": timed out", "closing": "No greeting from " + where + ": timed out", "babbling": "Unexpected greeting: "}[name]
			verdict{err: want}.compare(t, b.run("banner", check{timeout: verdict{err: want}.patience(), config: map[string]any{"protocol": "smtp", "host": "127.0.0.1", "port": port}}))
		})
	}
	certificate := selfSigned(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	port := listen(t, func(c net.Conn) {
		talk(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}}), "* OK ready\r\n", "a1 OK\r\n")
	})
	config := map[string]any{"protocol": "imap", "host": "127.0.0.1", "port": port, "tls": true}
	verdict{err: fmt.Sprintf("Connection to 127.0.0.1:%d failed: the certificate", port)}.compare(t, b.run("banner", check{config: config}))
	verdict{message: "* OK ready"}.compare(t, b.run("banner", check{config: with(config, map[string]any{"verify": false})}))
}

func TestBannerServer(t *testing.T) {
	t.Parallel()
	sshd, keygen := program(t, "sshd"), program(t, "ssh-keygen")
	dir, port := serverDir(t), serverPort(t)
	must(t, unprivileged(t, dir, keygen, "-q", "-t", "ed25519", "-N", "", "-f", dir+"/key"))
	serve(t, port, unprivileged(t, dir, sshd, "-D", "-e", "-f", "/dev/null", "-h", dir+"/key", "-p", fmt.Sprint(port), "-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"))
	b := newBench(t, nil)
	config := map[string]any{"protocol": "ssh", "host": "127.0.0.1", "port": port}
	verdict{message: "SSH-2.0-OpenSSH_"}.compare(t, b.run("banner", check{config: config}))
	verdict{err: "Unexpected greeting: SSH-2.0-OpenSSH_"}.compare(t, b.run("banner", check{config: with(config, map[string]any{"protocol": "smtp"})}))
}

func TestBannerConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"protocol": "smtp", "host": "mail"}
	b.checkConfig(t, "banner", good, complaint{nil, ""}, complaint{map[string]any{"protocol": "nntp"}, "protocol"}, complaint{map[string]any{"host": nil}, "host"},
		complaint{map[string]any{"port": -1}, "port"}, complaint{map[string]any{"expect": "["}, "expect"})
	if got := b.description(t, "banner", with(good, map[string]any{"port": 587})); got != "SMTP greeting of mail port 587" {
		t.Errorf("got description %q", got)
	}
}
