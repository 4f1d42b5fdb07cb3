package importer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/config"
	"moonwatch/engine/form"
)

// shownSecret stands for a stored secret where objects are compared.
func shownSecret(v any) config.Secret {
	if s, ok := v.(form.Sealed); ok {
		return config.Secret{Encrypted: "s" + string(s)}
	}
	return config.Secret{Encrypted: fmt.Sprint("p", v)}
}

// documentValues are the values of one plugin's form in the document, beside
// what is stored of them.
type documentValues struct {
	im     *importer
	p      *engine.Problems
	form   form.Form
	known  bool   // the plugin is there, and form is its form
	place  string // in the document, where encrypted secrets belong
	object string // id under which secrets are sealed
	stored form.Values
	shown  config.Values // of stored
}

// raw makes raw values for the plugin's form out of the document's. What is as
// it is stored comes back as the stored values themselves, so that they stay
// even when they no longer pass.
func (im *importer) raw(p *engine.Problems, slug string, name engine.FormName, object, location, place string, doc config.Values, stored form.Values) form.Values {
	v := &documentValues{im: im, p: p, place: place, object: object, stored: stored}
	if entry, ok := im.e.PluginEntry(slug); ok && entry.Plugin != nil {
		v.form, v.known = entry.Plugin.Meta().Forms[name], true
	}
	opened, _ := v.open(map[string]any(doc), location, "").(map[string]any)
	if stored != nil {
		v.shown = im.before.values(slug, name, object, place, stored)
		if v.alike(map[string]any(v.shown), opened, "") {
			return stored
		}
	}
	out, _ := v.marked(opened, v.shown, location, "").(map[string]any)
	return out
}

// open puts encrypted secrets in plain; path is the field's, without rows.
func (v *documentValues) open(from any, location, path string) any {
	switch from := from.(type) {
	case config.Number:
		if v.wantsText(path) {
			return from.Text
		}
		return from.Value
	case float64, bool:
		if v.wantsText(path) {
			return form.TextOf(from)
		}
	case config.Secret:
		if from.Encrypted == "" {
			return from
		}
		plain, ok := v.im.openSecret(v.p, location, v.place+"."+path, from)
		if !ok {
			return config.Secret{}
		}
		if v.known && !isSecretField(v.form.Fields, path) {
			v.p.Add(location, "invalid", "this field is not a secret: write its value")
		}
		return plain
	case []any:
		out := make([]any, len(from))
		for i, one := range from {
			out[i] = v.open(one, engine.At(location, i), path)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(from))
		for key, one := range from {
			out[key] = v.open(one, location+"."+key, strings.TrimPrefix(path+"."+key, "."))
		}
		return out
	}
	return from
}

// openSecret opens one encrypted secret of the document.
func (im *importer) openSecret(p *engine.Problems, location, place string, s config.Secret) (string, bool) {
	if im.locker == nil {
		if im.doc.Encryption == nil {
			p.Add(location, "invalid", "the document has no encryption header: write the secret in plain")
		}
		return "", false
	}
	plain, err := im.locker.Open(place, s.Encrypted)
	if err != nil {
		p.Add(location, "invalid", "%s", err)
		return "", false
	}
	return string(plain), true
}

// fieldAt is the field of a path, nil for one that is not there. What stands
// within the value of a field has that field.
func fieldAt(fields []form.Field, path string) (f *form.Field, within bool) {
	name, rest, nested := strings.Cut(path, ".")
	for i := range fields {
		switch f := &fields[i]; {
		case f.Name != name:
		case nested && f.Type == form.List:
			return fieldAt(f.Fields, rest)
		default:
			return f, nested
		}
	}
	return nil, false
}

func isSecretField(fields []form.Field, path string) bool {
	f, within := fieldAt(fields, path)
	return f != nil && !within && f.Secret()
}

// wantsText reports whether the value at a path is text: there a number or true is
// taken as it is written.
func (v *documentValues) wantsText(path string) bool {
	f, within := fieldAt(v.form.Fields, path)
	return f != nil && (!within && f.TakesText() || within && f.Type == form.KeyValue)
}

// alike reports whether the document says what is stored. A secret that is left
// out, or only said to be set, is.
func (v *documentValues) alike(shown, doc any, path string) bool {
	switch shown := shown.(type) {
	case config.Secret:
		if plain, ok := doc.(string); ok {
			return v.isStored(shown, path, plain)
		}
		return doc == config.Secret{}
	case map[string]any:
		doc, ok := doc.(map[string]any)
		if !ok {
			return false
		}
		for key := range doc {
			if _, there := shown[key]; !there {
				return false
			}
		}
		for key, one := range shown {
			given, there := doc[key]
			if _, secret := one.(config.Secret); secret && !there {
				continue
			}
			if !there || !v.alike(one, given, strings.TrimPrefix(path+"."+key, ".")) {
				return false
			}
		}
		return true
	case []any:
		doc, ok := doc.([]any)
		if !ok || len(doc) != len(shown) {
			return false
		}
		for i := range shown {
			if !v.alike(shown[i], doc[i], path) {
				return false
			}
		}
		return true
	}
	if _, composite := doc.(map[string]any); composite {
		return false
	}
	if _, composite := doc.([]any); composite {
		return false
	}
	return shown == doc
}

// isStored reports whether a plain secret is the stored one, as far as the
// engine can find out.
func (v *documentValues) isStored(shown config.Secret, path, plain string) bool {
	sealed, ok := strings.CutPrefix(shown.Encrypted, "s")
	if !ok {
		return shown.Encrypted == "p"+plain
	}
	if v.im.o.Open == nil {
		return false
	}
	opened, err := v.im.o.Open(v.object, path, form.Sealed(sealed))
	return err == nil && string(opened) == plain
}

// marked puts what the form understands in place of secrets: {"set": true} for
// one that stays. One of which nothing is stored is left out and noted.
func (v *documentValues) marked(from any, shown config.Values, location, path string) any {
	switch from := from.(type) {
	case []any:
		out := make([]any, len(from))
		for i, one := range from {
			out[i] = v.marked(one, nil, engine.At(location, i), path)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(from))
		for key, one := range from {
			inner, here := strings.TrimPrefix(path+"."+key, "."), location+"."+key
			stays := map[string]any{"set": true}
			switch one := one.(type) {
			case config.Secret:
				if hasSecret(map[string]any(v.stored), strings.Split(inner, ".")) {
					out[key] = stays
				} else {
					v.p.Add(here, missingSecret, "this secret is not in the document, and none is stored here: enter it")
				}
				continue
			case string:
				if s, ok := shown[key].(config.Secret); ok && v.isStored(s, inner, one) {
					out[key] = stays
					continue
				}
			}
			out[key] = v.marked(one, nil, here, inner)
		}
		return out
	}
	return from
}

// hasSecret reports whether something is stored under a path, in whatever row.
func hasSecret(v any, path []string) bool {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			if hasSecret(one, path) {
				return true
			}
		}
		return false
	case map[string]any:
		return len(path) > 0 && hasSecret(v[path[0]], path[1:])
	}
	return len(path) == 0 && v != nil && v != ""
}

// missingSecret is the code of the notes on secrets that are set elsewhere and
// not known here.
const missingSecret = "secret"

// noteProblems tells the notes on missing secrets from problems: a secret that the
// form requires is a problem.
func (im *importer) noteProblems(object string, list form.Errors) {
	notes := map[string]form.Error{}
	for _, p := range list {
		if p.Code == missingSecret {
			notes[p.Location] = p
		}
	}
	var rest form.Errors
	for _, p := range list {
		if p.Code == missingSecret {
			continue
		}
		if n, ok := notes[p.Location]; ok && p.Code == form.CodeRequired {
			p.Message = n.Message
		}
		rest = append(rest, p)
	}
	im.addAll(object, rest)
	for _, location := range slices.Sorted(maps.Keys(notes)) {
		im.note(object+"."+location, missingSecret, "%s", notes[location].Message)
	}
}

// comparableObject gives an object of a document the shape in which the audit log
// compares objects.
func comparableObject(object any) map[string]any {
	m, _ := comparableValue(config.Plain(object)).(map[string]any)
	return m
}

func comparableValue(v any) any {
	switch v := v.(type) {
	case config.Secret:
		return map[string]any{"$sealed": v.Encrypted}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, one := range v {
			out[key] = comparableValue(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = comparableValue(one)
		}
		return out
	}
	return v
}
