package luaapi

import (
	"net/http"
	"strings"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

// httpResponse is an answer as Lua sees it. Its tables are built when they are
// first asked for: most plugins read the status alone.
type httpResponse struct {
	*host.HTTPResponse
	headers, timings, tls, expiry lua.LValue // nil until asked for
}

// weigh counts the body, the headers, and the tables that were made of them,
// which a plugin may write to.
func (r *httpResponse) weigh(s *scale) {
	s.sum += 512
	s.text(r.Body)
	s.text(r.URL)
	s.header(r.Header)
	for _, made := range []lua.LValue{r.headers, r.timings, r.tls} {
		if made != nil {
			s.add(made)
		}
	}
}

// header counts names and values.
func (s *scale) header(header http.Header) {
	for name, values := range header {
		s.sum += uint64(len(name)) + 64
		for _, v := range values {
			s.text(v)
		}
	}
}

var httpResponseNames = []string{"status", "headers", "body", "truncated", "url", "timings", "tls", "expiry", "undecoded", "json", "header_values"}

// httpResponseMeta and what it holds are never written.
var (
	httpResponseMeta = hiddenTable(map[string]lua.LValue{
		"__index": goFunction(httpResponseIndex),
		"__newindex": goFunction(func(L *lua.LState) int {
			raiseReadOnly(L, "response", keyText(L.Get(2)))
			return 0
		}),
	})
	httpResponseJSON   = goFunction(responseJSON)
	httpResponseValues = goFunction(responseHeaderValues)
	// headerMeta finds headers whatever the case of their names.
	headerMeta = hiddenTable(map[string]lua.LValue{"__index": goFunction(headerIndex)})
)

func newHTTPResponse(r *host.HTTPResponse) *lua.LUserData {
	return objectOf(&httpResponse{HTTPResponse: r}, httpResponseMeta)
}

func httpResponseIndex(L *lua.LState) int {
	r := responseOf(L, "response")
	name, _ := L.Get(2).(lua.LString)
	L.Push(r.field(L, string(name)))
	return 1
}

// responseOf returns the response that a method or field was asked of.
func responseOf(L *lua.LState, what string) *httpResponse {
	if u, ok := L.Get(1).(*lua.LUserData); ok {
		if r, ok := u.Value.(*httpResponse); ok {
			return r
		}
	}
	L.RaiseError("%s must be called with a colon on a response", what)
	return nil
}

func (r *httpResponse) field(L *lua.LState, name string) lua.LValue {
	switch name {
	case "status":
		return lua.LNumber(r.Status)
	case "body":
		return lua.LString(r.Body)
	case "truncated":
		return lua.LBool(r.Truncated)
	case "url":
		return lua.LString(r.URL)
	case "headers":
		if r.headers == nil {
			r.headers = headerTable(r.Header)
		}
		return r.headers
	case "timings":
		if r.timings == nil {
			r.timings = timingsTable(&r.Timings)
		}
		return r.timings
	case "tls":
		if r.tls == nil {
			r.tls = tlsTable(r.TLS)
		}
		return r.tls
	case "expiry":
		if r.expiry == nil {
			r.expiry = expiryTable(r.Expiry)
		}
		return r.expiry
	case "undecoded":
		return lua.LString(r.Undecoded)
	case "json":
		return httpResponseJSON
	case "header_values":
		return httpResponseValues
	case "error", "kind": // by which http.all tells a failure from an answer
		return lua.LNil
	}
	raiseUnknown(L, "response", keyText(lua.LString(name)), httpResponseNames)
	return lua.LNil
}

// headerTable is a table of headers that can be walked; repeats are joined.
func headerTable(header http.Header) *lua.LTable {
	t := newRecord(len(header))
	t.Metatable = headerMeta
	for name, values := range header {
		t.RawSetString(name, lua.LString(strings.Join(values, ", ")))
	}
	return t
}

// headerIndex is reached for names that are not spelled as they came.
func headerIndex(L *lua.LState) int {
	t, isTable := L.Get(1).(*lua.LTable)
	key, isText := L.Get(2).(lua.LString)
	if !isTable || !isText {
		L.Push(lua.LNil)
		return 1
	}
	v := t.RawGetString(http.CanonicalHeaderKey(string(key)))
	if v == lua.LNil {
		t.ForEach(func(k, found lua.LValue) {
			if name, ok := k.(lua.LString); ok && strings.EqualFold(string(name), string(key)) {
				v = found
			}
		})
	}
	L.Push(v)
	return 1
}

func timingsTable(t *host.Timings) *lua.LTable {
	out := newRecord(5)
	out.RawSetString("dns", inSeconds(t.DNS))
	out.RawSetString("connect", inSeconds(t.Connect))
	out.RawSetString("tls", inSeconds(t.TLS))
	out.RawSetString("first_byte", inSeconds(t.FirstByte))
	out.RawSetString("total", inSeconds(t.Total))
	return out
}

func tlsTable(s *host.TLSState) lua.LValue {
	if s == nil {
		return lua.LNil
	}
	out := newRecord(5)
	out.RawSetString("not_after", instant(s.NotAfter))
	out.RawSetString("issuer", lua.LString(s.Issuer))
	out.RawSetString("subject", lua.LString(s.Subject))
	out.RawSetString("dns_names", textTable(s.DNSNames))
	out.RawSetString("verified", lua.LBool(s.Verified))
	return out
}

// expiryTable is when the first certificate ends; host is there for HTTP.
func expiryTable(e *host.Expiry) lua.LValue {
	if e == nil || e.At.IsZero() {
		return lua.LNil
	}
	out := newRecord(4)
	out.RawSetString("at", instant(e.At))
	out.RawSetString("subject", lua.LString(e.Subject))
	out.RawSetString("leaf", lua.LBool(e.Leaf))
	if e.Host != "" {
		out.RawSetString("host", lua.LString(e.Host))
	}
	return out
}

// responseJSON is response:json([options]).
func responseJSON(L *lua.LState) int {
	a := args{L, "response:json"}
	r := responseOf(L, a.fn)
	keep := a.keepNull()
	v, err := decodeJSON(r.Body, keep, looking(L))
	if err != nil && r.Undecoded != "" {
		err = &host.Error{Kind: host.Protocol, Message: "the body cannot be read: " + r.Undecoded + " is not known here"}
	}
	if err != nil && r.Truncated {
		err = &host.Error{Kind: host.TooLarge, Message: "the body is longer than max_body: it was cut, and is not JSON any more"}
	}
	if err != nil {
		return failed(L, err)
	}
	L.Push(v)
	return 1
}

// responseHeaderValues is response:header_values(name).
func responseHeaderValues(L *lua.LState) int {
	a := args{L, "response:header_values"}
	r := responseOf(L, a.fn)
	name := a.text(2, "name")
	values := r.Header[http.CanonicalHeaderKey(name)]
	if values == nil {
		for key, found := range r.Header {
			if strings.EqualFold(key, name) {
				values = found
			}
		}
	}
	L.Push(textTable(values))
	return 1
}
