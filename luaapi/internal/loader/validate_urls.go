package loader

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
)

func ViewKeys() []string { return []string{"path", "methods", "public", "role", "view"} }

func viewMethods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

func ViewRoles() []string { return []string{"viewer", "operator", "editor", "admin"} }

// urls reads the plugin's own views.
func (r *pluginReader) urls() {
	list, ok := r.get("urls").(*lua.LTable)
	if !ok {
		return
	}
	wrong := func(message string) { r.at("urls", "urls: "+message) }
	seen := map[string]bool{}
	list.ForEach(func(k, value lua.LValue) {
		t, ok := value.(*lua.LTable)
		if k.Type() != lua.LTNumber || !ok {
			wrong("must be an array of tables { path = …, view = function(self, request) … }")
			return
		}
		view := r.view(t, wrong)
		for _, m := range view.Methods {
			if seen[m+" "+view.Path] {
				wrong("two views answer " + m + " " + view.Path)
			}
			seen[m+" "+view.Path] = true
		}
		r.v.Routes = append(r.v.Routes, view)
	})
}

func (r *pluginReader) view(t *lua.LTable, wrong func(string)) engine.ViewRoute {
	view := engine.ViewRoute{Methods: []string{"GET"}, Role: access.Viewer}
	path, ok := t.RawGetString("path").(lua.LString)
	view.Path = strings.TrimPrefix(string(path), "/")
	if !ok || strings.ContainsAny(view.Path, "?# ") || strings.Contains(view.Path, "..") {
		wrong("path must be a string without ?, #, spaces and ..")
	}
	if t.RawGetString("view").Type() != lua.LTFunction {
		wrong("view of path " + view.Path + " must be a function, got " + t.RawGetString("view").Type().String())
	}
	t.ForEach(func(k, v lua.LValue) {
		switch key := luaval.KeyText(k); key {
		case "path", "view":
		case "methods":
			view.Methods = ReadMethods(v, wrong)
		case "public":
			public, ok := v.(lua.LBool)
			if !ok {
				wrong("public must be true or false, got " + v.Type().String())
			}
			view.Public = bool(public)
		case "role":
			view.Role = access.Role(v.String())
			if !slices.Contains(ViewRoles(), v.String()) {
				wrong("role must be one of " + strings.Join(ViewRoles(), ", "))
			}
		default:
			message := "there is no key " + key
			if near := form.Nearest(key, ViewKeys()); near != "" {
				message += "; did you mean " + near + "?"
			}
			wrong(message)
		}
	})
	return view
}

func ReadMethods(v lua.LValue, wrong func(string)) []string {
	list, ok := v.(*lua.LTable)
	if !ok || list.Len() == 0 {
		wrong("methods must be an array such as { \"GET\", \"POST\" }")
		return nil
	}
	var methods []string
	for i := 1; i <= list.Len(); i++ {
		m, ok := list.RawGetInt(i).(lua.LString)
		if !ok || !slices.Contains(viewMethods(), string(m)) {
			wrong("methods must be among " + strings.Join(viewMethods(), ", "))
			continue
		}
		methods = append(methods, string(m))
	}
	return methods
}
