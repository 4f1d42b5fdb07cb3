package module

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

func openTLS(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"certificate": tlsCertificate})
}

// tlsCertificate is certificate(host, port, options); the port is 443 when left out.
func tlsCertificate(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "tls.certificate"}
	c := a.Outside()
	req := host.CertificateRequest{Host: a.Text(1, "host"), Port: 443}
	if a.Has(2) {
		req.Port = a.Integer(2, "port", 1, 65535)
	}
	o := a.Options(3, "options", []string{"server_name", "starttls", "timeout"})
	req.ServerName, req.StartTLS = o.Text("server_name"), o.Text("starttls")
	switch req.StartTLS {
	case "", "smtp", "imap", "pop3", "ftp", "postgresql":
	default:
		o.Fail(3, "starttls must be smtp, imap, pop3, ftp or postgresql, got %s", luaval.KeyText(o.Get("starttls")))
	}
	var answer *host.Certificate
	err := c.Wait(o.Seconds("timeout"), func(ctx context.Context) (err error) {
		answer, err = c.Host.Certificate(ctx, &req)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(CertificateTable(answer))
	return 1
}

// CertificateTable has verify_error only when the certificate is not verified.
func CertificateTable(cert *host.Certificate) *lua.LTable {
	t := luaval.NewRecord(8)
	t.RawSetString("subject", lua.LString(cert.Subject))
	t.RawSetString("issuer", lua.LString(cert.Issuer))
	t.RawSetString("not_before", luaval.Instant(cert.NotBefore))
	t.RawSetString("not_after", luaval.Instant(cert.NotAfter))
	t.RawSetString("dns_names", TextTable(cert.DNSNames))
	t.RawSetString("verified", lua.LBool(cert.Verified))
	t.RawSetString("expiry", ExpiryTable(&cert.Expiry))
	if cert.VerifyError != "" {
		t.RawSetString("verify_error", lua.LString(cert.VerifyError))
	}
	return t
}
