package people

import (
	"maps"
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// The page of a user for one alert plugin: what it has to know of them.

func (w *Pages) userAlertPage(q *frame.Request) error {
	id, slug := q.ID(), mux.Vars(q.Request)["slug"]
	if err := q.MayEditUser(id); err != nil {
		return err
	}
	u, err := w.Engine.Users.User(id)
	if err != nil {
		return err
	}
	f, err := w.userAlertForm(slug)
	if err != nil {
		return err
	}
	public := u.Settings[slug]
	if public == nil {
		public = f.Public(nil)
	}
	return w.showUserAlert(q, http.StatusOK, &u, slug, f, public, webform.Drawing{Stored: public, Errors: webform.NewErrors()}, u.Revision, "")
}

// userAlertForm is the form of an alert plugin for users.
func (w *Pages) userAlertForm(slug string) (form.Form, error) {
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return form.Form{}, err
	}
	if entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.AlertPlugin {
		return form.Form{}, &engine.Error{Kind: engine.NotFound, Message: "no alert plugin has this slug"}
	}
	return entry.Plugin.Meta().Forms[engine.UserConfigForm], nil
}

func (w *Pages) showUserAlert(q *frame.Request, status int, u *engine.User, slug string, f form.Form, raw map[string]any, draw webform.Drawing, revision uint64, message string) error {
	card := w.Card(slug)
	v := userPage{ID: u.ID, Username: u.Username, Self: u.ID == q.User.ID, Alert: &card, Tabs: w.tabs(u.ID, slug)}
	v.Revision, v.Message, v.Save = revision, message, "Save"
	v.Action, v.Back = "/users/"+u.ID+"/alerts/"+slug, "/users/"+u.ID
	draw.Prefix = "settings." + slug
	v.Form = webform.Draw(f, raw, draw)
	draw.Errors.Settle(v.Form)
	v.Errors = draw.Errors.All()
	nav, title := "users", u.Username
	if v.Self {
		nav, title = "profile", "Your profile"
	}
	p := w.NewPage(q, title+": "+card.Name, nav)
	p.Body = v
	w.Render(q.Writer, status, "useralert", p)
	return nil
}

func (w *Pages) saveUserAlert(q *frame.Request) error {
	id, slug := q.ID(), mux.Vars(q.Request)["slug"]
	if err := q.MayEditUser(id); err != nil {
		return err
	}
	u, err := w.Engine.Users.StoredUser(id)
	if err != nil {
		return err
	}
	f, err := w.userAlertForm(slug)
	if err != nil {
		return err
	}
	draw := webform.Drawing{Stored: w.Engine.Public(slug, engine.UserConfigForm, u.Settings[slug]), Errors: webform.NewErrors(), Posted: true}
	prefix := "settings." + slug
	blank, rows := webform.ChangeRows(f, prefix, q.PostForm)
	draw.Blank = blank
	raw := f.FromWeb(q.PostForm, prefix)
	at := frame.Revision(q.PostForm)
	if rows {
		return w.showUserAlert(q, http.StatusOK, &u, slug, f, raw, draw, at, "")
	}
	next := u
	next.Revision = at
	next.Settings = maps.Clone(u.Settings)
	if next.Settings == nil {
		next.Settings = map[string]form.Values{}
	}
	next.Settings[slug] = raw
	keep := ""
	if q.Session != nil {
		keep = q.Session.ID
	}
	if _, err = w.Engine.Users.SaveUser(q.Context(), q.By(), next, "", keep); err == nil {
		return q.Redirect("/users/" + id + "/alerts/" + slug + "?done=saved")
	}
	status, message, rest := frame.Outcome(err, "user", draw.Errors)
	if rest != nil {
		return rest
	}
	if engine.KindOf(err) == engine.Stale {
		at = u.Revision
	}
	return w.showUserAlert(q, status, &u, slug, f, raw, draw, at, message)
}
