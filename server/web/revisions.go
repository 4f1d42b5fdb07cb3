package web

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
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
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

func (w *historyPages) revisionsPage(q *frame.Request) error {
	kind, id, err := revised(q, false)
	if err != nil {
		return err
	}
	all, err := w.Engine.Revisions.Revisions(q.Context(), kind, id)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return &engine.Error{Kind: engine.NotFound, Message: "nothing is kept of such an object"}
	}
	v := revisionPage{Kind: kind, Words: kindWords(kind), ID: id, Revision: w.revisionNow(kind, id), Back: objectPath(kind, id), MayRevert: q.User.Role.Can(frame.Revisable()[kind])}
	switch kind {
	case engine.KindSettings:
		v.Back = "/settings"
	case engine.KindPluginSettings:
		v.Back = "/plugins/" + id
	}
	if v.Revision == 0 {
		v.Back = ""
	}
	names := w.namesByID()
	past := make([]*pastObject, len(all))
	for i, r := range all {
		if past[i], err = w.pastObject(kind, r); err != nil {
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
	p := w.NewPage(q, "History of "+v.Name, navOf(kind))
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "revisions", p)
	return nil
}

// revised is whose revisions are asked for, when the caller may see (or bring
// back) them.
func revised(q *frame.Request, change bool) (engine.Kind, string, error) {
	kind, id := engine.Kind(mux.Vars(q.Request)["kind"]), q.Id()
	role, known := frame.Revisable()[kind]
	if !known {
		return "", "", &engine.Error{Kind: engine.NotFound, Message: "there are no such objects"}
	}
	switch {
	case kind == engine.KindUser:
		return kind, id, mayEdit(q, id)
	case (change || role == access.Admin) && !q.User.Role.Can(role):
		return "", "", &engine.Error{Kind: engine.Forbidden, Message: "your role, " + string(q.User.Role) + ", does not allow this: it needs " + string(role)}
	}
	return kind, id, nil
}

func kindWords(kind engine.Kind) string {
	switch kind {
	case engine.KindSettings:
		return "settings"
	case engine.KindPluginSettings:
		return "plugin's settings"
	}
	return string(kind)
}

func navOf(kind engine.Kind) string {
	switch kind {
	case engine.KindSettings:
		return "settings"
	case engine.KindPluginSettings:
		return "plugins"
	}
	return string(kind) + "s"
}

// revisionNow is the revision that an object is at, 0 when it is not there.
func (w *historyPages) revisionNow(kind engine.Kind, id string) uint64 {
	switch kind {
	case engine.KindService, engine.KindInstance:
		if s, err := w.subjectStored(kind, id); err == nil {
			return s.Meta.Revision
		}
	case engine.KindCheck:
		if c, err := w.Engine.Checks.StoredCheck(id); err == nil {
			return c.Revision
		}
	case engine.KindRota:
		if r, err := w.Engine.OnCall.StoredRota(id); err == nil {
			return r.Revision
		}
	case engine.KindSilence:
		if s, err := w.Engine.Silences.Silence(id); err == nil {
			return s.Revision
		}
	case engine.KindUser:
		if u, err := w.Engine.Users.StoredUser(id); err == nil {
			return u.Revision
		}
	case engine.KindSettings:
		return w.Engine.Settings().Revision
	case engine.KindPluginSettings:
		return w.Engine.Site.PluginSettings(id).Revision
	}
	return 0
}

// pastObject is a revision's fields: as they are stored, to be compared, and as
// people may see them.
type pastObject struct {
	name         string
	stored, seen map[string]any
}

func (w *historyPages) pastObject(kind engine.Kind, r engine.Revision) (*pastObject, error) {
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
	object, err := w.unpack(kind, r.Data)
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
	if kind == engine.KindSettings {
		out.name = "the settings"
	}
	return out, nil
}

// unpack reads a stored object with its secrets masked, as a form would send it.
func (w *historyPages) unpack(kind engine.Kind, data []byte) (any, error) {
	switch kind {
	case engine.KindService:
		var s engine.Service
		err := json.Unmarshal(data, &s)
		w.maskAlerts(&s.Alerting)
		return &s, err
	case engine.KindInstance:
		var i engine.Instance
		err := json.Unmarshal(data, &i)
		w.maskAlerts(&i.Alerting)
		return &i, err
	case engine.KindCheck:
		var c engine.Check
		err := json.Unmarshal(data, &c)
		c.Config = w.Engine.Public(c.Plugin, engine.ConfigForm, c.Config)
		return &c, err
	case engine.KindRota:
		r := new(engine.Rota)
		err := json.Unmarshal(data, r)
		w.Engine.OpenRota(r)
		return r, err
	case engine.KindSilence:
		s := new(engine.Silence)
		return s, json.Unmarshal(data, s)
	case engine.KindUser:
		var u engine.User
		err := json.Unmarshal(data, &u)
		for slug, values := range u.Settings {
			u.Settings[slug] = w.Engine.Public(slug, engine.UserConfigForm, values)
		}
		return &u, err
	case engine.KindSettings:
		s := new(engine.Settings)
		return s, json.Unmarshal(data, s)
	}
	var s engine.PluginSettings
	err := json.Unmarshal(data, &s)
	s.Values = w.Engine.Public(s.ID, engine.SettingsForm, s.Values)
	return &s, err
}

func (w *historyPages) maskAlerts(a *engine.Alerting) {
	for i := range a.Alerts {
		a.Alerts[i].Settings = w.Engine.Public(a.Alerts[i].Plugin, engine.ServiceConfigForm, a.Alerts[i].Settings)
	}
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
		c := change{Field: f, Before: inWords(before.seen[f], names), After: inWords(after.seen[f], names)}
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
func (w *historyPages) revert(q *frame.Request) error {
	kind, id, err := revised(q, true)
	if err != nil {
		return err
	}
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
	object, err := w.unpack(kind, all[n].Data)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", all[n].Number, err)
	}
	if err := w.putBack(q, object, id, frame.Revision(q.PostForm)); err != nil {
		return frame.Plainly(err)
	}
	return q.Redirect("/revisions/" + string(kind) + "/" + url.PathEscape(id) + "?done=reverted")
}

func (w *historyPages) putBack(q *frame.Request, object any, id string, at uint64) error {
	var err error
	switch o := object.(type) {
	case *engine.Service:
		o.ID, o.Revision = id, at
		_, err = w.Engine.Targets.SaveService(q.Context(), q.By(), *o)
	case *engine.Instance:
		o.ID, o.Revision = id, at
		_, err = w.Engine.Targets.SaveInstance(q.Context(), q.By(), *o)
	case *engine.Check:
		o.ID, o.Revision = id, at
		_, err = w.Engine.Checks.SaveCheck(q.Context(), q.By(), *o)
	case *engine.Rota:
		o.ID, o.Revision = id, at
		_, err = w.Engine.Rotas.SaveRota(q.Context(), q.By(), *o)
	case *engine.Silence:
		o.ID, o.Revision = id, at
		_, err = w.Engine.Silences.SaveSilence(q.Context(), q.By(), *o)
	case *engine.User:
		o.ID, o.Revision = id, at
		err = w.putUserBack(q, o)
	case *engine.Settings:
		o.Revision = at
		_, err = w.Engine.Site.SaveSettings(q.Context(), q.By(), *o)
	case *engine.PluginSettings:
		err = w.Engine.Site.SavePluginSettings(q.Context(), q.By(), id, form.Values(o.Values), &at)
	}
	return err
}

// putUserBack keeps what only an admin changes as it is, for everybody else.
func (w *historyPages) putUserBack(q *frame.Request, u *engine.User) error {
	now, err := w.Engine.Users.StoredUser(u.ID)
	if err != nil {
		return err
	}
	if !q.User.Role.Can(access.Admin) {
		u.Username, u.Role, u.Active = now.Username, now.Role, now.Active
	}
	keep := ""
	if q.Session != nil {
		keep = q.Session.ID
	}
	_, err = w.Engine.Users.SaveUser(q.Context(), q.By(), *u, "", keep)
	return err
}
