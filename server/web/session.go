package web

import (
	"net/http"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// sessionPages are the pages to log in and to set up.
type sessionPages struct{ *frame.Frame }

// sessionPage is the page for logging in or setting up.
type sessionPage struct {
	frame.FormPage
	Next  string
	Token string
	Ready bool // set-up: a token is there
	Stale bool // set-up: the token is not that of the link
	Form  webform.View
}

func loginForm() form.Form {
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "username", Required: true},
		{Type: form.Char, Name: "password", Required: true, Widget: "PasswordInput"},
	}}
}

func (w *sessionPages) loginPage(q *frame.Request) error {
	switch {
	case w.Engine.Users.Empty():
		return q.Redirect("/setup")
	case q.User != nil:
		return q.Redirect(frame.LocalPath(q.URL.Query().Get("next")))
	}
	return w.showLogin(q, http.StatusOK, q.URL.Query().Get("next"), "", "")
}

func (w *sessionPages) showLogin(q *frame.Request, status int, next, username, message string) error {
	p := w.NewPage(q, "Log in", "")
	s := sessionPage{Next: next, Form: plainForm(loginForm(), map[string]any{"username": username})}
	s.Message = message
	p.Body = s
	w.Render(q.Writer, status, "login", p)
	return nil
}

// plainForm draws a form without the words about stored secrets.
func plainForm(f form.Form, raw map[string]any) webform.View {
	v := webform.Draw(f, raw, webform.Drawing{Posted: true})
	v.Each(func(one *webform.Field) {
		one.Secret, one.Autocomplete = false, "username"
		if one.Type == "password" {
			one.Autocomplete = "current-password"
		}
	})
	return v
}

func (w *sessionPages) login(q *frame.Request) error {
	username, password, next := q.PostForm.Get("username"), q.PostForm.Get("password"), q.PostForm.Get("next")
	if username == "" || password == "" {
		return w.showLogin(q, http.StatusUnprocessableEntity, next, username, "Enter your username and your password.")
	}
	if ok, wait := w.Options.Sessions.AllowLogin(q.Request, username); !ok {
		q.Writer.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return w.showLogin(q, http.StatusTooManyRequests, next, username, "There were too many attempts. Try again in "+drawing.Span(wait+time.Second)+".")
	}
	user, err := w.Verify(q, username, password)
	if engine.KindOf(err) == engine.Forbidden {
		return w.showLogin(q, http.StatusUnauthorized, next, username, "The username or the password is wrong.")
	}
	if err != nil {
		return err
	}
	if err := w.Options.Sessions.Login(q.Writer, q.Request, user); err != nil {
		return err
	}
	return q.Redirect(frame.LocalPath(next))
}

func (w *sessionPages) logout(q *frame.Request) error {
	if err := w.Options.Sessions.Logout(q.Writer, q.Request); err != nil {
		return err
	}
	return q.Redirect("/login")
}

func setUpForm() form.Form {
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "username", Required: true, MaxLength: ownform.Length(64), HelpText: "You log in with it. Letters, digits and . _ @ + -"},
		{Type: form.Email, Name: "email", Label: "E-mail", HelpText: "Where alerts by e-mail go. It can be set later."},
		{
			Type:     form.Char,
			Name:     "password",
			Required: true,
			Widget:   "PasswordInput",
			HelpText: "At least 10 characters; a few words in a row are good.",
		},
	}}
}

func (w *sessionPages) setUpPage(q *frame.Request) error {
	if !w.Engine.Users.Empty() {
		return q.Redirect("/login")
	}
	token := q.URL.Query().Get("token")
	if token != "" && !w.Options.Sessions.IsSetUpToken(token) {
		p := w.NewPage(q, "Set up Moonwatch", "")
		p.Body = sessionPage{Stale: true}
		w.Render(q.Writer, http.StatusForbidden, "setup", p)
		return nil
	}
	return w.showSetUp(q, http.StatusOK, token, nil, webform.NewErrors())
}

func (w *sessionPages) showSetUp(q *frame.Request, status int, token string, raw map[string]any, errs webform.Errors) error {
	p := w.NewPage(q, "Set up Moonwatch", "")
	s := sessionPage{Token: token, Ready: token != ""}
	s.Form = webform.Draw(setUpForm(), raw, webform.Drawing{Posted: true, Errors: errs})
	errs.Settle(s.Form)
	s.Form.Each(func(one *webform.Field) { one.Secret, one.Autocomplete = false, setUpCompletion(one.Name) })
	s.Errors = errs.All()
	p.Body = s
	w.Render(q.Writer, status, "setup", p)
	return nil
}

// setUpCompletion tells password managers what a field is.
func setUpCompletion(name string) string {
	if name == "password" {
		return "new-password"
	}
	return name
}

func (w *sessionPages) setUp(q *frame.Request) error {
	if !w.Engine.Users.Empty() {
		return q.Redirect("/login")
	}
	token := q.PostForm.Get("token")
	raw := setUpForm().FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	for _, name := range []string{"username", "password"} {
		if frame.TextOf(raw[name]) == "" {
			errs.Add(name, "This field is required.")
		}
	}
	if errs.Any() {
		return w.showSetUp(q, http.StatusUnprocessableEntity, token, raw, errs)
	}
	if ok, wait := w.Options.Sessions.AllowLogin(q.Request, ""); !ok {
		q.Writer.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		errs.Add("", "there were too many attempts: try again in "+drawing.Span(wait+time.Second))
		return w.showSetUp(q, http.StatusTooManyRequests, token, raw, errs)
	}
	user, err := w.Options.Sessions.SetUp(q.Context(), token, frame.TextOf(raw["username"]), frame.TextOf(raw["email"]), frame.TextOf(raw["password"]))
	if err != nil {
		if err := errs.AddError(err); err != nil {
			return err
		}
		status, _ := frame.StatusOf(engine.KindOf(err))
		return w.showSetUp(q, status, token, raw, errs)
	}
	if err := w.Options.Sessions.Login(q.Writer, q.Request, user); err != nil {
		return err
	}
	return q.Redirect("/?done=welcome")
}
