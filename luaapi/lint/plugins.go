package lint

import "moonwatch/luaapi/describe"

// pluginRules find the plugins of a file, and look at each of their functions as
// a whole: its parameters, and what it returns on all paths.
type pluginRules struct {
	*checker
	done map[*node]bool // functions whose paths were looked at
}

// findPlugins finds the tables that the file returns, and gives the parameters
// of their functions their types.
func (c *pluginRules) findPlugins() {
	if !c.file.Main {
		return
	}
	byLocal := map[*local]*node{}
	for _, s := range c.body {
		if s.kind == kindLocal {
			for i, name := range s.names {
				if i < len(s.list) {
					byLocal[name.local] = tableOf(s.list[i])
				}
			}
		}
	}
	for _, e := range returnedBy(c.body) {
		table := tableOf(e)
		if e = e.plain(); e.kind == kindName && e.local != nil {
			table = byLocal[e.local]
			if p := c.pluginOf(table); p != nil {
				c.tables[e.local] = p
			}
		}
		if table != nil {
			c.pluginTable(table, c.pluginOf(table))
		}
	}
	for _, s := range c.body {
		switch s.kind {
		case kindFunctionStat:
			if l, key := member(s.a); l != nil && c.tables[l] != nil {
				c.pluginFunction(c.tables[l], key, s.b)
			}
		case kindAssign:
			for i, target := range s.targets {
				if l, key := member(target); l != nil && c.tables[l] != nil && i < len(s.list) {
					c.pluginKey(c.tables[l], key, s.list[i])
				}
			}
		}
	}
}

// member reads local.key.
func member(e *node) (*local, string) {
	if e.kind != kindIndex || e.a.kind != kindName || e.b.kind != kindString {
		return nil, ""
	}
	return e.a.local, e.b.text
}

// tableOf is the constructor that an expression stands for, as setmetatable's
// first argument, too.
func tableOf(e *node) *node {
	e = e.plain()
	switch {
	case e == nil:
		return nil
	case e.kind == kindTable:
		return e
	case e.kind == kindCall && len(e.list) > 0:
		return tableOf(e.list[0])
	}
	return nil
}

// returnedBy is what a file returns: of an array of plugins its items.
func returnedBy(body []*node) []*node {
	if len(body) == 0 || body[len(body)-1].kind != kindReturn || len(body[len(body)-1].list) == 0 {
		return nil
	}
	e := body[len(body)-1].list[0].plain()
	if e.kind == kindTable && len(e.list) > 0 && e.keys[0] == nil {
		return e.list
	}
	return []*node{e}
}

// pluginOf finds the plugin by the slug that its table names.
func (c *pluginRules) pluginOf(table *node) *Plugin {
	if c.current != nil {
		return c.current
	}
	if table == nil {
		return nil
	}
	for i, key := range table.keys {
		if !key.isString("slug") {
			continue
		}
		for n := range c.source.Plugins {
			if table.list[i].isString(c.source.Plugins[n].Slug) {
				return &c.source.Plugins[n]
			}
		}
	}
	return nil
}

func (c *pluginRules) pluginTable(table *node, p *Plugin) {
	for i, key := range table.keys {
		if key != nil && key.kind == kindString {
			c.pluginKey(p, key.text, table.list[i])
		}
	}
}

func (c *pluginRules) pluginKey(p *Plugin, key string, v *node) {
	switch v = v.plain(); {
	case v.kind == kindFunction:
		c.pluginFunction(p, key, v)
	case v.kind == kindName && v.local != nil && v.local.function != nil:
		c.pluginFunction(p, key, v.local.function)
	case key == "urls" && v.kind == kindTable:
		for _, route := range v.list {
			if route.kind == kindTable {
				c.route(p, route)
			}
		}
	}
}

func (c *pluginRules) route(p *Plugin, route *node) {
	c.options(route, c.contract.Objects["plugin.route"])
	for i, key := range route.keys {
		if !key.isString("view") {
			continue
		}
		f := route.list[i].plain()
		if f.kind == kindName && f.local != nil {
			f = f.local.function
		}
		if f != nil && f.kind == kindFunction {
			c.parameters(f, p, []string{"request"})
			c.answers(f)
		}
	}
}

// answers looks at the tables that a view returns.
func (c *pluginRules) answers(f *node) {
	walk(f.body, func(n *node) bool {
		if n.kind == kindReturn && len(n.list) > 0 && n.list[0].kind == kindTable {
			c.options(n.list[0], c.contract.Objects["view.answer"])
		}
		return n.kind != kindFunction
	})
}

// pluginFunction types the parameters of one of the contract's functions, and
// looks at its paths.
func (c *pluginRules) pluginFunction(p *Plugin, key string, f *node) {
	var known *describe.Key
	for i := range c.contract.Keys {
		if k := &c.contract.Keys[i]; k.Name == key && k.Function != nil {
			known = k
		}
	}
	if known == nil {
		c.strayFunction(key, f)
		c.parameters(f, p, nil)
		return
	}
	types := make([]string, len(known.Function.Params))
	for i, param := range known.Function.Params {
		types[i] = param.Type
	}
	c.parameters(f, p, types)
	if (key == "run" || key == "ping") && !c.done[f] {
		c.done[f] = true
		c.paths(p, key, f)
	}
	if key == "send_alert" || key == "send_alert_update" {
		c.outcomes(f)
		c.twice(f)
		if !c.done[f] {
			c.done[f] = true
			c.sentPaths(key, f)
		}
	}
}

// parameters types self and what follows.
func (c *pluginRules) parameters(f *node, p *Plugin, types []string) {
	if len(f.names) == 0 {
		return
	}
	if f.names[0].text == "self" {
		f.names[0].local.typ = &typ{object: c.contract.Objects["plugin"], plugin: p}
	}
	for i, text := range types {
		if i+1 >= len(f.names) {
			return
		}
		t := c.named(text)
		if t == nil || t.name == "table" && t.elem == nil {
			continue
		}
		if t.object != nil {
			t.plugin = p
		}
		if t.elem != nil && t.elem.object != nil {
			t.elem.plugin = p
		}
		f.names[i+1].local.typ = t
	}
}

// outcomes looks at the tables that send_alert returns as its third value.
func (c *pluginRules) outcomes(f *node) {
	walk(f.body, func(n *node) bool {
		if n.kind == kindReturn && len(n.list) > 2 && n.list[2].kind == kindTable {
			c.options(n.list[2], c.contract.Objects["alert.retry"])
		}
		return n.kind != kindFunction
	})
}

// typeLoops types the variables of loops over arrays.
func (c *pluginRules) typeLoops() {
	walk(c.body, func(n *node) bool {
		if n.kind != kindForIn || len(n.names) != 2 || len(n.list) != 1 {
			return true
		}
		call := n.list[0].plain()
		if call.kind != kindCall || call.a.kind != kindName || call.a.local != nil || len(call.list) != 1 {
			return true
		}
		if call.a.text != "ipairs" && call.a.text != "pairs" {
			return true
		}
		if t := c.typeOf(call.list[0]); t != nil && t.elem != nil && n.names[1].local.typ == nil {
			n.names[1].local.typ = t.elem
		}
		return true
	})
}

// typeHelpers gives the parameters of local functions the types of what they are
// called with, where all calls agree. Three rounds see helpers of helpers.
func (c *pluginRules) typeHelpers() {
	for range 3 {
		walk(c.body, func(n *node) bool {
			for _, name := range n.names {
				if l := name.local; l != nil && l.function != nil && !l.escapes && len(l.calls) > 0 {
					c.helper(l)
				}
			}
			return true
		})
		c.typeLoops()
	}
}

func (c *pluginRules) helper(l *local) {
	for i, name := range l.function.names {
		if name.local.typ != nil || len(name.local.values) > 0 {
			continue
		}
		var known *typ
		for _, call := range l.calls {
			v, ok := valueFor(call.list, i)
			t := (*typ)(nil)
			if ok {
				t = c.typeOfResult(v)
			}
			if t == nil || known != nil && !sameFor(known, t) {
				known = nil
				break
			}
			known = t
		}
		if known != nil {
			name.local.typ = known.withoutConstant()
		}
	}
}

// sameFor is same for objects that belong to plugins, too.
func sameFor(a, b *typ) bool { return same(a, b) && a.plugin == b.plugin }
