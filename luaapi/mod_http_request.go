package luaapi

import (
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// httpOptionKeys are the options of http.get and http.post; http.request names
// method and url as well.
var (
	httpOptionKeys = []string{
		"query", "headers", "body", "json", "form", "auth", "timeout", "verify", "ca", "client_cert", "client_key",
		"redirects", "keep_method", "max_body", "body_timeout", "raw", "connect_to",
	}
	httpRequestKeys = append([]string{"method", "url"}, httpOptionKeys...)
)

// maxConnectTo is the longest connect_to, in bytes: a name has 253 at most. Kept
// connections are found by it, also after the run.
const maxConnectTo = 300

// maxRedirects bounds what a plugin may ask for.
const maxRedirects = 50

// httpRequest is a request with what does not concern the host.
type httpRequest struct {
	host.HTTPRequest
	timeout time.Duration
	query   string // encoded, to be joined to the URL's
}

// request reads the options of a request on top of those of base, which may be nil.
func (o options) request(base *httpRequest) *httpRequest {
	r := &httpRequest{}
	if base != nil {
		*r = *base
		r.Header = base.Header.Clone()
	} else {
		r.Redirects = host.DefaultRedirects
	}
	if o.t == nil {
		return r
	}
	if d := o.seconds("timeout"); d > 0 {
		r.timeout = d
	}
	r.query = joinQuery(r.query, o.query("query"))
	o.headers(r)
	o.auth(r)
	o.body(r)
	o.tlsOptions(&r.TLS)
	if v := o.text("client_cert"); v != "" {
		r.TLS.ClientCert = v
	}
	if v := o.text("client_key"); v != "" {
		r.TLS.ClientKey = v
	}
	if v := o.text("connect_to"); v != "" {
		if len(v) > maxConnectTo {
			o.fail(o.n, "connect_to is longer than %d bytes", maxConnectTo)
		}
		r.ConnectTo = v
	}
	if o.get("max_body") != lua.LNil {
		if r.MaxBody = int64(o.integer("max_body", 0, 0, maxBuilt)); r.MaxBody == 0 {
			r.MaxBody = host.NoBody
		}
	}
	if d := o.seconds("body_timeout"); d > 0 {
		r.BodyTimeout = d
	}
	r.RawBody = o.flag("raw", r.RawBody)
	r.Redirects, r.KeepMethod = o.redirects(r.Redirects), o.flag("keep_method", r.KeepMethod)
	return r
}

// finish joins the query to the URL.
func (o options) finish(r *httpRequest) {
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
func (o options) tlsOptions(t *host.TLSOptions) {
	t.Insecure = !o.flag("verify", !t.Insecure)
	if ca := o.text("ca"); ca != "" {
		t.CA = ca
	}
}

func (o options) redirects(otherwise int) int {
	switch v := o.get("redirects").(type) {
	case *lua.LNilType:
		return otherwise
	case lua.LBool:
		if v {
			return host.DefaultRedirects
		}
		return 0
	case lua.LNumber:
		return o.integer("redirects", 0, 0, maxRedirects)
	}
	o.wrong("redirects", "true, false or a number")
	return 0
}

// auth reads { user, password }, or the same with names.
func (o options) auth(r *httpRequest) {
	t := o.table("auth")
	if t == nil {
		return
	}
	named := o.optionsOf(o.n, namedPart(t), []string{"user", "password"})
	user, ok1 := textOf(t.RawGetInt(1))
	password, ok2 := textOf(t.RawGetInt(2))
	if t.Len() == 0 {
		user, ok1 = textOf(named.get("user"))
		password, ok2 = textOf(named.get("password"))
	}
	if !ok1 || !ok2 {
		o.fail(o.n, "auth must be { user, password }")
	}
	r.Auth = &host.BasicAuth{User: user, Password: password}
}

// headers reads a table of names and values; an array of values repeats a name.
func (o options) headers(r *httpRequest) {
	t := o.table("headers")
	if t == nil {
		return
	}
	if r.Header == nil {
		r.Header = make(http.Header, 4)
	}
	t.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			o.fail(o.n, "headers must be a table of names and values, got the key %s", keyText(k))
		}
		key := http.CanonicalHeaderKey(string(name))
		if list, ok := v.(*lua.LTable); ok {
			r.Header[key] = o.textArray(o.n, "header "+string(name), list)
			return
		}
		value, ok := textOf(v)
		if !ok {
			o.fail(o.n, "header %s must be text, got %s", string(name), typeName(v))
		}
		r.Header[key] = []string{value}
	})
}

// body reads one of body, json and form.
func (o options) body(r *httpRequest) {
	given := 0
	for _, key := range [...]string{"body", "json", "form"} {
		if o.get(key) != lua.LNil {
			given++
		}
	}
	if given > 1 {
		o.fail(o.n, "only one of body, json and form can be given")
	}
	if v := o.get("body"); v != lua.LNil {
		r.Body = o.text("body")
	}
	if v := o.get("json"); v != lua.LNil {
		data, err := encodeJSON(v)
		if err != nil {
			o.fail(o.n, "json: %s", err.Error())
		}
		r.setBody(string(data), "application/json")
	}
	if v := o.get("form"); v != lua.LNil {
		r.setBody(o.query("form"), "application/x-www-form-urlencoded")
	}
}

func (r *httpRequest) setBody(body, contentType string) {
	r.Body = body
	if r.Header == nil {
		r.Header = make(http.Header, 1)
	}
	if _, ok := r.Header["Content-Type"]; !ok {
		r.Header["Content-Type"] = []string{contentType}
	}
}

// query reads a table of names and values, or text, as the query of a URL.
func (o options) query(key string) string {
	v := o.get(key)
	if v == lua.LNil {
		return ""
	}
	if s, ok := v.(lua.LString); ok {
		return strings.TrimPrefix(string(s), "?")
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		o.wrong(key, "a table or text")
	}
	encoded, err := encodeQuery(t)
	if err != nil {
		o.fail(o.n, "%s: %s", key, err.Error())
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
		name, ok := textOf(k)
		if !ok {
			problem = invalid("a name must be text, got %s", typeName(k))
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
			value, ok := textOf(v)
			if b, isBool := v.(lua.LBool); isBool {
				value, ok = b.String(), true
			}
			if !ok {
				problem = invalid("the value of %s must be text, got %s", shorten(name, 60), typeName(v))
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

func joinQuery(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "&" + second
}
