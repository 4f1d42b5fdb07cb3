package lint

import (
	"slices"
	"strings"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// variable looks at os.getenv of a literal: what no plugin of the source lists is nil.
func (c *checker) variable(call *tree.Node) {
	if c.file.Test || len(c.source.Plugins) == 0 || len(call.List) != 1 || call.List[0].Kind != tree.KindString || written(call.A) != "os.getenv" {
		return
	}
	name := call.List[0]
	var listed []string
	for _, p := range c.source.Plugins {
		listed = append(listed, p.Variables...)
	}
	if !slices.Contains(listed, name.Text) {
		c.add(name.Pos, CodeVariable, "%s is not in plugin_variables, so os.getenv gives nil%s", name.Text, near(name.Text, listed))
	}
}

// comparison looks at a comparison of values of two types, and with a text that a
// value never is.
func (c *checker) comparison(n *tree.Node) {
	equality := n.Text == "==" || n.Text == "~="
	if !equality && n.Text != "<" && n.Text != ">" && n.Text != "<=" && n.Text != ">=" {
		return
	}
	a, b := c.typeOf(n.A), c.typeOf(n.B)
	if a == nil || b == nil {
		return
	}
	if plainType(a) && plainType(b) && a.name != b.name {
		left, right := typeWords[a.name], typeWords[b.name]
		if equality {
			c.add(n.Pos, CodeCompare, "%s is compared with %s: they are never equal", left, right)
		} else {
			c.add(n.Pos, CodeCompare, "%s is compared with %s, which raises", left, right)
		}
		return
	}
	if equality {
		c.never(n.A, a, b)
		c.never(n.B, b, a)
	}
}

// typeWords are the types whose values differ whatever they are.
var typeWords = map[string]string{"string": "a text", "number": "a number", "boolean": "a boolean"}

func plainType(t *typ) bool { return typeWords[t.name] != "" && t.object == nil && t.form == nil }

// never reports a literal that is none of the values that what it is compared with
// can have. "" is let pass: records hold it for nothing.
func (c *checker) never(of *tree.Node, t, literal *typ) {
	if t.values == nil || literal.constant == nil || literal.constant.Text == "" || slices.Contains(t.values, literal.constant.Text) {
		return
	}
	c.add(literal.constant.Pos, CodeCompare, "%s is never %q, but one of %s%s", written(of.Plain()), literal.constant.Text,
		strings.Join(t.values, " "), near(literal.constant.Text, t.values))
}

// assigned reports a value of another type than a field of result takes: unlike a
// function's argument, a number is not taken for text.
func (c *checker) assigned(what, typeText string, v *tree.Node) {
	want, got := c.named(typeText), c.typeOf(v)
	if want == nil || got == nil || !plainType(want) || got.module != nil || got.function != nil {
		return
	}
	name := got.name
	if got.object != nil || got.form != nil {
		name = "table"
	}
	if name != want.name && (typeWords[name] != "" || name == "table") {
		c.add(v.Pos, CodeArguments, "%s must be a %s, got a %s", what, want.name, name)
	}
}

// lost reports a call that can fail, for what comes from outside, among the arguments of another: what it says
// when it fails does not arrive.
func (c *checker) lost(n *tree.Node) {
	if c.file.Test {
		return
	}
	for i, arg := range n.List {
		inner := arg.Plain()
		if inner.Kind != tree.KindCall && inner.Kind != tree.KindMethod {
			continue
		}
		f := c.callee(inner)
		if f == nil || !f.Fails || !f.Waits && f.Name != "decode" && f.Name != "parse" || i == len(n.List)-1 && arg.Kind != tree.KindParen && c.takesMore(n, i) {
			continue
		}
		c.add(inner.Pos, CodeLost, "%s can fail, and why is lost here: keep its result and its message in locals first", f.Name)
	}
}

// takesMore reports whether a call has use for what follows its i-th argument, or
// may have.
func (c *checker) takesMore(call *tree.Node, i int) bool {
	if f := c.callee(call); f != nil {
		return f.Variadic || i+1 < len(f.Params) || f.Name == "assert"
	}
	if call.Kind == tree.KindCall && call.A.Kind == tree.KindName && call.A.Local != nil && call.A.Local.Function != nil {
		helper := call.A.Local.Function
		return helper.Vararg || i+1 < len(helper.Names)
	}
	return true // what it calls is not known
}

// sentPaths reports ways through send_alert that do not say whether it was sent.
func (c *pluginRules) sentPaths(key string, f *tree.Node) {
	const answers = `return true, "skipped" and why, or false and why`
	tree.Walk(f.Body, func(n *tree.Node) bool {
		if n.Kind == tree.KindFunction {
			return false
		}
		if n.Kind != tree.KindReturn {
			return true
		}
		if len(n.List) == 0 {
			c.add(n.Pos, CodeReturn, "%s must say whether it was sent: %s", key, answers)
			return true
		}
		switch v := n.List[0].Plain(); v.Kind {
		case tree.KindNil, tree.KindNumber, tree.KindTable, tree.KindFunction:
			c.add(v.Pos, CodeReturn, "%s must %s; not %s", key, answers, describeLiteral(v))
		case tree.KindString:
			if v.Text != "skipped" {
				c.add(v.Pos, CodeReturn, "%s must %s; not the text %q", key, answers, v.Text)
			}
		case tree.KindBinary:
			if v.Text == ".." {
				c.add(v.Pos, CodeReturn, "%s must %s; not a text", key, answers)
			}
		}
		return true
	})
	if falls(f.Body) {
		c.add(f.End, CodeReturn, "%s can end here without saying whether it was sent: %s", key, answers)
	}
}

// strayFunction reports a function of the plugin that nothing calls and whose name
// is nearly that of one that is called.
func (c *pluginRules) strayFunction(key string, f *tree.Node) {
	var names []string
	for _, k := range c.contract.Keys {
		if k.Function != nil {
			names = append(names, k.Name)
		}
	}
	meant := form.Nearest(key, names)
	if meant == "" || c.asksFor(key) {
		return
	}
	c.add(f.Pos, CodeKey, "nothing calls %s; did you mean %s?", key, meant)
}

// asksFor reports whether the file reads a key of any value, or calls it.
func (c *pluginRules) asksFor(key string) bool {
	written, read := 0, 0
	tree.Walk(c.body, func(n *tree.Node) bool {
		switch {
		case n.Kind == tree.KindMethod && n.Text == key:
			read++
		case n.Kind == tree.KindIndex && n.B.IsString(key):
			read++
		case n.Kind == tree.KindFunctionStat && n.A.Kind == tree.KindIndex && n.A.B.IsString(key):
			written++
		case n.Kind == tree.KindAssign:
			for _, target := range n.Targets {
				if target.Kind == tree.KindIndex && target.B.IsString(key) {
					written++
				}
			}
		}
		return true
	})
	return read > written
}

// valuesOf are the texts that a type allows, nil for any.
func valuesOf(t describe.Type) []string {
	for _, a := range describe.Aliases() {
		if a.Name == t.Name {
			return a.Values
		}
	}
	return t.Values
}
