package lint

import (
	"slices"
	"strings"

	"moonwatch/engine/form"
	"moonwatch/luaapi/describe"
)

// variable looks at os.getenv of a literal: what no plugin of the source lists is nil.
func (c *checker) variable(call *node) {
	if c.file.Test || len(c.source.Plugins) == 0 || len(call.list) != 1 || call.list[0].kind != kindString || written(call.a) != "os.getenv" {
		return
	}
	name := call.list[0]
	var listed []string
	for _, p := range c.source.Plugins {
		listed = append(listed, p.Variables...)
	}
	if !slices.Contains(listed, name.text) {
		c.add(name.pos, CodeVariable, "%s is not in plugin_variables, so os.getenv gives nil%s", name.text, near(name.text, listed))
	}
}

// comparison looks at a comparison of values of two types, and with a text that a
// value never is.
func (c *checker) comparison(n *node) {
	equality := n.text == "==" || n.text == "~="
	if !equality && n.text != "<" && n.text != ">" && n.text != "<=" && n.text != ">=" {
		return
	}
	a, b := c.typeOf(n.a), c.typeOf(n.b)
	if a == nil || b == nil {
		return
	}
	if plainType(a) && plainType(b) && a.name != b.name {
		left, right := typeWords[a.name], typeWords[b.name]
		if equality {
			c.add(n.pos, CodeCompare, "%s is compared with %s: they are never equal", left, right)
		} else {
			c.add(n.pos, CodeCompare, "%s is compared with %s, which raises", left, right)
		}
		return
	}
	if equality {
		c.never(n.a, a, b)
		c.never(n.b, b, a)
	}
}

// typeWords are the types whose values differ whatever they are.
var typeWords = map[string]string{"string": "a text", "number": "a number", "boolean": "a boolean"}

func plainType(t *typ) bool { return typeWords[t.name] != "" && t.object == nil && t.form == nil }

// never reports a literal that is none of the values that what it is compared with
// can have. "" is let pass: records hold it for nothing.
func (c *checker) never(of *node, t, literal *typ) {
	if t.values == nil || literal.constant == nil || literal.constant.text == "" || slices.Contains(t.values, literal.constant.text) {
		return
	}
	c.add(literal.constant.pos, CodeCompare, "%s is never %q, but one of %s%s", written(of.plain()), literal.constant.text,
		strings.Join(t.values, " "), near(literal.constant.text, t.values))
}

// assigned reports a value of another type than a field of result takes: unlike a
// function's argument, a number is not taken for text.
func (c *checker) assigned(what, typeText string, v *node) {
	want, got := c.named(typeText), c.typeOf(v)
	if want == nil || got == nil || !plainType(want) || got.module != nil || got.function != nil {
		return
	}
	name := got.name
	if got.object != nil || got.form != nil {
		name = "table"
	}
	if name != want.name && (typeWords[name] != "" || name == "table") {
		c.add(v.pos, CodeArguments, "%s must be a %s, got a %s", what, want.name, name)
	}
}

// lost reports a call that can fail, for what comes from outside, among the arguments of another: what it says
// when it fails does not arrive.
func (c *checker) lost(n *node) {
	if c.file.Test {
		return
	}
	for i, arg := range n.list {
		inner := arg.plain()
		if inner.kind != kindCall && inner.kind != kindMethod {
			continue
		}
		f := c.callee(inner)
		if f == nil || !f.Fails || !f.Waits && f.Name != "decode" && f.Name != "parse" || i == len(n.list)-1 && arg.kind != kindParen && c.takesMore(n, i) {
			continue
		}
		c.add(inner.pos, CodeLost, "%s can fail, and why is lost here: keep its result and its message in locals first", f.Name)
	}
}

// takesMore reports whether a call has use for what follows its i-th argument, or
// may have.
func (c *checker) takesMore(call *node, i int) bool {
	if f := c.callee(call); f != nil {
		return f.Variadic || i+1 < len(f.Params) || f.Name == "assert"
	}
	if call.kind == kindCall && call.a.kind == kindName && call.a.local != nil && call.a.local.function != nil {
		helper := call.a.local.function
		return helper.vararg || i+1 < len(helper.names)
	}
	return true // what it calls is not known
}

// sentPaths reports ways through send_alert that do not say whether it was sent.
func (c *pluginRules) sentPaths(key string, f *node) {
	const answers = `return true, "skipped" and why, or false and why`
	walk(f.body, func(n *node) bool {
		if n.kind == kindFunction {
			return false
		}
		if n.kind != kindReturn {
			return true
		}
		if len(n.list) == 0 {
			c.add(n.pos, CodeReturn, "%s must say whether it was sent: %s", key, answers)
			return true
		}
		switch v := n.list[0].plain(); v.kind {
		case kindNil, kindNumber, kindTable, kindFunction:
			c.add(v.pos, CodeReturn, "%s must %s; not %s", key, answers, describeLiteral(v))
		case kindString:
			if v.text != "skipped" {
				c.add(v.pos, CodeReturn, "%s must %s; not the text %q", key, answers, v.text)
			}
		case kindBinary:
			if v.text == ".." {
				c.add(v.pos, CodeReturn, "%s must %s; not a text", key, answers)
			}
		}
		return true
	})
	if falls(f.body) {
		c.add(f.end, CodeReturn, "%s can end here without saying whether it was sent: %s", key, answers)
	}
}

// strayFunction reports a function of the plugin that nothing calls and whose name
// is nearly that of one that is called.
func (c *pluginRules) strayFunction(key string, f *node) {
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
	c.add(f.pos, CodeKey, "nothing calls %s; did you mean %s?", key, meant)
}

// asksFor reports whether the file reads a key of any value, or calls it.
func (c *pluginRules) asksFor(key string) bool {
	written, read := 0, 0
	walk(c.body, func(n *node) bool {
		switch {
		case n.kind == kindMethod && n.text == key:
			read++
		case n.kind == kindIndex && n.b.isString(key):
			read++
		case n.kind == kindFunctionStat && n.a.kind == kindIndex && n.a.b.isString(key):
			written++
		case n.kind == kindAssign:
			for _, target := range n.targets {
				if target.kind == kindIndex && target.b.isString(key) {
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
