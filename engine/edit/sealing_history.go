package edit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// sealHistory seals the plain secrets in what is over, incidents and deliveries,
// and takes them out of the audit log.
func sealHistory(e *state.State, ctx context.Context) error {
	if err := rewrite(ctx, e, engine.KindDelivery, (*engine.Delivery).Terms, func(d *engine.Delivery) (bool, error) { return sealIn(e, d) }); err != nil {
		return err
	}
	if err := rewrite(ctx, e, engine.KindIncident, (*engine.Incident).Terms, func(in *engine.Incident) (bool, error) { return sealIn(e, in) }); err != nil {
		return err
	}
	plugins := map[string]string{} // of checks, as the log tells them: it begins with their creation
	for id, c := range e.Configured().Checks {
		plugins[id] = c.Plugin
	}
	terms := func(a *engine.AuditEntry) []string { return []string{string(a.Kind) + ":" + a.Object} }
	return rewrite(ctx, e, engine.KindAudit, terms, func(a *engine.AuditEntry) (bool, error) { return redactPast(e, a, plugins), nil })
}

// rewrite writes the records of a kind anew that seal changes, some at a time;
// those that are in memory are left to the writer.
func rewrite[T any](ctx context.Context, e *state.State, kind engine.Kind, terms func(*T) []string, seal func(*T) (bool, error)) error {
	const maxFound = 100
	for after := ""; ; {
		var found []engine.Record
		seen := 0
		for r, err := range engine.Records(ctx, e.Store, kind, engine.Query{After: after}) {
			if err != nil {
				return err
			}
			changed, err := resealed(&r, terms, seal)
			if err != nil {
				return fmt.Errorf("read %s %s: %w", kind, r.ID, err)
			}
			if changed {
				found = append(found, r)
			}
			after = r.ID
			seen++
			if len(found) == maxFound || seen == 10*maxFound {
				break
			}
		}
		if seen == 0 {
			return nil
		}
		if len(found) == 0 {
			continue
		}
		err := e.Submit(ctx, engine.System, func(x *state.Tx) error {
			for _, r := range found {
				if x.Incidents.Get(r.ID) == nil && x.Deliveries.Get(r.ID) == nil {
					x.WriteRecord(r)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// resealed lets seal change the object in a record, and reports whether it did.
// The data of a changed record is its own.
func resealed[T any](r *engine.Record, terms func(*T) []string, seal func(*T) (bool, error)) (changed bool, err error) {
	v := new(T)
	if err := json.Unmarshal(r.Data, v); err != nil {
		return false, err
	}
	if changed, err = seal(v); err != nil || !changed {
		return false, err
	}
	r.Terms = terms(v)
	r.Data, err = json.Marshal(v)
	return true, err
}

// redactPast hides in an entry what is a secret by now. It learns the plugins of
// checks by the entries it sees.
func redactPast(e *state.State, a *engine.AuditEntry, plugins map[string]string) (changed bool) {
	for _, c := range a.Changes {
		if slug, ok := c.After.(string); ok && a.Kind == engine.KindCheck && c.Field == "plugin" {
			plugins[a.Object] = slug
		}
	}
	hide := func(slug string, name engine.FormName, path string, v any) any {
		out, did := redacted(e, slug, name, path, v)
		changed = changed || did
		return out
	}
	for i := range a.Changes {
		c := &a.Changes[i]
		for _, side := range []*any{&c.Before, &c.After} {
			top, rest, _ := strings.Cut(c.Field, ".")
			switch {
			case a.Kind == engine.KindCheck && top == "config":
				*side = hide(plugins[a.Object], engine.ConfigForm, rest, *side)
			case a.Kind == engine.KindRota && top == "ical_url":
				if v, ok := (*side).(string); ok && v != "" && v != "(secret)" {
					*side, changed = "(secret)", true
				}
			case a.Kind == engine.KindPluginSettings && top == "values":
				*side = hide(a.Object, engine.SettingsForm, rest, *side)
			case a.Kind == engine.KindUser && top == "settings" && rest != "":
				slug, path, _ := strings.Cut(rest, ".")
				*side = hide(slug, engine.UserConfigForm, path, *side)
			case a.Kind == engine.KindUser && top == "settings":
				bySlug, _ := (*side).(map[string]any)
				for slug, v := range bySlug {
					bySlug[slug] = hide(slug, engine.UserConfigForm, "", v)
				}
			case top == "alerts":
				choices, _ := (*side).([]any)
				for _, one := range choices {
					if choice, ok := one.(map[string]any); ok {
						slug, _ := choice["plugin"].(string)
						choice["settings"] = hide(slug, engine.ServiceConfigForm, "", choice["settings"])
					}
				}
			}
		}
	}
	return changed
}

// redacted hides the secrets in a value of a form, or in what is at a path of it.
func redacted(e *state.State, slug string, name engine.FormName, path string, v any) (out any, changed bool) {
	entry, ok := e.PluginEntry(slug)
	if !ok || entry.Plugin == nil || v == nil {
		return v, false
	}
	f := entry.Plugin.Meta().Forms[name]
	if path != "" {
		field, _, _ := strings.Cut(path, ".")
		i := slices.IndexFunc(f.Fields, func(f form.Field) bool { return f.Name == field })
		switch {
		case i < 0 || v == "(secret)":
			return v, false
		case f.Fields[i].Secret():
			return "(secret)", true
		}
		out, changed := redacted(e, slug, name, "", map[string]any{field: v})
		if m, ok := out.(map[string]any); ok && changed {
			return m[field], true
		}
		return v, false
	}
	values, ok := v.(map[string]any)
	if !ok {
		return v, false
	}
	sealed, did, err := f.SealPlain(values, func(_ string, plain []byte) (form.Sealed, error) {
		changed = changed || string(plain) != "(secret)"
		return "hidden", nil
	})
	if err != nil || !did || !changed {
		return v, false
	}
	data, err := json.Marshal(sealed)
	var again map[string]any
	if err != nil || json.Unmarshal(data, &again) != nil {
		return v, false
	}
	return state.Redact(again), true
}
