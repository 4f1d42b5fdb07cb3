package web

import (
	"net/http"
	"strconv"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/webform"
)

// sessionPages are the pages to log in and to set up.
type sessionPages struct{ *frame }

// sessionPage is the page for logging in or setting up.
type sessionPage struct {
	formPage
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

func (w *sessionPages) loginPage(q *request) error {
	switch {
	case w.engine.Users.Empty():
		return q.redirect("/setup")
	case q.user != nil:
		return q.redirect(localPath(q.URL.Query().Get("next")))
	}
	return w.showLogin(q, http.StatusOK, q.URL.Query().Get("next"), "", "")
}

func (w *sessionPages) showLogin(q *request, status int, next, username, message string) error {
	p := w.newPage(q, "Log in", "")
	s := sessionPage{Next: next, Form: plainForm(loginForm(), map[string]any{"username": username})}
	s.Message = message
	p.Body = s
	w.render(q.rw, status, "login", p)
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

func (w *sessionPages) login(q *request) error {
	username, password, next := q.PostForm.Get("username"), q.PostForm.Get("password"), q.PostForm.Get("next")
	if username == "" || password == "" {
		return w.showLogin(q, http.StatusUnprocessableEntity, next, username, "Enter your username and your password.")
	}
	if ok, wait := w.o.Sessions.AllowLogin(q.Request, username); !ok {
		q.rw.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return w.showLogin(q, http.StatusTooManyRequests, next, username, "There were too many attempts. Try again in "+span(wait+time.Second)+".")
	}
	user, err := w.verify(q, username, password)
	if engine.KindOf(err) == engine.Forbidden {
		return w.showLogin(q, http.StatusUnauthorized, next, username, "The username or the password is wrong.")
	}
	if err != nil {
		return err
	}
	if err := w.o.Sessions.Login(q.rw, q.Request, user); err != nil {
		return err
	}
	return q.redirect(localPath(next))
}

func (w *sessionPages) logout(q *request) error {
	if err := w.o.Sessions.Logout(q.rw, q.Request); err != nil {
		return err
	}
	return q.redirect("/login")
}

func setUpForm() form.Form {
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "username", Required: true, MaxLength: length(64), HelpText: "You log in with it. Letters, digits and . _ @ + -"},
		{Type: form.Email, Name: "email", Label: "E-mail", HelpText: "Where alerts by e-mail go. It can be set later."},
		{Type: form.Char, Name: "password", Required: true, Widget: "PasswordInput", HelpText: "At least 10 characters; a few words in a row are good."},
	}}
}

func (w *sessionPages) setUpPage(q *request) error {
	if !w.engine.Users.Empty() {
		return q.redirect("/login")
	}
	token := q.URL.Query().Get("token")
	if token != "" && !w.o.Sessions.IsSetUpToken(token) {
		p := w.newPage(q, "Set up Moonwatch", "")
		p.Body = sessionPage{Stale: true}
		w.render(q.rw, http.StatusForbidden, "setup", p)
		return nil
	}
	return w.showSetUp(q, http.StatusOK, token, nil, webform.NewErrors())
}

func (w *sessionPages) showSetUp(q *request, status int, token string, raw map[string]any, errs webform.Errors) error {
	p := w.newPage(q, "Set up Moonwatch", "")
	s := sessionPage{Token: token, Ready: token != ""}
	s.Form = webform.Draw(setUpForm(), raw, webform.Drawing{Posted: true, Errors: errs})
	errs.Settle(s.Form)
	s.Form.Each(func(one *webform.Field) { one.Secret, one.Autocomplete = false, setUpCompletion(one.Name) })
	s.Errors = errs.All()
	p.Body = s
	w.render(q.rw, status, "setup", p)
	return nil
}

// setUpCompletion tells password managers what a field is.
func setUpCompletion(name string) string {
	if name == "password" {
		return "new-password"
	}
	return name
}

func (w *sessionPages) setUp(q *request) error {
	if !w.engine.Users.Empty() {
		return q.redirect("/login")
	}
	token := q.PostForm.Get("token")
	raw := setUpForm().FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	for _, name := range []string{"username", "password"} {
		if textOf(raw[name]) == "" {
			errs.Add(name, "this is required")
		}
	}
	if errs.Any() {
		return w.showSetUp(q, http.StatusUnprocessableEntity, token, raw, errs)
	}
	if ok, wait := w.o.Sessions.AllowLogin(q.Request, ""); !ok {
		q.rw.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		errs.Add("", "there were too many attempts: try again in "+span(wait+time.Second))
		return w.showSetUp(q, http.StatusTooManyRequests, token, raw, errs)
	}
	user, err := w.o.Sessions.SetUp(q.Context(), token, textOf(raw["username"]), textOf(raw["email"]), textOf(raw["password"]))
	if err != nil {
		if err := errs.AddError(err); err != nil {
			return err
		}
		status, _ := statusOf(engine.KindOf(err))
		return w.showSetUp(q, status, token, raw, errs)
	}
	if err := w.o.Sessions.Login(q.rw, q.Request, user); err != nil {
		return err
	}
	return q.redirect("/?done=welcome")
}
