package describe

// FieldType is a type of form field.
type FieldType struct {
	Name string `json:"name"`
	Lua  string `json:"lua"`   // the type of its value in Lua
	None string `json:"unset"` // what an unset one reads as
	Text string `json:"text"`
}

// FieldTypes returns the types of fields in the order of the contract.
func FieldTypes() []FieldType {
	return []FieldType{
		{"CharField", "string", `""`, "Text of one line; with forms.Textarea of several."},
		{"IntegerField", "integer", "nil", "A whole number."},
		{"FloatField", "number", "nil", "A number."},
		{"BooleanField", "boolean", "false", "Yes or no. It is never required."},
		{"ChoiceField", "string", `""`, "One of choices."},
		{"MultipleChoiceField", "string[]", "{}", "Any of choices."},
		{"URLField", "string", `""`, "A URL."},
		{"EmailField", "string", `""`, "An address of mail."},
		{"SlugField", "string", `""`, "Letters, digits, - and _."},
		{"RegexField", "string", `""`, "Text that must match regex."},
		{"PatternField", "string", `""`, "Text that is itself a regular expression in RE2's syntax, within the bounds of module `re`."},
		{"GenericIPAddressField", "string", `""`, "An IPv4 or IPv6 address."},
		{"HostField", "string", `""`, "A host's name or address."},
		{"PortField", "integer", "nil", "A port, 1 to 65535."},
		{"DurationField", "number", "nil", `A duration, written as "500ms", "30s" or "1h30m"; Lua sees seconds.`},
		{"DateTimeField", "number", "nil", "An instant; Lua sees seconds since the epoch."},
		{"JSONField", "any", "nil", "A JSON value; Lua sees it decoded."},
		{"KeyValueField", "table<string, string>", "{}", "Lines of Name: value; Lua sees a table whose names are case-insensitive, the last line of a name wins."},
		{"ListField", "table[]", "{}", "Rows of the fields in fields; Lua sees an array of tables."},
	}
}

// FieldArguments returns the arguments of fields.
func FieldArguments() []Field {
	return fields(`
		required?: boolean -- Whether a value must be given (true).
		label?: string -- What the form calls the field; left out, its name in words.
		initial?: any -- The value where none is given.
		help_text?: string -- A sentence beside the field.
		placeholder?: string -- What an empty input shows.
		widget?: forms.widget -- How the field is entered: forms.PasswordInput makes a secret, forms.Textarea gives several lines, forms.RadioSelect and the like.
		choices?: table -- { { value, label }, … } of ChoiceField and MultipleChoiceField.
		min_value?: number -- The smallest number.
		max_value?: number -- The largest number.
		step_size?: number -- The number must be a multiple of it.
		min_length?: integer -- The fewest characters.
		max_length?: integer -- The most characters.
		regex?: string -- What the value of a RegexField must match, in RE2's syntax.
		error_messages?: table<string, string> -- Messages in place of the usual ones, by code (required, invalid, min, max, …).
		disabled?: boolean -- Shown, and cannot be changed.
		unit?: string -- Shown behind the input.
		group?: string -- Fields of one group are shown together.
		show_if?: table -- { field = value or array of values }: shown and required only then.
		clean?: fun(value: any): any, string -- Returns the value, or nil and a message.
		deprecated?: string|boolean -- Why the field is going away, or true.
		env?: string -- Of a field of settings_form: the environment variable that is read when the field is empty.
		fields?: forms.field[] -- The columns of a ListField.
		min_items?: integer -- The fewest rows of a ListField.
		max_items?: integer -- The most rows of a ListField.
	`)
}
