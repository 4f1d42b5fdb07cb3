package lint

import (
	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/lint/internal/tree"
)

// pluginRules find the plugins of a file, and look at each of their functions as
// a whole: its parameters, and what it returns on all paths.
type pluginRules struct {
	*checker
	done map[*tree.Node]bool // functions whose paths were looked at
}

// findPlugins finds the tables that the file returns, and gives the parameters
// of their functions their types.
func (c *pluginRules) findPlugins() {
	if !c.file.Main {
		return
	}
	byLocal := map[*tree.Local]*tree.Node{}
	for _, s := range c.body {
		if s.Kind == tree.KindLocal {
			for i, name := range s.Names {
				if i < len(s.List) {
					byLocal[name.Local] = tableOf(s.List[i])
				}
			}
		}
	}
	for _, e := range returnedBy(c.body) {
		table := tableOf(e)
		if e = e.Plain(); e.Kind == tree.KindName && e.Local != nil {
			table = byLocal[e.Local]
			if p := c.pluginOf(table); p != nil {
				c.tables[e.Local] = p
			}
		}
		if table != nil {
			c.pluginTable(table, c.pluginOf(table))
		}
	}
	for _, s := range c.body {
		switch s.Kind {
		case tree.KindFunctionStat:
			if l, key := member(s.A); l != nil && c.tables[l] != nil {
				c.pluginFunction(c.tables[l], key, s.B)
			}
		case tree.KindAssign:
			for i, target := range s.Targets {
				if l, key := member(target); l != nil && c.tables[l] != nil && i < len(s.List) {
					c.pluginKey(c.tables[l], key, s.List[i])
				}
			}
		}
	}
}

// member reads local.key.
func member(e *tree.Node) (*tree.Local, string) {
	if e.Kind != tree.KindIndex || e.A.Kind != tree.KindName || e.B.Kind != tree.KindString {
		return nil, ""
	}
	return e.A.Local, e.B.Text
}

// tableOf is the constructor that an expression stands for, as setmetatable's
// first argument, too.
func tableOf(e *tree.Node) *tree.Node {
	e = e.Plain()
	switch {
	case e == nil:
		return nil
	case e.Kind == tree.KindTable:
		return e
	case e.Kind == tree.KindCall && len(e.List) > 0:
		return tableOf(e.List[0])
	}
	return nil
}

// returnedBy is what a file returns: of an array of plugins its items.
func returnedBy(body []*tree.Node) []*tree.Node {
	if len(body) == 0 || body[len(body)-1].Kind != tree.KindReturn || len(body[len(body)-1].List) == 0 {
		return nil
	}
	e := body[len(body)-1].List[0].Plain()
	if e.Kind == tree.KindTable && len(e.List) > 0 && e.Keys[0] == nil {
		return e.List
	}
	return []*tree.Node{e}
}

// pluginOf finds the plugin by the slug that its table names.
func (c *pluginRules) pluginOf(table *tree.Node) *Plugin {
	if c.current != nil {
		return c.current
	}
	if table == nil {
		return nil
	}
	for i, key := range table.Keys {
		if !key.IsString("slug") {
			continue
		}
		for n := range c.source.Plugins {
			if table.List[i].IsString(c.source.Plugins[n].Slug) {
				return &c.source.Plugins[n]
			}
		}
	}
	return nil
}

func (c *pluginRules) pluginTable(table *tree.Node, p *Plugin) {
	for i, key := range table.Keys {
		if key != nil && key.Kind == tree.KindString {
			c.pluginKey(p, key.Text, table.List[i])
		}
	}
}

func (c *pluginRules) pluginKey(p *Plugin, key string, v *tree.Node) {
	switch v = v.Plain(); {
	case v.Kind == tree.KindFunction:
		c.pluginFunction(p, key, v)
	case v.Kind == tree.KindName && v.Local != nil && v.Local.Function != nil:
		c.pluginFunction(p, key, v.Local.Function)
	case key == "urls" && v.Kind == tree.KindTable:
		for _, route := range v.List {
			if route.Kind == tree.KindTable {
				c.route(p, route)
			}
		}
	}
}

func (c *pluginRules) route(p *Plugin, route *tree.Node) {
	c.options(route, c.contract.Objects["plugin.route"])
	for i, key := range route.Keys {
		if !key.IsString("view") {
			continue
		}
		f := route.List[i].Plain()
		if f.Kind == tree.KindName && f.Local != nil {
			f = f.Local.Function
		}
		if f != nil && f.Kind == tree.KindFunction {
			c.parameters(f, p, []string{"request"})
			c.answers(f)
		}
	}
}

// answers looks at the tables that a view returns.
func (c *pluginRules) answers(f *tree.Node) {
	tree.Walk(f.Body, func(n *tree.Node) bool {
		if n.Kind == tree.KindReturn && len(n.List) > 0 && n.List[0].Kind == tree.KindTable {
			c.options(n.List[0], c.contract.Objects["view.answer"])
		}
		return n.Kind != tree.KindFunction
	})
}

// pluginFunction types the parameters of one of the contract's functions, and
// looks at its paths.
func (c *pluginRules) pluginFunction(p *Plugin, key string, f *tree.Node) {
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
func (c *pluginRules) parameters(f *tree.Node, p *Plugin, types []string) {
	if len(f.Names) == 0 {
		return
	}
	if f.Names[0].Text == "self" {
		c.told[f.Names[0].Local] = &typ{object: c.contract.Objects["plugin"], plugin: p}
	}
	for i, text := range types {
		if i+1 >= len(f.Names) {
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
		c.told[f.Names[i+1].Local] = t
	}
}

// outcomes looks at the tables that send_alert returns as its third value.
func (c *pluginRules) outcomes(f *tree.Node) {
	tree.Walk(f.Body, func(n *tree.Node) bool {
		if n.Kind == tree.KindReturn && len(n.List) > 2 && n.List[2].Kind == tree.KindTable {
			c.options(n.List[2], c.contract.Objects["alert.retry"])
		}
		return n.Kind != tree.KindFunction
	})
}

// typeLoops types the variables of loops over arrays.
func (c *pluginRules) typeLoops() {
	tree.Walk(c.body, func(n *tree.Node) bool {
		if n.Kind != tree.KindForIn || len(n.Names) != 2 || len(n.List) != 1 {
			return true
		}
		call := n.List[0].Plain()
		if call.Kind != tree.KindCall || call.A.Kind != tree.KindName || call.A.Local != nil || len(call.List) != 1 {
			return true
		}
		if call.A.Text != "ipairs" && call.A.Text != "pairs" {
			return true
		}
		if t := c.typeOf(call.List[0]); t != nil && t.elem != nil && c.told[n.Names[1].Local] == nil {
			c.told[n.Names[1].Local] = t.elem
		}
		return true
	})
}

// typeHelpers gives the parameters of local functions the types of what they are
// called with, where all calls agree. Three rounds see helpers of helpers.
func (c *pluginRules) typeHelpers() {
	for range 3 {
		tree.Walk(c.body, func(n *tree.Node) bool {
			for _, name := range n.Names {
				if l := name.Local; l != nil && l.Function != nil && !l.Escapes && len(l.Calls) > 0 {
					c.helper(l)
				}
			}
			return true
		})
		c.typeLoops()
	}
}

func (c *pluginRules) helper(l *tree.Local) {
	for i, name := range l.Function.Names {
		if c.told[name.Local] != nil || len(name.Local.Values) > 0 {
			continue
		}
		var known *typ
		for _, call := range l.Calls {
			v, ok := tree.ValueFor(call.List, i)
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
			c.told[name.Local] = known.withoutConstant()
		}
	}
}

// sameFor is same for objects that belong to plugins, too.
func sameFor(a, b *typ) bool { return same(a, b) && a.plugin == b.plugin }
