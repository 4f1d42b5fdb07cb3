package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

// check refuses options that no server could need.
func (o *TLSOptions) check() error {
	for _, pem := range [...]struct{ name, text string }{{"ca", o.CA}, {"client_cert", o.ClientCert}, {"client_key", o.ClientKey}} {
		if len(pem.text) > MaxPEM {
			return &Error{Invalid, pem.name + " is longer than " + strconv.Itoa(MaxPEM>>10) + " KB"}
		}
	}
	if len(o.ServerName) > 255 {
		return &Error{Invalid, "server_name is longer than 255 bytes"}
	}
	return nil
}

// config builds the settings of one connection of a TLS client to host.
func (o *TLSOptions) config(host string) (*tls.Config, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.ServerName != "" {
		host = o.ServerName
	}
	name, err := asciiName(host)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{ServerName: name, InsecureSkipVerify: o.Insecure}
	if o.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return nil, &Error{Invalid, "ca holds no certificate in PEM"}
		}
	}
	if o.ClientCert != "" || o.ClientKey != "" {
		pair, err := tls.X509KeyPair([]byte(o.ClientCert), []byte(o.ClientKey))
		if err != nil {
			return nil, &Error{Invalid, "client_cert and client_key cannot be used: " + plain(err)}
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// handshake makes a TLS connection of conn, and closes conn when that fails.
// config is this connection's own.
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, target string) (*tls.Conn, error) {
	asked := false // for a certificate of ours, when we have none
	if len(config.Certificates) == 0 {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return new(tls.Certificate), nil
		}
	}
	secure := tls.Client(conn, config)
	err := secure.HandshakeContext(ctx)
	if err == nil {
		return secure, nil
	}
	conn.Close()
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) && ctx.Err() == nil && len(untrusted.UnverifiedCertificates) > 0 {
		return nil, explainChain(untrusted.UnverifiedCertificates, config.RootCAs, config.ServerName, target, untrusted.Err)
	}
	var alert *net.OpError
	if asked && errors.As(err, &alert) && alert.Op == "remote error" {
		return nil, &unasked{Error{TLS, target + " ended the TLS handshake: " + plain(alert.Err) + " (it demands a client certificate)"}}
	}
	return nil, explain(ctx, err, target)
}

// unasked is the error of a handshake that a server ended for want of a client
// certificate. Until then it has proved that its own certificate is its own.
type unasked struct{ reason Error }

// Error returns the message.
func (e *unasked) Error() string { return e.reason.Message }

// Unwrap returns the error as others see it.
func (e *unasked) Unwrap() error { return &e.reason }

// verify checks the certificates of a server against roots (nil: the system's)
// and the name that was asked for, as of now.
func verify(certs []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) ([][]*x509.Certificate, error) {
	options := x509.VerifyOptions{Roots: roots, DNSName: strings.Trim(name, "[]"), Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, cert := range certs[1:] {
		options.Intermediates.AddCert(cert)
	}
	return certs[0].Verify(options)
}

// firstToEnd returns the certificate that ends first in the chain that is good
// for longest. What is only in other chains nobody needs.
func firstToEnd(chains [][]*x509.Certificate) *x509.Certificate {
	var best *x509.Certificate
	for _, chain := range chains {
		first := chain[0]
		for _, cert := range chain[1:] {
			if cert.NotAfter.Before(first.NotAfter) {
				first = cert
			}
		}
		if best == nil || first.NotAfter.After(best.NotAfter) {
			best = first
		}
	}
	return best
}

// expiryOf says when the first certificate ends that a server's connections need.
// Without a verified chain it is the server's own.
func expiryOf(leaf *x509.Certificate, chains [][]*x509.Certificate) Expiry {
	first := firstToEnd(chains)
	if first == nil {
		first = leaf
	}
	return Expiry{At: first.NotAfter, Subject: first.Subject.String(), Leaf: first.Equal(leaf)}
}

// describeTLS says what a response's TLS connection is worth.
func describeTLS(state *tls.ConnectionState, config *tls.Config) *TLSState {
	if len(state.PeerCertificates) == 0 {
		return &TLSState{}
	}
	leaf, chains := state.PeerCertificates[0], state.VerifiedChains
	if len(chains) == 0 {
		chains, _ = verify(state.PeerCertificates, config.RootCAs, config.ServerName, time.Now())
	}
	return &TLSState{
		NotAfter: leaf.NotAfter,
		Issuer:   leaf.Issuer.String(),
		Subject:  leaf.Subject.String(),
		DNSNames: leaf.DNSNames,
		Verified: len(chains) > 0,
		Expiry:   expiryOf(leaf, chains),
	}
}

// Certificate returns the certificate that a server shows, trusted or not, and
// also when the server wants to see one of ours before it goes on.
func (n *Net) Certificate(ctx context.Context, req *CertificateRequest) (*Certificate, error) {
	name := req.ServerName
	if name == "" {
		name = req.Host
	}
	name, err := asciiName(name)
	if err != nil {
		return nil, err
	}
	target := hostPort(req.Host, req.Port)
	conn, err := n.dial(ctx, req.Host, req.Port, new(dialTimes))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := bindDeadline(ctx, conn)
	defer stop()
	if err := startTLS(conn, req.StartTLS); err != nil {
		return nil, explain(ctx, err, target)
	}
	var certs []*x509.Certificate
	_, err = handshake(ctx, conn, &tls.Config{ServerName: name, InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			certs = state.PeerCertificates
			return nil
		}}, target)
	var proved *unasked
	if err != nil && !(errors.As(err, &proved) && len(certs) > 0) {
		return nil, explain(ctx, err, target)
	}
	leaf := certs[0]
	chains, err := verify(certs, nil, name, time.Now())
	answer := &Certificate{
		Subject:   leaf.Subject.String(),
		Issuer:    leaf.Issuer.String(),
		NotBefore: leaf.NotBefore,
		NotAfter:  leaf.NotAfter,
		DNSNames:  leaf.DNSNames,
		Verified:  err == nil,
		Expiry:    expiryOf(leaf, chains),
	}
	if err != nil {
		answer.VerifyError = explainChain(certs, nil, name, target, err).Message
	}
	return answer, nil
}

// bindDeadline ends what conn does when ctx ends. The returned function undoes
// that, and returns only when it can no longer happen.
func bindDeadline(ctx context.Context, conn net.Conn) (stop func()) {
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	fired := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		conn.SetDeadline(time.Unix(1, 0))
		close(fired)
	})
	return func() {
		if !cancel() {
			<-fired
		}
	}
}
