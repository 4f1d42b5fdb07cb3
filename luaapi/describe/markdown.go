package describe

import (
	"fmt"
	"sort"
	"strings"
)

// Reference is the reference of everything, as Markdown.
func Reference() string {
	w := &markdown{}
	w.line("# Reference for plugins")
	w.line("Generated from the descriptions in `luaapi/describe`, which a test holds against what plugins really see. The guide is [README.md](README.md).")
	w.line("Language: Lua 5.1 with `goto`. Strings are bytes. Durations are seconds, instants seconds since the epoch, sizes bytes, percentages 0 to 100. " +
		"Functions marked *fails* return `nil, message, kind` when they fail, kind being one of `" + strings.Join(aliasValues("error_kind"), " ") + "`; a wrong argument raises. " +
		"Functions marked *waits* reach outside: they cannot be called while a plugin loads, in `clean` and in `description`. In signatures, `[x]` may be left out.")
	w.contents()
	w.keys()
	w.fieldTypes()
	w.objects()
	w.modules()
	w.library()
	return w.String()
}

func aliasValues(name string) []string {
	for _, a := range Aliases() {
		if a.Name == name {
			return a.Values
		}
	}
	return nil
}

// markdown writes blocks with blank lines between them.
type markdown struct{ strings.Builder }

func (w *markdown) line(text string) { w.WriteString(text + "\n\n") }

func (w *markdown) table(head string, rows [][]string) {
	columns := strings.Count(head, "|") - 1
	w.WriteString(head + "\n|" + strings.Repeat(" --- |", columns) + "\n")
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`)
		}
		w.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	w.WriteString("\n")
}

func code(text string) string { return "`" + text + "`" }

func (w *markdown) contents() {
	var parts []string
	for _, m := range Modules() {
		if !strings.Contains(m.Name, ".") {
			parts = append(parts, fmt.Sprintf("[%s](#%s)", m.Name, anchor(m.Name)))
		}
	}
	w.line("[The plugin's table](#the-plugins-table) · [Fields of forms](#fields-of-forms) · [Objects](#objects) · Modules: " + strings.Join(parts, ", ") +
		" · [Lua's own](#luas-own)")
}

func anchor(module string) string { return "module-" + strings.ReplaceAll(module, ".", "") }

func (w *markdown) keys() {
	w.line("## The plugin's table")
	var rows [][]string
	for _, k := range Keys() {
		name := k.Name
		if k.Function != nil {
			f := *k.Function
			f.Params = append([]Param{{Name: "self", Type: "plugin"}}, f.Params...)
			name = f.Signature()
		}
		in := k.In
		if k.Required {
			in += ", required"
		}
		rows = append(rows, []string{code(name), in, k.Text})
	}
	w.table("| key | in | meaning |", rows)
	w.line("A plugin defines exactly one of `run` and `send_alert`. A file may return an array of such tables.")
}

func (w *markdown) fieldTypes() {
	w.line("## Fields of forms")
	w.line("A form is an array of `forms.TYPE{ \"name\", argument = value, … }`.")
	var rows [][]string
	for _, t := range FieldTypes() {
		rows = append(rows, []string{code("forms." + t.Name), t.Text, code(t.Lua), code(t.None)})
	}
	w.table("| type | value | in Lua | unset |", rows)
	w.table("| argument | type | meaning |", fieldRows(FieldArguments()))
	var widgets []string
	forms := formsModule()
	for _, f := range forms.Fields {
		widgets = append(widgets, code("forms."+f.Name))
	}
	w.line("Widgets: " + strings.Join(widgets, ", ") + ".")
}

func fieldRows(fields []Field) [][]string {
	var rows [][]string
	for _, f := range fields {
		rows = append(rows, []string{code(f.Name), code(shown(f.Type, f.Optional)), f.Text})
	}
	return rows
}

func shown(typ string, optional bool) string {
	if optional && typ != "any" {
		return strings.TrimSuffix(typ, "?") + "?"
	}
	return typ
}

func (w *markdown) objects() {
	w.line("## Objects")
	w.line("Reading a field that an object does not have raises an error that names the nearest one. In types, `?` says that it may be nil.")
	for _, list := range [][]Object{checkObjects(), alertObjects(), viewObjects()} {
		for _, o := range list {
			if !o.Options {
				w.object(o)
			}
		}
	}
	var rows [][]string
	for _, a := range Aliases() {
		values := make([]string, len(a.Values))
		for i, v := range a.Values {
			values[i] = code(`"` + v + `"`)
		}
		rows = append(rows, []string{code(a.Name), strings.Join(values, " "), a.Text})
	}
	w.table("| type | values | meaning |", rows)
}

func (w *markdown) object(o Object) {
	w.line("### " + o.Name)
	w.line(o.Text)
	rows := fieldRows(o.Fields)
	for _, m := range o.Methods {
		rows = append(rows, []string{code(":" + m.Signature()), code(results(&m)), m.Text + marks(&m)})
	}
	if len(rows) > 0 {
		w.table("| field | type | meaning |", rows)
	}
}

func results(f *Function) string {
	if len(f.Returns) == 0 {
		return "nil"
	}
	return strings.Join(f.Returns, ", ")
}

func marks(f *Function) string {
	var list []string
	if f.Fails {
		list = append(list, "fails")
	}
	if f.Waits {
		list = append(list, "waits")
	}
	if len(list) == 0 {
		return ""
	}
	return " *" + strings.Join(list, ", ") + "*"
}

func (w *markdown) modules() {
	w.line("## Modules")
	objects := Load().Objects
	for _, m := range Modules() {
		if m.Name == "forms" {
			w.line("### Module forms")
			w.line(m.Text + " Its types, arguments and widgets are [above](#fields-of-forms).")
			continue
		}
		w.line("### Module " + m.Name)
		w.line(m.Text)
		w.functions(m.Name, m.Functions)
		if len(m.Fields) > 0 {
			w.table("| field | type | meaning |", fieldRows(m.Fields))
		}
		if m.Example != "" {
			w.line("```lua\n" + m.Example + "\n```")
		}
		for _, name := range usedBy(&m, objects) {
			o := *objects[name]
			w.line("#### " + o.Name)
			w.line(o.Text)
			rows := fieldRows(o.Fields)
			for _, f := range o.Methods {
				rows = append(rows, []string{code(":" + f.Signature()), code(results(&f)), f.Text + marks(&f)})
			}
			w.table("| field | type | meaning |", rows)
		}
	}
}

func (w *markdown) functions(module string, list []Function) {
	var rows [][]string
	for _, f := range list {
		rows = append(rows, []string{code(module + "." + f.Signature()), code(results(&f)), f.Text + marks(&f)})
	}
	w.table("| function | returns | meaning |", rows)
}

// usedBy lists the objects that a module's functions take and return, and those
// inside them, but for those that have a place of their own.
func usedBy(m *Module, objects map[string]*Object) []string {
	placed := map[string]bool{"free": true, "forms.arguments": true, "json.options": m.Name != "json"}
	for _, list := range [][]Object{checkObjects(), alertObjects(), viewObjects()} {
		for _, o := range list {
			placed[o.Name] = true
		}
	}
	var names []string
	var visit func(typ string)
	visit = func(typ string) {
		for _, word := range strings.FieldsFunc(typ, func(r rune) bool { return strings.ContainsRune("|?[]<>(), :", r) }) {
			o := objects[word]
			if o == nil || placed[word] || m.Name != "testing" && strings.HasPrefix(word, "testing.") ||
				m.Name == "testing" && !strings.HasPrefix(word, "testing.") {
				continue
			}
			placed[word] = true
			names = append(names, word)
			for _, f := range o.Fields {
				visit(f.Type)
			}
			for _, f := range o.Methods {
				visit(strings.Join(f.Returns, "|"))
			}
		}
	}
	for _, f := range m.Functions {
		for _, p := range f.Params {
			visit(p.Type)
		}
		visit(strings.Join(f.Returns, "|"))
	}
	return names
}

func (w *markdown) library() {
	w.line("## Lua's own")
	var names []string
	for _, f := range Globals() {
		names = append(names, code(f.Name))
	}
	w.line("Functions: " + strings.Join(names, ", ") + ".")
	for _, m := range Library() {
		members := m.Names()
		sort.Strings(members)
		for i, name := range members {
			members[i] = code(m.Name + "." + name)
		}
		w.line(strings.Join(members, ", ") + ".")
	}
	var absent []string
	for name := range Absent() {
		absent = append(absent, code(name))
	}
	sort.Strings(absent)
	w.WriteString("Not there: " + strings.Join(absent, ", ") + ", and the rest of `os`.\n")
}
