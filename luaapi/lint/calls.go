package lint

import (
	"slices"
	"strings"

	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// call looks at a call: whether what it calls is there, and its arguments.
func (c *checker) call(n *tree.Node) {
	if n.Kind == tree.KindCall && n.A.Kind == tree.KindName && n.A.Local == nil && n.A.Text == "require" {
		c.require(n)
		return
	}
	c.patterns(n)
	if n.Kind == tree.KindMethod {
		c.method(n)
		return
	}
	t := c.typeOf(n.A)
	if t == nil || t.function == nil {
		return
	}
	what := t.function.Name
	if t.owner != "" {
		what = strings.TrimPrefix(t.owner, "http.") + "." + what
	}
	args := n.List
	if t.function.Method && t.owner != "monitor" {
		first := (*typ)(nil)
		if len(args) > 0 {
			first = c.typeOf(args[0])
		}
		if first == nil || first.object == nil || first.object.Name != t.owner {
			name := shownName(c.contract.Objects[t.owner])
			c.add(n.A.Pos, CodeArguments, "%s is a method: call %s:%s(…) with a colon", what, name, t.function.Name)
			return
		}
		args = args[1:]
	}
	c.arguments(what, t.function, args, n.A.Pos)
}

func (c *checker) require(n *tree.Node) {
	if len(n.List) != 1 {
		c.add(n.Pos, CodeArguments, "require takes one argument, the name of a module")
		return
	}
	name := n.List[0]
	if name.Kind != tree.KindString {
		return
	}
	var known []string
	for module, m := range c.contract.Modules {
		if !strings.Contains(module, ".") && (!m.Tests || c.file.Test) {
			known = append(known, module)
		}
	}
	known = append(known, c.source.Modules...)
	if slices.Contains(known, name.Text) {
		return
	}
	if name.Text == "testing" {
		c.add(name.Pos, CodeModule, "the module testing is for tests: NAME_test.lua")
		return
	}
	c.add(name.Pos, CodeModule, "there is no module %s%s", name.Text, near(name.Text, known))
}

func (c *checker) method(n *tree.Node) {
	of := c.typeOf(n.A)
	if of == nil {
		return
	}
	switch {
	case of.module != nil:
		if of.module.Function(n.Text) == nil {
			c.field(of, n.Text, n.Pos)
			return
		}
		c.add(n.Pos, CodeArguments, "%s.%s is a function: call it with a dot, not a colon", of.module.Name, n.Text)
	case of.object != nil:
		f := of.object.Method(n.Text)
		if f == nil {
			if of.object.Field(n.Text) != nil {
				c.add(n.Pos, CodeArguments, "%s.%s is no method", shownName(of.object), n.Text)
			} else {
				c.field(of, n.Text, n.Pos)
			}
			return
		}
		c.arguments(shownName(of.object)+":"+n.Text, f, n.List, n.Pos)
	case of.name == "string":
		if f := c.stringMethod(n.Text); f != nil {
			c.arguments("string."+n.Text, f, n.List, n.Pos)
		} else {
			c.field(of, n.Text, n.Pos)
		}
	}
}

// arguments looks at the number of arguments, and at literals among them.
func (c *checker) arguments(what string, f *describe.Function, args []*tree.Node, at tree.Pos) {
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
		arg, p := arg.Plain(), f.Params[i]
		if o := c.optionsFor(p.Type); o != nil && arg.Kind == tree.KindTable {
			c.options(arg, o)
		} else if !(p.Optional && arg.Kind == tree.KindNil) {
			c.literal(what+"'s "+p.Name, p.Type, arg)
		}
	}
}

// manyValues reports whether an expression may be several values.
func manyValues(e *tree.Node) bool {
	return e.Kind == tree.KindCall || e.Kind == tree.KindMethod || e.Kind == tree.KindVararg
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
func (c *checker) options(table *tree.Node, o *describe.Object) {
	for i, key := range table.Keys {
		v := table.List[i].Plain()
		if key == nil || key.Kind == tree.KindNumber {
			continue
		}
		if key = key.Plain(); key.Kind != tree.KindString {
			continue
		}
		f := o.Field(key.Text)
		if f == nil {
			c.add(key.Pos, CodeOption, "there is no option %s here%s", key.Text, near(key.Text, o.Names()))
			continue
		}
		if inner := c.optionsFor(f.Type); inner != nil && v.Kind == tree.KindTable {
			c.options(v, inner)
			continue
		}
		if elem, ok := strings.CutSuffix(f.Type, "[]"); ok && v.Kind == tree.KindTable {
			if inner := c.optionsFor(elem); inner != nil {
				for _, row := range v.List {
					if row.Kind == tree.KindTable {
						c.options(row, inner)
					}
				}
			}
			continue
		}
		if v.Kind != tree.KindNil {
			c.literal(key.Text, f.Type, v)
		}
	}
}
