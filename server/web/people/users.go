package people

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/oncall"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/rotas"
	"moonwatch/server/web/webform"
)

// userList is the page of all users.
type userList struct{ Users []engine.User }

func (w *Pages) users(q *frame.Request) error {
	l := userList{w.Engine.Users.Users()}
	slices.SortFunc(l.Users, func(a, b engine.User) int { return strings.Compare(a.Username, b.Username) })
	p := w.NewPage(q, "Users", "users")
	p.Events = "types=user"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "users", p)
	return nil
}

// userPage is the page of a user: their own profile, or an admin's look at it.
type userPage struct {
	frame.FormPage
	ID       string // "" for a new one
	Username string
	Self     bool
	Tabs     []tab
	Alert    *frame.PluginCard // the alert plugin whose page this is
	Form     webform.View      // its form
	Gone     bool
	Sessions []sessionLine
	Feed     rotas.FeedPart
	Duty     []oncall.OnCall
}

type tab struct {
	Label, Path string
	Current     bool
	Rare        bool // no service uses the plugin, and nothing is set
}

// RareTabs are those that stand behind the others.
func (p userPage) RareTabs() []tab {
	return slices.DeleteFunc(slices.Clone(p.Tabs), func(t tab) bool { return !t.Rare })
}

type sessionLine struct {
	Session engine.Session
	Current bool
}

// userForm are the fields of a user. Only an admin names roles and activity.
func userForm(admin, self, fresh bool) form.Form {
	const login = "Login"
	fields := []form.Field{
		{Type: form.Char, Name: "username", Required: true, MaxLength: ownform.Length(64), Disabled: !admin},
		{Type: form.Char, Name: "first_name", MaxLength: ownform.Length(200)},
		{Type: form.Char, Name: "last_name", MaxLength: ownform.Length(200)},
		{Type: form.Email, Name: "email", Label: "E-mail", HelpText: "Where alerts by e-mail go."},
		{Type: form.Char, Name: "time_zone", Required: true, HelpText: "The name of a zone, such as Europe/Berlin. Times are shown in it."},
	}
	if admin {
		fields = append(fields,
			form.Field{Type: form.ChoiceOne, Name: "role", Required: true, Choices: roleChoices(), Group: login, Widget: "RadioSelect"},
			form.Field{Type: form.Boolean, Name: "active", Group: login,
				HelpText: "Who is not active cannot log in and is told nothing. Their sessions, API tokens and calendar feed end, and do not come back with them."})
	}
	password := form.Field{Type: form.Char, Name: "password", Label: "New password", Widget: "PasswordInput", Group: login,
		HelpText: "At least 10 characters. Empty: the password stays as it is. A new one ends the other sessions."}
	if fresh {
		password.Label, password.HelpText = "Password", "At least 10 characters. Empty: the user cannot log in until one is set."
	}
	if self {
		fields = append(fields, form.Field{
			Type:     form.Char,
			Name:     "current_password",
			Label:    "Present password",
			Widget:   "PasswordInput",
			Group:    login,
			HelpText: "Only needed to set a new one.",
		})
	}
	fields = append(fields, password)
	if !fresh {
		fields = append(fields, form.Field{Type: form.Boolean, Name: "revoke_tokens", Label: "Revoke all API tokens", Group: login,
			HelpText: "For when somebody else may have got in. Programs that use them stop working at once."})
	}
	return form.Form{Fields: append(fields, contactFields()...)}
}

func roleChoices() []form.Choice {
	return []form.Choice{
		{Value: "viewer", Label: "Viewer: sees everything but users and settings"},
		{Value: "operator", Label: "Operator: also runs checks, acknowledges and silences"},
		{Value: "editor", Label: "Editor: also edits services, instances, checks and rotas"},
		{Value: "admin", Label: "Admin: also users, plugins and settings"},
	}
}

func userRaw(u *engine.User) map[string]any {
	return map[string]any{"username": u.Username, "first_name": u.FirstName, "last_name": u.LastName, "email": u.Email,
		"time_zone": u.TimeZone, "role": string(u.Role), "active": u.Active,
		"quiet_hours": quietRaw(u.QuietHours), "quiet_critical": u.QuietCritical, "contact_rules": contactRaw(u.ContactRules)}
}

func (w *Pages) profile(q *frame.Request) error { return q.Redirect("/users/" + q.User.ID) }

func (w *Pages) newUserForm(q *frame.Request) error {
	u := engine.NewUser()
	return w.showUser(q, http.StatusOK, &u, userRaw(&u), webform.Drawing{Errors: webform.NewErrors()}, "", 0)
}

func (w *Pages) userPage(q *frame.Request) error {
	if err := q.MayEditUser(q.ID()); err != nil {
		return err
	}
	u, err := w.Engine.Users.User(q.ID())
	if err != nil {
		return err
	}
	return w.showUser(q, http.StatusOK, &u, userRaw(&u), webform.Drawing{Errors: webform.NewErrors()}, "", u.Revision)
}

func (w *Pages) showUser(q *frame.Request, status int, u *engine.User, raw map[string]any, draw webform.Drawing, message string, revision uint64) error {
	v := userPage{ID: u.ID, Username: u.Username, Self: u.ID == q.User.ID}
	v.Revision, v.Message, v.Save = revision, message, "Save"
	v.Action, v.Back = "/users/"+u.ID, "/users"
	title, nav := u.Username, "users"
	switch {
	case u.ID == "":
		v.Action, v.Save, title = "/users/new", "Create the user", "New user"
	case v.Self:
		v.Back, title, nav = "/", "Your profile", "profile"
	}
	if u.ID != "" {
		w.aboutUser(q, u, &v)
	}
	v.Tabs = w.tabs(u.ID, "")
	v.Own = webform.Draw(userForm(q.User.Role.Can(access.Admin), v.Self, u.ID == ""), raw, draw.AsPosted())
	v.Own.Each(func(f *webform.Field) {
		f.Secret = false
		switch f.Name {
		case "password":
			f.Autocomplete = "new-password"
		case "current_password":
			f.Autocomplete = "current-password"
		}
		if f.Name == "time_zone" {
			f.Suggestions = ownform.Zones()
		}
		if strings.HasPrefix(f.Name, "quiet_hours.") && (strings.HasSuffix(f.Name, ".start") || strings.HasSuffix(f.Name, ".end")) {
			asClock(f)
		}
	})
	draw.Errors.Settle(v.Own)
	v.Errors = draw.Errors.All()
	p := w.NewPage(q, title, nav)
	p.Body = v
	w.Render(q.Writer, status, "user", p)
	return nil
}

// aboutUser adds what an existing user's page shows beside the form.
func (w *Pages) aboutUser(q *frame.Request, u *engine.User, v *userPage) {
	for _, s := range w.Engine.Sessions.Sessions(u.ID) {
		v.Sessions = append(v.Sessions, sessionLine{s, q.Session != nil && s.ID == q.Session.ID})
	}
	v.Feed = rotas.FeedPart{Path: "/users/" + u.ID + "/feed", What: "the shifts of " + u.Username}
	if v.Self {
		v.Feed.What = "your shifts"
	}
	v.Feed.URL, _ = w.Engine.OnCall.FeedURL(engine.KindUser, u.ID) // none for a user who is gone meanwhile
	for _, one := range w.Engine.OnCall.OnCall() {
		if one.User == u.ID {
			v.Duty = append(v.Duty, one)
		}
	}
}

// tabs lead through the pages of a user: one for each alert plugin that asks
// something of them.
func (w *Pages) tabs(id, current string) []tab {
	if id == "" {
		return nil
	}
	out := []tab{{Label: "Profile", Path: "/users/" + id, Current: current == ""}}
	u, _ := w.Engine.Users.User(id) // without one nothing is set
	used := w.alertsInUse()
	for _, card := range w.Cards(engine.AlertPlugin) {
		entry, err := w.Engine.Plugins.Plugin(card.Slug)
		if err != nil || entry.Plugin == nil {
			continue
		}
		m := entry.Plugin.Meta()
		if len(m.Forms[engine.UserConfigForm].Fields) > 0 && m.SettingsFrom == "" || card.Slug == current {
			out = append(out, tab{Label: card.Name, Path: "/users/" + id + "/alerts/" + card.Slug, Current: card.Slug == current,
				Rare: !used[card.Slug] && len(u.Settings[card.Slug]) == 0 && card.Slug != current})
		}
	}
	return out
}

// alertsInUse are the alert plugins that some service or instance tells through,
// and those whose settings of users they share.
func (w *Pages) alertsInUse() map[string]bool {
	out := map[string]bool{}
	for _, s := range w.EverySubject() {
		for _, a := range s.Alerting.Alerts {
			out[a.Plugin] = true
		}
		for _, step := range s.Alerting.Escalation {
			for _, slug := range step.Plugins {
				out[slug] = true
			}
		}
	}
	for slug := range out {
		if entry, err := w.Engine.Plugins.Plugin(slug); err == nil && entry.Plugin != nil && entry.Plugin.Meta().SettingsFrom != "" {
			out[entry.Plugin.Meta().SettingsFrom] = true
		}
	}
	return out
}

func (w *Pages) saveNewUser(q *frame.Request) error {
	u := engine.NewUser()
	return w.storeUser(q, u)
}

func (w *Pages) saveOldUser(q *frame.Request) error {
	if err := q.MayEditUser(q.ID()); err != nil {
		return err
	}
	u, err := w.Engine.Users.StoredUser(q.ID())
	if err != nil {
		return err
	}
	return w.storeUser(q, u)
}

func (w *Pages) storeUser(q *frame.Request, u engine.User) error {
	admin, self := q.User.Role.Can(access.Admin), u.ID != "" && u.ID == q.User.ID
	f := userForm(admin, self, u.ID == "")
	ownform.KeepChosen(q.PostForm, "contact_rules", "channel")
	blank, rows := webform.ChangeRows(f, "", q.PostForm)
	raw := f.FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	draw := webform.Drawing{Errors: errs, Blank: blank}
	if rows {
		if !admin {
			raw["username"] = u.Username
		}
		return w.showUser(q, http.StatusOK, &u, raw, draw, "", frame.Revision(q.PostForm))
	}
	stored := userRaw(&u)
	values, bad := f.Clean(q.Context(), raw, form.Options{
		Stored: stored,
		Seal:   func(_ string, plain []byte) (form.Sealed, error) { return form.Sealed(""), nil },
	})
	errs.AddAll(bad)
	if !admin {
		raw["username"] = u.Username
	}
	password := frame.TextOf(raw["password"])
	if self && password != "" {
		w.confirm(q, &u, frame.TextOf(raw["current_password"]), errs)
	}
	at := frame.Revision(q.PostForm)
	old := u
	if errs.Any() {
		return w.showUser(q, http.StatusUnprocessableEntity, &old, raw, draw, "", at)
	}
	u.FirstName, u.LastName, u.Email, u.TimeZone = frame.TextOf(values["first_name"]), frame.TextOf(values["last_name"]), frame.TextOf(values["email"]), frame.TextOf(values["time_zone"])
	if admin {
		u.Username, u.Role, u.Active = frame.TextOf(values["username"]), access.Role(frame.TextOf(values["role"])), values["active"] == true
	}
	applyContact(&u, values)
	u.Revision = at
	keep := ""
	if q.Session != nil {
		keep = q.Session.ID
	}
	save := w.Engine.Users.SaveUser
	if values["revoke_tokens"] == true {
		save = w.Engine.Users.SaveUserAndRevoke
	}
	saved, err := w.guarded(q, password, func() (*engine.User, error) { return save(q.Context(), q.By(), u, password, keep) })
	if err == nil {
		done := "?done=saved"
		switch {
		case old.ID == "":
			done = "?done=made"
		case password != "":
			done = "?done=password"
		}
		return q.Redirect("/users/" + saved.ID + done)
	}
	status, message, rest := frame.Outcome(err, "user", errs)
	if rest != nil {
		return rest
	}
	if engine.KindOf(err) == engine.Stale {
		at = old.Revision
	}
	return w.showUser(q, status, &old, raw, draw, message, at)
}

// guarded saves a user when a new password, if there is one, may be hashed.
func (w *Pages) guarded(q *frame.Request, password string, save func() (*engine.User, error)) (*engine.User, error) {
	if password != "" {
		release, err := w.Options.Sessions.Guard(q.Context())
		if err != nil {
			return nil, err
		}
		defer release()
	}
	return save()
}

// confirm asks for the present password before a new one is set. It counts as
// an attempt to log in.
func (w *Pages) confirm(q *frame.Request, u *engine.User, present string, errs webform.Errors) {
	if u.PasswordHash == "" {
		return
	}
	if present == "" {
		errs.Add("current_password", "type your present password to set a new one")
		return
	}
	if ok, wait := w.Options.Sessions.AllowLogin(q.Request, u.Username); !ok {
		errs.Add("current_password", "there were too many attempts: try again in "+drawing.Span(wait))
		return
	}
	if _, err := w.Verify(q, u.Username, present); err != nil {
		errs.Add("current_password", "this is not your present password")
	}
}

func (w *Pages) deleteUserPage(q *frame.Request) error {
	u, err := w.Engine.Users.User(q.ID())
	if err != nil {
		return err
	}
	return w.AskDelete(q, "users", frame.DeletePage{
		What:     "user",
		Name:     u.Username,
		Revision: u.Revision,
		Action:   "/users/" + u.ID + "/delete",
		Back:     "/users/" + u.ID,
		Effects:  []string{"Their sessions and tokens end, and no service tells them any more.", "Their name stays in what has happened."},
	})
}

func (w *Pages) deleteUser(q *frame.Request) error {
	if err := w.Engine.Users.DeleteUser(q.Context(), q.By(), q.ID(), q.DeleteRevision()); err != nil {
		return err
	}
	return q.Deleted(engine.KindUser)
}

// endSession ends a session of a user: one's own, or for an admin anybody's.
func (w *Pages) endSession(q *frame.Request) error {
	if err := q.MayEditUser(q.ID()); err != nil {
		return err
	}
	id := q.PostForm.Get("session")
	for _, s := range w.Engine.Sessions.Sessions(q.ID()) {
		if s.ID == id {
			if err := w.Engine.Sessions.CloseSession(q.Context(), id); err != nil {
				return err
			}
		}
	}
	return q.Redirect("/users/" + url.PathEscape(q.ID()) + "?done=ended#sessions")
}

// mayEditFeed lets users change their own feed, and admins everybody's.
func mayEditFeed(q *frame.Request) error { return q.MayEditUser(q.ID()) }
