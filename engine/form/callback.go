package form

import (
	"maps"
	"strings"
)

// call runs the plugin's clean function of one field. v is in the stored shape,
// secrets being plain, or Sealed when they were kept; so is the result.
func (g *group) call(f *Field, v any) (any, bool) {
	path := join(g.path, f.Name)
	seen := f.seen(v)
	cleaned, message, err := g.c.callbacks.CleanField(g.c.ctx, path, seen)
	switch {
	case err != nil:
		g.c.complainForm("The clean function of " + path + " failed: " + g.c.spoken(err.Error()))
		g.c.callbacks = nil // one failure is enough
		return nil, false
	case message != "":
		g.c.complain(join(g.location, f.Name), CodeInvalid, g.c.spoken(message))
		return nil, false
	case same(seen, cleaned):
		return v, true
	case cleaned == nil:
		g.fail(f, invalid("The plugin's clean function returned no value for this field."))
		return nil, false
	}
	back := g.c.returned(path, v)
	inner := &group{c: back, src: fromPlugin, fields: []Field{bare(*f)}, location: g.location, path: g.path,
		raw: map[string]any{f.Name: cleaned}}
	inner.start()
	inner.field(&inner.fields[0])
	g.c.adopt(back)
	return inner.out[f.Name], len(back.errs) == 0
}

// cleanForm runs the plugin's form-level clean over values that all passed, and
// takes what it returns into g.out.
func (c *cleaner) cleanForm(form Form, g *group) {
	seen := form.seen(g.out)
	cleaned, messages, err := c.callbacks.CleanForm(c.ctx, form.seen(g.out))
	if err != nil {
		c.complainForm("The plugin's clean failed: " + c.spoken(err.Error()))
		return
	}
	if len(messages) > 0 {
		c.formMessages(form, messages)
		return
	}
	if cleaned == nil { // nothing to change
		return
	}
	back := c.returned("", map[string]any(g.out))
	inner := &group{c: back, src: fromPlugin, fields: make([]Field, len(form.Fields)), location: g.location, raw: cleaned}
	inner.start()
	for i := range form.Fields {
		f := &inner.fields[i]
		*f = bare(form.Fields[i])
		if same(seen[f.Name], cleaned[f.Name]) {
			continue
		}
		back.order = i * orderStep
		if s := g.states[f.Name]; s == hidden || f.Disabled {
			f.Required = false
		}
		inner.field(f)
		if v, ok := inner.out[f.Name]; ok {
			g.out[f.Name] = v
		}
	}
	for _, key := range unknownKeys(cleaned, form.names()) {
		back.complainForm("The plugin's clean returned a field that is not in the form: " + printable(key) + ".")
	}
	c.adopt(back)
}

// formMessages files what a plugin complains of under the fields it names.
func (c *cleaner) formMessages(form Form, messages map[string]string) {
	names := form.names()
	messages = maps.Clone(messages)
	before := len(c.errs)
	for i, name := range names {
		c.order = i * orderStep
		for _, key := range sortedKeys(messages) {
			base := key
			if cut := strings.IndexAny(key, ".["); cut >= 0 {
				base = key[:cut]
			}
			if base == name && messages[key] != "" {
				c.complain(join(c.prefix, printable(key)), CodeInvalid, c.spoken(messages[key]))
				delete(messages, key)
			}
		}
	}
	for _, key := range sortedKeys(messages) {
		if messages[key] != "" {
			c.complainForm(c.spoken(messages[key]))
		}
	}
	if len(c.errs) == before {
		c.complainForm("The plugin's clean refused these values without a reason.")
	}
}

// returned is the cleaner of what a plugin returned when it was given v.
func (c *cleaner) returned(path string, v any) *cleaner {
	back := &cleaner{ctx: c.ctx, prefix: c.prefix, order: c.order, passed: map[secretAt]bool{}}
	collect(path, v, back.passed)
	return back
}

func (c *cleaner) adopt(back *cleaner) {
	for _, e := range back.errs {
		if len(c.errs) < maxErrors {
			c.errs = append(c.errs, e)
		}
	}
	c.fresh.Add(back.fresh.secrets...)
}

func collect(path string, v any, into map[secretAt]bool) {
	switch v := v.(type) {
	case Sealed:
		into[secretAt{path, v}] = true
	case []any:
		for _, one := range v {
			collect(path, one, into)
		}
	case map[string]any:
		for key, one := range v {
			collect(join(path, key), one, into)
		}
	}
}

// bare is the field without what only holds for values that a client sends.
func bare(f Field) Field {
	f.HasClean, f.Disabled = false, false
	return f
}

// same reports whether a plugin returned what it was given. Lua does not tell
// an empty array from an empty object, nor nil from nothing.
func same(given, returned any) bool {
	switch given := given.(type) {
	case nil:
		return returned == nil
	case KeyValues:
		return sameKeyValues(given, returned)
	case []any:
		other, ok := returned.([]any)
		if !ok || len(other) != len(given) {
			return len(given) == 0 && hollow(returned)
		}
		for i := range given {
			if !same(given[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		other, ok := returned.(map[string]any)
		if !ok {
			return len(given) == 0 && hollow(returned)
		}
		for key, v := range given {
			if !same(v, other[key]) {
				return false
			}
		}
		for key, v := range other {
			if _, ok := given[key]; !ok && v != nil {
				return false
			}
		}
		return true
	case float64:
		n, ok := number(returned)
		return ok && n == given
	case string, bool, Sealed:
		return given == returned
	}
	return false
}

func sameKeyValues(given KeyValues, returned any) bool {
	switch returned := returned.(type) {
	case KeyValues:
		if len(given) != len(returned) {
			return false
		}
		for i := range given {
			if given[i] != returned[i] {
				return false
			}
		}
		return true
	case map[string]any:
		names := map[string]bool{}
		for _, one := range given {
			names[strings.ToLower(one.Name)] = true
		}
		for name, v := range returned {
			if have, ok := given.Get(name); !ok || v != have {
				return false
			}
		}
		return len(names) == len(returned)
	}
	return len(given) == 0 && hollow(returned)
}

// hollow reports whether v is an empty container.
func hollow(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
