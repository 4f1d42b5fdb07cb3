package host

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// newNet returns a Net whose options were changed by edit.
func newNet(t *testing.T, edit func(*Options)) *Net {
	t.Helper()
	o := DefaultOptions()
	if edit != nil {
		edit(&o)
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// wantError fails unless err is an *Error of a kind, whose message holds text
// and none of the words of Go's packages.
func wantError(t *testing.T, err error, kind Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want %s: %s", kind, text)
	}
	if KindOf(err) != kind || !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %q of kind %q, want %q with %q", err, KindOf(err), kind, text)
	}
	for _, noise := range []string{"dial tcp", "read tcp", "write tcp", "x509:", "net/http", "syscall", "i/o timeout", "lookup "} {
		if strings.Contains(err.Error(), noise) {
			t.Errorf("error %q holds %q", err, noise)
		}
	}
}

// listen serves each connection to a loopback port with serve, and returns the port.
func listen(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// closedPort returns a port on which nothing listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// hang keeps a connection open until the other side closes it.
func hang(conn net.Conn) {
	var b [512]byte
	for {
		if _, err := conn.Read(b[:]); err != nil {
			return
		}
	}
}

// identity is a certificate made for a test.
type identity struct {
	pair            tls.Certificate
	certPEM, keyPEM string
}

// newIdentity makes a self-signed certificate for names that is valid between two times.
func newIdentity(t *testing.T, notBefore, notAfter time.Time, names ...string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "test " + names[0]},
		NotBefore:    notBefore, NotAfter: notAfter,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id := identity{
		certPEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		keyPEM:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
	}
	if id.pair, err = tls.X509KeyPair([]byte(id.certPEM), []byte(id.keyPEM)); err != nil {
		t.Fatal(err)
	}
	return id
}

// valid is an identity for loopback that is valid now.
func valid(t *testing.T) identity {
	t.Helper()
	return newIdentity(t, time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour), "127.0.0.1", "localhost", "svc.test")
}

// resolveTo answers every name with the same addresses.
func resolveTo(addrs ...string) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		var list []netip.Addr
		for _, a := range addrs {
			list = append(list, netip.MustParseAddr(a))
		}
		return list, nil
	}
}
