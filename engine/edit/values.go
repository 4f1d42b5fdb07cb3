package edit

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// CleanValues cleans the values of one of a plugin's forms. stored are the
// values before; object is the id under which secrets are sealed. Values that
// are the stored ones are left as they are, even when they no longer pass.
func CleanValues(e *state.State, ctx context.Context, slug string, name engine.FormName, object, prefix string, raw, stored form.Values) (form.Values, form.Errors) {
	if stored != nil && SameValues(raw, stored) {
		return stored, nil
	}
	entry, ok := e.PluginEntry(slug)
	if !ok || entry.Plugin == nil {
		return nil, form.Errors{{Location: strings.TrimSuffix(prefix, "."), Code: "not_found", Message: "the plugin is not there"}}
	}
	return entry.Plugin.Meta().Forms[name].Clean(ctx, raw, form.Options{
		Stored: stored, Prefix: prefix, Callbacks: entry.Plugin.Cleaning(name, object),
		Seal: func(path string, plain []byte) (form.Sealed, error) {
			return e.Options.Sealer.Seal(object, path, plain)
		},
	})
}

func SameValues(a, b form.Values) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y) && sealedAlike(a, b)
}

// sealedAlike makes sure that equal text is equal in kind: what a client sends
// is never a sealed value, whatever it looks like.
func sealedAlike(a, b any) bool {
	switch a := a.(type) {
	case form.Values:
		b, ok := b.(form.Values)
		return ok && sealedAlike(map[string]any(a), map[string]any(b))
	case map[string]any:
		b, ok := b.(map[string]any)
		for k := range a {
			ok = ok && sealedAlike(a[k], b[k])
		}
		return ok
	case []any:
		b, ok := b.([]any)
		ok = ok && len(a) == len(b)
		for i := range a {
			ok = ok && sealedAlike(a[i], b[i])
		}
		return ok
	case form.Sealed:
		_, ok := b.(form.Sealed)
		return ok
	}
	_, sealed := b.(form.Sealed)
	return !sealed
}
