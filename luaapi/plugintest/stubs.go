package plugintest

import (
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
)

// stubError is (message, kind) from argument n on, for a stub that fails; nil
// when there is an answer in its place, which is argument n-1.
func stubError(a vm.Args, n int) *host.Error {
	if !a.Has(n) {
		return nil
	}
	if a.Has(n - 1) {
		a.Fail(n, "give an answer, or nil, message and kind")
	}
	return failureArgument(a, n)
}

// failure is (message, kind) from argument n on.
func failureArgument(a vm.Args, n int) *host.Error {
	e := &host.Error{Message: a.Text(n, "message"), Kind: host.Unreachable}
	if a.Has(n + 1) {
		e.Kind = host.Kind(a.Text(n+1, "kind"))
	}
	if !slices.Contains(errorKinds(), e.Kind) {
		a.Fail(n+1, "kind must be one of %s, got %s", strings.Join(texted(errorKinds()), " "), luaval.KeyText(a.L.Get(n+1)))
	}
	return e
}

func errorKinds() []host.Kind {
	return []host.Kind{host.Timeout, host.Refused, host.Unreachable, host.Closed, host.DNS, host.TLS, host.Protocol, host.TooLarge,
		host.Denied, host.Invalid, host.NotFound}
}

// testHTTP is http(method, url, answer), or http(method, url, nil, message, kind).
func testHTTP(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.http"}, harnessOf(L)
	method, url := a.Text(1, "method"), a.Text(2, "url")
	o := a.Options(3, "answer", []string{"status", "headers", "body", "json", "truncated", "undecoded", "timings", "tls"})
	if failure := stubError(a, 4); failure != nil {
		h.stub.OnHTTP(method, url, nil, failure)
		return 0
	}
	r := &module.HTTPRequest{}
	module.ReadHeaders(o, r)
	module.ReadBody(o, r)
	answer := &host.HTTPResponse{Status: o.Integer("status", 200, 100, 599), Header: r.Header, Body: r.Body,
		Truncated: o.Flag("truncated", false), Undecoded: o.Text("undecoded")}
	if t := o.Table("timings"); t != nil {
		times := o.OptionsOf(3, t, []string{"dns", "connect", "tls", "first_byte", "total"})
		answer.Timings = host.Timings{DNS: waitOption(times, "dns"), Connect: waitOption(times, "connect"), TLS: waitOption(times, "tls"),
			FirstByte: waitOption(times, "first_byte"), Total: waitOption(times, "total")}
	}
	if t := o.Table("tls"); t != nil {
		tls := o.OptionsOf(3, t, []string{"not_after", "issuer", "subject", "dns_names", "verified", "expiry"})
		answer.TLS = &host.TLSState{NotAfter: instantOption(tls, "not_after", h.stub.Now().AddDate(0, 3, 0)), Issuer: tls.Text("issuer"),
			Subject: tls.Text("subject"), DNSNames: tls.Texts("dns_names"), Verified: tls.Flag("verified", true)}
		answer.TLS.Expiry = expiryOption(tls, answer.TLS.NotAfter, answer.TLS.Subject)
	}
	h.stub.OnHTTP(method, url, answer, nil)
	return 0
}

// testHTTPRequests is http_requests(): what the plugin asked for, in order.
func testHTTPRequests(L *lua.LState) int {
	list := luaval.NewTable()
	for _, req := range harnessOf(L).stub.Requests() {
		list.Append(requestTable(&req))
	}
	L.Push(list)
	return 1
}

var testRequestNames = []string{"method", "url", "headers", "body", "auth", "verify", "redirects", "connect_to", "json"}

// testRequestMeta and what it holds are never written.
var testRequestMeta = luaval.HiddenTable(map[string]lua.LValue{
	"__index": luaval.GoFunction(func(L *lua.LState) int {
		switch name := luaval.KeyText(L.Get(2)); {
		case name == "json":
			L.Push(testRequestJSON)
		case slices.Contains(testRequestNames, name):
			L.Push(lua.LNil)
		default:
			luaval.RaiseUnknown(L, "request", name, testRequestNames)
		}
		return 1
	}),
})

var testRequestJSON = luaval.GoFunction(func(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "request:json"}
	v, err := module.DecodeJSON(module.FieldText(a, a.Table(1, "request"), "body"), module.KeepNull(a), vm.Looking(L))
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(v)
	return 1
})

func requestTable(req *host.HTTPRequest) *lua.LTable {
	t := luaval.NewRecord(8)
	t.RawSetString("method", lua.LString(req.Method))
	t.RawSetString("url", lua.LString(req.URL))
	t.RawSetString("headers", module.HeaderTable(req.Header))
	t.RawSetString("body", lua.LString(req.Body))
	t.RawSetString("verify", lua.LBool(!req.TLS.Insecure))
	t.RawSetString("redirects", lua.LNumber(req.Redirects))
	t.RawSetString("connect_to", lua.LString(req.ConnectTo))
	if req.Auth != nil {
		t.RawSetString("auth", module.TextTable([]string{req.Auth.User, req.Auth.Password}))
	}
	t.Metatable = testRequestMeta
	return t
}

// testTCP is tcp(host, port, { { expect, reply }, … }).
func testTCP(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.tcp"}, harnessOf(L)
	target, port := a.Text(1, "host"), a.Integer(2, "port", 1, 65535)
	if failure := stubError(a, 4); failure != nil {
		h.stub.OnDial(target, port, nil, failure)
		return 0
	}
	steps := []host.Step{}
	list := luaval.NewTable()
	if a.Has(3) {
		list = a.Table(3, "dialogue")
	}
	for i := 1; i <= list.Len(); i++ {
		t, ok := list.RawGetInt(i).(*lua.LTable)
		if !ok {
			a.Fail(3, "step %d must be { expect, reply }, got %s", i, luaval.TypeName(list.RawGetInt(i)))
		}
		named := a.OptionsOf(3, module.NamedPart(t), []string{"expect", "reply", "close"})
		step := host.Step{Expect: named.Text("expect"), Reply: named.Text("reply"), Close: named.Flag("close", false)}
		for n, at := range map[int]*string{1: &step.Expect, 2: &step.Reply} {
			text, ok := luaval.TextOf(t.RawGetInt(n))
			if v := t.RawGetInt(n); !ok && v != lua.LNil {
				a.Fail(3, "step %d must hold texts, got %s", i, luaval.TypeName(v))
			}
			if ok {
				*at = text
			}
		}
		steps = append(steps, step)
	}
	h.stub.OnDial(target, port, steps, nil)
	return 0
}

// testDNS is dns(name, type, records). A record may be its value alone.
func testDNS(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.dns"}, harnessOf(L)
	name, recordType := a.Text(1, "name"), strings.ToUpper(a.Text(2, "type"))
	if failure := stubError(a, 4); failure != nil {
		h.stub.OnLookup(name, recordType, nil, failure)
		return 0
	}
	list := a.Table(3, "records")
	records := make([]host.Record, 0, list.Len())
	for i := 1; i <= list.Len(); i++ {
		r := host.Record{Type: recordType, TTL: 300, Preference: -1}
		switch v := list.RawGetInt(i).(type) {
		case *lua.LTable:
			o := a.OptionsOf(3, v, []string{"type", "value", "ttl", "preference"})
			r.Type, r.Value = textOption(o, "type", recordType), o.Text("value")
			r.TTL, r.Preference = o.Integer("ttl", r.TTL, 0, 1<<31), o.Integer("preference", -1, 0, 65535)
		default:
			text, ok := luaval.TextOf(v)
			if !ok {
				a.Fail(3, "record %d must be a table or a value, got %s", i, luaval.TypeName(v))
			}
			r.Value = text
		}
		records = append(records, r)
	}
	h.stub.OnLookup(name, recordType, records, nil)
	return 0
}

// testICMP is icmp(host, answer). Left out, all packets that are sent are
// answered in a millisecond.
func testICMP(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.icmp"}, harnessOf(L)
	target := a.Text(1, "host")
	o := a.Options(2, "answer", []string{"sent", "received", "loss", "min", "avg", "max"})
	if failure := stubError(a, 3); failure != nil {
		h.stub.OnPing(target, nil, failure)
		return 0
	}
	answer := &host.PingAnswer{Sent: o.Integer("sent", 0, 0, host.MaxPingCount), Received: o.Integer("received", -1, 0, host.MaxPingCount)}
	if loss := o.Number("loss", -1, 0, 100); loss >= 0 && answer.Received < 0 {
		if answer.Sent == 0 {
			o.Fail(2, "give sent with loss, or received")
		}
		answer.Received = answer.Sent - int(float64(answer.Sent)*loss/100+0.5)
	}
	answer.Avg = waitOption(o, "avg")
	if answer.Avg == 0 {
		answer.Avg = vm.ToDuration(0.001)
	}
	answer.Min, answer.Max = waitOption(o, "min"), waitOption(o, "max")
	if answer.Min == 0 {
		answer.Min = answer.Avg
	}
	answer.Max = max(answer.Max, answer.Avg)
	h.stub.OnPing(target, answer, nil)
	return 0
}

// testExec is exec(argv, answer); argv is an array, or text that is split as a
// shell does.
func testExec(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.exec"}, harnessOf(L)
	var argv []string
	if t, ok := L.Get(1).(*lua.LTable); ok {
		argv = a.TextArray(1, "argv", t)
	} else {
		var err error
		if argv, err = module.SplitWords(a.Text(1, "argv")); err != nil {
			a.Fail(1, "%s", err.Error())
		}
	}
	if len(argv) == 0 {
		a.Fail(1, "argv is empty")
	}
	o := a.Options(2, "answer", []string{"code", "signal", "stdout", "stderr"})
	var failure *host.Error
	if a.Has(3) {
		failure = failureArgument(a, 3)
	}
	if failure != nil && !a.Has(2) { // with an answer: what was printed until it failed
		h.stub.OnExec(argv, nil, failure)
		return 0
	}
	answer := &host.ExecAnswer{
		Code:   o.Integer("code", 0, -1, 255),
		Signal: o.Text("signal"),
		Stdout: o.Text("stdout"),
		Stderr: o.Text("stderr"),
	}
	if answer.Signal != "" {
		answer.Code = -1
	}
	h.stub.OnExec(argv, answer, failure)
	return 0
}

// testSMTP is smtp([message [, kind]]): mail is taken, or fails with the message;
// smtp{ refused = { address, … } } takes it but for these recipients.
func testSMTP(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.smtp"}, harnessOf(L)
	if _, ok := L.Get(1).(*lua.LTable); ok {
		h.stub.OnMail(a.Options(1, "options", []string{"refused"}).Texts("refused"), nil)
		return 0
	}
	var failure *host.Error
	if a.Has(1) {
		failure = &host.Error{Kind: host.Refused, Message: a.Text(1, "message")}
		if a.Has(2) {
			failure.Kind = host.Kind(a.Text(2, "kind"))
		}
		if !slices.Contains(errorKinds(), failure.Kind) {
			a.Fail(2, "kind must be one of %s, got %s", strings.Join(texted(errorKinds()), " "), luaval.KeyText(L.Get(2)))
		}
	}
	h.stub.OnMail(nil, failure)
	return 0
}

var testMailNames = []string{"host", "port", "security", "username", "password", "from", "to", "cc", "subject", "text", "html", "headers"}

// testSMTPMessages is smtp_messages(): the messages that were sent or tried, in
// order, with the names that smtp.send has for their parts.
func testSMTPMessages(L *lua.LState) int {
	list := luaval.NewTable()
	for _, m := range harnessOf(L).stub.Mails() {
		t := luaval.NewRecord(12)
		for name, text := range map[string]string{"host": m.Host, "security": string(m.Security), "username": m.Username, "password": m.Password,
			"from": m.From, "subject": m.Subject, "text": m.Text, "html": m.HTML} {
			t.RawSetString(name, lua.LString(text))
		}
		if m.Port != 0 {
			t.RawSetString("port", lua.LNumber(m.Port))
		}
		t.RawSetString("to", module.TextTable(m.To))
		t.RawSetString("cc", module.TextTable(m.Cc))
		header := make(map[string][]string, len(m.Headers))
		for _, h := range m.Headers {
			header[h.Name] = append(header[h.Name], h.Value)
		}
		t.RawSetString("headers", module.HeaderTable(header))
		t.Metatable = luaval.Strict("message", testMailNames)
		list.Append(t)
	}
	L.Push(list)
	return 1
}

// testCertificate is certificate(host, port, answer).
func testCertificate(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.certificate"}, harnessOf(L)
	target, port := a.Text(1, "host"), a.Integer(2, "port", 1, 65535)
	o := a.Options(3, "answer", []string{"subject", "issuer", "not_before", "not_after", "dns_names", "verified", "verify_error", "expiry"})
	if failure := stubError(a, 4); failure != nil {
		h.stub.OnCertificate(target, port, nil, failure)
		return 0
	}
	now := h.stub.Now()
	cert := &host.Certificate{Subject: textOption(o, "subject", "CN="+target), Issuer: textOption(o, "issuer", "CN=Test CA"),
		NotBefore: instantOption(o, "not_before", now.AddDate(0, -1, 0)), NotAfter: instantOption(o, "not_after", now.AddDate(0, 3, 0)),
		DNSNames: o.Texts("dns_names"), VerifyError: o.Text("verify_error")}
	if cert.DNSNames == nil {
		cert.DNSNames = []string{target}
	}
	cert.Expiry = expiryOption(o, cert.NotAfter, cert.Subject)
	cert.Verified = o.Flag("verified", cert.VerifyError == "")
	if !cert.Verified && cert.VerifyError == "" {
		cert.VerifyError = "the certificate is not trusted"
	}
	h.stub.OnCertificate(target, port, cert, nil)
	return 0
}

// expiry reads when the first certificate of a chain ends; left out, it is the
// server's own.
func expiryOption(o vm.Options, at time.Time, subject string) host.Expiry {
	t := o.Table("expiry")
	if t == nil {
		return host.Expiry{At: at, Subject: subject, Leaf: true}
	}
	named := o.OptionsOf(o.N, t, []string{"at", "subject"})
	return host.Expiry{At: instantOption(named, "at", at), Subject: named.Text("subject")}
}

// wait returns a duration of 0 or more seconds.
func waitOption(o vm.Options, key string) time.Duration {
	return vm.ToDuration(o.Number(key, 0, 0, vm.MaxSeconds))
}
