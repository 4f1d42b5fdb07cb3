package binding

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// RequestView is a request to one of the plugin's views.
type RequestView struct {
	Method  string     `luar:"method"`
	URL     string     `luar:"url"`
	Path    string     `luar:"path"`
	Query   lua.LValue `luar:"query"`
	Headers lua.LValue `luar:"headers"`
	Body    string     `luar:"body"`
	User    lua.LValue `luar:"user"`
	Address string     `luar:"address"`
	Monitor lua.LValue `luar:"monitor"`
	JSON    lua.LValue `luar:"json"`
	Form    lua.LValue `luar:"form"`
}

// RequestObject is the request of a view.
func (r *PluginRun) RequestObject(L *lua.LState, in *engine.ViewCall) lua.LValue {
	q := &in.Request
	view := RequestView{
		Method:  q.Method,
		URL:     q.URL,
		Path:    q.Path,
		Query:   lualib.Freeze("request.query", valuesTable(q.Query)),
		Headers: lualib.Freeze("request.headers", module.HeaderTable(http.Header(q.Headers))),
		Body:    string(q.Body),
		User:    lua.LNil,
		Address: q.Address,
		Monitor: r.MonitorObject(L, in.Monitor),
	}
	if q.User != nil {
		view.User = r.viewUsers(L, []engine.UserSnapshot{*q.User}).RawGetInt(1)
	}
	view.JSON = L.NewFunction(func(L *lua.LState) int {
		v, err := module.DecodeJSON(string(q.Body), module.KeepNull(vm.Args{L: L, Fn: "request:json"}), vm.Looking(L))
		if err != nil {
			return vm.Failed(L, err)
		}
		L.Push(v)
		return 1
	})
	view.Form = L.NewFunction(func(L *lua.LState) int {
		values, err := formValues(q)
		if err != nil {
			return vm.Failed(L, err)
		}
		L.Push(valuesTable(values))
		return 1
	})
	return r.object(L, "request", view)
}

// viewUsers is a fresh table of users, with their settings of the plugin.
func (r *PluginRun) viewUsers(L *lua.LState, users []engine.UserSnapshot) *lua.LTable {
	bound := make([]*Binding, len(users))
	for i := range users {
		layout := r.Plugin.Layout(engine.UserConfigForm)
		bound[i] = r.Binder.Bind(layout, users[i].ID, users[i].Settings)
		if bound[i].Problem != nil {
			bound[i] = r.Binder.Bind(layout, users[i].ID, nil)
		}
		r.Call.Secrets.Add(bound[i].Secrets...)
	}
	return r.UserList(L, users, bound)
}

// valuesTable is a table of a query or form, as url.query gives it: a name that
// is repeated has an array of values, and an absent one is nil.
func valuesTable(values map[string][]string) *lua.LTable {
	t := luaval.NewRecord(len(values))
	for name, list := range values {
		if len(list) == 1 {
			t.RawSetString(name, lua.LString(list[0]))
		} else {
			t.RawSetString(name, module.TextTable(list))
		}
	}
	return t
}

// formValues reads the body as a form, in either of the two ways in which
// browsers send one.
func formValues(q *engine.ViewRequest) (url.Values, error) {
	kind, params, _ := mime.ParseMediaType(http.Header(q.Headers).Get("Content-Type"))
	if kind == "multipart/form-data" {
		return multipartValues(q.Body, params["boundary"])
	}
	if bytes.Count(q.Body, []byte("&")) >= module.MaxPairs {
		return nil, vm.Invalid("the form has more than %d fields", module.MaxPairs)
	}
	values, err := url.ParseQuery(strings.TrimRight(string(q.Body), "\r\n"))
	if err != nil {
		return nil, vm.Invalid("the body is no form: it has a %% that escapes nothing, or a semicolon")
	}
	return values, nil
}

// maxParts bounds the fields of a form that comes in parts.
const maxParts = 1000

func multipartValues(body []byte, boundary string) (url.Values, error) {
	values := url.Values{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParts {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return values, nil
		}
		if err != nil {
			return nil, vm.Invalid("the body is no form: %s", err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, vm.Invalid("the body is no form: %s", err)
		}
		values.Add(part.FormName(), string(text))
	}
	return nil, vm.Invalid("the form has more than %d fields", maxParts)
}
