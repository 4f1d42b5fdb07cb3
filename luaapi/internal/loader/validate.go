package loader

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// validator reads the tables that a file returns and collects all their
// problems. It works inside the load state's protected call.
type validator struct {
	source  *Source
	file    string
	outline *outline
	out     *Result
	code    *vm.Code
}

// keyKind is what a key of a plugin's table holds.
type keyKind struct {
	Type     lua.LValueType
	Only     engine.PluginKind // "" is both
	Required bool
}

// PluginKeys are all keys that the contract knows.
func PluginKeys() map[string]keyKind {
	text := keyKind{Type: lua.LTString}
	must := keyKind{Type: lua.LTString, Required: true}
	table := keyKind{Type: lua.LTTable}
	return map[string]keyKind{
		"name": must, "slug": must, "version": must,
		"author": text, "summary": text, "font_icon": text, "homepage": text, "license": text,
		"settings_from":       text,
		"channel":             {Type: lua.LTString, Only: engine.AlertPlugin},
		"needs":               {Type: lua.LTTable, Only: engine.AlertPlugin},
		"plugin_variables":    table,
		"settings_form":       table,
		"config_form":         {Type: lua.LTTable, Only: engine.CheckPlugin},
		"user_config_form":    {Type: lua.LTTable, Only: engine.AlertPlugin},
		"service_config_form": {Type: lua.LTTable, Only: engine.AlertPlugin},
		"urls":                table,
		"run":                 {Type: lua.LTFunction, Only: engine.CheckPlugin},
		"ping":                {Type: lua.LTFunction, Only: engine.CheckPlugin},
		"description":         {Type: lua.LTFunction, Only: engine.CheckPlugin},
		"send_alert":          {Type: lua.LTFunction, Only: engine.AlertPlugin},
		"send_alert_update":   {Type: lua.LTFunction, Only: engine.AlertPlugin},
		"clean":               {Type: lua.LTFunction},
	}
}

var (
	slugPattern     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// channels are the values of the key channel.
func channels() []string { return []string{"phone", "sms", "email", "chat", "other"} }

// top validates what the file's top level returned.
func (v *validator) top(L *lua.LState, top lua.LValue) {
	list, ok := top.(*lua.LTable)
	if !ok {
		what := "a " + top.Type().String()
		if top == lua.LNil {
			what = "nothing"
		}
		v.problem(v.outline.returnLine, "the file must return a plugin table, but returns "+what)
		return
	}
	if first, ok := list.RawGetInt(1).(*lua.LTable); ok && first != nil {
		for i := 1; i <= list.Len(); i++ {
			t, ok := list.RawGetInt(i).(*lua.LTable)
			if !ok {
				v.problem(v.outline.returnLine, "an entry of the array of plugins is a "+list.RawGetInt(i).Type().String())
				continue
			}
			v.plugin(L, t, i)
		}
	} else {
		v.plugin(L, list, 0)
	}
	v.together()
}

func (v *validator) problem(line int, message string) { v.out.Problems.add(v.file, line, message) }

// pluginReader validates one plugin's table.
type pluginReader struct {
	*validator
	L *lua.LState
	t *lua.LTable
	n int // in the outline, from 0
	v *Plugin
}

func (v *validator) plugin(L *lua.LState, t *lua.LTable, index int) {
	r := &pluginReader{validator: v, L: L, t: t, n: max(index-1, 0), v: &Plugin{index: index}}
	r.read()
	if slugPattern.MatchString(r.v.Manifest.Slug) {
		v.out.Slugs = append(v.out.Slugs, r.v.Manifest.Slug)
	}
	v.out.Plugins = append(v.out.Plugins, r.v)
}

func (r *pluginReader) at(key, message string) { r.problem(r.outline.line(r.n, key), message) }

// get reads a key, also through the table's metatable.
func (r *pluginReader) get(key string) lua.LValue { return r.L.GetField(r.t, key) }

func (r *pluginReader) read() {
	m := &r.v.Manifest
	run, send := r.get("run").Type() == lua.LTFunction, r.get("send_alert").Type() == lua.LTFunction
	switch {
	case run && send:
		r.at("send_alert", "the plugin defines both run and send_alert; it must define exactly one")
	case !run && !send:
		if r.get("run") == lua.LNil && r.get("send_alert") == lua.LNil {
			r.at("", "the plugin defines neither run nor send_alert; it must define exactly one")
		}
	}
	m.Kind = engine.CheckPlugin
	if send && !run || r.get("send_alert") != lua.LNil && !run {
		m.Kind = engine.AlertPlugin
	}
	r.keys(run && send)
	r.texts()
	r.variables()
	r.forms()
	r.needs()
	r.urls()
	m.HasPing = r.get("ping").Type() == lua.LTFunction
	m.HasUpdate = r.get("send_alert_update").Type() == lua.LTFunction
	m.HasDescribe = r.get("description").Type() == lua.LTFunction
	m.HasView = len(r.v.Routes) > 0
	r.v.HasClean = r.get("clean").Type() == lua.LTFunction
}

// keys looks at what the table holds, and at what it must hold.
func (r *pluginReader) keys(both bool) {
	known := PluginKeys()
	for _, key := range luaval.SortedKeys(known) {
		kind, value := known[key], r.get(key)
		switch {
		case value == lua.LNil:
			if kind.Required {
				r.at(key, "the key "+key+" is missing")
			}
		case value.Type() != kind.Type:
			r.at(key, key+" must be a "+kind.Type.String()+", got "+value.Type().String())
		case kind.Only != "" && kind.Only != r.v.Manifest.Kind && !both && key != "run" && key != "send_alert":
			r.at(key, key+" belongs to "+string(kind.Only)+" plugins, and this is one for "+string(r.v.Manifest.Kind)+"s")
		}
	}
	r.t.ForEach(func(k, value lua.LValue) {
		key := luaval.KeyText(k)
		if _, ok := known[key]; ok && k.Type() == lua.LTString || value.Type() == lua.LTFunction {
			return
		}
		message := "the contract knows no key " + key
		if near := form.Nearest(key, luaval.SortedKeys(known)); near != "" {
			message += "; did you mean " + near + "?"
		}
		r.out.Warnings.add(r.file, r.outline.line(r.n, key), message)
	})
}

func (r *pluginReader) text(key string) string {
	s, _ := r.get(key).(lua.LString)
	return strings.ToValidUTF8(string(s), "\uFFFD")
}

func (r *pluginReader) texts() {
	m := &r.v.Manifest
	m.Name, m.Slug, m.Version = r.text("name"), r.text("slug"), r.text("version")
	m.Author, m.Summary, m.FontIcon = r.text("author"), r.text("summary"), r.text("font_icon")
	m.Homepage, m.License, m.Channel = r.text("homepage"), r.text("license"), r.text("channel")
	m.SettingsFrom = r.text("settings_from")
	for key, most := range textBounds() {
		r.bounded(key, most)
	}
	for _, key := range []string{"name", "version"} {
		if r.get(key) == lua.LString("") {
			r.at(key, key+" is empty")
		}
	}
	if r.get("slug").Type() == lua.LTString && !slugPattern.MatchString(m.Slug) {
		r.at("slug", "slug must be a small letter followed by up to 63 small letters, digits and _")
	}
	if m.Channel != "" && !slices.Contains(channels(), m.Channel) {
		r.at("channel", "channel must be one of "+strings.Join(channels(), ", "))
	}
	if m.Channel == "" && m.Kind == engine.AlertPlugin {
		m.Channel = "other"
	}
}

// textBounds are the most characters of the texts that are shown to people.
func textBounds() map[string]int {
	return map[string]int{"name": 100, "version": 50, "author": 200, "summary": 500, "font_icon": 100, "homepage": 500, "license": 200}
}

// bounded complains about a text that is too long for a page, or not printable.
func (r *pluginReader) bounded(key string, most int) {
	text, ok := r.get(key).(lua.LString)
	switch {
	case !ok:
	case utf8.RuneCountInString(string(text)) > most:
		r.at(key, fmt.Sprintf("%s has more than %d characters", key, most))
	case !Printable(string(text)):
		r.at(key, key+" must be one line of printable characters")
	}
}

// Printable reports whether text is UTF-8 without control characters, line ends
// and characters that cannot be seen.
func Printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}

func (r *pluginReader) variables() {
	list, ok := r.get("plugin_variables").(*lua.LTable)
	if !ok {
		return
	}
	list.ForEach(func(k, value lua.LValue) {
		name, ok := value.(lua.LString)
		if !ok || k.Type() != lua.LTNumber {
			r.at("plugin_variables", "plugin_variables must be an array of names")
			return
		}
		r.variable("plugin_variables", string(name))
	})
}

func (r *pluginReader) variable(key, name string) {
	switch {
	case !variablePattern.MatchString(name):
		r.at(key, "the environment variable "+luaval.CutRunes(name, 80)+" is no valid name")
	case strings.HasPrefix(strings.ToUpper(name), "MOONWATCH_"):
		r.at(key, "the environment variable "+name+" belongs to the product: names beginning MOONWATCH_ cannot be read")
	case !slices.Contains(r.v.Manifest.Variables, name):
		r.v.Manifest.Variables = append(r.v.Manifest.Variables, name)
	}
}

func (r *pluginReader) forms() {
	r.v.Manifest.Forms = map[engine.FormName]form.Form{}
	for _, name := range formNames() {
		list, ok := r.get(string(name)).(*lua.LTable)
		if !ok {
			continue
		}
		r.form(name, list)
	}
}

func (r *pluginReader) form(name engine.FormName, list *lua.LTable) {
	decls, wrong := Declarations(list)
	if wrong != "" {
		r.at(string(name), string(name)+": "+wrong)
	}
	var f form.Form
	for _, d := range decls {
		f.Fields = append(f.Fields, d.field)
		r.fieldEnv(name, d)
	}
	var reserved []string
	if name == engine.ConfigForm {
		reserved = binding.ReservedNames[:]
	}
	for _, p := range f.Problems(reserved) {
		if strings.HasSuffix(p.Message, "has no name") {
			continue // its constructor has said so, with the line
		}
		file, line := r.file, r.outline.line(r.n, string(name))
		if d := DeclOf(decls, p.Field); d != nil && d.line > 0 {
			file, line = d.file, d.line
		}
		message := p.Message
		if p.Field != "" {
			message = "field " + p.Field + ": " + message
		}
		r.out.Problems.add(file, line, message)
	}
	r.v.Manifest.Forms[name] = f
}

// fieldEnv checks a field's env, which settings alone can have.
func (r *pluginReader) fieldEnv(name engine.FormName, d *FieldDecl) {
	for _, row := range d.rows {
		if row.field.Env != "" {
			r.out.Problems.add(row.file, row.line, "field "+row.field.Name+": env is for the fields of settings_form themselves")
		}
	}
	if d.field.Env == "" {
		return
	}
	if name != engine.SettingsForm {
		r.out.Problems.add(d.file, d.line, "field "+d.field.Name+": env is for the fields of settings_form")
		return
	}
	before := len(r.out.Problems)
	r.variable("settings_form", d.field.Env)
	for i := before; i < len(r.out.Problems); i++ {
		r.out.Problems[i].File, r.out.Problems[i].Line = d.file, d.line
	}
}

// DeclOf finds the declaration at a path such as "rows.host". Of two fields with
// one name it is the later one, which is the mistake.
func DeclOf(decls []*FieldDecl, path string) *FieldDecl {
	name, rest, nested := strings.Cut(path, ".")
	for i := len(decls) - 1; i >= 0; i-- {
		if decls[i].field.Name != name {
			continue
		}
		if nested {
			if d := DeclOf(decls[i].rows, rest); d != nil {
				return d
			}
		}
		return decls[i]
	}
	return nil
}

// together checks what the plugins of one file say of each other.
func (v *validator) together() {
	bySlug := map[string]*Plugin{}
	for n, p := range v.out.Plugins {
		if other := bySlug[p.Manifest.Slug]; other != nil && p.Manifest.Slug != "" {
			v.problem(v.outline.line(n, "slug"), "two plugins of this file have the slug "+p.Manifest.Slug)
		}
		bySlug[p.Manifest.Slug] = p
	}
	for n, p := range v.out.Plugins {
		if p.Manifest.SettingsFrom == "" {
			continue
		}
		at := v.outline.line(n, "settings_from")
		other := bySlug[p.Manifest.SettingsFrom]
		switch {
		case other == nil || other == p:
			v.problem(at, "settings_from names "+p.Manifest.SettingsFrom+", which is no other plugin of this file")
		case other.Manifest.SettingsFrom != "":
			v.problem(at, "settings_from names "+p.Manifest.SettingsFrom+", which takes its own settings from elsewhere")
		default:
			v.shareForms(n, p, other)
		}
	}
	for n, p := range v.out.Plugins {
		v.checkNeeds(n, p)
	}
}

// shareForms gives p the forms whose values it shares.
func (v *validator) shareForms(n int, p, from *Plugin) {
	p.FormsFrom = from.index
	for _, name := range []engine.FormName{engine.SettingsForm, engine.UserConfigForm} {
		if _, own := p.Manifest.Forms[name]; own {
			v.problem(v.outline.line(n, string(name)), string(name)+" and settings_from cannot both be given: the form is that of "+from.Manifest.Slug)
			continue
		}
		if shared, ok := from.Manifest.Forms[name]; ok {
			p.Manifest.Forms[name] = shared
		}
	}
	for _, f := range from.Manifest.Forms[engine.SettingsForm].Fields {
		if f.Env != "" && !slices.Contains(p.Manifest.Variables, f.Env) {
			p.Manifest.Variables = append(p.Manifest.Variables, f.Env)
		}
	}
}
