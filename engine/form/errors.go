package form

import (
	"strings"
)

// The error codes that cleaning gives. A plugin's own complaints are Invalid.
const (
	CodeRequired = "required"
	CodeUnknown  = "unknown"
	CodeType     = "type"
	CodeInvalid  = "invalid"
	CodeMin      = "min"
	CodeMax      = "max"
)

// maxErrors bounds what one cleaning complains about.
const maxErrors = 100

// Error gives all complaints on one line.
func (e Errors) Error() string {
	parts := make([]string, len(e))
	for i, one := range e {
		parts[i] = one.Error()
	}
	return strings.Join(parts, "; ")
}

// Error gives location and message.
func (e Error) Error() string {
	if e.Location == "" {
		return e.Message
	}
	return e.Location + ": " + e.Message
}

// fault is a complaint that does not know its location yet.
type fault struct {
	code  string
	key   string // Django's name of the complaint, where it differs from the code
	text  string
	limit string // the bound that was passed, for messages that name it
}

func (f *fault) Error() string { return f.text }

func invalid(text string) *fault { return &fault{code: CodeInvalid, text: text} }

func wrongType(text string) *fault { return &fault{code: CodeType, text: text} }

var errRequired = fault{code: CodeRequired, text: "This field is required."}

// message is the text of the complaint, or what the field's author wrote in its
// place: by code or by Django's name of it.
func (f *Field) message(p *fault) string {
	text := ""
	for _, key := range []string{p.key, p.code} {
		if text == "" && key != "" {
			text = f.ErrorMessages[key]
		}
	}
	if text == "" {
		return p.text
	}
	return strings.NewReplacer("%(limit_value)s", p.limit, "%(limit_value)d", p.limit).Replace(text)
}
