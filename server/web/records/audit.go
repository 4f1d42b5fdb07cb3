package records

import (
	"net/http"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/state"
	"moonwatch/server/revision"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// auditPage is the audit log: who changed what, the newest first.
type auditPage struct {
	Items  []auditLine
	Object string // "kind:id" when it is about one object
	Older  string
	Newest bool
}

type auditLine struct {
	engine.AuditEntry
	Kind    string // in words
	Link    string // "" when there is no page of it
	History string
	Changes []change
	More    int // changes that are not shown
}

// change is a changed field in words.
type change struct{ Field, Before, After string }

// Did is what was done, in words.
func (l auditLine) Did() string {
	switch l.Action {
	case "create":
		return "created the"
	case "update":
		return "changed the"
	case "delete":
		return "deleted the"
	case "acknowledge":
		return "acknowledged the incident of the"
	case "unacknowledge":
		return "ended the acknowledgement for the"
	case "retry":
		return "tried again the"
	case "save":
		return "changed the"
	case "feed":
		return "made or revoked the feed's address of the"
	case "resume":
		return "resumed the"
	}
	return l.Action + " of the"
}

// fieldWord is a field's name as people know it.
func fieldWord(field string) string {
	switch field {
	case "password_hash":
		return "password"
	case "feed_token":
		return "feed address"
	case "ping_token":
		return "ping address"
	}
	return field
}

// bookkeeping are fields that say nothing about what somebody changed.
func bookkeeping() []string { return []string{"id", "revision", "created", "updated", "is_fallback"} }

// changesShown bounds the changes of one entry that are shown.
const changesShown = 30

func (w *Pages) audit(q *frame.Request) error {
	query := q.URL.Query()
	v := auditPage{Object: query.Get("object"), Newest: query.Get("before") != ""}
	names := w.namesByID()
	ask := engine.Query{Term: v.Object, After: query.Get("before"), Reverse: true, Limit: frame.MaxListed + 1}
	for e, err := range state.ScanAudit(q.Context(), w.Engine.Store, ask) {
		if err != nil {
			return err
		}
		if len(v.Items) == frame.MaxListed {
			v.Older = frame.OlderLink(query, v.Items[frame.MaxListed-1].ID)
			break
		}
		v.Items = append(v.Items, w.auditLine(*e, names))
	}
	p := w.NewPage(q, "Audit log", "audit")
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "audit", p)
	return nil
}

func (w *Pages) auditLine(e engine.AuditEntry, names map[string]string) auditLine {
	l := auditLine{AuditEntry: e, Kind: strings.ReplaceAll(string(e.Kind), "_", " ")}
	if of, ok := revision.Of(e.Kind); ok {
		l.History = "/revisions/" + string(e.Kind) + "/" + e.Object
		if _, there := names[e.Object]; there {
			l.Link = of.Path(e.Object)
		}
	}
	if e.Kind == engine.KindSettings {
		l.Link = "/settings"
	}
	for _, c := range e.Changes {
		one := change{fieldWord(c.Field), lookup.InWords(c.Before, names), lookup.InWords(c.After, names)}
		if one.Before+one.After != "" && !slices.Contains(bookkeeping(), c.Field) {
			l.Changes = append(l.Changes, one)
		}
	}
	l.Changes, l.More = frame.Cut(l.Changes, changesShown)
	return l
}

// namesByID are the names of all objects that values refer to.
func (w *Pages) namesByID() map[string]string {
	out := map[string]string{}
	for _, s := range w.EverySubject() {
		out[s.Meta.ID] = s.Name
	}
	for _, c := range w.Engine.Checks.BareChecks() {
		out[c.ID] = c.Name
	}
	for _, u := range w.Engine.Users.Users() {
		out[u.ID] = u.Username
	}
	for _, r := range w.Engine.OnCall.Rotas() {
		out[r.ID] = r.Name
	}
	for _, s := range w.Engine.Silences.Silences() {
		out[s.ID] = s.Comment
	}
	return out
}
