package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// explain turns an error of Go's network packages into one that a person
// understands. target names the other side: "host:port" or a host. An *Error
// stays as it is, unless ctx has ended meanwhile for no reason of its own.
func explain(ctx context.Context, err error, target string) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Timeout, "timed out waiting for " + target}
	}
	for _, read := range []func(error, string) *Error{explainDNS, explainTLS, explainSocket} {
		if e := read(err, target); e != nil {
			return e
		}
	}
	return &Error{Protocol, "unexpected answer from " + target + ": " + plain(err)}
}

func explainDNS(err error, _ string) *Error {
	var e *net.DNSError
	if !errors.As(err, &e) {
		return nil
	}
	switch {
	case e.IsNotFound:
		return &Error{DNS, "no such host: " + e.Name}
	case e.IsTimeout:
		return &Error{DNS, "the name server did not answer in time for " + e.Name}
	}
	return &Error{DNS, "the name " + e.Name + " could not be looked up: " + e.Err}
}

func explainSocket(err error, target string) *Error {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Refused, "connection refused by " + target}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH),
		errors.Is(err, syscall.EHOSTDOWN), errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EADDRNOTAVAIL):
		return &Error{Unreachable, "no route to " + target}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return &Error{Denied, "the system does not permit a connection to " + target}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &Error{Unreachable, "too many open files to connect to " + target}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT), errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Timeout, "timed out waiting for " + target}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &Error{Closed, "connection closed by " + target}
	case errors.Is(err, errHeadTooLarge):
		return &Error{TooLarge, "the headers sent by " + target + " are too large"}
	}
	return nil
}

func explainTLS(err error, target string) *Error {
	var (
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return &Error{TLS, "the certificate of " + target + " is signed by an unknown authority"}
	case errors.As(err, &hostname):
		return &Error{TLS, "the certificate of " + target + " is not valid for " + hostname.Host}
	case errors.As(err, &invalid):
		return &Error{TLS, explainInvalid(invalid, target)}
	case errors.As(err, &record):
		return &Error{TLS, target + " does not speak TLS"}
	case errors.As(err, &alert):
		return &Error{TLS, target + " ended the TLS handshake: " + strings.TrimPrefix(alert.Error(), "tls: ")}
	case errors.As(err, &certificate):
		return &Error{TLS, "the certificate of " + target + " cannot be verified: " + plain(certificate.Err)}
	}
	text := err.Error()
	if strings.Contains(text, "server gave HTTP response to HTTPS client") {
		return &Error{TLS, target + " does not speak TLS"}
	}
	if strings.Contains(text, "tls: ") {
		return &Error{TLS, "TLS with " + target + " failed: " + plain(err)}
	}
	return nil
}

func explainInvalid(e x509.CertificateInvalidError, target string) string {
	subject := "the certificate of " + target
	if e.Reason != x509.Expired {
		return subject + " is not valid: " + plain(e)
	}
	if e.Cert == nil {
		return subject + " has expired"
	}
	return explainTime(e.Cert, subject, time.Now())
}

// maxPlain bounds what is shown of an error, in bytes. Whoever keeps it cuts it
// further, after secrets were masked.
const maxPlain = 1000

// plain gives the text of an error without the names of Go's packages.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"net/http: ", "HTTP/1.x transport connection broken: ", "http: ", "tls: ", "x509: ", "remote error: ", "dns: "} {
		text = strings.ReplaceAll(text, prefix, "")
	}
	return cut(strings.ToValidUTF8(text, "\uFFFD"), maxPlain)
}
