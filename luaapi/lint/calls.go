package lint

import (
	"slices"
	"strings"

	"moonwatch/luaapi/describe"
)

// call looks at a call: whether what it calls is there, and its arguments.
func (c *checker) call(n *node) {
	if n.kind == kindCall && n.a.kind == kindName && n.a.local == nil && n.a.text == "require" {
		c.require(n)
		return
	}
	c.patterns(n)
	if n.kind == kindMethod {
		c.method(n)
		return
	}
	t := c.typeOf(n.a)
	if t == nil || t.function == nil {
		return
	}
	what := t.function.Name
	if t.owner != "" {
		what = strings.TrimPrefix(t.owner, "http.") + "." + what
	}
	args := n.list
	if t.function.Method && t.owner != "monitor" {
		first := (*typ)(nil)
		if len(args) > 0 {
			first = c.typeOf(args[0])
		}
		if first == nil || first.object == nil || first.object.Name != t.owner {
			name := shownName(c.contract.Objects[t.owner])
			c.add(n.a.pos, CodeArguments, "%s is a method: call %s:%s(…) with a colon", what, name, t.function.Name)
			return
		}
		args = args[1:]
	}
	c.arguments(what, t.function, args, n.a.pos)
}

func (c *checker) require(n *node) {
	if len(n.list) != 1 {
		c.add(n.pos, CodeArguments, "require takes one argument, the name of a module")
		return
	}
	name := n.list[0]
	if name.kind != kindString {
		return
	}
	var known []string
	for module, m := range c.contract.Modules {
		if !strings.Contains(module, ".") && (!m.Tests || c.file.Test) {
			known = append(known, module)
		}
	}
	known = append(known, c.source.Modules...)
	if slices.Contains(known, name.text) {
		return
	}
	if name.text == "testing" {
		c.add(name.pos, CodeModule, "the module testing is for tests: NAME_test.lua")
		return
	}
	c.add(name.pos, CodeModule, "there is no module %s%s", name.text, near(name.text, known))
}

func (c *checker) method(n *node) {
	of := c.typeOf(n.a)
	if of == nil {
		return
	}
	switch {
	case of.module != nil:
		if of.module.Function(n.text) == nil {
			c.field(of, n.text, n.pos)
			return
		}
		c.add(n.pos, CodeArguments, "%s.%s is a function: call it with a dot, not a colon", of.module.Name, n.text)
	case of.object != nil:
		f := of.object.Method(n.text)
		if f == nil {
			if of.object.Field(n.text) != nil {
				c.add(n.pos, CodeArguments, "%s.%s is no method", shownName(of.object), n.text)
			} else {
				c.field(of, n.text, n.pos)
			}
			return
		}
		c.arguments(shownName(of.object)+":"+n.text, f, n.list, n.pos)
	case of.name == "string":
		if f := c.stringMethod(n.text); f != nil {
			c.arguments("string."+n.text, f, n.list, n.pos)
		} else {
			c.field(of, n.text, n.pos)
		}
	}
}

// arguments looks at the number of arguments, and at literals among them.
func (c *checker) arguments(what string, f *describe.Function, args []*node, at Pos) {
	open := len(args) > 0 && manyValues(args[len(args)-1])
	count := len(args)
	switch {
	case count > len(f.Params) && !f.Variadic && !(open && count-1 <= len(f.Params)):
		c.add(at, CodeArguments, "%s takes %s, got %d", what, countOf(f), count)
		return
	case count < f.Required() && !open:
		c.add(at, CodeArguments, "%s takes %s, got %d", what, countOf(f), count)
		return
	}
	for i, arg := range args {
		if i >= len(f.Params) {
			break
		}
		arg, p := arg.plain(), f.Params[i]
		if o := c.optionsFor(p.Type); o != nil && arg.kind == kindTable {
			c.options(arg, o)
		} else if !(p.Optional && arg.kind == kindNil) {
			c.literal(what+"'s "+p.Name, p.Type, arg)
		}
	}
}

// manyValues reports whether an expression may be several values.
func manyValues(e *node) bool {
	return e.kind == kindCall || e.kind == kindMethod || e.kind == kindVararg
}

func countOf(f *describe.Function) string {
	low, high := f.Required(), len(f.Params)
	number := func(n int) string {
		return []string{"no arguments", "1 argument", "2 arguments", "3 arguments", "4 arguments", "5 arguments", "6 arguments"}[min(n, 6)]
	}
	switch {
	case f.Variadic:
		return "at least " + number(low)
	case low == high:
		return number(low)
	}
	return []string{"0", "1", "2", "3", "4", "5", "6"}[min(low, 6)] + " to " + number(high)
}

// optionsFor is the table of options that a type allows, nil when it allows none.
func (c *checker) optionsFor(typeText string) *describe.Object {
	for _, member := range strings.Split(typeText, "|") {
		if o := c.contract.Objects[strings.TrimSuffix(member, "?")]; o != nil && o.Options {
			return o
		}
	}
	return nil
}

// options looks at the keys of a literal table of options.
func (c *checker) options(table *node, o *describe.Object) {
	for i, key := range table.keys {
		v := table.list[i].plain()
		if key == nil || key.kind == kindNumber {
			continue
		}
		if key = key.plain(); key.kind != kindString {
			continue
		}
		f := o.Field(key.text)
		if f == nil {
			c.add(key.pos, CodeOption, "there is no option %s here%s", key.text, near(key.text, o.Names()))
			continue
		}
		if inner := c.optionsFor(f.Type); inner != nil && v.kind == kindTable {
			c.options(v, inner)
			continue
		}
		if elem, ok := strings.CutSuffix(f.Type, "[]"); ok && v.kind == kindTable {
			if inner := c.optionsFor(elem); inner != nil {
				for _, row := range v.list {
					if row.kind == kindTable {
						c.options(row, inner)
					}
				}
			}
			continue
		}
		if v.kind != kindNil {
			c.literal(key.text, f.Type, v)
		}
	}
}
