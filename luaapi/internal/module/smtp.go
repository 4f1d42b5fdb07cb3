package module

import (
	"context"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

var MailKeys = []string{
	"host", "port", "security", "username", "password", "from", "to", "cc", "subject", "text", "html", "headers",
	"timeout", "verify", "ca",
}

// maxMailRecipients bounds one message.
const maxMailRecipients = 500

func openSMTP(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{"send": smtpSend})
}

// smtpSend sends one message and answers true, { refused addresses }; when all
// were refused, as functions do that fail.
func smtpSend(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "smtp.send"}
	c := a.Outside()
	a.Table(1, "message")
	o := a.Options(1, "message", MailKeys)
	mail := readMail(o)
	var refused []string
	err := c.Wait(o.Seconds("timeout"), func(ctx context.Context) (err error) {
		host.NoteOutgoing(ctx, mail)
		refused, err = c.Host.Mail(ctx, mail)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(lua.LTrue)
	L.Push(TextTable(refused))
	return 2
}

func readMail(o vm.Options) *host.Mail {
	m := &host.Mail{
		Host:     o.Text("host"),
		Port:     o.Integer("port", 0, 1, 65535),
		Security: host.Security(o.Text("security")),
		Username: o.Text("username"),
		Password: o.Text("password"),
		From:     o.Text("from"),
		To:       o.Texts("to"),
		Cc:       o.Texts("cc"),
		Subject:  o.Text("subject"),
		Text:     o.Text("text"),
		HTML:     o.Text("html"),
	}
	switch m.Security {
	case "":
		m.Security = host.SecurityStartTLS
	case host.SecurityStartTLS, host.SecurityTLS, host.SecurityNone:
	default:
		o.Fail(1, "security must be starttls, tls or none, got %s", luaval.KeyText(o.Get("security")))
	}
	if m.Host == "" {
		o.Wrong("host", "text")
	}
	if m.From == "" {
		o.Wrong("from", "an address")
	}
	if n := len(m.To) + len(m.Cc); n == 0 || n > maxMailRecipients {
		o.Fail(1, "to and cc must name 1 to %d addresses, got %d", maxMailRecipients, n)
	}
	tlsOptions(o, &m.TLS)
	m.Headers = mailHeaders(o)
	return m
}

func mailHeaders(o vm.Options) []host.HeaderField {
	t := o.Table("headers")
	if t == nil {
		return nil
	}
	var fields []host.HeaderField
	t.ForEach(func(k, v lua.LValue) {
		name, ok1 := k.(lua.LString)
		value, ok2 := luaval.TextOf(v)
		if !ok1 || !ok2 {
			o.Fail(1, "headers must be a table of names and texts, got %s", luaval.KeyText(k))
		}
		fields = append(fields, host.HeaderField{Name: string(name), Value: value})
	})
	return fields
}
