package module

import (
	"net/http"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/vm"
)

// httpResponse is an answer as Lua sees it. Its tables are built when they are
// first asked for: most plugins read the status alone.
type httpResponse struct {
	*host.HTTPResponse
	headers, timings, tls, expiry lua.LValue // nil until asked for
}

// Measure counts the body, the headers, and the tables that were made of them,
// which a plugin may write to.
func (r *httpResponse) Measure(s *memory.Meter) {
	s.Sum += 512
	s.Text(r.Body)
	s.Text(r.URL)
	header(s, r.Header)
	for _, made := range []lua.LValue{r.headers, r.timings, r.tls} {
		if made != nil {
			s.Add(made)
		}
	}
}

// header counts names and values.
func header(s *memory.Meter, header http.Header) {
	for name, values := range header {
		s.Sum += uint64(len(name)) + 64
		for _, v := range values {
			s.Text(v)
		}
	}
}

var HTTPResponseNames = []string{"status", "headers", "body", "truncated", "url", "timings", "tls", "expiry", "undecoded", "json", "header_values"}

// httpResponseMeta and what it holds are never written.
var (
	httpResponseMeta = luaval.HiddenTable(map[string]lua.LValue{
		"__index": luaval.GoFunction(httpResponseIndex),
		"__newindex": luaval.GoFunction(func(L *lua.LState) int {
			luaval.RaiseReadOnly(L, "response", luaval.KeyText(L.Get(2)))
			return 0
		}),
	})
	httpResponseJSON   = luaval.GoFunction(responseJSON)
	httpResponseValues = luaval.GoFunction(responseHeaderValues)
	// headerMeta finds headers whatever the case of their names.
	headerMeta = luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.GoFunction(headerIndex)})
)

func NewHTTPResponse(r *host.HTTPResponse) *lua.LUserData {
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
			r.headers = HeaderTable(r.Header)
		}
		return r.headers
	case "timings":
		if r.timings == nil {
			r.timings = TimingsTable(&r.Timings)
		}
		return r.timings
	case "tls":
		if r.tls == nil {
			r.tls = TLSTable(r.TLS)
		}
		return r.tls
	case "expiry":
		if r.expiry == nil {
			r.expiry = ExpiryTable(r.Expiry)
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
	luaval.RaiseUnknown(L, "response", luaval.KeyText(lua.LString(name)), HTTPResponseNames)
	return lua.LNil
}

// HeaderTable is a table of headers that can be walked; repeats are joined.
func HeaderTable(header http.Header) *lua.LTable {
	t := luaval.NewRecord(len(header))
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

func TimingsTable(t *host.Timings) *lua.LTable {
	out := luaval.NewRecord(5)
	out.RawSetString("dns", InSeconds(t.DNS))
	out.RawSetString("connect", InSeconds(t.Connect))
	out.RawSetString("tls", InSeconds(t.TLS))
	out.RawSetString("first_byte", InSeconds(t.FirstByte))
	out.RawSetString("total", InSeconds(t.Total))
	return out
}

func TLSTable(s *host.TLSState) lua.LValue {
	if s == nil {
		return lua.LNil
	}
	out := luaval.NewRecord(5)
	out.RawSetString("not_after", luaval.Instant(s.NotAfter))
	out.RawSetString("issuer", lua.LString(s.Issuer))
	out.RawSetString("subject", lua.LString(s.Subject))
	out.RawSetString("dns_names", TextTable(s.DNSNames))
	out.RawSetString("verified", lua.LBool(s.Verified))
	return out
}

// ExpiryTable is when the first certificate ends; host is there for HTTP.
func ExpiryTable(e *host.Expiry) lua.LValue {
	if e == nil || e.At.IsZero() {
		return lua.LNil
	}
	out := luaval.NewRecord(4)
	out.RawSetString("at", luaval.Instant(e.At))
	out.RawSetString("subject", lua.LString(e.Subject))
	out.RawSetString("leaf", lua.LBool(e.Leaf))
	if e.Host != "" {
		out.RawSetString("host", lua.LString(e.Host))
	}
	return out
}

// responseJSON is response:json([options]).
func responseJSON(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "response:json"}
	r := responseOf(L, a.Fn)
	keep := KeepNull(a)
	v, err := DecodeJSON(r.Body, keep, vm.Looking(L))
	if err != nil && r.Undecoded != "" {
		err = &host.Error{Kind: host.Protocol, Message: "the body cannot be read: " + r.Undecoded + " is not known here"}
	}
	if err != nil && r.Truncated {
		err = &host.Error{Kind: host.TooLarge, Message: "the body is longer than max_body: it was cut, and is not JSON any more"}
	}
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(v)
	return 1
}

// responseHeaderValues is response:header_values(name).
func responseHeaderValues(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "response:header_values"}
	r := responseOf(L, a.Fn)
	name := a.Text(2, "name")
	values := r.Header[http.CanonicalHeaderKey(name)]
	if values == nil {
		for key, found := range r.Header {
			if strings.EqualFold(key, name) {
				values = found
			}
		}
	}
	L.Push(TextTable(values))
	return 1
}
