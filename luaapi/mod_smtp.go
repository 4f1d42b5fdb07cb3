package luaapi

import (
	"context"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

var mailKeys = []string{
	"host", "port", "security", "username", "password", "from", "to", "cc", "subject", "text", "html", "headers",
	"timeout", "verify", "ca",
}

// maxMailRecipients bounds one message.
const maxMailRecipients = 500

func openSMTP(*lua.LState) *lua.LTable {
	return moduleOf(map[string]lua.LGFunction{"send": smtpSend})
}

// smtpSend sends one message and answers true, { refused addresses }; when all
// were refused, as functions do that fail.
func smtpSend(L *lua.LState) int {
	a := args{L, "smtp.send"}
	c := a.outside()
	a.table(1, "message")
	o := a.options(1, "message", mailKeys)
	mail := o.mail()
	var refused []string
	err := c.wait(o.seconds("timeout"), func(ctx context.Context) (err error) {
		refused, err = c.host.Mail(ctx, mail)
		return err
	})
	if err != nil {
		return failed(L, err)
	}
	L.Push(lua.LTrue)
	L.Push(textTable(refused))
	return 2
}

func (o options) mail() *host.Mail {
	m := &host.Mail{
		Host:     o.text("host"),
		Port:     o.integer("port", 0, 1, 65535),
		Security: host.Security(o.text("security")),
		Username: o.text("username"),
		Password: o.text("password"),
		From:     o.text("from"),
		To:       o.texts("to"),
		Cc:       o.texts("cc"),
		Subject:  o.text("subject"),
		Text:     o.text("text"),
		HTML:     o.text("html"),
	}
	switch m.Security {
	case "":
		m.Security = host.SecurityStartTLS
	case host.SecurityStartTLS, host.SecurityTLS, host.SecurityNone:
	default:
		o.fail(1, "security must be starttls, tls or none, got %s", keyText(o.get("security")))
	}
	if m.Host == "" {
		o.wrong("host", "text")
	}
	if m.From == "" {
		o.wrong("from", "an address")
	}
	if n := len(m.To) + len(m.Cc); n == 0 || n > maxMailRecipients {
		o.fail(1, "to and cc must name 1 to %d addresses, got %d", maxMailRecipients, n)
	}
	o.tlsOptions(&m.TLS)
	m.Headers = o.mailHeaders()
	return m
}

func (o options) mailHeaders() []host.HeaderField {
	t := o.table("headers")
	if t == nil {
		return nil
	}
	var fields []host.HeaderField
	t.ForEach(func(k, v lua.LValue) {
		name, ok1 := k.(lua.LString)
		value, ok2 := textOf(v)
		if !ok1 || !ok2 {
			o.fail(1, "headers must be a table of names and texts, got %s", keyText(k))
		}
		fields = append(fields, host.HeaderField{Name: string(name), Value: value})
	})
	return fields
}
