package module

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/net/publicsuffix"

	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

func openURL(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{
		"parse":    URLParse,
		"build":    urlBuild,
		"escape":   urlEscape,
		"unescape": urlUnescape,
		"query":    urlQuery,

		"registrable_domain": urlRegistrableDomain,
		"link":               urlLink,
	})
}

var URLParts = []string{"scheme", "user", "password", "host", "port", "path", "query", "fragment"}

// maxURLText is how long a URL is at most, in bytes.
const maxURLText = 4 << 20

// URLParse takes a URL to pieces. What is not in it is "", but for user,
// password and port, which are nil.
func URLParse(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "url.parse"}
	text := a.Text(1, "url")
	if len(text) > maxURLText {
		return vm.Failed(L, vm.Invalid("not a URL: it is longer than %d bytes", maxURLText))
	}
	u, err := url.Parse(text)
	if err != nil {
		return vm.Failed(L, vm.Invalid("not a URL: %s", luaval.KeyText(L.Get(1))))
	}
	part := func(s string) lua.LString { return lua.LString(lualib.Part(text, s)) }
	t := luaval.NewRecord(8)
	t.RawSetString("scheme", part(u.Scheme))
	t.RawSetString("host", part(u.Hostname()))
	t.RawSetString("path", part(u.EscapedPath()))
	t.RawSetString("query", part(u.RawQuery))
	t.RawSetString("fragment", part(u.Fragment))
	if u.Opaque != "" {
		t.RawSetString("path", part(u.Opaque))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		t.RawSetString("port", lua.LNumber(port))
	}
	if u.User != nil {
		t.RawSetString("user", part(u.User.Username()))
		if password, ok := u.User.Password(); ok {
			t.RawSetString("password", part(password))
		}
	}
	L.Push(t)
	return 1
}

// urlBuild is the reverse of url.parse; query may be a table.
func urlBuild(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "url.build"}
	a.Table(1, "parts")
	o := a.Options(1, "parts", URLParts)
	u := url.URL{Scheme: o.Text("scheme"), Host: o.Text("host"), RawQuery: ReadQuery(o, "query"), Fragment: o.Text("fragment")}
	if strings.Contains(u.Host, ":") {
		u.Host = "[" + strings.Trim(u.Host, "[]") + "]"
	}
	if port := o.Integer("port", 0, 0, 65535); port > 0 {
		u.Host = net.JoinHostPort(strings.Trim(u.Host, "[]"), strconv.Itoa(port))
	}
	if user := o.Text("user"); user != "" {
		u.User = url.User(user)
		if password := o.Text("password"); password != "" {
			u.User = url.UserPassword(user, password)
		}
	}
	path := o.Text("path")
	if path != "" && path[0] != '/' && u.Host != "" {
		path = "/" + path
	}
	if err := setPath(&u, path); err != nil {
		o.Fail(1, "path has a %% that escapes nothing")
	}
	L.Push(lua.LString(u.String()))
	return 1
}

// setPath sets a path that may be escaped already.
func setPath(u *url.URL, path string) error {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return err
	}
	u.Path, u.RawPath = plain, path
	return nil
}

// urlEscape escapes all but the unreserved characters of RFC 3986.
func urlEscape(L *lua.LState) int {
	text := vm.Args{L: L, Fn: "url.escape"}.Text(1, "text")
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(text)+len(text)/2)
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', c == '-', c == '.', c == '_', c == '~':
			out = append(out, c)
		default:
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	L.Push(lua.LString(out))
	return 1
}

func urlUnescape(L *lua.LState) int {
	text, err := url.PathUnescape(vm.Args{L: L, Fn: "url.unescape"}.Text(1, "text"))
	if err != nil {
		return vm.Failed(L, vm.Invalid("a %% in the text escapes nothing"))
	}
	L.Push(lua.LString(text))
	return 1
}

// MaxPairs is how many pairs of a name and a value a query or a form has at most.
const MaxPairs = 10_000

// urlQuery turns a table into the text of a query, and text into a table, in
// which a name that is repeated has an array of values.
func urlQuery(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "url.query"}
	if t, ok := L.Get(1).(*lua.LTable); ok {
		text, err := encodeQuery(t)
		if err != nil {
			a.Fail(1, "%s", err.Error())
		}
		L.Push(lua.LString(text))
		return 1
	}
	if _, ok := L.Get(1).(lua.LString); !ok {
		a.WrongType(1, "query", "a table or text")
	}
	text := a.Text(1, "query")
	if strings.Count(text, "&") >= MaxPairs {
		a.Fail(1, "query has more than %d pairs", MaxPairs)
	}
	values, err := url.ParseQuery(strings.TrimPrefix(text, "?"))
	if err != nil {
		return vm.Failed(L, vm.Invalid("not a query: it has a %% that escapes nothing, or a semicolon"))
	}
	t := luaval.NewRecord(len(values))
	for name, list := range values {
		name = lualib.Part(text, name)
		for i := range list {
			list[i] = lualib.Part(text, list[i])
		}
		if len(list) == 1 {
			t.RawSetString(name, lua.LString(list[0]))
		} else {
			t.RawSetString(name, TextTable(list))
		}
	}
	L.Push(t)
	return 1
}

// urlRegistrableDomain is registrable_domain(host): the part of a host's name that
// is registered with a registry, or nil for an address and for a public suffix.
func urlRegistrableDomain(L *lua.LState) int {
	host := strings.TrimSuffix(vm.Args{L: L, Fn: "url.registrable_domain"}.Text(1, "host"), ".")
	if len(host) <= 253 {
		if domain := registrableDomain(strings.ToLower(host)); domain != "" {
			L.Push(lua.LString(domain))
			return 1
		}
	}
	L.Push(lua.LNil)
	return 1
}

// registrableDomain goes by the part of the public suffix list that registries
// wrote: companies' own suffixes (github.io) are domains that they registered.
func registrableDomain(host string) string {
	if net.ParseIP(host) != nil || strings.Contains(host, "..") || strings.HasPrefix(host, ".") {
		return ""
	}
	suffix, icann := publicsuffix.PublicSuffix(host)
	for !icann && strings.Contains(suffix, ".") {
		_, parent, _ := strings.Cut(suffix, ".")
		suffix, icann = publicsuffix.PublicSuffix(parent)
	}
	rest, ok := strings.CutSuffix(host, "."+suffix)
	if !ok || rest == "" {
		return ""
	}
	return rest[strings.LastIndexByte(rest, '.')+1:] + "." + suffix
}

// maxLink is the length, in bytes, up to which an address is made a link.
const maxLink = 2000

// urlLink is link(url [, most]).
func urlLink(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "url.link"}
	text, most := a.Text(1, "url"), maxLink
	if a.Has(2) {
		most = a.Integer(2, "most", 0, vm.MaxBuilt)
	}
	if len(text) <= most { // else it would not be shorter as a link
		text = linkable(text)
	}
	if len(text) > most {
		text = ""
	}
	L.Push(lua.LString(text))
	return 1
}

// linkable escapes what the markup of some receiver takes for its own: an address
// with a | or a ) ends there. It returns "" for what is no address of the web.
func linkable(address string) string {
	scheme, _, _ := strings.Cut(address, ":")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" || !strings.HasPrefix(address[len(scheme):], "://") {
		return ""
	}
	var b strings.Builder
	for _, r := range address {
		if r <= ' ' || r == 0x7F || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || strings.ContainsRune("\"'()<>\\^`{|}*", r) {
			b.WriteString(url.PathEscape(string(r)))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
