package host

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serial atomic.Int64

// issue makes a certificate that parent signs; of a nil parent it is a root.
// With server it is one for svc.test, else one that signs others.
func issue(t *testing.T, name string, parent *authority, from, until time.Time, server bool) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueFor(t, name, key, parent, from, until, server)
}

func issueFor(t *testing.T, name string, key *ecdsa.PrivateKey, parent *authority, from, until time.Time, server bool) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: until, BasicConstraintsValid: true, IsCA: !server, KeyUsage: x509.KeyUsageCertSign,
	}
	if server {
		template.KeyUsage, template.DNSNames = x509.KeyUsageDigitalSignature, []string{"svc.test"}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	signer := &authority{template, key}
	if parent != nil {
		signer = parent
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// withSHA1 is a certificate that an RSA root signs with SHA-1, which Go no
// longer makes.
func withSHA1(t *testing.T, from, until time.Time) (leaf *authority, root *x509.Certificate) {
	t.Helper()
	rootKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: "Old Root"}, NotBefore: from, NotAfter: until,
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rootKey.PublicKey, rootKey)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := &x509.Certificate{SerialNumber: big.NewInt(serial.Add(1)), Subject: pkix.Name{CommonName: "svc"}, NotBefore: from, NotAfter: until, DNSNames: []string{"svc.test"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, SignatureAlgorithm: x509.SHA256WithRSA}
	if der, err = x509.CreateCertificate(rand.Reader, server, root, &key.PublicKey, rootKey); err != nil {
		t.Fatal(err)
	}
	// Name SHA-1 in the place of SHA-256, and sign again.
	oldName := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}
	var whole struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &whole); err != nil {
		t.Fatal(err)
	}
	sha256Name, _ := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
	sha1Name, _ := asn1.Marshal(oldName)
	tbs := []byte(strings.Replace(string(whole.TBS.FullBytes), string(sha256Name), string(sha1Name), 1))
	digest := sha1.Sum(tbs)
	signature, err := rsa.SignPKCS1v15(rand.Reader, rootKey, 3 /* crypto.SHA1 */, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	whole.TBS, whole.Algorithm.Algorithm = asn1.RawValue{FullBytes: tbs}, oldName
	whole.Signature = asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	if der, err = asn1.Marshal(whole); err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}, root
}

func pemOf(certs ...*x509.Certificate) string {
	var b strings.Builder
	for _, cert := range certs {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	}
	return b.String()
}

// serveTLS answers every request over TLS with a chain.
func serveTLS(t *testing.T, change func(*tls.Config), leaf *authority, others ...*authority) int {
	t.Helper()
	pair := tls.Certificate{PrivateKey: leaf.key, Certificate: [][]byte{leaf.cert.Raw}}
	for _, a := range others {
		pair.Certificate = append(pair.Certificate, a.cert.Raw)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if change != nil {
		change(config)
	}
	return listen(t, func(c net.Conn) {
		s := tls.Server(c, config)
		buffer := make([]byte, 4096)
		for {
			if _, err := s.Read(buffer); err != nil {
				return
			}
			if _, err := s.Write([]byte(okAnswer)); err != nil {
				return
			}
		}
	})
}

// TestChains holds what is said of chains: which certificate ends first, and
// which one is at fault.
func TestChains(t *testing.T) {
	now, day := time.Now(), 24*time.Hour
	at := func(days int) time.Time { return now.Add(time.Duration(days) * day).Truncate(time.Second) }
	root := issue(t, "Root", nil, at(-900), at(900), false)
	other := issue(t, "Other Root", nil, at(-900), at(900), false)
	oldRoot := issue(t, "Old Root", nil, at(-900), at(-1), false)
	inter := issue(t, "Inter", root, at(-900), at(5), false)
	late := issue(t, "Late", root, at(-900), at(-3), false)
	early := issue(t, "Early", root, at(3), at(900), false)
	unneeded := issueFor(t, "Inter", inter.key, other, at(-900), at(-2), false) // the same authority under a root that nobody needs
	longer := issueFor(t, "Inter", inter.key, other, at(-900), at(60), false)
	leaf := issue(t, "svc", inter, at(-10), at(90), true)
	weak, weakRoot := withSHA1(t, at(-10), at(90))
	self := issue(t, "self", nil, at(-10), at(90), true)
	tests := []struct {
		name   string
		roots  string
		leaf   *authority
		others []*authority
		expiry string // subject and days
		err    string
	}{
		{"an intermediate ends first", pemOf(root.cert), leaf, []*authority{inter}, "CN=Inter 5", ""},
		{"the leaf ends first", pemOf(root.cert), issue(t, "svc", inter, at(-10), at(2), true), []*authority{inter}, "CN=svc 2", ""},
		{"the root ends first", pemOf(issueFor(t, "Root", root.key, nil, at(-900), at(1), false).cert), leaf, []*authority{inter}, "CN=Root 1", ""},
		{"one that nobody needs has ended", pemOf(root.cert, other.cert), leaf, []*authority{inter, unneeded}, "CN=Inter 5", ""},
		{"of two chains the better", pemOf(root.cert, other.cert), leaf, []*authority{inter, longer}, "CN=Inter 60", ""},
		{"a stranger that has ended is sent along", pemOf(root.cert), leaf, []*authority{inter, late}, "CN=Inter 5", ""},
		{"expired intermediate", pemOf(root.cert), issue(t, "svc", late, at(-10), at(90), true), []*authority{late}, "",
			"the intermediate certificate CN=Late of HOST expired on " + at(-3).UTC().Format(time.DateOnly)},
		{"intermediate to come", pemOf(root.cert), issue(t, "svc", early, at(-10), at(90), true), []*authority{early}, "",
			"the intermediate certificate CN=Early of HOST is not valid before " + at(3).UTC().Format(time.DateOnly)},
		{"expired root", pemOf(oldRoot.cert), issue(t, "svc", oldRoot, at(-10), at(90), true), nil, "",
			"the root certificate CN=Old Root of HOST expired on " + at(-1).UTC().Format(time.DateOnly)},
		{"expired leaf", pemOf(root.cert), issue(t, "svc", inter, at(-10), at(-4), true), []*authority{inter}, "",
			"the certificate of HOST expired on " + at(-4).UTC().Format(time.DateOnly)},
		{"missing intermediate", pemOf(root.cert), leaf, nil, "",
			"the certificate of HOST is signed by CN=Inter, an unknown authority whose certificate the server does not send: an intermediate certificate is missing"},
		{"unknown root", pemOf(other.cert), leaf, []*authority{inter}, "", "the certificate of HOST is signed by an unknown authority, CN=Root"},
		{"unknown root, sent along", pemOf(other.cert), leaf, []*authority{inter, root}, "", "the certificate of HOST is signed by an unknown authority, CN=Root"},
		{"self-signed", pemOf(root.cert), self, nil, "", "the certificate of HOST is self-signed"},
		{"SHA-1", pemOf(weakRoot), weak, nil, "", "the certificate of HOST is signed with SHA-1"},
	}
	n := newNet(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := fmt.Sprintf("127.0.0.1:%d", serveTLS(t, nil, tt.leaf, tt.others...))
			resp, err := n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: "https://svc.test/", ConnectTo: target, TLS: TLSOptions{CA: tt.roots}})
			if tt.err != "" {
				wantError(t, err, TLS, strings.ReplaceAll(tt.err, "HOST", target))
				// Unverified, the leaf alone counts, and only it.
				resp, err = n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: "https://svc.test/", ConnectTo: target, TLS: TLSOptions{CA: tt.roots, Insecure: true}})
				if err != nil || resp.TLS.Verified || !resp.Expiry.Leaf || !resp.Expiry.At.Equal(tt.leaf.cert.NotAfter) {
					t.Errorf("unverified: %+v, %v", resp, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %d", resp.Expiry.Subject, int(resp.Expiry.At.Sub(now).Hours()/24+0.5))
			if got != tt.expiry || resp.Expiry.Host != "svc.test" || resp.Expiry.Leaf != strings.HasPrefix(got, "CN=svc") {
				t.Errorf("got %s %+v, want %s", got, resp.Expiry, tt.expiry)
			}
			if !resp.TLS.NotAfter.Equal(tt.leaf.cert.NotAfter) {
				t.Errorf("not_after is %v, want the leaf's", resp.TLS.NotAfter)
			}
		})
	}
}

// TestExpiryOverAllHops names the host whose certificate ends first.
func TestExpiryOverAllHops(t *testing.T) {
	s := NewStub(time.Now())
	soon, later := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	hop := func(url, next string, at time.Time) {
		r := &HTTPResponse{Status: 302, Header: map[string][]string{"Location": {next}}}
		if next == "" {
			r.Status = 200
		}
		if !at.IsZero() {
			r.TLS = &TLSState{NotAfter: at, Subject: "CN=" + url}
		}
		s.OnHTTP("GET", url, r, nil)
	}
	hop("https://a.test/", "https://b.test/", later)
	hop("https://b.test/", "http://c.test/", soon)
	hop("http://c.test/", "", time.Time{})
	resp, err := s.HTTP(t.Context(), &HTTPRequest{URL: "https://a.test/", Redirects: 5})
	if err != nil || resp.Expiry == nil || resp.Expiry.Host != "b.test" || !resp.Expiry.At.Equal(soon) {
		t.Errorf("got %+v, %v", resp, err)
	}
	resp, err = s.HTTP(t.Context(), &HTTPRequest{URL: "http://c.test/", Redirects: 5})
	if err != nil || resp.Expiry != nil {
		t.Errorf("without TLS: %+v, %v", resp, err)
	}
}

// TestClientCertificateDemanded holds that a server's own certificate is told
// also when the server hangs up for want of one of ours.
func TestClientCertificateDemanded(t *testing.T) {
	leaf := issue(t, "svc", nil, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true)
	n := newNet(t, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		port := serveTLS(t, func(c *tls.Config) {
			c.ClientAuth, c.MinVersion, c.MaxVersion = tls.RequireAnyClientCert, version, version
		}, leaf)
		cert, err := n.Certificate(within(t, 5*time.Second), &CertificateRequest{Host: "127.0.0.1", Port: port, ServerName: "svc.test"})
		if err != nil || cert.Subject != "CN=svc" || !cert.NotAfter.Equal(leaf.cert.NotAfter) || !cert.Expiry.At.Equal(leaf.cert.NotAfter) {
			t.Errorf("%s: got %+v, %v", tls.VersionName(version), cert, err)
		}
		_, err = n.HTTP(within(t, 5*time.Second), &HTTPRequest{URL: fmt.Sprintf("https://127.0.0.1:%d/", port), TLS: TLSOptions{Insecure: true}})
		wantError(t, err, TLS, "certificate")
		if version == tls.VersionTLS12 {
			wantError(t, err, TLS, "it demands a client certificate")
		}
	}
}
