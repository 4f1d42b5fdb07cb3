package records

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/revision"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// Every edit of an object is a revision, which can be seen and brought back.

// revisionPage is the page of an object's revisions, the newest first.
type revisionPage struct {
	Kind      engine.Kind
	Words     string // the kind in words
	ID        string
	Name      string
	Back      string
	Revision  uint64 // that is there now, 0 when the object was deleted
	Items     []revisionLine
	MayRevert bool
	More      int
}

type revisionLine struct {
	engine.Revision
	Current bool
	Changes []change
	First   bool // no earlier one is kept
}

// revisionsShown bounds the revisions that are shown.
const revisionsShown = 100

func (w *Pages) revisionsPage(q *frame.Request) error {
	of, id, err := revised(q, false)
	if err != nil {
		return err
	}
	kind := of.Kind
	all, err := w.Engine.Revisions.Revisions(q.Context(), kind, id)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return &engine.Error{Kind: engine.NotFound, Message: "nothing is kept of such an object"}
	}
	v := revisionPage{Kind: kind, Words: of.Title, ID: id, MayRevert: q.User.Role.Can(of.Role)}
	if now, err := of.Now(w.Engine, id); err == nil {
		v.Revision = now
	}
	if v.Revision != 0 {
		v.Back = of.Path(id)
	}
	names := w.namesByID()
	past := make([]*pastObject, len(all))
	for i, r := range all {
		if past[i], err = w.pastObject(of, r); err != nil {
			return err
		}
		if kind == engine.KindRota && frame.TextOf(past[i].seen["ical_url"]) != "" && !q.User.Role.Can(access.Editor) {
			past[i].seen["ical_url"] = "(secret)" // who knows the address can read the calendar
		}
		if v.Name == "" {
			v.Name = past[i].name
		}
	}
	for i, r := range all {
		one := revisionLine{Revision: r, Current: r.Number == v.Revision && !r.Deleted, First: i == len(all)-1}
		if !r.Deleted {
			before := &pastObject{}
			if !one.First {
				before = past[i+1]
			}
			one.Changes = differences(before, past[i], names)
		}
		v.Items = append(v.Items, one)
	}
	v.Items, v.More = frame.Cut(v.Items, revisionsShown)
	p := w.NewPage(q, "History of "+v.Name, of.Nav)
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "revisions", p)
	return nil
}

// revised is whose revisions are asked for, when the caller may see (or bring
// back) them.
func revised(q *frame.Request, change bool) (of revision.Kind, id string, err error) {
	of, known := revision.Of(engine.Kind(mux.Vars(q.Request)["kind"]))
	if !known {
		return of, "", &engine.Error{Kind: engine.NotFound, Message: "there are no such objects"}
	}
	id = q.ID()
	switch {
	case of.Kind == engine.KindUser:
		return of, id, q.MayEditUser(id)
	case (change || of.Role == access.Admin) && !q.User.Role.Can(of.Role):
		return of, "", &engine.Error{
			Kind:    engine.Forbidden,
			Message: "your role, " + string(q.User.Role) + ", does not allow this: it needs " + string(of.Role),
		}
	}
	return of, id, nil
}

// pastObject is a revision's fields: as they are stored, to be compared, and as
// people may see them.
type pastObject struct {
	name         string
	stored, seen map[string]any
}

func (w *Pages) pastObject(of revision.Kind, r engine.Revision) (*pastObject, error) {
	out := &pastObject{}
	if len(r.Data) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(r.Data, &out.stored); err != nil {
		return nil, fmt.Errorf("read revision %d: %w", r.Number, err)
	}
	if sealed := out.stored["ical_sealed"]; sealed != nil {
		out.stored["ical_url"] = sealed
		delete(out.stored, "ical_sealed")
	}
	object, err := of.Decode(w.Engine, r.Data)
	if err != nil {
		return nil, fmt.Errorf("read revision %d: %w", r.Number, err)
	}
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode revision %d: %w", r.Number, err)
	}
	if err := json.Unmarshal(data, &out.seen); err != nil {
		return nil, fmt.Errorf("encode revision %d: %w", r.Number, err)
	}
	for _, field := range []string{"name", "username", "comment", "id"} {
		if out.name = frame.TextOf(out.stored[field]); out.name != "" {
			break
		}
	}
	if of.Kind == engine.KindSettings {
		out.name = "the settings"
	}
	return out, nil
}

// differences are the fields in which two states of an object differ. What is
// secret is said to have changed, and no more.
func differences(before, after *pastObject, names map[string]string) []change {
	fields := map[string]bool{}
	for f := range before.stored {
		fields[f] = true
	}
	for f := range after.stored {
		fields[f] = true
	}
	var out []change
	for f := range fields {
		if slices.Contains(bookkeeping(), f) || reflect.DeepEqual(before.stored[f], after.stored[f]) {
			continue
		}
		c := change{Field: f, Before: lookup.InWords(before.seen[f], names), After: lookup.InWords(after.seen[f], names)}
		switch {
		case f == "password_hash" || f == "feed_token" || f == "ping_token":
			if len(before.stored) == 0 {
				continue
			}
			c = change{fieldWord(f), "(secret)", "(secret)"}
		case c.Before == c.After && len(before.stored) == 0, c.Before == "" && c.After == "":
			continue
		case c.Before == c.After:
			c.Before, c.After = "(secret)", "(secret)"
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b change) int { return compareFields(a.Field, b.Field) })
	return out
}

// compareFields orders fields by name, the name of the object first.
func compareFields(a, b string) int {
	first := func(f string) int { return frame.B2i(f != "name" && f != "username") }
	if d := first(a) - first(b); d != 0 {
		return d
	}
	if a < b {
		return -1
	}
	return frame.B2i(a > b)
}

// revert brings a revision back as a new one. Secrets, and a user's password,
// stay as they are now.
func (w *Pages) revert(q *frame.Request) error {
	of, id, err := revised(q, true)
	if err != nil {
		return err
	}
	kind := of.Kind
	all, err := w.Engine.Revisions.Revisions(q.Context(), kind, id)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(all, func(r engine.Revision) bool {
		return strconv.FormatUint(r.Number, 10) == mux.Vars(q.Request)["n"] && !r.Deleted
	})
	if n < 0 {
		return &engine.Error{Kind: engine.NotFound, Message: "there is no such revision"}
	}
	if all[0].Deleted {
		if err := w.Engine.Revisions.Undelete(q.Context(), q.By(), kind, id, all[n].Number); err != nil {
			return frame.Plainly(err)
		}
		return q.Redirect("/revisions/" + string(kind) + "/" + url.PathEscape(id) + "?done=reverted")
	}
	object, err := of.Decode(w.Engine, all[n].Data)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", all[n].Number, err)
	}
	keep := ""
	if q.Session != nil {
		keep = q.Session.ID
	}
	if err := of.Save(q.Context(), w.Engine, q.By(), object, id, frame.Revision(q.PostForm), keep); err != nil {
		return frame.Plainly(err)
	}
	return q.Redirect("/revisions/" + string(kind) + "/" + url.PathEscape(id) + "?done=reverted")
}
