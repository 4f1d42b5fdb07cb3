package engine

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// stamp gives an object its place in history: the next revision and the times.
func (x *tx) stamp(kind Kind, m *Meta, old *Meta) {
	m.Updated = x.now.UTC()
	if old == nil {
		m.Created, m.Revision = m.Updated, 1
	} else {
		m.Created, m.Revision = old.Created, old.Revision+1
	}
	x.authors[Key{kind, m.ID}] = x.by.Name
}

// audit records a change. before or after is nil for a creation or deletion.
func (x *tx) audit(action string, kind Kind, id, title string, before, after any) {
	entry := AuditEntry{ID: x.e.eventID(), At: x.now.UTC(), User: x.by.User, Name: x.by.Name, Via: x.by.Via, Action: action, Kind: kind,
		Object: id, Title: title, Changes: changes(before, after)}
	x.write(KindAudit, entry.ID, &entry, string(kind)+":"+id)
}

// changes lists the fields in which two objects differ, nested ones by path.
func changes(before, after any) []AuditChange {
	out := []AuditChange{}
	diff("", plain(before), plain(after), &out)
	slices.SortFunc(out, func(a, b AuditChange) int { return strings.Compare(a.Field, b.Field) })
	return out
}

// plain turns an object into JSON values without secrets and bookkeeping.
func plain(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil || string(data) == "null" {
		return nil
	}
	var m map[string]any
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	for _, k := range []string{"revision", "created", "updated"} {
		delete(m, k)
	}
	for _, k := range []string{"password_hash", "hash", "ping_token", "feed_token"} {
		if m[k] != nil {
			m[k] = map[string]any{"$sealed": m[k]}
		}
	}
	if sealed := m["ical_sealed"]; sealed != nil {
		m["ical_url"] = sealed
		delete(m, "ical_sealed")
	}
	return m
}

func diff(at string, before, after map[string]any, out *[]AuditChange) {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	for k := range keys {
		b, a := before[k], after[k]
		if reflect.DeepEqual(b, a) {
			continue
		}
		path := strings.TrimPrefix(at+"."+k, ".")
		bm, bok := b.(map[string]any)
		am, aok := a.(map[string]any)
		if bok && aok && bm["$sealed"] == nil && am["$sealed"] == nil {
			diff(path, bm, am, out)
			continue
		}
		*out = append(*out, AuditChange{path, veil(b), veil(a)})
	}
}

// veil hides sealed values at any depth.
func veil(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v["$sealed"] != nil {
			return "(secret)"
		}
		c := map[string]any{}
		for k, inner := range v {
			c[k] = veil(inner)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, inner := range v {
			c[i] = veil(inner)
		}
		return c
	}
	return v
}

// ScanAudit calls fn for the entries of the audit log, oldest first (or the
// newest first), until fn returns false. Entries of one object bear the term
// "kind:id". It blocks on the disk.
func (e *State) ScanAudit(ctx context.Context, q Query, fn func(AuditEntry) bool) error {
	return scan(ctx, e, KindAudit, q, func(a *AuditEntry) bool { return fn(*a) })
}
