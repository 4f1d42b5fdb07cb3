package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"
)

// config builds the settings of a TLS client that connects to host.
func (o *TLSOptions) config(host string) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, InsecureSkipVerify: o.Insecure}
	if o.ServerName != "" {
		c.ServerName = o.ServerName
	}
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
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, target string) (*tls.Conn, error) {
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, explain(ctx, err, target)
	}
	return secure, nil
}

// verify checks the certificates of a connection against roots (nil: the
// system's) and the name that was asked for.
func verify(state *tls.ConnectionState, roots *x509.CertPool, name string) error {
	options := x509.VerifyOptions{Roots: roots, DNSName: strings.Trim(name, "[]"), Intermediates: x509.NewCertPool()}
	for _, cert := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}

// describeTLS says what a response's TLS connection is worth.
func describeTLS(state *tls.ConnectionState, config *tls.Config) *TLSState {
	if len(state.PeerCertificates) == 0 {
		return &TLSState{}
	}
	leaf := state.PeerCertificates[0]
	return &TLSState{
		NotAfter: leaf.NotAfter,
		Issuer:   leaf.Issuer.String(),
		Subject:  leaf.Subject.String(),
		DNSNames: leaf.DNSNames,
		Verified: len(state.VerifiedChains) > 0 || verify(state, config.RootCAs, state.ServerName) == nil,
	}
}

// Certificate returns the certificate that a server shows, trusted or not.
func (n *Net) Certificate(ctx context.Context, req *CertificateRequest) (*Certificate, error) {
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
	name := req.ServerName
	if name == "" {
		name = req.Host
	}
	secure, err := handshake(ctx, conn, &tls.Config{ServerName: name, InsecureSkipVerify: true}, target)
	if err != nil {
		return nil, err
	}
	state := secure.ConnectionState()
	leaf := state.PeerCertificates[0]
	answer := &Certificate{
		Subject:   leaf.Subject.String(),
		Issuer:    leaf.Issuer.String(),
		NotBefore: leaf.NotBefore,
		NotAfter:  leaf.NotAfter,
		DNSNames:  leaf.DNSNames,
		Verified:  true,
	}
	if err := verify(&state, nil, name); err != nil {
		answer.Verified = false
		answer.VerifyError = explain(ctx, err, target).Message
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
