// Package hosttest has a host for tests of what stands on package host: it
// reaches nothing, and answers with functions of the test.
package hosttest

import (
	"context"

	"moonwatch/luaapi/host"
)

// Fake answers with its functions; what is nil is not
// expected to be called. The functions may be called concurrently.
type Fake struct {
	OnHTTP        func(ctx context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error)
	OnDial        func(ctx context.Context, req *host.DialRequest) (host.Conn, error)
	OnPing        func(ctx context.Context, req *host.PingRequest) (*host.PingAnswer, error)
	OnMail        func(ctx context.Context, mail *host.Mail) ([]string, error)
	OnLookup      func(ctx context.Context, req *host.LookupRequest) ([]host.Record, error)
	OnCertificate func(ctx context.Context, req *host.CertificateRequest) (*host.Certificate, error)
	OnExec        func(ctx context.Context, req *host.ExecRequest) (*host.ExecAnswer, error)
}

// HTTP calls OnHTTP.
func (f *Fake) HTTP(ctx context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error) {
	return f.OnHTTP(ctx, req)
}

// Dial calls OnDial.
func (f *Fake) Dial(ctx context.Context, req *host.DialRequest) (host.Conn, error) {
	return f.OnDial(ctx, req)
}

// Ping calls OnPing.
func (f *Fake) Ping(ctx context.Context, req *host.PingRequest) (*host.PingAnswer, error) {
	return f.OnPing(ctx, req)
}

// Mail calls OnMail.
func (f *Fake) Mail(ctx context.Context, mail *host.Mail) ([]string, error) {
	return f.OnMail(ctx, mail)
}

// Lookup calls OnLookup.
func (f *Fake) Lookup(ctx context.Context, req *host.LookupRequest) ([]host.Record, error) {
	return f.OnLookup(ctx, req)
}

// Certificate calls OnCertificate.
func (f *Fake) Certificate(ctx context.Context, req *host.CertificateRequest) (*host.Certificate, error) {
	return f.OnCertificate(ctx, req)
}

// Exec calls OnExec.
func (f *Fake) Exec(ctx context.Context, req *host.ExecRequest) (*host.ExecAnswer, error) {
	return f.OnExec(ctx, req)
}
