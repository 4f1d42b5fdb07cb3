package plugins_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

// selfSigned makes a certificate for 127.0.0.1 and moon.example.
func selfSigned(t *testing.T, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "moon.example"}, NotBefore: from, NotAfter: to,
		DNSNames: []string{"moon.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// secure ends a plain dialogue in a TLS handshake.
func secure(c net.Conn, certificate tls.Certificate) {
	_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}}).Handshake() // the client's verdict is what counts
}

// talk answers each line of the client with the next reply.
func talk(c net.Conn, greeting string, replies ...string) {
	fmt.Fprint(c, greeting)
	one := make([]byte, 1)
	for _, reply := range replies {
		for one[0] != '\n' {
			if _, err := c.Read(one); err != nil {
				return
			}
		}
		one[0] = 0
		fmt.Fprint(c, reply)
	}
}

func TestTLSCertificate(t *testing.T) {
	t.Parallel()
	from := time.Now().Add(-time.Hour).Truncate(time.Second)
	until := from.AddDate(0, 0, 100)
	certificate := selfSigned(t, from, until)
	dialogues := map[string]func(net.Conn){
		"": func(net.Conn) {},
		"smtp": func(c net.Conn) {
			talk(c, "220-hello\r\n220 mail ESMTP\r\n", "250-mail\r\n250 STARTTLS\r\n", "220 go ahead\r\n")
		},
		"imap": func(c net.Conn) { talk(c, "* OK ready\r\n", "* CAPABILITY IMAP4\r\na1 OK begin TLS\r\n") },
		"pop3": func(c net.Conn) { talk(c, "+OK ready\r\n", "+OK begin\r\n") },
		"ftp":  func(c net.Conn) { talk(c, "220 ready\r\n", "234 proceed\r\n") },
		"postgresql": func(c net.Conn) {
			if _, err := c.Read(make([]byte, 8)); err == nil {
				fmt.Fprint(c, "S")
			}
		},
	}
	b := newBench(t, nil)
	config := func(port int, more map[string]any) map[string]any {
		return with(map[string]any{"host": "127.0.0.1", "port": port, "verify": false}, more)
	}
	for protocol, dialogue := range dialogues {
		t.Run("starttls "+protocol, func(t *testing.T) {
			port := listen(t, func(c net.Conn) { dialogue(c); secure(c, certificate) })
			got := b.run("tls_certificate", check{config: config(port, map[string]any{"starttls": protocol})})
			verdict{message: "Valid until " + until.UTC().Format("2006-01-02")}.compare(t, got)
			if m, _ := metric(got, "days_left"); m.Value < 98 || m.Value > 100 || m.Unit != "days" || *m.Warn != 30 || *m.Fail != 7 {
				t.Errorf("got metric %+v", m)
			}
		})
	}

	port := listen(t, func(c net.Conn) { secure(c, certificate) })
	day := 24 * time.Hour
	for _, tt := range []struct {
		name   string
		now    time.Time
		config map[string]any
		want   verdict
	}{
		{name: "not trusted", config: map[string]any{"verify": true}, want: verdict{err: "Certificate is not trusted: ", raw: "subject: CN=moon.example"}},
		{name: "another name", config: map[string]any{"verify": true, "server_name": "sun.example"}, want: verdict{err: "Certificate is not trusted: "}},
		{name: "in good time", now: until.Add(-31 * day)},
		{name: "warns", now: until.Add(-29*day - time.Hour), want: verdict{err: "Certificate expires in 29 days (fewer than 30)", severity: engine.StatusWarning, raw: "names: moon.example"}},
		{name: "warns of its own", now: until.Add(-31 * day), config: map[string]any{"warn_days": 60}, want: verdict{err: "Certificate expires in 31 days (fewer than 60)", severity: engine.StatusWarning}},
		{name: "fails", now: until.Add(-day - time.Hour), want: verdict{err: "Certificate expires in 1 day (fewer than 7)"}},
		{name: "expired", now: until.Add(3*day + time.Hour), want: verdict{err: "Certificate expired 3 days ago"}},
		{name: "too early", now: from.Add(-time.Hour), want: verdict{err: "Certificate is not valid before " + from.UTC().Format("2006-01-02")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.now = tt.now
			defer func() { b.now = time.Time{} }()
			tt.want.compare(t, b.run("tls_certificate", check{config: config(port, tt.config)}))
		})
	}

	plain := listen(t, func(c net.Conn) { talk(c, "220 mail\r\n", "250 mail\r\n", "454 not today\r\n") })
	verdict{err: "No certificate: the server does not offer TLS: 454 not today"}.compare(t, b.run("tls_certificate", check{config: config(plain, map[string]any{"starttls": "smtp"})}))
	for name, port := range faulty(t) {
		for _, protocol := range []string{"", "imap"} {
			t.Run(name+" "+protocol, func(t *testing.T) {
				t.Parallel()
				got := b.run("tls_certificate", check{config: config(port, map[string]any{"starttls": protocol}), timeout: short})
				verdict{err: "No certificate: "}.compare(t, got)
			})
		}
	}
}

func TestTLSCertificateConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"host": "moon.example"}
	values := b.checkConfig(t, "tls_certificate", good, complaint{nil, ""}, complaint{map[string]any{"host": nil}, "host"}, complaint{map[string]any{"port": 0}, "port"},
		complaint{map[string]any{"starttls": "xmpp"}, "starttls"}, complaint{map[string]any{"warn_days": -1}, "warn_days"}, complaint{map[string]any{"fail_days": 31}, "fail_days"})
	if fmt.Sprint(values["port"], values["warn_days"], values["fail_days"], values["verify"]) != "443 30 7 true" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "tls_certificate", with(good, map[string]any{"server_name": "sun.example"})); !strings.HasPrefix(got, "Certificate of moon.example port 443 for sun.example") {
		t.Errorf("got description %q", got)
	}
}

func privateKey(t *testing.T, certificate tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
