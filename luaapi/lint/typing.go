package lint

import (
	"strings"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// typ is what is known of a value; nil is nothing.
type typ struct {
	object   *describe.Object
	module   *describe.Module
	function *describe.Function
	owner    string // of function: what it is called with, such as "http" or "result"
	form     *form.Form
	formName string // how the form's table is read, such as "check.config"
	plugin   *Plugin
	name     string // of a plain type: "string", "number", "table", …
	elem     *typ
	constant *tree.Node // of a string: the literal
	values   []string   // of a string: all that it can be, nil for any
}

// types knows what is known of the values of one file.
type types struct {
	contract *describe.Contract
	file     File
	globals  map[string]bool         // that the file writes
	tables   map[*tree.Local]*Plugin // locals that hold a plugin's table
	told     map[*tree.Local]*typ    // what is known otherwise than by what is assigned
	busy     map[*tree.Local]bool    // whose types are being looked for
	current  *Plugin                 // whose objects are described, where none is nearer
	steps    int                     // of work so far
}

func newTypes(contract *describe.Contract, f File, globals map[string]bool) types {
	return types{contract: contract, file: f, globals: globals,
		tables: map[*tree.Local]*Plugin{}, told: map[*tree.Local]*typ{}, busy: map[*tree.Local]bool{}}
}

// maxSteps is how much work the types of one file may take, about half a second
// at the very most: what is asked after it counts as not known.
const maxSteps = 4 << 20

// tired counts a step, and reports whether there were too many.
func (ty *types) tired() bool {
	ty.steps++
	return ty.steps > maxSteps
}

// is reports whether it is the object with a name.
func (t *typ) is(name string) bool { return t != nil && t.object != nil && t.object.Name == name }

func (ty *types) named(text string) *typ { return ty.fromType(describe.ParseType(text)) }

func (ty *types) fromType(t describe.Type) *typ {
	if o := ty.contract.Objects[t.Name]; o != nil {
		return &typ{object: o, plugin: ty.current}
	}
	out := &typ{name: t.Name}
	if alias(t.Name) {
		out.name = "string"
	}
	out.values = valuesOf(t)
	if t.Elem != nil {
		out.elem = ty.fromType(*t.Elem)
	}
	if out.name == "" || out.name == "any" {
		return nil
	}
	return out
}

func alias(name string) bool {
	for _, a := range describe.Aliases() {
		if a.Name == name {
			return true
		}
	}
	return false
}

// typeOf is what is known of an expression's value.
func (ty *types) typeOf(e *tree.Node) *typ { return ty.typeOfResult(tree.Value{Of: e}) }

func (ty *types) typeOfResult(v tree.Value) *typ {
	e := v.Of.Plain()
	if e == nil || ty.tired() {
		return nil
	}
	if e.Kind == tree.KindCall || e.Kind == tree.KindMethod {
		return ty.returned(e, v.N)
	}
	if v.N > 0 {
		return nil
	}
	switch e.Kind {
	case tree.KindString:
		return &typ{name: "string", constant: e}
	case tree.KindNumber:
		return &typ{name: "number"}
	case tree.KindTrue, tree.KindFalse:
		return &typ{name: "boolean"}
	case tree.KindName:
		return ty.nameType(e)
	case tree.KindIndex:
		return ty.indexType(e)
	case tree.KindBinary:
		if e.Text == ".." {
			return &typ{name: "string"}
		}
	}
	return nil
}

func (ty *types) nameType(e *tree.Node) *typ {
	l := e.Local
	if l == nil {
		if ty.globals[e.Text] {
			return nil
		}
		for i := range ty.contract.Library {
			if m := &ty.contract.Library[i]; m.Name == e.Text {
				return &typ{module: m}
			}
		}
		for i := range ty.contract.Globals {
			if f := &ty.contract.Globals[i]; f.Name == e.Text {
				return &typ{function: f}
			}
		}
		return nil
	}
	if t := ty.told[l]; t != nil {
		return t
	}
	if p := ty.tables[l]; p != nil {
		return &typ{object: ty.contract.Objects["plugin"], plugin: p}
	}
	if ty.busy[l] || len(l.Values) == 0 {
		return nil
	}
	ty.busy[l] = true
	defer delete(ty.busy, l)
	var known *typ
	for _, v := range l.Values {
		if v.Of != nil && v.Of.Kind == tree.KindNil {
			continue
		}
		t := ty.typeOfResult(v)
		if t == nil || known != nil && !same(known, t) {
			return nil
		}
		if known != nil {
			t = t.withoutConstant()
		}
		known = t
	}
	return known
}

func same(a, b *typ) bool {
	return a.object == b.object && a.module == b.module && a.form == b.form && a.name == b.name && (a.function == nil) == (b.function == nil)
}

// indexType is the type of a field.
func (ty *types) indexType(e *tree.Node) *typ {
	of := ty.typeOf(e.A)
	if of == nil {
		return nil
	}
	key := e.B.Plain()
	if key.Kind != tree.KindString {
		return of.elem
	}
	name := key.Text
	switch {
	case of.module != nil:
		return ty.member(of.module, name)
	case of.form != nil:
		return ty.fieldType(of, name)
	case of.object != nil:
		return ty.objectField(of, name)
	}
	return nil
}

func (ty *types) member(m *describe.Module, name string) *typ {
	if f := m.Function(name); f != nil {
		return &typ{function: f, owner: m.Name}
	}
	if inner := ty.contract.Modules[m.Name+"."+name]; inner != nil {
		return &typ{module: inner}
	}
	return nil
}

// fieldType is the type of a form's field as Lua sees it.
func (ty *types) fieldType(of *typ, name string) *typ {
	f := of.form.Field(name)
	if f == nil {
		return nil
	}
	if f.Type == form.List {
		rows := form.Form{Fields: f.Fields}
		return &typ{name: "table", elem: &typ{form: &rows, formName: of.formName + "." + name}}
	}
	for _, t := range ty.contract.Types {
		if t.Name == string(f.Type) {
			return ty.named(t.Lua)
		}
	}
	return nil
}

// objectField is the type of an object's field, a form's included.
func (ty *types) objectField(of *typ, name string) *typ {
	p := of.plugin
	switch {
	case of.is("check") && name == "config":
		return ty.formTable(p, "config_form", "check.config")
	case of.is("plugin") && name == "settings":
		return ty.formTable(p, "settings_form", "self.settings")
	case of.is("user") && ty.ownSettings(p, name):
		return ty.formTable(p, "user_config_form", "user."+name)
	case of.is("service") && ty.ownSettings(p, name):
		return ty.formTable(p, "service_config_form", "service."+name)
	}
	if f := of.object.Field(name); f != nil {
		t := ty.named(f.Type)
		if t != nil && t.object != nil {
			t.plugin = p
		}
		return t
	}
	if m := of.object.Method(name); m != nil {
		return &typ{function: m, owner: of.object.Name}
	}
	if of.is("check") && p != nil {
		if config, ok := p.Forms["config_form"]; ok {
			return ty.fieldType(&typ{form: &config, formName: "check.config"}, name)
		}
	}
	return nil
}

func (ty *types) ownSettings(p *Plugin, name string) bool {
	if p != nil && p.unloaded {
		return strings.HasSuffix(name, "_settings")
	}
	return p != nil && (name == p.Slug+"_settings" || p.SettingsFrom != "" && name == p.SettingsFrom+"_settings")
}

// formTable is the table of a form's values; of a plugin without that form it
// has no field.
func (ty *types) formTable(p *Plugin, form_ string, shownAs string) *typ {
	if p == nil || p.unloaded {
		return nil
	}
	f := p.Forms[form_]
	return &typ{form: &f, formName: shownAs}
}

// returned is the type of a call's n-th result.
func (ty *types) returned(call *tree.Node, n int) *typ {
	if call.Kind == tree.KindCall && call.A.Kind == tree.KindName && call.A.Local == nil {
		switch call.A.Text {
		case "require":
			return ty.required(call)
		case "setmetatable", "assert":
			if n == 0 && len(call.List) > 0 {
				return ty.typeOf(call.List[0])
			}
			return nil
		}
	}
	if call.Kind == tree.KindCall && call.A.Kind == tree.KindName && call.A.Local != nil && call.A.Local.Function != nil && len(call.A.Local.Values) == 1 {
		return ty.helperReturns(call.A.Local, n)
	}
	f := ty.callee(call)
	if f == nil || n >= len(f.Returns) {
		return nil
	}
	if f.Name == "unpack" || f.Name == "remove" {
		return nil
	}
	if f.Name == "ping" && f.Waits && len(call.List) > 0 && ty.listOfHosts(call.List[0]) {
		return nil
	}
	t := ty.named(f.Returns[n])
	if t != nil && t.object != nil {
		if of := ty.receiver(call); of != nil {
			t.plugin = of.plugin
		}
	}
	if t != nil && t.name == "table" && t.elem == nil {
		return nil
	}
	return t
}

// helperReturns is the type of the n-th value that a local function returns,
// where all its returns agree. nil agrees with everything.
func (ty *types) helperReturns(l *tree.Local, n int) *typ {
	if ty.busy[l] {
		return nil
	}
	ty.busy[l] = true
	defer delete(ty.busy, l)
	var known *typ
	agree := true
	tree.Walk(l.Function.Body, func(s *tree.Node) bool {
		if s.Kind == tree.KindFunction || ty.tired() {
			return false
		}
		if s.Kind != tree.KindReturn || !agree {
			return true
		}
		v, ok := tree.ValueFor(s.List, n)
		if !ok || v.Of.Plain().Kind == tree.KindNil {
			return true
		}
		t := ty.typeOfResult(v)
		if t == nil || known != nil && !sameFor(known, t) {
			agree = false
			return true
		}
		known = t.withoutConstant()
		return true
	})
	if !agree {
		return nil
	}
	return known
}

// withoutConstant forgets which text a value is.
func (t *typ) withoutConstant() *typ {
	if t.constant == nil {
		return t
	}
	other := *t
	other.constant = nil
	return &other
}

// listOfHosts reports whether the argument of icmp.ping may be an array.
func (ty *types) listOfHosts(e *tree.Node) bool {
	t := ty.typeOf(e)
	return t == nil || t.name != "string"
}

func (ty *types) receiver(call *tree.Node) *typ {
	if call.Kind == tree.KindMethod {
		return ty.typeOf(call.A)
	}
	return nil
}

func (ty *types) required(call *tree.Node) *typ {
	if len(call.List) != 1 || call.List[0].Kind != tree.KindString {
		return nil
	}
	if m := ty.contract.Modules[call.List[0].Text]; m != nil && (!m.Tests || ty.file.Test) {
		return &typ{module: m}
	}
	return nil
}

// callee is the described function that a call goes to, nil when that is not known.
func (ty *types) callee(call *tree.Node) *describe.Function {
	if call.Kind == tree.KindCall {
		if t := ty.typeOf(call.A); t != nil {
			return t.function
		}
		return nil
	}
	of := ty.typeOf(call.A)
	switch {
	case of == nil:
		return nil
	case of.object != nil:
		return of.object.Method(call.Text)
	case of.name == "string":
		return ty.stringMethod(call.Text)
	}
	return nil
}

func (ty *types) stringMethod(name string) *describe.Function {
	f := ty.contract.Library[0].Function(name)
	if f == nil || len(f.Params) == 0 {
		return nil
	}
	method := *f
	method.Params, method.Method = f.Params[1:], true
	return &method
}
