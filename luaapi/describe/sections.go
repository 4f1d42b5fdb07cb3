package describe

import (
	"sort"
	"strings"
)

// Section is a part of the reference. Its texts are paragraphs in which `x` is
// code and *x* is emphasis.
type Section struct {
	Title    string
	ID       string // its place in a page: one of its kind
	Texts    []string
	Tables   []Table
	Example  string   // Lua
	Closing  []string // paragraphs behind the tables
	Parts    []Section
	Contents bool // whether a table of contents lists its parts
}

// Table is a table of names and what they mean.
type Table struct {
	Head []string
	Rows []Row
}

// Row is a row of a table, and in a page the place of what it is about.
type Row struct {
	ID    string
	Cells []Cell
}

// Cell is a cell of a row.
type Cell struct {
	Text string
	Code bool // the text is code; else it is written like a paragraph
}

func coded(text string) Cell { return Cell{text, true} }

func plain(text string) Cell { return Cell{Text: text} }

// Sections is the reference of everything that a plugin may use, in the order in
// which it is read.
func Sections() []Section {
	return []Section{keySection(), formSection(), objectSection(), moduleSection(), librarySection()}
}

// Preface is what holds for all of the reference.
func Preface() string {
	return "Language: Lua 5.1 with `goto`. Strings are bytes. Durations are seconds, instants seconds since the epoch, sizes " +
		"bytes, percentages 0 to 100. " +
		"Functions marked *fails* return `nil, message, kind` when they fail, kind being one of `" + strings.Join(aliasValues("error_kind"), " ") + "`; a wrong argument raises. " +
		"Functions marked *waits* reach outside: they cannot be called while a plugin loads, in `clean` and in `description`. " +
		"In signatures, `[x]` may be left out."
}

func aliasValues(name string) []string {
	for _, a := range Aliases() {
		if a.Name == name {
			return a.Values
		}
	}
	return nil
}

func keySection() Section {
	t := Table{Head: []string{"key", "in", "meaning"}}
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
		t.Rows = append(t.Rows, Row{"key." + k.Name, []Cell{coded(name), plain(in), plain(k.Text)}})
	}
	return Section{Title: "The plugin's table", ID: "the-plugins-table", Tables: []Table{t},
		Closing: []string{"A plugin defines exactly one of `run` and `send_alert`. A file may return an array of such tables."}}
}

func formSection() Section {
	types := Table{Head: []string{"type", "value", "in Lua", "unset"}}
	for _, t := range FieldTypes() {
		types.Rows = append(types.Rows, Row{"forms." + t.Name, []Cell{coded("forms." + t.Name), plain(t.Text), coded(t.Lua), coded(t.None)}})
	}
	arguments := Table{Head: []string{"argument", "type", "meaning"}, Rows: fieldRows("argument", FieldArguments())}
	var widgets []string
	forms := formsModule()
	for _, f := range forms.Fields {
		widgets = append(widgets, code("forms."+f.Name))
	}
	return Section{
		Title:   "Fields of forms",
		ID:      "fields-of-forms",
		Texts:   []string{"A form is an array of `forms.TYPE{ \"name\", argument = value, … }`."},
		Tables:  []Table{types, arguments},
		Closing: []string{"Widgets: " + strings.Join(widgets, ", ") + "."},
	}
}

func code(text string) string { return "`" + text + "`" }

// fieldRows are the rows of fields of what is called of.
func fieldRows(of string, fields []Field) []Row {
	var rows []Row
	for _, f := range fields {
		rows = append(rows, Row{of + "." + f.Name, []Cell{coded(f.Name), coded(shown(f.Type, f.Optional)), plain(f.Text)}})
	}
	return rows
}

func shown(typ string, optional bool) string {
	if optional && typ != "any" {
		return strings.TrimSuffix(typ, "?") + "?"
	}
	return typ
}

func objectSection() Section {
	s := Section{Title: "Objects", ID: "objects", Contents: true,
		Texts: []string{"Reading a field that an object does not have raises an error that names the nearest one. In types, `?` says that it may be nil."}}
	for _, list := range [][]Object{checkObjects(), alertObjects(), viewObjects()} {
		for _, o := range list {
			if !o.Options {
				s.Parts = append(s.Parts, objectPart(o))
			}
		}
	}
	aliases := Table{Head: []string{"type", "values", "meaning"}}
	for _, a := range Aliases() {
		values := make([]string, len(a.Values))
		for i, v := range a.Values {
			values[i] = code(`"` + v + `"`)
		}
		aliases.Rows = append(aliases.Rows, Row{TypeID(a.Name), []Cell{coded(a.Name), plain(strings.Join(values, " ")), plain(a.Text)}})
	}
	s.Parts = append(s.Parts, Section{Tables: []Table{aliases}})
	return s
}

func objectPart(o Object) Section {
	rows := fieldRows(o.Name, o.Fields)
	for _, m := range o.Methods {
		rows = append(rows, Row{o.Name + "." + m.Name, []Cell{coded(":" + m.Signature()), coded(results(&m)), plain(m.Text + marks(&m))}})
	}
	s := Section{Title: o.Name, ID: TypeID(o.Name), Texts: []string{o.Text}}
	if len(rows) > 0 {
		s.Tables = []Table{{[]string{"field", "type", "meaning"}, rows}}
	}
	return s
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

// TypeID is the place of a type in a page.
func TypeID(name string) string { return "type-" + name }

// ModuleID is the place of a module in a page.
func ModuleID(module string) string { return "module-" + strings.ReplaceAll(module, ".", "") }

func moduleSection() Section {
	s := Section{Title: "Modules", ID: "modules", Contents: true}
	objects := Load().Objects
	placed := map[string]bool{} // by an earlier module
	for _, m := range Modules() {
		one := Section{Title: "Module " + m.Name, ID: ModuleID(m.Name), Texts: []string{m.Text}}
		if m.Name == "forms" {
			one.Texts[0] += " Its types, arguments and widgets are [above](#fields-of-forms)."
			s.Parts = append(s.Parts, one)
			continue
		}
		one.Tables = append(one.Tables, functionTable(m.Name, m.Functions))
		if len(m.Fields) > 0 {
			one.Tables = append(one.Tables, Table{[]string{"field", "type", "meaning"}, fieldRows(m.Name, m.Fields)})
		}
		one.Example = m.Example
		for _, name := range usedBy(&m, objects, placed) {
			one.Parts = append(one.Parts, objectPart(*objects[name]))
		}
		s.Parts = append(s.Parts, one)
	}
	return s
}

func functionTable(module string, list []Function) Table {
	t := Table{Head: []string{"function", "returns", "meaning"}}
	for _, f := range list {
		t.Rows = append(t.Rows, Row{module + "." + f.Name, []Cell{coded(module + "." + f.Signature()), coded(results(&f)), plain(f.Text + marks(&f))}})
	}
	return t
}

// usedBy lists the objects that a module's functions take and return, and those
// inside them, but for those that have a place of their own or are placed, and
// places them.
func usedBy(m *Module, objects map[string]*Object, placed map[string]bool) []string {
	placed["free"], placed["forms.arguments"], placed["json.options"] = true, true, m.Name != "json"
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

func librarySection() Section {
	var names []string
	for _, f := range Globals() {
		names = append(names, code(f.Name))
	}
	s := Section{Title: "Lua's own", ID: "luas-own", Texts: []string{"Functions: " + strings.Join(names, ", ") + "."}}
	for _, m := range Library() {
		members := m.Names()
		sort.Strings(members)
		for i, name := range members {
			members[i] = code(m.Name + "." + name)
		}
		s.Texts = append(s.Texts, strings.Join(members, ", ")+".")
	}
	var absent []string
	for name := range Absent() {
		absent = append(absent, code(name))
	}
	sort.Strings(absent)
	s.Texts = append(s.Texts, "Not there: "+strings.Join(absent, ", ")+", and the rest of `os`.")
	return s
}
