package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/storage"
	"moonwatch/storage/seal"
)

// storedSecret is where a secret is stored, as people know it.
type storedSecret struct {
	Where       string // `check "web": config.password`
	Fingerprint string // of the key that sealed it
}

// storedSecrets lists all secrets of a folder, in order of where they are.
func storedSecrets(ctx context.Context, db *storage.DB) ([]storedSecret, error) {
	var out []storedSecret
	for _, kind := range []engine.Kind{engine.KindPluginSettings, engine.KindCheck, engine.KindInstance, engine.KindService, engine.KindUser, engine.KindRota} {
		for r, err := range engine.Records(ctx, db, kind, engine.Query{}) {
			if err != nil {
				return nil, fmt.Errorf("list the secrets: %w", err)
			}
			var object map[string]any
			if err := json.Unmarshal(r.Data, &object); err != nil {
				return nil, fmt.Errorf("list the secrets: read %s %s: %w", kind, r.ID, err)
			}
			name, _ := cmp.Or(object["name"], object["username"]).(string)
			where := fmt.Sprintf("%s %q: ", kind, cmp.Or(name, r.ID))
			if kind == engine.KindPluginSettings {
				where = fmt.Sprintf("settings of plugin %s: ", r.ID)
			}
			eachSecret(object, "", func(path string, sealed form.Sealed) {
				out = append(out, storedSecret{where + path, seal.By(sealed)})
			})
		}
	}
	return out, nil
}

// eachSecret calls fn for each sealed value below v.
func eachSecret(v any, at string, fn func(path string, sealed form.Sealed)) {
	switch v := v.(type) {
	case map[string]any:
		if sealed, ok := v["$sealed"].(string); ok && len(v) == 1 {
			fn(at, form.Sealed(sealed))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below := key
			if at != "" {
				below = at + "." + key
			}
			eachSecret(v[key], below, fn)
		}
	case []any:
		for i, one := range v {
			eachSecret(one, at+"["+strconv.Itoa(i)+"]", fn)
		}
	}
}

// foreign are the secrets that the key with a fingerprint does not open.
func foreign(secrets []storedSecret, fingerprint string) []storedSecret {
	return slices.DeleteFunc(slices.Clone(secrets), func(s storedSecret) bool { return s.Fingerprint == fingerprint })
}

// printSecrets lists secrets under a heading.
func printSecrets(w io.Writer, heading string, secrets []storedSecret) {
	fmt.Fprintln(w, heading)
	for _, s := range secrets {
		fmt.Fprintln(w, "  "+s.Where)
	}
}
