package module

import (
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// HTTPOptionKeys are the options of http.get and http.post; http.request names
// method and url as well.
var (
	HTTPOptionKeys = []string{
		"query", "headers", "body", "json", "form", "auth", "timeout", "verify", "ca", "client_cert", "client_key",
		"redirects", "keep_method", "max_body", "body_timeout", "raw", "connect_to",
	}
	HTTPRequestKeys = append([]string{"method", "url"}, HTTPOptionKeys...)
)

// maxConnectTo is the longest connect_to, in bytes: a name has 253 at most. Kept
// connections are found by it, also after the run.
const maxConnectTo = 300

// maxRedirects bounds what a plugin may ask for.
const maxRedirects = 50

// HTTPRequest is a request with what does not concern the host.
type HTTPRequest struct {
	host.HTTPRequest
	timeout time.Duration
	query   string // encoded, to be joined to the URL's
}

// request reads the options of a request on top of those of base, which may be nil.
func readRequest(o vm.Options, base *HTTPRequest) *HTTPRequest {
	r := &HTTPRequest{}
	if base != nil {
		*r = *base
		r.Header = base.Header.Clone()
	} else {
		r.Redirects = host.DefaultRedirects
	}
	if o.T == nil {
		return r
	}
	if d := o.Seconds("timeout"); d > 0 {
		r.timeout = d
	}
	r.query = JoinQuery(r.query, ReadQuery(o, "query"))
	ReadHeaders(o, r)
	readAuth(o, r)
	ReadBody(o, r)
	tlsOptions(o, &r.TLS)
	if v := o.Text("client_cert"); v != "" {
		r.TLS.ClientCert = v
	}
	if v := o.Text("client_key"); v != "" {
		r.TLS.ClientKey = v
	}
	if v := o.Text("connect_to"); v != "" {
		if len(v) > maxConnectTo {
			o.Fail(o.N, "connect_to is longer than %d bytes", maxConnectTo)
		}
		r.ConnectTo = v
	}
	if o.Get("max_body") != lua.LNil {
		if r.MaxBody = int64(o.Integer("max_body", 0, 0, vm.MaxBuilt)); r.MaxBody == 0 {
			r.MaxBody = host.NoBody
		}
	}
	if d := o.Seconds("body_timeout"); d > 0 {
		r.BodyTimeout = d
	}
	r.RawBody = o.Flag("raw", r.RawBody)
	r.Redirects, r.KeepMethod = readRedirects(o, r.Redirects), o.Flag("keep_method", r.KeepMethod)
	return r
}

// finish joins the query to the URL.
func finishRequest(o vm.Options, r *HTTPRequest) {
	if r.query == "" || r.URL == "" {
		return
	}
	address, fragment, _ := strings.Cut(r.URL, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	joint := "?"
	if strings.Contains(address, "?") {
		joint = "&"
	}
	if strings.HasSuffix(address, "?") || strings.HasSuffix(address, "&") {
		joint = ""
	}
	r.URL = address + joint + r.query + fragment
}

// tlsOptions reads verify and ca.
func tlsOptions(o vm.Options, t *host.TLSOptions) {
	t.Insecure = !o.Flag("verify", !t.Insecure)
	if ca := o.Text("ca"); ca != "" {
		t.CA = ca
	}
}

func readRedirects(o vm.Options, otherwise int) int {
	switch v := o.Get("redirects").(type) {
	case *lua.LNilType:
		return otherwise
	case lua.LBool:
		if v {
			return host.DefaultRedirects
		}
		return 0
	case lua.LNumber:
		return o.Integer("redirects", 0, 0, maxRedirects)
	}
	o.Wrong("redirects", "true, false or a number")
	return 0
}

// auth reads { user, password }, or the same with names.
func readAuth(o vm.Options, r *HTTPRequest) {
	t := o.Table("auth")
	if t == nil {
		return
	}
	named := o.OptionsOf(o.N, NamedPart(t), []string{"user", "password"})
	user, ok1 := luaval.TextOf(t.RawGetInt(1))
	password, ok2 := luaval.TextOf(t.RawGetInt(2))
	if t.Len() == 0 {
		user, ok1 = luaval.TextOf(named.Get("user"))
		password, ok2 = luaval.TextOf(named.Get("password"))
	}
	if !ok1 || !ok2 {
		o.Fail(o.N, "auth must be { user, password }")
	}
	r.Auth = &host.BasicAuth{User: user, Password: password}
}

// ReadHeaders reads a table of names and values; an array of values repeats a name.
func ReadHeaders(o vm.Options, r *HTTPRequest) {
	t := o.Table("headers")
	if t == nil {
		return
	}
	if r.Header == nil {
		r.Header = make(http.Header, 4)
	}
	t.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			o.Fail(o.N, "headers must be a table of names and values, got the key %s", luaval.KeyText(k))
		}
		key := http.CanonicalHeaderKey(string(name))
		if list, ok := v.(*lua.LTable); ok {
			r.Header[key] = o.TextArray(o.N, "header "+string(name), list)
			return
		}
		value, ok := luaval.TextOf(v)
		if !ok {
			o.Fail(o.N, "header %s must be text, got %s", string(name), luaval.TypeName(v))
		}
		r.Header[key] = []string{value}
	})
}

// ReadBody reads one of body, json and form.
func ReadBody(o vm.Options, r *HTTPRequest) {
	given := 0
	for _, key := range [...]string{"body", "json", "form"} {
		if o.Get(key) != lua.LNil {
			given++
		}
	}
	if given > 1 {
		o.Fail(o.N, "only one of body, json and form can be given")
	}
	if v := o.Get("body"); v != lua.LNil {
		r.Body = o.Text("body")
	}
	if v := o.Get("json"); v != lua.LNil {
		data, err := EncodeJSON(v, vm.Looking(o.L))
		if err != nil {
			o.Fail(o.N, "json: %s", err.Error())
		}
		r.setBody(string(data), "application/json")
	}
	if v := o.Get("form"); v != lua.LNil {
		r.setBody(ReadQuery(o, "form"), "application/x-www-form-urlencoded")
	}
}

func (r *HTTPRequest) setBody(body, contentType string) {
	r.Body = body
	if r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	if _, ok := r.Header["Content-Type"]; !ok {
		r.Header["Content-Type"] = []string{contentType}
	}
}

// ReadQuery reads a table of names and values, or text, as the query of a URL.
func ReadQuery(o vm.Options, key string) string {
	v := o.Get(key)
	if v == lua.LNil {
		return ""
	}
	if s, ok := v.(lua.LString); ok {
		return strings.TrimPrefix(string(s), "?")
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.Wrong(key, "a table or text")
	}
	encoded, err := encodeQuery(t)
	if err != nil {
		o.Fail(o.N, "%s: %s", key, err.Error())
	}
	return encoded
}

// encodeQuery writes names and values in order of name. An array of values
// repeats a name.
func encodeQuery(t *lua.LTable) (string, error) {
	type pair struct{ name, value string }
	var pairs []pair
	var problem error
	lualib.Reading(t).ForEach(func(k, v lua.LValue) {
		name, ok := luaval.TextOf(k)
		if !ok {
			problem = vm.Invalid("a name must be text, got %s", luaval.TypeName(k))
			return
		}
		values := []lua.LValue{v}
		if list, ok := v.(*lua.LTable); ok {
			values, list = values[:0], lualib.Reading(list)
			for i := 1; i <= list.Len(); i++ {
				values = append(values, list.RawGetInt(i))
			}
		}
		for _, v := range values {
			value, ok := luaval.TextOf(v)
			if b, isBool := v.(lua.LBool); isBool {
				value, ok = b.String(), true
			}
			if !ok {
				problem = vm.Invalid("the value of %s must be text, got %s", luaval.Shorten(name, 60), luaval.TypeName(v))
				return
			}
			pairs = append(pairs, pair{name, value})
		}
	})
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].name < pairs[j].name })
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.value))
	}
	return b.String(), problem
}

func JoinQuery(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "&" + second
}
