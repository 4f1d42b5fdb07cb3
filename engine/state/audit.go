package state

import (
	"context"
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"

	"moonwatch/engine"
)

// SetRevision gives an object its place in history: the next revision and the times.
func (x *Tx) SetRevision(kind engine.Kind, m *engine.Meta, old *engine.Meta) {
	m.Updated = x.Now.UTC()
	if old == nil {
		m.Created, m.Revision = m.Updated, 1
	} else {
		m.Created, m.Revision = old.Created, old.Revision+1
	}
	x.authors[engine.Key{Kind: kind, ID: m.ID}] = x.By.Name
}

// Audit records a change. before or after is nil for a creation or deletion.
func (x *Tx) Audit(action string, kind engine.Kind, id, title string, before, after any) {
	entry := engine.AuditEntry{
		ID:      x.State.IDs.Event(),
		At:      x.Now.UTC(),
		User:    x.By.User,
		Name:    x.By.Name,
		Via:     x.By.Via,
		Action:  action,
		Kind:    kind,
		Object:  id,
		Title:   title,
		Changes: changes(before, after),
	}
	x.Write(engine.KindAudit, entry.ID, &entry, string(kind)+":"+id)
}

// changes lists the fields in which two objects differ, nested ones by path.
func changes(before, after any) []engine.AuditChange {
	out := []engine.AuditChange{}
	Diff("", plain(before), plain(after), &out)
	slices.SortFunc(out, func(a, b engine.AuditChange) int { return strings.Compare(a.Field, b.Field) })
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

func Diff(at string, before, after map[string]any, out *[]engine.AuditChange) {
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
			Diff(path, bm, am, out)
			continue
		}
		*out = append(*out, engine.AuditChange{Field: path, Before: Redact(b), After: Redact(a)})
	}
}

// Redact hides sealed values at any depth.
func Redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v["$sealed"] != nil {
			return "(secret)"
		}
		c := map[string]any{}
		for k, inner := range v {
			c[k] = Redact(inner)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, inner := range v {
			c[i] = Redact(inner)
		}
		return c
	}
	return v
}

// ScanAudit ranges over the entries of the audit log, oldest first (or the newest
// first). Entries of one object bear the term "kind:id". It blocks on the disk.
func ScanAudit(ctx context.Context, store engine.Store, q engine.Query) iter.Seq2[*engine.AuditEntry, error] {
	return Scan[engine.AuditEntry](ctx, store, engine.KindAudit, q)
}
