package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"moonwatch/engine/form"
)

// errChanged is returned inside a save when the object is no longer what the
// values were cleaned against.
var errChanged = &Error{Kind: Stale, Message: "the object was changed meanwhile"}

// AuditEntry is one entry of the audit log: who changed what.
type AuditEntry struct {
	ID      string        `json:"id"`
	At      time.Time     `json:"at"`
	User    string        `json:"user"` // user id, "" for the command line and the monitor itself
	Name    string        `json:"name"` // of the user
	Via     string        `json:"via"`
	Action  string        `json:"action"` // create, update, delete, or what was done
	Kind    Kind          `json:"kind"`
	Object  string        `json:"object"`
	Title   string        `json:"title"` // the object's name
	Changes []AuditChange `json:"changes"`
}

// AuditChange is one changed field. Secrets show as "(secret)".
type AuditChange struct {
	Field  string `json:"field"`
	Before any    `json:"before"`
	After  any    `json:"after"`
}

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

// cleanValues cleans the values of one of a plugin's forms. stored are the
// values before; object is the id under which secrets are sealed. Values that
// are the stored ones are left as they are, even when they no longer pass.
func (e *Engine) cleanValues(ctx context.Context, slug string, name FormName, object, prefix string, raw, stored form.Values) (form.Values, form.Errors) {
	if stored != nil && sameValues(raw, stored) {
		return stored, nil
	}
	entry, ok := e.pluginEntry(slug)
	if !ok || entry.Plugin == nil {
		return nil, form.Errors{{Location: strings.TrimSuffix(prefix, "."), Code: "not_found", Message: "the plugin is not there"}}
	}
	return entry.Plugin.Meta().Forms[name].Clean(ctx, raw, form.Options{
		Stored: stored, Prefix: prefix, Callbacks: entry.Plugin.Cleaning(name, object),
		Seal: func(path string, plain []byte) (form.Sealed, error) { return e.o.Sealer.Seal(object, path, plain) },
	})
}

func sameValues(a, b form.Values) bool {
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

// retrying calls save until it does not meet a change made meanwhile. The
// values given belong to a revision; when that is no longer the newest, the
// caller has to look again.
func retrying(save func() error) error {
	for range 3 {
		if err := save(); !errors.Is(err, errRetry) {
			return err
		}
	}
	return errChanged
}

var errRetry = errors.New("changed while it was being cleaned")

const (
	nameMost    = 200
	urlMost     = 2048
	tagMost     = 100
	tagsMost    = 50
	commentMost = 2000
)

func (p *problems) text(location, value string, required bool, most int) {
	switch {
	case required && strings.TrimSpace(value) == "":
		p.add(location, "required", "this is required")
	case utf8.RuneCountInString(value) > most:
		p.add(location, "max", "at most %d characters", most)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		p.add(location, "invalid", "this is not text")
	case most <= nameMost && strings.ContainsAny(value, "\r\n"):
		p.add(location, "invalid", "this must be one line")
	}
}

func (p *problems) link(location, value string) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > urlMost {
		p.add(location, "max", "at most %d characters", urlMost)
	} else if !form.ValidURL(value) {
		p.add(location, "invalid", "write a URL that begins with http:// or https://")
	}
}

func (p *problems) tags(tags []string) {
	if len(tags) > tagsMost {
		p.add("tags", "max", "at most %d tags", tagsMost)
		return
	}
	for i, t := range tags {
		if plain := strings.TrimSpace(t); plain != t { // they are compared as they are
			t, tags[i] = plain, plain
		}
		before := len(p.list)
		if p.text(at("tags", i), t, true, tagMost); len(p.list) == before {
			p.visible(at("tags", i), t)
		}
	}
}

func (p *problems) span(location string, d Duration, least, most time.Duration) {
	switch {
	case d.Std() < least:
		p.add(location, "min", "at least %s", form.FormatDuration(least))
	case d.Std() > most:
		p.add(location, "max", "at most %s", form.FormatDuration(most))
	}
}

func (p *problems) severity(location string, s Status) {
	if !s.IsSeverity() {
		p.add(location, "invalid", "one of WARNING, ERROR and CRITICAL")
	}
}

const year = 365 * 24 * time.Hour

// nameKey is what no two objects of a kind share: the name, and of users the
// username in lower case, because people and calendars write it in any.
func nameKey(kind Kind, name string) string {
	if kind == KindUser {
		return strings.ToLower(name)
	}
	return name
}

// unique is the complaint that another object of the kind has the name.
func (x *tx) unique(kind Kind, id, name, location string) error {
	var p problems
	x.checkName(&p, kind, id, name, location)
	return p.err()
}

// checkName complains when another object of the kind has the name.
func (x *tx) checkName(p *problems, kind Kind, id, name, location string) {
	other := ""
	key := nameKey(kind, name)
	if o := x.t.names[kind][key]; o != "" && nameKey(kind, x.nameOf(kind, o)) == key {
		other = o
	}
	for at := x; at != nil && other == ""; at = at.parent {
		for _, o := range at.putIDs(kind) {
			if o != id && nameKey(kind, x.nameOf(kind, o)) == key {
				other = o
			}
		}
	}
	if name != "" && other != "" && other != id {
		p.add(location, "unique", "another %s has this name", words(kind))
	}
}

func (x *tx) putIDs(kind Kind) []string {
	var ids []string
	collect := func(m map[string]bool) {
		for id := range m {
			ids = append(ids, id)
		}
	}
	switch kind {
	case KindService:
		collect(idsOf(&x.services))
	case KindInstance:
		collect(idsOf(&x.instances))
	case KindCheck:
		collect(idsOf(&x.checks))
	case KindUser:
		collect(idsOf(&x.users))
	case KindRota:
		collect(idsOf(&x.rotas))
	}
	return ids
}

// nameOf returns the name of an object, "" when it is not there.
func (x *tx) nameOf(kind Kind, id string) string {
	switch kind {
	case KindService:
		if v := x.services.get(id); v != nil {
			return v.Name
		}
	case KindInstance:
		if v := x.instances.get(id); v != nil {
			return v.Name
		}
	case KindCheck:
		if v := x.checks.get(id); v != nil {
			return v.Name
		}
	case KindUser:
		if v := x.users.get(id); v != nil {
			return v.Username
		}
	case KindRota:
		if v := x.rotas.get(id); v != nil {
			return v.Name
		}
	}
	return ""
}

func compareText(a, b string) int { return strings.Compare(a, b) }
