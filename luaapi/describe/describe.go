package describe

import (
	"fmt"
	"slices"
	"strings"
)

// Param is a parameter of a function.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // as LuaLS writes types
	Optional bool   `json:"optional,omitempty"`
}

// Function is a function of a module, or a method of an object.
type Function struct {
	Name     string   `json:"name"`
	Method   bool     `json:"method,omitempty"` // called with a colon
	Params   []Param  `json:"params"`           // without self
	Variadic bool     `json:"variadic,omitempty"`
	Returns  []string `json:"returns"`         // types
	Fails    bool     `json:"fails,omitempty"` // returns nil, message, kind when it fails
	Waits    bool     `json:"waits,omitempty"` // reaches outside: not in clean and description
	Text     string   `json:"text"`
}

// Required is how many arguments the function needs at least.
func (f *Function) Required() int {
	n := 0
	for i, p := range f.Params {
		if !p.Optional {
			n = i + 1
		}
	}
	return n
}

// Signature is the function's head as the reference shows it, without its module.
func (f *Function) Signature() string {
	parts := make([]string, 0, len(f.Params)+1)
	for _, p := range f.Params {
		if p.Optional {
			parts = append(parts, "["+p.Name+"]")
		} else {
			parts = append(parts, p.Name)
		}
	}
	if f.Variadic {
		parts = append(parts, "…")
	}
	return f.Name + "(" + strings.Join(parts, ", ") + ")"
}

// Field is a field of an object or of a table of options.
type Field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"` // may be nil, or be left out
	Text     string `json:"text"`
}

// Object is an object that plugins are given, or a table that functions take or
// return.
type Object struct {
	Name    string     `json:"name"` // of its type, such as "http.response"
	Text    string     `json:"text"`
	Fields  []Field    `json:"fields,omitempty"`
	Methods []Function `json:"methods,omitempty"`
	// Open says that further fields may be read: those of a form, or any name.
	Open bool `json:"open,omitempty"`
	// Options says that plugins write such tables, for a function to read.
	Options bool `json:"options,omitempty"`
	// Writable says that plugins may set its fields.
	Writable bool `json:"writable,omitempty"`
	// Positions says that an options table has values without names, too.
	Positions bool `json:"positions,omitempty"`
}

// Names returns the names of its fields and methods.
func (o *Object) Names() []string {
	names := make([]string, 0, len(o.Fields)+len(o.Methods))
	for _, f := range o.Fields {
		names = append(names, f.Name)
	}
	for _, m := range o.Methods {
		names = append(names, m.Name)
	}
	return names
}

// Field returns a field, nil when there is none of that name.
func (o *Object) Field(name string) *Field {
	for i := range o.Fields {
		if o.Fields[i].Name == name {
			return &o.Fields[i]
		}
	}
	return nil
}

// Method returns a method, nil when there is none of that name.
func (o *Object) Method(name string) *Function { return find(o.Methods, name) }

// Module is a module that plugins require.
type Module struct {
	Name      string     `json:"name"` // also "store.shared", which is a table inside store
	Text      string     `json:"text"`
	Functions []Function `json:"functions,omitempty"`
	Fields    []Field    `json:"fields,omitempty"`
	Example   string     `json:"example,omitempty"` // Lua; "A --> B" says that A gives B
	Tests     bool       `json:"tests,omitempty"`   // for tests alone
}

// Names returns the names of its functions and fields.
func (m *Module) Names() []string {
	names := make([]string, 0, len(m.Functions)+len(m.Fields))
	for _, f := range m.Functions {
		names = append(names, f.Name)
	}
	for _, f := range m.Fields {
		names = append(names, f.Name)
	}
	return names
}

// Function returns a function, nil when there is none of that name.
func (m *Module) Function(name string) *Function { return find(m.Functions, name) }

func find(list []Function, name string) *Function {
	if i := slices.IndexFunc(list, func(f Function) bool { return f.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// Contract is everything, by name.
type Contract struct {
	Modules map[string]*Module
	Objects map[string]*Object
	Keys    []Key
	Types   []FieldType
	Args    []Field
	Globals []Function
	Library []Module // Lua's own tables
}

// Load returns the whole description.
func Load() *Contract {
	c := &Contract{Modules: map[string]*Module{}, Objects: map[string]*Object{}, Keys: Keys(), Types: FieldTypes(), Args: FieldArguments(),
		Globals: Globals(), Library: Library()}
	for _, m := range Modules() {
		c.Modules[m.Name] = &m
	}
	for _, o := range Objects() {
		c.Objects[o.Name] = &o
	}
	return c
}

// The lines below are written in one small notation:
//
//	name(a: string, b?: T, ...: any): T, U [fails waits] -- text
//	name?: T -- text
//
// A mistake in one is a mistake in this package: it panics, and the tests find it.

func functions(lines string) []Function {
	var list []Function
	for _, line := range notation(lines) {
		list = append(list, parseFunction(line))
	}
	return list
}

func fields(lines string) []Field {
	var list []Field
	for _, line := range notation(lines) {
		list = append(list, parseField(line))
	}
	return list
}

// object reads fields and methods; a method's line begins with a colon.
func object(name, text, lines string) Object {
	o := Object{Name: name, Text: text}
	for _, line := range notation(lines) {
		if rest, ok := strings.CutPrefix(line, ":"); ok {
			f := parseFunction(rest)
			f.Method = true
			o.Methods = append(o.Methods, f)
		} else {
			o.Fields = append(o.Fields, parseField(line))
		}
	}
	return o
}

func optionsTable(name, text, lines string) Object {
	o := object(name, text, lines)
	o.Options = true
	return o
}

func notation(lines string) []string {
	var list []string
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

func parseField(line string) Field {
	head, text, ok := strings.Cut(line, " -- ")
	name, typ, ok2 := strings.Cut(head, ": ")
	if !ok || !ok2 {
		panic(fmt.Sprintf("describe: not a field: %s", line))
	}
	f := Field{Name: name, Type: typ, Text: text}
	f.Name, f.Optional = strings.CutSuffix(name, "?")
	return f
}

func parseFunction(line string) Function {
	head, text, ok := strings.Cut(line, " -- ")
	open := strings.IndexByte(head, '(')
	if !ok || open < 0 {
		panic(fmt.Sprintf("describe: not a function: %s", line))
	}
	f := Function{Name: head[:open], Text: text, Params: []Param{}, Returns: []string{}}
	if rest, flags, found := strings.Cut(head, " ["); found {
		head = rest
		f.Fails, f.Waits = strings.Contains(flags, "fails"), strings.Contains(flags, "waits")
	}
	end := closing(head, open)
	for _, p := range splitTop(head[open+1:end], ',') {
		name, typ, ok := strings.Cut(p, ":")
		if !ok {
			panic(fmt.Sprintf("describe: a parameter without a type: %s", line))
		}
		name, typ = strings.TrimSpace(name), strings.TrimSpace(typ)
		if name == "..." {
			f.Variadic = true
			continue
		}
		one := Param{Type: typ}
		one.Name, one.Optional = strings.CutSuffix(name, "?")
		f.Params = append(f.Params, one)
	}
	if rest, found := strings.CutPrefix(head[end+1:], ":"); found {
		f.Returns = splitTop(rest, ',')
	}
	return f
}

// closing is the place of the bracket that closes the one at open.
func closing(text string, open int) int {
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '(', '<', '{':
			depth++
		case ')', '>', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	panic("describe: a bracket is not closed: " + text)
}

// splitTop splits at sep where it stands outside of brackets and quotes.
func splitTop(text string, sep byte) []string {
	var parts []string
	depth, start, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '<' || c == '{':
			depth++
		case c == ')' || c == '>' || c == '}':
			depth--
		case c == sep && depth == 0:
			parts = append(parts, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(text[start:]); last != "" {
		parts = append(parts, last)
	}
	return parts
}
