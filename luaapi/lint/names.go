package lint

import (
	"slices"
	"strings"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// near is "; did you mean …?", or nothing.
func near(name string, candidates []string) string {
	if n := form.Nearest(name, candidates); n != "" {
		return "; did you mean " + n + "?"
	}
	return ""
}

// name looks at a name that is read, or called.
func (c *checker) name(n *tree.Node) {
	if n.Local != nil || c.globals[n.Text] {
		return
	}
	var known []string
	for _, f := range c.contract.Globals {
		known = append(known, f.Name)
	}
	for _, m := range c.contract.Library {
		known = append(known, m.Name)
	}
	if slices.Contains(known, n.Text) {
		return
	}
	if why, ok := describe.Absent()[n.Text]; ok {
		c.add(n.Pos, CodeUndefined, "%s is not there: %s", n.Text, why)
		return
	}
	if m := c.contract.Modules[n.Text]; m != nil {
		c.add(n.Pos, CodeUndefined, "%s is not defined: write local %s = require %q", n.Text, n.Text, n.Text)
		return
	}
	c.add(n.Pos, CodeUndefined, "%s is not defined%s", n.Text, near(n.Text, known))
}

// index looks at a field that is read or written.
func (c *checker) index(n *tree.Node) {
	key := n.B.Plain()
	if key.Kind != tree.KindString {
		return
	}
	of := c.typeOf(n.A)
	if of == nil {
		return
	}
	c.field(of, key.Text, key.Pos)
}

// field reports a field that a value does not have.
func (c *checker) field(of *typ, name string, at tree.Pos) {
	switch {
	case of.module != nil:
		c.moduleField(of.module, name, at)
	case of.form != nil:
		var names []string
		for _, f := range of.form.Fields {
			names = append(names, f.Name)
		}
		if !slices.Contains(names, name) {
			c.add(at, CodeField, "no form has the field %s, which %s is asked for%s", name, of.formName, near(name, names))
		}
	case of.object != nil:
		c.objectName(of, name, at)
	case of.name == "string":
		if c.contract.Library[0].Function(name) == nil {
			c.add(at, CodeField, "a text has no field %s%s", name, near(name, c.contract.Library[0].Names()))
		}
	}
}

func (c *checker) moduleField(m *describe.Module, name string, at tree.Pos) {
	names := m.Names()
	if slices.Contains(names, name) || c.contract.Modules[m.Name+"."+name] != nil {
		return
	}
	if m.Name == "os" {
		c.add(at, CodeModule, "os.%s is not there: of os there are %s", name, strings.Join(names, ", "))
		return
	}
	c.add(at, CodeModule, "%s has no %s%s", m.Name, name, near(name, names))
}

func (c *checker) objectName(of *typ, name string, at tree.Pos) {
	o := of.object
	names := o.Names()
	if slices.Contains(names, name) {
		return
	}
	p := of.plugin
	switch o.Name {
	case "free":
		return
	case "plugin":
		if p == nil || c.pluginHas(name) {
			return
		}
		c.add(at, CodeField, "self has no field %s, and nothing in this file gives it one%s", name, near(name, names))
		return
	case "check":
		if p == nil || p.unloaded {
			return
		}
		for _, f := range p.Forms["config_form"].Fields {
			names = append(names, f.Name)
		}
	case "user", "service":
		if p == nil && strings.HasSuffix(name, "_settings") || c.ownSettings(p, name) {
			return
		}
		if p != nil && !p.unloaded {
			names = append(names, p.Slug+"_settings")
			if strings.HasSuffix(name, "_settings") {
				c.add(at, CodeField, "%s.%s: a plugin sees its own settings only, %s_settings", o.Name, name, p.Slug)
				return
			}
		}
	}
	if !slices.Contains(names, name) {
		c.add(at, CodeField, "%s has no field %s%s", shownName(o), name, near(name, names))
	}
}

// shownName is an object's name as plugins' authors call it.
func shownName(o *describe.Object) string {
	if _, last, ok := strings.Cut(o.Name, "."); ok {
		return last
	}
	return o.Name
}

// pluginHas reports whether the file gives a table the key, or the contract knows it.
func (c *checker) pluginHas(name string) bool {
	for _, k := range c.contract.Keys {
		if k.Name == name {
			return true
		}
	}
	return hasKey(c.body, name)
}

// hasKey reports whether statements give any table the key.
func hasKey(body []*tree.Node, name string) bool {
	has := false
	tree.Walk(body, func(n *tree.Node) bool {
		switch n.Kind {
		case tree.KindTable:
			for _, key := range n.Keys {
				has = has || key.IsString(name)
			}
		case tree.KindAssign:
			for _, target := range n.Targets {
				has = has || target.Kind == tree.KindIndex && (target.B.IsString(name) || target.B.Kind != tree.KindString)
			}
		case tree.KindFunctionStat:
			has = has || n.A.Kind == tree.KindIndex && n.A.B.IsString(name)
		}
		return !has
	})
	return has
}

// write looks at an assignment to a field.
func (c *checker) write(target *tree.Node, values []*tree.Node, i int) {
	if target.Kind != tree.KindIndex {
		return
	}
	key := target.B.Plain()
	of := c.typeOf(target.A)
	if of == nil || key.Kind != tree.KindString {
		return
	}
	switch {
	case of.is("result") && i < len(values):
		if f := of.object.Field(key.Text); f != nil {
			before := len(c.found)
			if c.literal("result."+key.Text, f.Type, values[i]); len(c.found) == before {
				c.assigned("result."+key.Text, f.Type, values[i])
			}
		} else if of.object.Method(key.Text) != nil {
			c.add(key.Pos, CodeField, "result.%s is a method and cannot be set", key.Text)
		}
	case of.is("plugin") || of.is("free"):
	case of.object != nil && !of.object.Writable && !of.object.Options && !strings.HasPrefix(of.object.Name, "testing."):
		c.add(key.Pos, CodeField, "%s is read-only: %s cannot be set", shownName(of.object), key.Text)
	case of.module != nil && slices.Contains(of.module.Names(), key.Text):
		c.add(key.Pos, CodeGlobal, "%s.%s is replaced for this run alone: use a local function", of.module.Name, key.Text)
	}
}

// literal reports a literal that is not of the type.
func (c *checker) literal(what, typeText string, v *tree.Node) {
	v = v.Plain()
	want := describe.ParseType(typeText)
	got := map[tree.Kind]string{
		tree.KindString:   "string",
		tree.KindNumber:   "number",
		tree.KindTrue:     "boolean",
		tree.KindFalse:    "boolean",
		tree.KindTable:    "table",
		tree.KindFunction: "function",
	}[v.Kind]
	values := want.Values
	for _, a := range describe.Aliases() {
		if a.Name == want.Name {
			want.Name, values = "string", a.Values
		}
	}
	switch {
	case got == "" || want.Name == "" || c.contract.Objects[want.Name] != nil && got == "table":
		return
	case c.contract.Objects[want.Name] != nil:
		c.add(v.Pos, CodeArguments, "%s must be a table, got a %s", what, got)
	case want.Name == "string" && got == "number": // as Lua does, a number is taken for text
	case (want.Name == "string" || want.Name == "number" || want.Name == "boolean" || want.Name == "table" || want.Name == "function") && want.Name != got:
		c.add(v.Pos, CodeArguments, "%s must be a %s, got a %s", what, want.Name, got)
	case values != nil && got == "string" && !slices.Contains(values, v.Text):
		c.add(v.Pos, CodeArguments, "%s must be one of %s, got %q%s", what, strings.Join(values, " "), v.Text, near(v.Text, values))
	}
}
