package runner

import (
	"net/url"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// viewURL is self:view_url(path [, query]): the absolute address of a view, or
// nil and why there is none.
func viewURL(slug, publicURL string) lua.LGFunction {
	return func(L *lua.LState) int {
		path, ok := L.Get(2).(lua.LString)
		if !ok {
			L.RaiseError("bad argument #1 to 'view_url' (path must be a string, got %s)", L.Get(2).Type().String())
		}
		if publicURL == "" {
			L.Push(lua.LNil)
			L.Push(lua.LString("the site has no public address"))
			return 2
		}
		address := strings.TrimRight(publicURL, "/") + "/plugins/" + slug + "/" + strings.TrimLeft(string(path), "/")
		if query := viewQuery(L); query != "" {
			address += "?" + query
		}
		L.Push(lua.LString(address))
		return 1
	}
}

func viewQuery(L *lua.LState) string {
	switch query := L.Get(3).(type) {
	case lua.LString:
		return strings.TrimPrefix(string(query), "?")
	case *lua.LTable:
		values := url.Values{}
		query.ForEach(func(k, v lua.LValue) { values.Add(k.String(), v.String()) })
		return values.Encode()
	case *lua.LNilType:
	default:
		L.RaiseError("bad argument #2 to 'view_url' (query must be a table or a string, got %s)", query.Type().String())
	}
	return ""
}
