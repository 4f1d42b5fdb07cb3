// Package form is the one place where a form is described and its values are
// cleaned. A declaration gives the web form, the API's validation, the JSON
// Schema and the documentation; the error codes that clients see come from
// here alone. The package knows nothing of Lua, storage or HTTP.
//
// Three shapes of a value are kept apart:
//
//   - raw: what a person or client sent (JSON types, or text from a web form);
//   - stored: what Clean returns and the store keeps: string, float64, bool,
//     nil, []any, map[string]any and, for secrets, Sealed;
//   - seen: what a plugin reads (see Form.Seen): durations and instants as
//     seconds, key-value text as KeyValues, secrets opened, unset values filled.
package form

import "context"

// Type is the name of a field type, as plugins write it ("CharField").
type Type string

// The field types. They mirror Django's form fields, with some of our own.
const (
	Char             Type = "CharField"
	Integer          Type = "IntegerField"
	Float            Type = "FloatField"
	Boolean          Type = "BooleanField"
	ChoiceOne        Type = "ChoiceField"
	ChoiceMany       Type = "MultipleChoiceField"
	URL              Type = "URLField"
	Email            Type = "EmailField"
	Slug             Type = "SlugField"
	Regex            Type = "RegexField"
	Pattern          Type = "PatternField"
	GenericIPAddress Type = "GenericIPAddressField"
	Host             Type = "HostField"
	Port             Type = "PortField"
	DurationType     Type = "DurationField"
	DateTime         Type = "DateTimeField"
	JSON             Type = "JSONField"
	KeyValue         Type = "KeyValueField"
	List             Type = "ListField"
)

// Choice is one entry of a field's choices.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

// Field is the declaration of one field. It is plain data: the functions that
// a plugin gives (`clean`) are reached through Callbacks.
type Field struct {
	Type          Type
	Name          string
	Label         string // "" reads as the name with spaces and a capital
	HelpText      string
	Placeholder   string
	Widget        string // "PasswordInput", "Textarea", "RadioSelect", …; "" is the type's own
	Unit          string
	Group         string
	Required      bool
	Initial       any // raw shape; nil is none
	Choices       []Choice
	MinValue      *float64
	MaxValue      *float64
	StepSize      *float64
	MinLength     *int
	MaxLength     *int
	Regex         string            // RegexField
	ErrorMessages map[string]string // by code
	Disabled      bool              // shown, never changed: keeps its stored or initial value
	ShowIf        map[string][]any  // field name → the values under which this field is shown and required
	HasClean      bool              // the plugin gave a clean function of its own
	Deprecated    string            // why; "" is not deprecated
	Env           string            // environment variable read when the field is empty (settings only); such a field may be empty
	Fields        []Field           // ListField: the columns of a row
	MinItems      *int
	MaxItems      *int
}

// Secret reports whether the field's values are sealed before they are stored.
func (f *Field) Secret() bool { return f.Widget == "PasswordInput" }

// Form is an ordered list of fields. The zero value is the empty form.
type Form struct {
	Fields []Field
}

// Values are the stored values of one form. A nil map is a form that nobody saved.
type Values map[string]any

// Sealed is an encrypted value. It is opaque here; only the holder of the key opens it.
type Sealed string

// KeyValues is the seen shape of a KeyValueField: names in the order written,
// looked up without regard to case, the last of one name winning.
type KeyValues []KeyValuePair

// KeyValuePair is one line of a KeyValueField.
type KeyValuePair struct{ Name, Value string }

// Error is one complaint about one value. It never holds the value itself.
type Error struct {
	Location string `json:"location"` // "config.endpoint", "config.rows[2].host"; "" is the whole form
	Message  string `json:"message"`
	Code     string `json:"code"` // required unknown type invalid min max unique not_found cycle, or the field's own
}

// Errors are all complaints about one set of values, in the order of the fields.
type Errors []Error

// Callbacks are the functions that a plugin's own code adds to cleaning. Values
// are in the seen shape, but for secrets that were stored before and come back
// untouched: those are Sealed. Both are bounded by ctx. What they return is held
// against the fields' own rules again, and what is equal to what they were given
// stays as it was. An error is a complaint about the form as a whole.
type Callbacks interface {
	// CleanField runs the clean function of the field at path ("host",
	// "rows.host"); message is the plugin's complaint, "" when the value is good.
	// It is not called for unset values, and a value must come back.
	CleanField(ctx context.Context, path string, value any) (cleaned any, message string, err error)
	// CleanForm runs the plugin's form-level clean; messages are by field name,
	// "" being the whole form. A plugin without one returns the values as they
	// are, or nil. A field that is missing in what is returned is unset.
	CleanForm(ctx context.Context, values map[string]any) (cleaned map[string]any, messages map[string]string, err error)
}

// Sealing turns a secret into its sealed form; path names the field without
// row numbers ("rows.password"), so that rows may move.
type Sealing func(path string, plain []byte) (Sealed, error)

// Opening is the reverse of Sealing.
type Opening func(path string, sealed Sealed) ([]byte, error)
