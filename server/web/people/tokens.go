package people

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// tokenPage lists tokens and makes them.
type tokenPage struct {
	frame.FormPage
	Items  []tokenLine
	Secret string // of the one just made, shown once
	Made   string // its name
	All    bool   // of all users
}

type tokenLine struct {
	Token engine.Token
	Name  string // of the user
	Over  bool
}

// tokenForm are the fields of a new token. An admin makes them for others too.
func (w *Pages) tokenForm(q *frame.Request) form.Form {
	fields := []form.Field{{Type: form.Char, Name: "name", Required: true, MaxLength: ownform.Length(200), HelpText: "What it is for."}}
	if q.User.Role.Can(access.Admin) {
		fields = append(fields, form.Field{Type: form.ChoiceOne, Name: "user", Required: true,
			Choices:  w.UserChoices(),
			HelpText: "On whose behalf it acts."})
	}
	roles := []form.Choice{}
	for _, r := range access.Roles() {
		if q.User.Role.Can(r) {
			roles = append(roles, form.Choice{Value: string(r), Label: strings.ToUpper(string(r)[:1]) + string(r)[1:]})
		}
	}
	return form.Form{Fields: append(fields,
		form.Field{Type: form.ChoiceOne, Name: "role", Choices: roles, HelpText: "The most that it may do. Empty: what its user may do."},
		form.Field{Type: form.DateTime, Name: "expires", Label: "Works until", HelpText: "Empty: until it is revoked."})}
}

func (w *Pages) tokens(q *frame.Request) error {
	return w.showTokens(q, http.StatusOK, map[string]any{"user": q.User.ID}, webform.NewErrors(), false, "", "")
}

func (w *Pages) showTokens(q *frame.Request, status int, raw map[string]any, errs webform.Errors, posted bool, secret, made string) error {
	v := tokenPage{Secret: secret, Made: made, All: q.User.Role.Can(access.Admin)}
	v.Action, v.Save = "/tokens", "Make the token"
	for _, t := range w.Engine.Tokens.Tokens() {
		if t.User == q.User.ID || v.All {
			over := t.Expires != nil && !t.Expires.After(w.Options.Now())
			v.Items = append(v.Items, tokenLine{t, w.NameOfUser(t.User), over})
		}
	}
	slices.SortFunc(v.Items, func(a, b tokenLine) int { return strings.Compare(a.Token.Name, b.Token.Name) })
	v.Own = webform.Draw(w.tokenForm(q), raw, webform.Drawing{Errors: errs, Posted: posted})
	errs.Settle(v.Own)
	v.Errors = errs.All()
	p := w.NewPage(q, "Tokens", "tokens")
	p.Events = "types=token"
	p.Body = v
	w.Render(q.Writer, status, "tokens", p)
	return nil
}

func (w *Pages) makeToken(q *frame.Request) error {
	f := w.tokenForm(q)
	raw := f.FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	values, ok := q.CleanOwn(f, raw, errs)
	if !ok {
		return w.showTokens(q, http.StatusUnprocessableEntity, raw, errs, true, "", "")
	}
	t := engine.Token{Name: frame.TextOf(values["name"]), User: q.User.ID, Role: access.Role(frame.TextOf(values["role"]))}
	if q.User.Role.Can(access.Admin) {
		t.User = frame.TextOf(values["user"])
	}
	if at, err := time.Parse(time.RFC3339Nano, frame.TextOf(values["expires"])); err == nil {
		t.Expires = &at
	}
	secret, saved, err := w.Engine.Tokens.CreateToken(q.Context(), q.By(), t)
	if err != nil {
		if err := errs.AddError(err); err != nil {
			return err
		}
		status, _ := frame.StatusOf(engine.KindOf(err))
		return w.showTokens(q, status, raw, errs, true, "", "")
	}
	return w.showTokens(q, http.StatusCreated, map[string]any{"user": q.User.ID}, webform.NewErrors(), false, secret, saved.Name)
}

func (w *Pages) deleteToken(q *frame.Request) error {
	id := q.ID()
	for _, t := range w.Engine.Tokens.Tokens() {
		if t.ID != id {
			continue
		}
		if t.User != q.User.ID && !q.User.Role.Can(access.Admin) {
			break
		}
		if err := w.Engine.Tokens.DeleteToken(q.Context(), q.By(), id, nil); err != nil {
			return err
		}
		return q.Redirect("/tokens?done=revoked")
	}
	return &engine.Error{Kind: engine.NotFound, Message: "no such token"}
}
