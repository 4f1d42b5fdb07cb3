package luaapi

import (
	"slices"
	"strings"
	"time"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

// stubError is (message, kind) from argument n on, for a stub that fails; nil
// when there is an answer in its place, which is argument n-1.
func (a args) stubError(n int) *host.Error {
	if !a.has(n) {
		return nil
	}
	if a.has(n - 1) {
		a.fail(n, "give an answer, or nil, message and kind")
	}
	return a.failure(n)
}

// failure is (message, kind) from argument n on.
func (a args) failure(n int) *host.Error {
	e := &host.Error{Message: a.text(n, "message"), Kind: host.Unreachable}
	if a.has(n + 1) {
		e.Kind = host.Kind(a.text(n+1, "kind"))
	}
	if !slices.Contains(errorKinds(), e.Kind) {
		a.fail(n+1, "kind must be one of %s, got %s", strings.Join(texted(errorKinds()), " "), keyText(a.L.Get(n+1)))
	}
	return e
}

func errorKinds() []host.Kind {
	return []host.Kind{host.Timeout, host.Refused, host.Unreachable, host.Closed, host.DNS, host.TLS, host.Protocol, host.TooLarge,
		host.Denied, host.Invalid, host.NotFound}
}

// testHTTP is http(method, url, answer), or http(method, url, nil, message, kind).
func testHTTP(L *lua.LState) int {
	a, w := args{L, "testing.http"}, worldOf(L)
	method, url := a.text(1, "method"), a.text(2, "url")
	o := a.options(3, "answer", []string{"status", "headers", "body", "json", "truncated", "undecoded", "timings", "tls"})
	if failure := a.stubError(4); failure != nil {
		w.stub.OnHTTP(method, url, nil, failure)
		return 0
	}
	r := &httpRequest{}
	o.headers(r)
	o.body(r)
	answer := &host.HTTPResponse{Status: o.integer("status", 200, 100, 599), Header: r.Header, Body: r.Body,
		Truncated: o.flag("truncated", false), Undecoded: o.text("undecoded")}
	if t := o.table("timings"); t != nil {
		times := o.optionsOf(3, t, []string{"dns", "connect", "tls", "first_byte", "total"})
		answer.Timings = host.Timings{DNS: times.wait("dns"), Connect: times.wait("connect"), TLS: times.wait("tls"),
			FirstByte: times.wait("first_byte"), Total: times.wait("total")}
	}
	if t := o.table("tls"); t != nil {
		tls := o.optionsOf(3, t, []string{"not_after", "issuer", "subject", "dns_names", "verified", "expiry"})
		answer.TLS = &host.TLSState{NotAfter: tls.instant("not_after", w.stub.Now().AddDate(0, 3, 0)), Issuer: tls.text("issuer"),
			Subject: tls.text("subject"), DNSNames: tls.texts("dns_names"), Verified: tls.flag("verified", true)}
		answer.TLS.Expiry = tls.expiry(answer.TLS.NotAfter, answer.TLS.Subject)
	}
	w.stub.OnHTTP(method, url, answer, nil)
	return 0
}

// testHTTPRequests is http_requests(): what the plugin asked for, in order.
func testHTTPRequests(L *lua.LState) int {
	list := newTable()
	for _, req := range worldOf(L).stub.Requests() {
		list.Append(requestTable(&req))
	}
	L.Push(list)
	return 1
}

var testRequestNames = []string{"method", "url", "headers", "body", "auth", "verify", "redirects", "connect_to", "json"}

// testRequestMeta and what it holds are never written.
var testRequestMeta = hiddenTable(map[string]lua.LValue{
	"__index": goFunction(func(L *lua.LState) int {
		switch name := keyText(L.Get(2)); {
		case name == "json":
			L.Push(testRequestJSON)
		case slices.Contains(testRequestNames, name):
			L.Push(lua.LNil)
		default:
			raiseUnknown(L, "request", name, testRequestNames)
		}
		return 1
	}),
})

var testRequestJSON = goFunction(func(L *lua.LState) int {
	a := args{L, "request:json"}
	v, err := decodeJSON(a.fieldText(a.table(1, "request"), "body"), a.keepNull(), looking(L))
	if err != nil {
		return failed(L, err)
	}
	L.Push(v)
	return 1
})

func requestTable(req *host.HTTPRequest) *lua.LTable {
	t := newRecord(8)
	t.RawSetString("method", lua.LString(req.Method))
	t.RawSetString("url", lua.LString(req.URL))
	t.RawSetString("headers", headerTable(req.Header))
	t.RawSetString("body", lua.LString(req.Body))
	t.RawSetString("verify", lua.LBool(!req.TLS.Insecure))
	t.RawSetString("redirects", lua.LNumber(req.Redirects))
	t.RawSetString("connect_to", lua.LString(req.ConnectTo))
	if req.Auth != nil {
		t.RawSetString("auth", textTable([]string{req.Auth.User, req.Auth.Password}))
	}
	t.Metatable = testRequestMeta
	return t
}

// testTCP is tcp(host, port, { { expect, reply }, … }).
func testTCP(L *lua.LState) int {
	a, w := args{L, "testing.tcp"}, worldOf(L)
	target, port := a.text(1, "host"), a.integer(2, "port", 1, 65535)
	if failure := a.stubError(4); failure != nil {
		w.stub.OnDial(target, port, nil, failure)
		return 0
	}
	steps := []host.Step{}
	list := newTable()
	if a.has(3) {
		list = a.table(3, "dialogue")
	}
	for i := 1; i <= list.Len(); i++ {
		t, ok := list.RawGetInt(i).(*lua.LTable)
		if !ok {
			a.fail(3, "step %d must be { expect, reply }, got %s", i, typeName(list.RawGetInt(i)))
		}
		named := a.optionsOf(3, namedPart(t), []string{"expect", "reply", "close"})
		step := host.Step{Expect: named.text("expect"), Reply: named.text("reply"), Close: named.flag("close", false)}
		for n, at := range map[int]*string{1: &step.Expect, 2: &step.Reply} {
			text, ok := textOf(t.RawGetInt(n))
			if v := t.RawGetInt(n); !ok && v != lua.LNil {
				a.fail(3, "step %d must hold texts, got %s", i, typeName(v))
			}
			if ok {
				*at = text
			}
		}
		steps = append(steps, step)
	}
	w.stub.OnDial(target, port, steps, nil)
	return 0
}

// testDNS is dns(name, type, records). A record may be its value alone.
func testDNS(L *lua.LState) int {
	a, w := args{L, "testing.dns"}, worldOf(L)
	name, recordType := a.text(1, "name"), strings.ToUpper(a.text(2, "type"))
	if failure := a.stubError(4); failure != nil {
		w.stub.OnLookup(name, recordType, nil, failure)
		return 0
	}
	list := a.table(3, "records")
	records := make([]host.Record, 0, list.Len())
	for i := 1; i <= list.Len(); i++ {
		r := host.Record{Type: recordType, TTL: 300, Preference: -1}
		switch v := list.RawGetInt(i).(type) {
		case *lua.LTable:
			o := a.optionsOf(3, v, []string{"type", "value", "ttl", "preference"})
			r.Type, r.Value = o.textOr("type", recordType), o.text("value")
			r.TTL, r.Preference = o.integer("ttl", r.TTL, 0, 1<<31), o.integer("preference", -1, 0, 65535)
		default:
			text, ok := textOf(v)
			if !ok {
				a.fail(3, "record %d must be a table or a value, got %s", i, typeName(v))
			}
			r.Value = text
		}
		records = append(records, r)
	}
	w.stub.OnLookup(name, recordType, records, nil)
	return 0
}

// testICMP is icmp(host, answer). Left out, all packets that are sent are
// answered in a millisecond.
func testICMP(L *lua.LState) int {
	a, w := args{L, "testing.icmp"}, worldOf(L)
	target := a.text(1, "host")
	o := a.options(2, "answer", []string{"sent", "received", "loss", "min", "avg", "max"})
	if failure := a.stubError(3); failure != nil {
		w.stub.OnPing(target, nil, failure)
		return 0
	}
	answer := &host.PingAnswer{Sent: o.integer("sent", 0, 0, host.MaxPingCount), Received: o.integer("received", -1, 0, host.MaxPingCount)}
	if loss := o.number("loss", -1, 0, 100); loss >= 0 && answer.Received < 0 {
		if answer.Sent == 0 {
			o.fail(2, "give sent with loss, or received")
		}
		answer.Received = answer.Sent - int(float64(answer.Sent)*loss/100+0.5)
	}
	answer.Avg = o.wait("avg")
	if answer.Avg == 0 {
		answer.Avg = toDuration(0.001)
	}
	answer.Min, answer.Max = o.wait("min"), o.wait("max")
	if answer.Min == 0 {
		answer.Min = answer.Avg
	}
	answer.Max = max(answer.Max, answer.Avg)
	w.stub.OnPing(target, answer, nil)
	return 0
}

// testExec is exec(argv, answer); argv is an array, or text that is split as a
// shell does.
func testExec(L *lua.LState) int {
	a, w := args{L, "testing.exec"}, worldOf(L)
	var argv []string
	if t, ok := L.Get(1).(*lua.LTable); ok {
		argv = a.textArray(1, "argv", t)
	} else {
		var err error
		if argv, err = splitWords(a.text(1, "argv")); err != nil {
			a.fail(1, "%s", err.Error())
		}
	}
	if len(argv) == 0 {
		a.fail(1, "argv is empty")
	}
	o := a.options(2, "answer", []string{"code", "signal", "stdout", "stderr"})
	var failure *host.Error
	if a.has(3) {
		failure = a.failure(3)
	}
	if failure != nil && !a.has(2) { // with an answer: what was printed until it failed
		w.stub.OnExec(argv, nil, failure)
		return 0
	}
	answer := &host.ExecAnswer{Code: o.integer("code", 0, -1, 255), Signal: o.text("signal"), Stdout: o.text("stdout"), Stderr: o.text("stderr")}
	if answer.Signal != "" {
		answer.Code = -1
	}
	w.stub.OnExec(argv, answer, failure)
	return 0
}

// testSMTP is smtp([message [, kind]]): mail is taken, or fails with the message;
// smtp{ refused = { address, … } } takes it but for these recipients.
func testSMTP(L *lua.LState) int {
	a, w := args{L, "testing.smtp"}, worldOf(L)
	if _, ok := L.Get(1).(*lua.LTable); ok {
		w.stub.OnMail(a.options(1, "options", []string{"refused"}).texts("refused"), nil)
		return 0
	}
	var failure *host.Error
	if a.has(1) {
		failure = &host.Error{Kind: host.Refused, Message: a.text(1, "message")}
		if a.has(2) {
			failure.Kind = host.Kind(a.text(2, "kind"))
		}
		if !slices.Contains(errorKinds(), failure.Kind) {
			a.fail(2, "kind must be one of %s, got %s", strings.Join(texted(errorKinds()), " "), keyText(L.Get(2)))
		}
	}
	w.stub.OnMail(nil, failure)
	return 0
}

var testMailNames = []string{"host", "port", "security", "username", "password", "from", "to", "cc", "subject", "text", "html", "headers"}

// testSMTPMessages is smtp_messages(): the messages that were sent or tried, in
// order, with the names that smtp.send has for their parts.
func testSMTPMessages(L *lua.LState) int {
	list := newTable()
	for _, m := range worldOf(L).stub.Mails() {
		t := newRecord(12)
		for name, text := range map[string]string{"host": m.Host, "security": string(m.Security), "username": m.Username, "password": m.Password,
			"from": m.From, "subject": m.Subject, "text": m.Text, "html": m.HTML} {
			t.RawSetString(name, lua.LString(text))
		}
		if m.Port != 0 {
			t.RawSetString("port", lua.LNumber(m.Port))
		}
		t.RawSetString("to", textTable(m.To))
		t.RawSetString("cc", textTable(m.Cc))
		header := make(map[string][]string, len(m.Headers))
		for _, h := range m.Headers {
			header[h.Name] = append(header[h.Name], h.Value)
		}
		t.RawSetString("headers", headerTable(header))
		t.Metatable = strict("message", testMailNames)
		list.Append(t)
	}
	L.Push(list)
	return 1
}

// testCertificate is certificate(host, port, answer).
func testCertificate(L *lua.LState) int {
	a, w := args{L, "testing.certificate"}, worldOf(L)
	target, port := a.text(1, "host"), a.integer(2, "port", 1, 65535)
	o := a.options(3, "answer", []string{"subject", "issuer", "not_before", "not_after", "dns_names", "verified", "verify_error", "expiry"})
	if failure := a.stubError(4); failure != nil {
		w.stub.OnCertificate(target, port, nil, failure)
		return 0
	}
	now := w.stub.Now()
	cert := &host.Certificate{Subject: o.textOr("subject", "CN="+target), Issuer: o.textOr("issuer", "CN=Test CA"),
		NotBefore: o.instant("not_before", now.AddDate(0, -1, 0)), NotAfter: o.instant("not_after", now.AddDate(0, 3, 0)),
		DNSNames: o.texts("dns_names"), VerifyError: o.text("verify_error")}
	if cert.DNSNames == nil {
		cert.DNSNames = []string{target}
	}
	cert.Expiry = o.expiry(cert.NotAfter, cert.Subject)
	cert.Verified = o.flag("verified", cert.VerifyError == "")
	if !cert.Verified && cert.VerifyError == "" {
		cert.VerifyError = "the certificate is not trusted"
	}
	w.stub.OnCertificate(target, port, cert, nil)
	return 0
}

// expiry reads when the first certificate of a chain ends; left out, it is the
// server's own.
func (o options) expiry(at time.Time, subject string) host.Expiry {
	t := o.table("expiry")
	if t == nil {
		return host.Expiry{At: at, Subject: subject, Leaf: true}
	}
	named := o.optionsOf(o.n, t, []string{"at", "subject"})
	return host.Expiry{At: named.instant("at", at), Subject: named.text("subject")}
}

// wait returns a duration of 0 or more seconds.
func (o options) wait(key string) time.Duration {
	return toDuration(o.number(key, 0, 0, maxSeconds))
}
