package pluginedit

import (
	"strings"

	"moonwatch/luaapi/describe"
)

// word is a name of the plugin contract that the editor completes.
type word struct {
	Of    string `json:"of"` // module or object; "" stands by itself
	Name  string `json:"name"`
	Shown string `json:"shown"` // with its parameters
	Text  string `json:"text"`
}

// contractWords are the names of the plugin contract, for the editor of plugins
// to complete.
func contractWords() []word {
	var out []word
	add := func(of, name, shown, text string) {
		out = append(out, word{Of: of, Name: name, Shown: shown, Text: firstSentence(text)})
	}
	functions := func(of string, list []describe.Function) {
		for _, f := range list {
			add(of, f.Name, f.Signature(), f.Text)
		}
	}
	fields := func(of string, list []describe.Field) {
		for _, f := range list {
			add(of, f.Name, f.Name+": "+f.Type, f.Text)
		}
	}
	for _, m := range append(describe.Modules(), describe.Library()...) {
		functions(m.Name, m.Functions)
		fields(m.Name, m.Fields)
	}
	for _, o := range describe.Objects() {
		if !o.Options {
			functions(o.Name, o.Methods)
			fields(o.Name, o.Fields)
		}
	}
	for _, f := range describe.FieldTypes() {
		add("forms", f.Name, f.Name+`{ "name", … }`, f.Text)
	}
	functions("", describe.Globals())
	for _, k := range describe.Keys() {
		add("", k.Name, k.Name+": "+k.Type, k.Text)
	}
	fields("", describe.FieldArguments())
	return out
}

func firstSentence(text string) string {
	one, _, more := strings.Cut(text, ". ")
	if more {
		one += "."
	}
	return one
}
