package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

// cleanLimit is the deadline of one call of a clean function.
const cleanLimit = time.Second

// Cleaning returns the plugin's own clean functions for one of its forms.
// Secrets that come back untouched are opened for the plugin under object, and
// handed back sealed when the plugin left them as they were.
func (v *Version) Cleaning(name engine.FormName, object string) form.Callbacks {
	return &cleaning{version: v, name: name, object: object}
}

type cleaning struct {
	version *Version
	name    engine.FormName
	object  string
}

// shortName is how the plugin's clean function is told the form.
func (c *cleaning) shortName() string {
	switch c.name {
	case engine.ConfigForm:
		return "config"
	case engine.SettingsForm:
		return "settings"
	case engine.UserConfigForm:
		return "user"
	}
	return "service"
}

// CleanField runs the clean function of the field at path.
func (c *cleaning) CleanField(ctx context.Context, path string, value any) (any, string, error) {
	var cleaned any
	message := ""
	err := c.call(ctx, func(L *lua.LState, self *lua.LTable, o *openedSecrets) {
		list, _ := L.GetField(c.formOwner(self, o.run), string(c.name)).(*lua.LTable)
		decl := (*loader.FieldDecl)(nil)
		if list != nil {
			decls, _ := loader.Declarations(list)
			decl = loader.DeclOf(decls, path)
		}
		if decl == nil || decl.Clean == nil {
			cleaned = value
			return
		}
		L.Push(decl.Clean)
		L.Push(o.toLua(L, path, value))
		L.Call(1, 2)
		result, complaint := L.Get(-2), L.Get(-1)
		L.Pop(2)
		if result == lua.LNil && complaint != lua.LNil {
			message = complaintText(L, complaint)
			return
		}
		back, problem := binding.FromLua(result, 0)
		if problem != "" {
			refuse(L, "clean of field %s: %s", path, problem)
		}
		cleaned = o.seal(path, back)
	})
	return cleaned, message, err
}

// CleanForm runs the plugin's form-level clean.
func (c *cleaning) CleanForm(ctx context.Context, values map[string]any) (map[string]any, map[string]string, error) {
	if !c.version.HasClean {
		return values, nil, nil
	}
	cleaned, messages := values, map[string]string(nil)
	err := c.call(ctx, func(L *lua.LState, self *lua.LTable, o *openedSecrets) {
		t := L.CreateTable(0, len(values))
		for _, key := range luaval.SortedKeys(values) {
			if v := o.toLua(L, key, values[key]); v != lua.LNil {
				t.RawSetString(key, v)
			}
		}
		L.Push(method(L, self, "clean"))
		L.Push(self)
		L.Push(t)
		L.Push(lua.LString(c.shortName()))
		L.Call(3, 2)
		result, complaints := L.Get(-2), L.Get(-1)
		L.Pop(2)
		switch result := result.(type) {
		case *lua.LTable:
			back, problem := binding.FromLua(result, 0)
			if problem != "" {
				refuse(L, "clean returned values that cannot be kept: %s", problem)
			}
			cleaned = o.sealAll(back)
		case *lua.LNilType:
			messages = complaintTable(L, complaints)
		default:
			refuse(L, "clean must return values, or nil and a table of messages, but returned a %s", result.Type().String())
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return cleaned, messages, nil
}

// formOwner is the plugin's table that holds the form: its own, or for shared
// settings that of the plugin they are taken from.
func (c *cleaning) formOwner(self *lua.LTable, r *binding.PluginRun) *lua.LTable {
	from := c.version.FormsFrom
	list, ok := r.Top.(*lua.LTable)
	if from == 0 || !ok || (c.name != engine.SettingsForm && c.name != engine.UserConfigForm) {
		return self
	}
	if owner, ok := list.RawGetInt(from).(*lua.LTable); ok {
		return owner
	}
	return self
}

// refuse raises without a position: it was what the function returned, at no line.
func refuse(L *lua.LState, format string, values ...any) {
	L.Error(lua.LString(fmt.Sprintf(format, values...)), 0)
}

func complaintText(L *lua.LState, v lua.LValue) string {
	s, ok := v.(lua.LString)
	if !ok {
		refuse(L, "a clean function must return nil and a message that is a string, got %s", v.Type().String())
	}
	if s == "" {
		refuse(L, "a clean function must return nil and a message, got an empty one")
	}
	return luaval.Shorten(vm.CallOf(L).Presentable(string(s)), vm.MaxError)
}

func complaintTable(L *lua.LState, v lua.LValue) map[string]string {
	messages := map[string]string{}
	switch v := v.(type) {
	case lua.LString:
		messages[""] = complaintText(L, v)
	case *lua.LTable:
		v.ForEach(func(k, text lua.LValue) { messages[k.String()] = complaintText(L, text) })
	}
	if len(messages) == 0 {
		refuse(L, "clean must return values, or nil and a table { field = \"message\" }")
	}
	return messages
}

// call runs fn with a fresh plugin table whose forms are built.
func (c *cleaning) call(ctx context.Context, fn func(L *lua.LState, self *lua.LTable, o *openedSecrets)) (outcome error) {
	v := c.version
	r, cancel, err := v.start(ctx, vm.RunKind{Rank: permit.Fresh, Limit: cleanLimit, Offline: true, Full: true}, v.lastSettings())
	if err != nil {
		return err
	}
	defer cancel()
	defer r.Contain(func() { outcome = vm.ErrInternal })
	r.Forms = &loader.FormCollector{}
	o := &openedSecrets{run: r, object: c.object, kept: map[string][]keptSecret{}}
	var failed error
	r.Then = func(r *binding.PluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, "")
		o.form = v.Manifest.Forms[c.name]
		fn(L, self, o)
		failed = o.problem
	}
	err = r.Execute()
	r.End(v.Pool, err == nil)
	if err == nil {
		err = failed
	}
	if err != nil {
		return errors.New(r.Call.Clean(reason(r, err), vm.MaxError))
	}
	return nil
}

// openedSecrets remembers which sealed value stands behind an opened text, so
// that what the plugin leaves alone goes back sealed as it was.
type openedSecrets struct {
	run     *binding.PluginRun
	object  string
	form    form.Form
	kept    map[string][]keptSecret // by path without row numbers
	problem error
}

type keptSecret struct {
	sealed form.Sealed
	seen   any
}

func (o *openedSecrets) toLua(L *lua.LState, path string, v any) lua.LValue {
	return binding.ToLua(L, o.run.Binder.Shared, o.open(path, v))
}

// open replaces sealed values, also inside rows, by what they hold.
func (o *openedSecrets) open(path string, v any) any {
	switch v := v.(type) {
	case form.Sealed:
		return o.openOne(path, v)
	case []any:
		rows := make([]any, len(v))
		for i := range v {
			rows[i] = o.open(path, v[i])
		}
		return rows
	case map[string]any:
		fields := make(map[string]any, len(v))
		for key, item := range v {
			fields[key] = o.open(path+"."+key, item)
		}
		return fields
	}
	for _, text := range o.secretTexts(path, v) {
		o.run.Call.Secrets.Add(text)
	}
	return v
}

func (o *openedSecrets) secretTexts(path string, v any) []string {
	if f := fieldAt(o.form.Fields, path); f != nil && f.Secret() {
		return binding.Texts(v)
	}
	return nil
}

func (o *openedSecrets) openOne(path string, sealed form.Sealed) any {
	f := fieldAt(o.form.Fields, path)
	if o.run.Binder.Opener == nil || f == nil {
		o.problem = binding.ErrNoKey
		return nil
	}
	one := *f
	one.ShowIf = nil
	seen, err := form.Form{Fields: []form.Field{one}}.Seen(form.Values{one.Name: sealed}, func(_ string, s form.Sealed) ([]byte, error) {
		return o.run.Binder.Opener.Open(o.object, path, s)
	})
	if err != nil {
		o.problem = err
		return nil
	}
	v := seen[one.Name]
	for _, text := range binding.Texts(v) {
		o.run.Call.Secrets.Add(text)
	}
	o.kept[path] = append(o.kept[path], keptSecret{sealed, v})
	return v
}

// seal puts sealed values back where the plugin left them untouched.
func (o *openedSecrets) seal(path string, v any) any {
	for _, k := range o.kept[path] {
		if sameSeen(k.seen, v) {
			return k.sealed
		}
	}
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = o.seal(path, v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = o.seal(path+"."+key, v[key])
		}
	}
	return v
}

func (o *openedSecrets) sealAll(v any) map[string]any {
	fields, ok := v.(map[string]any)
	if !ok { // an empty table is a list to FromLua
		return map[string]any{}
	}
	for key := range fields {
		fields[key] = o.seal(key, fields[key])
	}
	return fields
}

// fieldAt finds the field at a path such as "rows.password".
func fieldAt(fields []form.Field, path string) *form.Field {
	name, rest, nested := strings.Cut(path, ".")
	for i := range fields {
		if fields[i].Name == name {
			if nested {
				return fieldAt(fields[i].Fields, rest)
			}
			return &fields[i]
		}
	}
	return nil
}

// sameSeen compares a seen value with what came back from Lua.
func sameSeen(seen, back any) bool {
	switch seen := seen.(type) {
	case form.KeyValues:
		fields, ok := back.(map[string]any)
		if !ok || len(fields) != len(seen) {
			return false
		}
		for _, p := range seen {
			if fields[p.Name] != p.Value {
				return false
			}
		}
		return true
	case []any:
		list, ok := back.([]any)
		if !ok || len(list) != len(seen) {
			return false
		}
		for i := range seen {
			if !sameSeen(seen[i], list[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		fields, ok := back.(map[string]any)
		if !ok || len(fields) != len(seen) {
			return false
		}
		for key := range seen {
			if !sameSeen(seen[key], fields[key]) {
				return false
			}
		}
		return true
	}
	return seen == back
}
