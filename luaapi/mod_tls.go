package luaapi

import (
	"context"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

func openTLS(*lua.LState) *lua.LTable {
	return moduleOf(map[string]lua.LGFunction{"certificate": tlsCertificate})
}

// tlsCertificate is certificate(host, port, options); the port is 443 when left out.
func tlsCertificate(L *lua.LState) int {
	a := args{L, "tls.certificate"}
	c := a.outside()
	req := host.CertificateRequest{Host: a.text(1, "host"), Port: 443}
	if a.has(2) {
		req.Port = a.integer(2, "port", 1, 65535)
	}
	o := a.options(3, "options", []string{"server_name", "starttls", "timeout"})
	req.ServerName, req.StartTLS = o.text("server_name"), o.text("starttls")
	switch req.StartTLS {
	case "", "smtp", "imap", "pop3", "ftp", "postgresql":
	default:
		o.fail(3, "starttls must be smtp, imap, pop3, ftp or postgresql, got %s", keyText(o.get("starttls")))
	}
	var answer *host.Certificate
	err := c.wait(o.seconds("timeout"), func(ctx context.Context) (err error) {
		answer, err = c.host.Certificate(ctx, &req)
		return err
	})
	if err != nil {
		return failed(L, err)
	}
	L.Push(certificateTable(answer))
	return 1
}

// certificateTable has verify_error only when the certificate is not verified.
func certificateTable(cert *host.Certificate) *lua.LTable {
	t := newRecord(8)
	t.RawSetString("subject", lua.LString(cert.Subject))
	t.RawSetString("issuer", lua.LString(cert.Issuer))
	t.RawSetString("not_before", instant(cert.NotBefore))
	t.RawSetString("not_after", instant(cert.NotAfter))
	t.RawSetString("dns_names", textTable(cert.DNSNames))
	t.RawSetString("verified", lua.LBool(cert.Verified))
	t.RawSetString("expiry", expiryTable(&cert.Expiry))
	if cert.VerifyError != "" {
		t.RawSetString("verify_error", lua.LString(cert.VerifyError))
	}
	return t
}
