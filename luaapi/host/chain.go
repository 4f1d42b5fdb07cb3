package host

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"
)

// explainChain says why the certificates of a server are not trusted, in words
// that name the one at fault. err is what x509 made of them.
func explainChain(certs []*x509.Certificate, roots *x509.CertPool, name, target string, err error) *Error {
	subject := "the certificate of " + target
	leaf, now := certs[0], time.Now()
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && !invalid.Cert.Equal(leaf) {
		return &Error{TLS, explainTime(invalid.Cert, intermediate(invalid.Cert, target), now)}
	}
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		if e := explainTLS(err, target); e != nil {
			return e
		}
		return &Error{TLS, subject + " cannot be verified: " + plain(err)}
	}
	path := pathOf(certs)
	top := path[len(path)-1]
	if selfSigned(leaf) {
		return &Error{TLS, subject + " is self-signed, and so signed by an unknown authority"}
	}
	for i, cert := range path {
		hash := weakSignature(cert)
		if hash == "" || selfSigned(cert) {
			continue
		}
		if i > 0 {
			subject = intermediate(cert, target)
		}
		return &Error{TLS, subject + " is signed with " + hash + ", which is not trusted any more"}
	}
	if late := untimely(path, roots, name, now); late != nil {
		subject = intermediate(late, target)
		return &Error{TLS, explainTime(late, subject, now)}
	}
	switch {
	case selfSigned(top):
		return &Error{TLS, subject + " is signed by an unknown authority, " + nameOf(top.Subject.String())}
	case len(path) > 1:
		return &Error{TLS, subject + " is signed by an unknown authority, " + nameOf(top.Issuer.String())}
	}
	return &Error{TLS, subject + " is signed by " + nameOf(leaf.Issuer.String()) +
		", an unknown authority whose certificate the server does not send: an intermediate certificate is missing"}
}

// pathOf follows the issuers from a server's certificate on, through those that it sent.
func pathOf(certs []*x509.Certificate) []*x509.Certificate {
	path := certs[:1:1]
	for range certs {
		last, next := path[len(path)-1], (*x509.Certificate)(nil)
		for _, cert := range certs[1:] {
			if !selfSigned(last) && bytes.Equal(cert.RawSubject, last.RawIssuer) &&
				(len(last.AuthorityKeyId) == 0 || len(cert.SubjectKeyId) == 0 || bytes.Equal(last.AuthorityKeyId, cert.SubjectKeyId)) {
				next = cert
				break
			}
		}
		if next == nil {
			break
		}
		path = append(path, next)
	}
	return path
}

// untimely returns the certificate above the server's own but for whose dates
// the chain would be trusted, or nil.
func untimely(path []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) *x509.Certificate {
	ends, begins := path[0].NotAfter, path[0].NotBefore
	for _, cert := range path[1:] {
		if cert.NotAfter.Before(ends) {
			ends = cert.NotAfter
		}
		if cert.NotBefore.After(begins) {
			begins = cert.NotBefore
		}
	}
	for _, at := range []time.Time{ends.Add(-time.Second), begins.Add(time.Second), path[0].NotBefore.Add(time.Second)} {
		chains, err := verify(path, roots, name, at)
		if err != nil {
			continue
		}
		for _, cert := range chains[0][1:] {
			if now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
				return cert
			}
		}
	}
	return nil
}

// explainTime says in which way now is outside a certificate's time.
func explainTime(cert *x509.Certificate, subject string, now time.Time) string {
	if now.Before(cert.NotBefore) {
		return subject + " is not valid before " + cert.NotBefore.UTC().Format(time.DateOnly)
	}
	return subject + " expired on " + cert.NotAfter.UTC().Format(time.DateOnly)
}

// intermediate names a certificate above the server's own.
func intermediate(cert *x509.Certificate, target string) string {
	kind := "intermediate"
	if selfSigned(cert) {
		kind = "root"
	}
	return "the " + kind + " certificate " + nameOf(cert.Subject.String()) + " of " + target
}

func selfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer) &&
		(len(cert.AuthorityKeyId) == 0 || bytes.Equal(cert.AuthorityKeyId, cert.SubjectKeyId))
}

// weakSignature names the hash of a signature that is not trusted for it.
func weakSignature(cert *x509.Certificate) string {
	switch cert.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "SHA-1"
	case x509.MD5WithRSA, x509.MD2WithRSA:
		return "MD5"
	}
	return ""
}

// nameOf is a distinguished name fit for a message.
func nameOf(name string) string { return cut(name, 200) }
