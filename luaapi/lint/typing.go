package lint

import (
	"strings"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
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
	constant *node    // of a string: the literal
	values   []string // of a string: all that it can be, nil for any
}

// is reports whether it is the object with a name.
func (t *typ) is(name string) bool { return t != nil && t.object != nil && t.object.Name == name }

func (c *checker) named(text string) *typ { return c.fromType(describe.ParseType(text)) }

func (c *checker) fromType(t describe.Type) *typ {
	if o := c.contract.Objects[t.Name]; o != nil {
		return &typ{object: o, plugin: c.current}
	}
	out := &typ{name: t.Name}
	if alias(t.Name) {
		out.name = "string"
	}
	out.values = valuesOf(t)
	if t.Elem != nil {
		out.elem = c.fromType(*t.Elem)
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
func (c *checker) typeOf(e *node) *typ { return c.typeOfResult(value{e, 0}) }

func (c *checker) typeOfResult(v value) *typ {
	e := v.of.plain()
	if e == nil || c.tired() {
		return nil
	}
	if e.kind == kindCall || e.kind == kindMethod {
		return c.returned(e, v.n)
	}
	if v.n > 0 {
		return nil
	}
	switch e.kind {
	case kindString:
		return &typ{name: "string", constant: e}
	case kindNumber:
		return &typ{name: "number"}
	case kindTrue, kindFalse:
		return &typ{name: "boolean"}
	case kindName:
		return c.nameType(e)
	case kindIndex:
		return c.indexType(e)
	case kindBinary:
		if e.text == ".." {
			return &typ{name: "string"}
		}
	}
	return nil
}

func (c *checker) nameType(e *node) *typ {
	l := e.local
	if l == nil {
		if c.globals[e.text] {
			return nil
		}
		for i := range c.contract.Library {
			if m := &c.contract.Library[i]; m.Name == e.text {
				return &typ{module: m}
			}
		}
		for i := range c.contract.Globals {
			if f := &c.contract.Globals[i]; f.Name == e.text {
				return &typ{function: f}
			}
		}
		return nil
	}
	if l.typ != nil {
		return l.typ
	}
	if p := c.tables[l]; p != nil {
		return &typ{object: c.contract.Objects["plugin"], plugin: p}
	}
	if l.busy || len(l.values) == 0 {
		return nil
	}
	l.busy = true
	defer func() { l.busy = false }()
	var known *typ
	for _, v := range l.values {
		if v.of != nil && v.of.kind == kindNil {
			continue
		}
		t := c.typeOfResult(v)
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
func (c *checker) indexType(e *node) *typ {
	of := c.typeOf(e.a)
	if of == nil {
		return nil
	}
	key := e.b.plain()
	if key.kind != kindString {
		return of.elem
	}
	name := key.text
	switch {
	case of.module != nil:
		return c.member(of.module, name)
	case of.form != nil:
		return c.fieldType(of, name)
	case of.object != nil:
		return c.objectField(of, name)
	}
	return nil
}

func (c *checker) member(m *describe.Module, name string) *typ {
	if f := m.Function(name); f != nil {
		return &typ{function: f, owner: m.Name}
	}
	if inner := c.contract.Modules[m.Name+"."+name]; inner != nil {
		return &typ{module: inner}
	}
	return nil
}

// fieldType is the type of a form's field as Lua sees it.
func (c *checker) fieldType(of *typ, name string) *typ {
	f := of.form.Field(name)
	if f == nil {
		return nil
	}
	if f.Type == form.List {
		rows := form.Form{Fields: f.Fields}
		return &typ{name: "table", elem: &typ{form: &rows, formName: of.formName + "." + name}}
	}
	for _, t := range c.contract.Types {
		if t.Name == string(f.Type) {
			return c.named(t.Lua)
		}
	}
	return nil
}

// objectField is the type of an object's field, a form's included.
func (c *checker) objectField(of *typ, name string) *typ {
	p := of.plugin
	switch {
	case of.is("check") && name == "config":
		return c.formTable(p, "config_form", "check.config")
	case of.is("plugin") && name == "settings":
		return c.formTable(p, "settings_form", "self.settings")
	case of.is("user") && c.ownSettings(p, name):
		return c.formTable(p, "user_config_form", "user."+name)
	case of.is("service") && c.ownSettings(p, name):
		return c.formTable(p, "service_config_form", "service."+name)
	}
	if f := of.object.Field(name); f != nil {
		t := c.named(f.Type)
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
			return c.fieldType(&typ{form: &config, formName: "check.config"}, name)
		}
	}
	return nil
}

func (c *checker) ownSettings(p *Plugin, name string) bool {
	if p != nil && p.unloaded {
		return strings.HasSuffix(name, "_settings")
	}
	return p != nil && (name == p.Slug+"_settings" || p.SettingsFrom != "" && name == p.SettingsFrom+"_settings")
}

// formTable is the table of a form's values; of a plugin without that form it
// has no field.
func (c *checker) formTable(p *Plugin, form_ string, shownAs string) *typ {
	if p == nil || p.unloaded {
		return nil
	}
	f := p.Forms[form_]
	return &typ{form: &f, formName: shownAs}
}

// returned is the type of a call's n-th result.
func (c *checker) returned(call *node, n int) *typ {
	if call.kind == kindCall && call.a.kind == kindName && call.a.local == nil {
		switch call.a.text {
		case "require":
			return c.required(call)
		case "setmetatable", "assert":
			if n == 0 && len(call.list) > 0 {
				return c.typeOf(call.list[0])
			}
			return nil
		}
	}
	if call.kind == kindCall && call.a.kind == kindName && call.a.local != nil && call.a.local.function != nil && len(call.a.local.values) == 1 {
		return c.helperReturns(call.a.local, n)
	}
	f := c.callee(call)
	if f == nil || n >= len(f.Returns) {
		return nil
	}
	if f.Name == "unpack" || f.Name == "remove" {
		return nil
	}
	if f.Name == "ping" && f.Waits && len(call.list) > 0 && c.listOfHosts(call.list[0]) {
		return nil
	}
	t := c.named(f.Returns[n])
	if t != nil && t.object != nil {
		if of := c.receiver(call); of != nil {
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
func (c *checker) helperReturns(l *local, n int) *typ {
	if l.busy {
		return nil
	}
	l.busy = true
	defer func() { l.busy = false }()
	var known *typ
	agree := true
	walk(l.function.body, func(s *node) bool {
		if s.kind == kindFunction || c.tired() {
			return false
		}
		if s.kind != kindReturn || !agree {
			return true
		}
		v, ok := valueFor(s.list, n)
		if !ok || v.of.plain().kind == kindNil {
			return true
		}
		t := c.typeOfResult(v)
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
func (c *checker) listOfHosts(e *node) bool {
	t := c.typeOf(e)
	return t == nil || t.name != "string"
}

func (c *checker) receiver(call *node) *typ {
	if call.kind == kindMethod {
		return c.typeOf(call.a)
	}
	return nil
}

func (c *checker) required(call *node) *typ {
	if len(call.list) != 1 || call.list[0].kind != kindString {
		return nil
	}
	if m := c.contract.Modules[call.list[0].text]; m != nil && (!m.Tests || c.file.Test) {
		return &typ{module: m}
	}
	return nil
}

// callee is the described function that a call goes to, nil when that is not known.
func (c *checker) callee(call *node) *describe.Function {
	if call.kind == kindCall {
		if t := c.typeOf(call.a); t != nil {
			return t.function
		}
		return nil
	}
	of := c.typeOf(call.a)
	switch {
	case of == nil:
		return nil
	case of.object != nil:
		return of.object.Method(call.text)
	case of.name == "string":
		return c.stringMethod(call.text)
	}
	return nil
}

func (c *checker) stringMethod(name string) *describe.Function {
	f := c.contract.Library[0].Function(name)
	if f == nil || len(f.Params) == 0 {
		return nil
	}
	method := *f
	method.Params, method.Method = f.Params[1:], true
	return &method
}
