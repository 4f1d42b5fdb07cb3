package loader

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/vm"
)

// FieldDecl is what a field constructor returns to Lua: a declaration, where it
// stands in the source, and the plugin's clean function.
type FieldDecl struct {
	field form.Field
	line  int
	file  string
	Clean *lua.LFunction
	rows  []*FieldDecl // of a ListField
}

// FormCollector gathers the mistakes that constructors find, so that one load
// shows them all.
type FormCollector struct {
	problems Problems
}

// OpenForms builds the module forms: a constructor for each type of field, and
// the names of the widgets.
func OpenForms(L *lua.LState) *lua.LTable {
	table := L.CreateTable(0, 40)
	arguments := FieldArguments()
	for _, typ := range form.Types() {
		table.RawSetString(string(typ), L.NewFunction(constructor(typ, arguments)))
	}
	for _, widget := range form.Widgets() {
		table.RawSetString(widget, lua.LString(widget))
	}
	table.Metatable = luaval.HiddenTable(map[string]lua.LValue{"__index": L.NewFunction(unknownForm)})
	return table
}

// unknownForm answers for a name that the module does not have. What looks like
// a field type becomes a constructor whose field is a problem of the load.
func unknownForm(L *lua.LState) int {
	name := luaval.KeyText(L.Get(2))
	near := form.Nearest(name, formsNames())
	if strings.HasSuffix(name, "Field") || strings.HasSuffix(near, "Field") {
		L.Push(L.NewFunction(constructor(form.Type(name), FieldArguments())))
		return 1
	}
	luaval.RaiseUnknown(L, "forms", name, formsNames())
	return 0
}

func formsNames() []string {
	names := append([]string{}, form.Widgets()...)
	for _, typ := range form.Types() {
		names = append(names, string(typ))
	}
	return names
}

// constructor makes fields of one type.
func constructor(typ form.Type, arguments map[string]argumentReader) lua.LGFunction {
	return func(L *lua.LState) int {
		collector, _ := vm.CallOf(L).Run.Forms.(*FormCollector)
		if collector == nil { // a run looks at no form
			L.Push(&lua.LUserData{Value: (*FieldDecl)(nil), Metatable: lua.LNil})
			return 1
		}
		decl := &FieldDecl{field: form.Field{Type: typ, Required: true}}
		decl.file, decl.line = caller(L)
		args, ok := L.Get(1).(*lua.LTable)
		if !ok {
			L.RaiseError("bad argument #1 to '%s' (a table of arguments expected: forms.%s{ \"name\", … })", string(typ), string(typ))
		}
		reader := &fieldReader{L: L, decl: decl, collector: collector, arguments: arguments}
		args.ForEach(reader.argument)
		if !reader.named {
			reader.problem("a field needs its name as the first value: forms." + string(typ) + "{ \"name\", … }")
		}
		L.Push(&lua.LUserData{Value: decl, Metatable: lua.LNil})
		return 1
	}
}

// caller is the file and line of the Lua code that called the Go function.
func caller(L *lua.LState) (file string, line int) {
	frame, ok := L.GetStack(1)
	if !ok {
		return "", 0
	}
	if _, err := L.GetInfo("Sl", frame, lua.LNil); err != nil {
		return "", 0
	}
	return frame.Source, max(frame.CurrentLine, 0)
}

// fieldReader reads the arguments of one constructor.
type fieldReader struct {
	L         *lua.LState
	decl      *FieldDecl
	collector *FormCollector
	arguments map[string]argumentReader
	named     bool
}

func (r *fieldReader) problem(message string) {
	if r.decl.field.Name != "" {
		message = "field " + r.decl.field.Name + ": " + message
	}
	r.collector.problems.add(r.decl.file, r.decl.line, message)
}

// argument reads one argument by its name, the field's own name by its position.
func (r *fieldReader) argument(key, v lua.LValue) {
	f := &r.decl.field
	if n, ok := key.(lua.LNumber); ok {
		name, isText := v.(lua.LString)
		switch {
		case n != 1:
			r.problem("has a second value without a name")
		case !isText:
			r.problem("a field's name must be a string, got " + v.Type().String())
		default:
			f.Name = string(name)
		}
		r.named = true
		return
	}
	name := luaval.KeyText(key)
	read, ok := r.arguments[name]
	if !ok {
		message := "there is no argument " + name
		if near := form.Nearest(name, luaval.SortedKeys(r.arguments)); near != "" {
			message += "; did you mean " + near + "?"
		}
		r.problem(message)
		return
	}
	if what := read(r, f, v); what != "" {
		r.problem(name + " must be " + what + ", got " + v.Type().String())
	}
}

// argumentReader reads one argument; it returns what it must be when it is not.
type argumentReader func(r *fieldReader, f *form.Field, v lua.LValue) string

func FieldArguments() map[string]argumentReader {
	return map[string]argumentReader{
		"required":       boolArgument(func(f *form.Field) *bool { return &f.Required }),
		"disabled":       boolArgument(func(f *form.Field) *bool { return &f.Disabled }),
		"label":          textArgument(func(f *form.Field) *string { return &f.Label }),
		"help_text":      textArgument(func(f *form.Field) *string { return &f.HelpText }),
		"placeholder":    textArgument(func(f *form.Field) *string { return &f.Placeholder }),
		"unit":           textArgument(func(f *form.Field) *string { return &f.Unit }),
		"group":          textArgument(func(f *form.Field) *string { return &f.Group }),
		"regex":          textArgument(func(f *form.Field) *string { return &f.Regex }),
		"env":            textArgument(func(f *form.Field) *string { return &f.Env }),
		"min_value":      numberArgument(func(f *form.Field) **float64 { return &f.MinValue }),
		"max_value":      numberArgument(func(f *form.Field) **float64 { return &f.MaxValue }),
		"step_size":      numberArgument(func(f *form.Field) **float64 { return &f.StepSize }),
		"min_length":     countArgument(func(f *form.Field) **int { return &f.MinLength }),
		"max_length":     countArgument(func(f *form.Field) **int { return &f.MaxLength }),
		"min_items":      countArgument(func(f *form.Field) **int { return &f.MinItems }),
		"max_items":      countArgument(func(f *form.Field) **int { return &f.MaxItems }),
		"initial":        readInitial,
		"widget":         readWidget,
		"choices":        readChoices,
		"error_messages": readMessages,
		"show_if":        readShowIf,
		"clean":          readClean,
		"deprecated":     readDeprecated,
		"fields":         readFields,
	}
}

func boolArgument(at func(*form.Field) *bool) argumentReader {
	return func(_ *fieldReader, f *form.Field, v lua.LValue) string {
		b, ok := v.(lua.LBool)
		*at(f) = bool(b)
		return unless(ok, "true or false")
	}
}

func textArgument(at func(*form.Field) *string) argumentReader {
	return func(_ *fieldReader, f *form.Field, v lua.LValue) string {
		s, ok := v.(lua.LString)
		*at(f) = strings.ToValidUTF8(string(s), "\uFFFD")
		return unless(ok, "a string")
	}
}

func numberArgument(at func(*form.Field) **float64) argumentReader {
	return func(_ *fieldReader, f *form.Field, v lua.LValue) string {
		n, ok := binding.Finite(v)
		if ok {
			*at(f) = &n
		}
		return unless(ok, "a number")
	}
}

func countArgument(at func(*form.Field) **int) argumentReader {
	return func(_ *fieldReader, f *form.Field, v lua.LValue) string {
		n, ok := binding.Finite(v)
		if !ok || n < 0 || n != float64(int(n)) {
			return "a whole number"
		}
		count := int(n)
		*at(f) = &count
		return ""
	}
}

func unless(ok bool, what string) string {
	if ok {
		return ""
	}
	return what
}

func readInitial(_ *fieldReader, f *form.Field, v lua.LValue) string {
	value, problem := binding.FromLua(v, 0)
	if list, ok := value.([]any); ok && len(list) == 0 && (f.Type == form.JSON || f.Type == form.KeyValue) {
		value = map[string]any{}
	}
	f.Initial = value
	return unless(problem == "", "a plain value")
}

func readWidget(r *fieldReader, f *form.Field, v lua.LValue) string {
	s, ok := v.(lua.LString)
	if !ok {
		return "a widget such as forms.Textarea"
	}
	f.Widget = string(s)
	for _, known := range form.Widgets() {
		if known == f.Widget {
			return ""
		}
	}
	message := "there is no widget " + f.Widget
	if near := form.Nearest(f.Widget, form.Widgets()); near != "" {
		message += "; did you mean forms." + near + "?"
	}
	r.problem(message)
	return ""
}

// readChoices takes { {value, label}, … }, and { value, … } where a label says the same.
func readChoices(_ *fieldReader, f *form.Field, v lua.LValue) string {
	const want = "{ {value, label}, … }"
	list, ok := v.(*lua.LTable)
	if !ok {
		return want
	}
	for i := 1; i <= list.Len(); i++ {
		switch item := list.RawGetInt(i).(type) {
		case lua.LString, lua.LNumber:
			f.Choices = append(f.Choices, form.Choice{Value: item.String(), Label: item.String()})
		case *lua.LTable:
			value, label := item.RawGetInt(1), item.RawGetInt(2)
			if label == lua.LNil {
				label = value
			}
			if !lua.LVCanConvToString(value) || !lua.LVCanConvToString(label) {
				return want
			}
			f.Choices = append(f.Choices, form.Choice{Value: value.String(), Label: label.String()})
		default:
			return want
		}
	}
	return ""
}

func readMessages(_ *fieldReader, f *form.Field, v lua.LValue) string {
	const want = "{ code = \"message\", … }"
	t, ok := v.(*lua.LTable)
	if !ok {
		return want
	}
	f.ErrorMessages = map[string]string{}
	t.ForEach(func(k, v lua.LValue) {
		if k.Type() != lua.LTString || v.Type() != lua.LTString {
			ok = false
			return
		}
		f.ErrorMessages[k.String()] = v.String()
	})
	return unless(ok, want)
}

func readShowIf(_ *fieldReader, f *form.Field, v lua.LValue) string {
	const want = "{ field = value or array of values }"
	t, ok := v.(*lua.LTable)
	if !ok {
		return want
	}
	f.ShowIf = map[string][]any{}
	t.ForEach(func(k, v lua.LValue) {
		value, problem := binding.FromLua(v, 0)
		if k.Type() != lua.LTString || problem != "" {
			ok = false
			return
		}
		if list, isList := value.([]any); isList {
			f.ShowIf[k.String()] = list
		} else {
			f.ShowIf[k.String()] = []any{value}
		}
	})
	return unless(ok, want)
}

func readClean(r *fieldReader, f *form.Field, v lua.LValue) string {
	fn, ok := v.(*lua.LFunction)
	f.HasClean, r.decl.Clean = ok, fn
	return unless(ok, "a function")
}

// readDeprecated takes why the field is going away, or just true.
func readDeprecated(_ *fieldReader, f *form.Field, v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		f.Deprecated = string(v)
	case lua.LBool:
		if v {
			f.Deprecated = "deprecated"
		}
	default:
		return "a string or true"
	}
	return ""
}

func readFields(r *fieldReader, f *form.Field, v lua.LValue) string {
	list, ok := v.(*lua.LTable)
	if !ok {
		return "an array of fields"
	}
	decls, problem := Declarations(list)
	if problem != "" {
		r.problem("fields: " + problem)
	}
	for _, d := range decls {
		f.Fields = append(f.Fields, d.field)
	}
	r.decl.rows = decls
	return ""
}

// Declarations reads an array of fields; it returns what is wrong with it.
func Declarations(list *lua.LTable) (decls []*FieldDecl, problem string) {
	for i := 1; i <= list.Len(); i++ {
		ud, ok := list.RawGetInt(i).(*lua.LUserData)
		decl, isField := (*FieldDecl)(nil), false
		if ok {
			decl, isField = ud.Value.(*FieldDecl)
		}
		if !isField || decl == nil {
			problem = "an entry is a " + list.RawGetInt(i).Type().String() + ", not a field such as forms.CharField{ \"name\" }"
			continue
		}
		decls = append(decls, decl)
	}
	list.ForEach(func(k, _ lua.LValue) {
		if k.Type() != lua.LTNumber {
			problem = "a form is an array of fields, but has the key " + luaval.KeyText(k)
		}
	})
	return decls, problem
}
