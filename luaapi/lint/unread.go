package lint

import (
	"sort"

	"moonwatch/engine/form"
	"moonwatch/luaapi/lint/internal/tree"
)

// reads is what a plugin's files read.
type reads struct {
	names map[string]bool // fields and texts that stand anywhere but in a form's declaration
	forms map[string]bool // formName of the tables that are read as a whole
}

// unread reports form fields that nothing reads. A field counts as read when its
// name stands anywhere outside of the forms: as a field, or as a text.
func unread(s *Source, files []*checker) []Finding {
	r := reads{names: map[string]bool{}, forms: map[string]bool{}}
	var main *checker
	for _, c := range files {
		if c.file.Test {
			continue
		}
		if c.file.Main {
			main = c
		}
		r.collect(c)
	}
	if main == nil {
		return nil
	}
	before := len(main.found)
	for i := range s.Plugins {
		p := &s.Plugins[i]
		if p.SettingsFrom != "" && len(s.Plugins) == 1 {
			continue
		}
		for _, name := range formNames(p) {
			if !r.forms[name] {
				r.report(main, p.Forms[name].Fields, name)
			}
		}
	}
	return main.found[before:]
}

func formNames(p *Plugin) []string {
	var names []string
	for name := range p.Forms {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// report reports the fields of a form that nothing reads, at their declarations.
func (r *reads) report(c *checker, fields []form.Field, in string) {
	for _, f := range fields {
		if r.names[f.Name] || f.Deprecated != "" || f.Env != "" && r.names[f.Env] {
			if f.Type == form.List {
				r.report(c, f.Fields, in)
			}
			continue
		}
		if at, ok := c.declared(f.Name); ok {
			c.add(at, CodeUnread, "the field %s of %s is never read", f.Name, in)
		}
	}
}

// declared is where a field is declared.
func (c *checker) declared(name string) (at tree.Pos, ok bool) {
	tree.Walk(c.body, func(n *tree.Node) bool {
		if table := c.fieldTable(n); table != nil && !ok {
			for i, key := range table.Keys {
				if key == nil && table.List[i].IsString(name) {
					at, ok = table.List[i].Pos, true
				}
			}
		}
		return true
	})
	return at, ok
}

// fieldTable is the table of a call such as forms.CharField{ … }.
func (c *checker) fieldTable(n *tree.Node) *tree.Node {
	if n.Kind != tree.KindCall || len(n.List) != 1 || n.List[0].Kind != tree.KindTable {
		return nil
	}
	if t := c.typeOf(n.A); t == nil || t.function == nil || t.owner != "forms" {
		return nil
	}
	return n.List[0]
}

// collect adds what a file reads.
func (r *reads) collect(c *checker) {
	var visit func(n *tree.Node) bool
	visit = func(n *tree.Node) bool {
		if table := c.fieldTable(n); table != nil {
			for i, key := range table.Keys { // functions in a form may read fields, and lists hold further forms
				if v := table.List[i]; key != nil && (v.Kind == tree.KindFunction || key.IsString("fields")) {
					tree.WalkNode(v, visit)
				}
			}
			return false
		}
		switch n.Kind {
		case tree.KindIndex:
			r.wholeForm(c, n)
		case tree.KindString:
			r.names[n.Text] = true
		case tree.KindTable: // a key that is written as a name is no read
			r.formsInArguments(c, n.List)
			for i, key := range n.Keys {
				if key != nil && key.Kind != tree.KindString {
					tree.WalkNode(key, visit)
				}
				tree.WalkNode(n.List[i], visit)
			}
			return false
		case tree.KindAssign: // and neither is the last name of what is written to
			r.formsInArguments(c, n.List)
			for _, target := range n.Targets {
				if target.Kind == tree.KindIndex && target.B.Kind == tree.KindString {
					target = target.A
				}
				tree.WalkNode(target, visit)
			}
			tree.Walk(n.List, visit)
			return false
		case tree.KindCall, tree.KindMethod, tree.KindReturn, tree.KindLocal:
			r.formsInArguments(c, n.List)
		}
		return true
	}
	tree.Walk(c.body, visit)
}

// wholeForm notes check[name], where any field may be read.
func (r *reads) wholeForm(c *checker, n *tree.Node) {
	if n.B.Plain().Kind == tree.KindString {
		return
	}
	t := c.typeOf(n.A)
	if t.is("check") {
		r.forms["config_form"] = true
	}
	r.noteForm(c.source, t)
}

// formsInArguments notes tables of forms that are handed on whole.
func (r *reads) formsInArguments(c *checker, list []*tree.Node) {
	for _, e := range list {
		r.noteForm(c.source, c.typeOf(e))
	}
}

// noteForm notes that a form is read as a whole, when t is the table of one.
func (r *reads) noteForm(s *Source, t *typ) {
	if t == nil || t.form == nil {
		return
	}
	for i := range s.Plugins {
		for name := range s.Plugins[i].Forms {
			if shown := t.formName; name == "config_form" && shown == "check.config" || name == "settings_form" && shown == "self.settings" ||
				name == "user_config_form" && len(shown) > 5 && shown[:5] == "user." || name == "service_config_form" && len(shown) > 8 && shown[:8] == "service." {
				r.forms[name] = true
			}
		}
	}
}
