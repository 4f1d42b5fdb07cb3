package records

import (
	"context"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/state"
	"moonwatch/server/revision"
	"moonwatch/server/web/lookup"
)

// Recent is something that somebody changed lately, in a line.
type Recent struct {
	At     time.Time
	Who    string
	Did    string // "changed the"
	Kind   string // in words
	Name   string
	Link   string // "" when there is no page of it
	Fields string // those that changed
	Times  int    // how often the same was done, one after the other
}

// recentRead bounds how many entries of the audit log are read for a page.
const recentRead = 60

// RecentChanges are the changes since an instant, the newest first, at most so many
// lines. Who is no admin sees those of what everybody sees.
func RecentChanges(ctx context.Context, w *lookup.Lookup, role access.Role, since time.Time, most int) []Recent {
	var out []Recent
	for e, err := range state.ScanAudit(ctx, w.Engine.Store, engine.Query{Reverse: true, Limit: recentRead}) {
		if err != nil || e.At.Before(since) {
			break
		}
		if !seen(e.Kind, role) {
			continue
		}
		one := recentOf(e)
		if n := len(out); n > 0 && out[n-1].sameDeed(&one) {
			out[n-1].more(&one)
			continue
		}
		if len(out) == most {
			break
		}
		out = append(out, one)
	}
	return out
}

// seen reports whether a role may know of changes of a kind.
func seen(kind engine.Kind, role access.Role) bool {
	open := []engine.Kind{engine.KindService, engine.KindInstance, engine.KindCheck, engine.KindRota, engine.KindSilence}
	return role.Can(access.Admin) || slices.Contains(open, kind)
}

func recentOf(e *engine.AuditEntry) Recent {
	l := auditLine{AuditEntry: *e}
	r := Recent{At: e.At, Who: e.Name, Did: l.Did(), Kind: strings.ReplaceAll(string(e.Kind), "_", " "), Name: e.Title, Times: 1}
	if r.Who == "" {
		r.Who = "Moonwatch"
	}
	if of, ok := revision.Of(e.Kind); ok && e.Action != "delete" {
		r.Link = of.Path(e.Object)
	}
	if e.Action == "update" {
		var fields []string
		for _, c := range e.Changes {
			if !slices.Contains(bookkeeping(), c.Field) {
				fields = append(fields, fieldWord(c.Field))
			}
		}
		if len(fields) > 3 {
			fields = append(fields[:3:3], "…")
		}
		r.Fields = strings.ReplaceAll(strings.Join(fields, ", "), "_", " ")
	}
	return r
}

func (r *Recent) sameDeed(o *Recent) bool {
	return r.Who == o.Who && r.Did == o.Did && r.Kind == o.Kind
}

// Verb is what was done, for several things.
func (r Recent) Verb() string { return strings.TrimSuffix(r.Did, " the") }

// more counts what was done before that is the same.
func (r *Recent) more(o *Recent) {
	if r.Times++; r.Link != o.Link || r.Name != o.Name {
		r.Name, r.Link, r.Fields = "", "", ""
	}
}
