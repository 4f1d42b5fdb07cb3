package host

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	op := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, Err: os.NewSyscallError("connect", err)}
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	tests := []struct {
		err  error
		kind Kind
		text string
	}{
		{op(syscall.ECONNREFUSED), Refused, "connection refused by h:1"},
		{op(syscall.EHOSTUNREACH), Unreachable, "no route to h:1"},
		{op(syscall.ENETUNREACH), Unreachable, "no route to h:1"},
		{op(syscall.ECONNRESET), Closed, "connection closed by h:1"},
		{op(syscall.EPIPE), Closed, "connection closed by h:1"},
		{op(syscall.ETIMEDOUT), Timeout, "timed out waiting for h:1"},
		{op(syscall.EACCES), Denied, "does not permit a connection to h:1"},
		{op(syscall.EMFILE), Unreachable, "too many open files"},
		{op(os.ErrDeadlineExceeded), Timeout, "timed out"},
		{io.EOF, Closed, "connection closed by h:1"},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), Closed, "connection closed by h:1"},
		{context.DeadlineExceeded, Timeout, "timed out waiting for h:1"},
		{context.Canceled, Timeout, "timed out waiting for h:1"},
		{&net.DNSError{Name: "n", Err: "no such host", IsNotFound: true}, DNS, "no such host: n"},
		{&net.DNSError{Name: "n", Err: "i/o timeout", IsTimeout: true}, DNS, "did not answer in time for n"},
		{&net.DNSError{Name: "n", Err: "server misbehaving"}, DNS, "the name n could not be looked up: server misbehaving"},
		{x509.UnknownAuthorityError{}, TLS, "the certificate of h:1 is signed by an unknown authority"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, TLS, "the certificate of h:1 has expired"},
		{x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{NotAfter: yesterday}}, TLS, "expired on " + yesterday.UTC().Format(time.DateOnly)},
		{x509.CertificateInvalidError{Reason: x509.Expired, Cert: &x509.Certificate{NotBefore: time.Now().Add(24 * time.Hour)}}, TLS, "is not valid before"},
		{x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign, Cert: &x509.Certificate{}}, TLS, "is not valid: "},
		{errors.New("tls: handshake failure"), TLS, "TLS with h:1 failed: handshake failure"},
		{errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP status code \"x\""), Protocol, "unexpected answer from h:1: malformed HTTP status code"},
		{&Error{TooLarge, "own"}, TooLarge, "own"},
		{fmt.Errorf("wrapped: %w", &Error{NotFound, "own"}), NotFound, "own"},
		{errors.New(strings.Repeat("long ", 1000)), Protocol, "…"},
		{errors.New("bytes \xff"), Protocol, "bytes \uFFFD"},
	}
	for _, tt := range tests {
		wantError(t, explain(context.Background(), tt.err, "h:1"), tt.kind, tt.text)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	wantError(t, explain(ended, io.EOF, "h:1"), Timeout, "timed out waiting for h:1")
	if KindOf(io.EOF) != "" || KindOf(nil) != "" {
		t.Error("KindOf gives a kind to what has none")
	}
}
