package subjects

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// subjectFormPage is the page of a service's or an instance's form.
type subjectFormPage struct {
	frame.FormPage
	S         *lookup.Subject
	Alerts    []alertView
	Duplicate bool
}

// alertView is one alert plugin that a subject can use, with its form.
type alertView struct {
	Name   string // posted when it is chosen: "alerts.SLUG"
	ID     string
	Plugin frame.PluginCard
	On     bool
	Form   webform.View
	ShowIf string
	Errors []string
	Needs  string // what the plugin lacks to send with the stored settings
}

// subjectEdit is one look at the form of a subject.
type subjectEdit struct {
	base   *lookup.Subject
	own    map[string]any
	alerts map[string]alertInput // by slug, those that are chosen
	draw   webform.Drawing
	page   subjectFormPage
	status int
}

type alertInput struct {
	on     bool
	values map[string]any // raw
}

func (w *Pages) editSubject(base *lookup.Subject) *subjectEdit {
	e := &subjectEdit{base: base, own: subjectRaw(base), alerts: map[string]alertInput{}, draw: webform.Drawing{Errors: webform.NewErrors()},
		page: subjectFormPage{FormPage: frame.FormPage{Revision: base.Meta.Revision}}, status: http.StatusOK}
	for _, a := range base.Alerting.Alerts {
		e.alerts[a.Plugin] = alertInput{true, w.Engine.Public(a.Plugin, engine.ServiceConfigForm, a.Settings)}
	}
	return e
}

func (w *Pages) newSubjectForm(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		base := lookup.NewSubject(kind)
		if check := q.URL.Query().Get("check"); check != "" {
			if c, err := w.Engine.Checks.StoredCheck(check); err == nil {
				base.Alerting.StatusChecks = []string{check}
				base.Name = c.Name
			}
		}
		base.Alerting.UsersToNotify = []string{q.User.ID}
		return w.showSubjectForm(q, w.editSubject(base))
	}
}

func (w *Pages) subjectEditForm(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		base, err := w.SubjectStored(kind, q.ID())
		if err != nil {
			return err
		}
		return w.showSubjectForm(q, w.editSubject(base))
	}
}

func (w *Pages) duplicateSubject(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		base, err := w.SubjectStored(kind, q.ID())
		if err != nil {
			return err
		}
		back := base.Path()
		taken := map[string]bool{}
		for _, s := range w.Subjects(kind) {
			taken[s.Name] = true
		}
		name := drawing.Short("Copy of "+base.Name, 190)
		for n := 2; taken[name]; n++ {
			name = drawing.Short("Copy of "+base.Name, 190) + " " + strconv.Itoa(n)
		}
		base.Name, base.Meta = name, engine.Meta{}
		e := w.editSubject(base)
		for slug, a := range e.alerts {
			a.values = ownform.WithoutSecrets(a.values)
			e.alerts[slug] = a
		}
		base.Alerting.Alerts = nil // secrets of another object are not there
		e.page.Duplicate, e.page.Back = true, back
		return w.showSubjectForm(q, e)
	}
}

// showSubjectForm draws the form.
func (w *Pages) showSubjectForm(q *frame.Request, e *subjectEdit) error {
	pg := &e.page
	s := e.base
	pg.S = s
	kind := string(s.Kind)
	title := "New " + kind
	pg.Action, pg.Save = "/"+s.Plural()+"/new", "Create the "+kind
	if s.Meta.ID != "" {
		pg.Action, pg.Save, pg.Back, title = s.Path()+"/edit", "Save", s.Path(), "Edit "+s.Name
	} else if pg.Back == "" {
		pg.Back = "/" + s.Plural()
	}
	pg.Own = webform.Draw(w.subjectForm(s.Kind, s.Meta.ID), e.own, e.draw)
	pg.Own.Each(func(f *webform.Field) {
		if f.Kind == "checks" {
			ownform.ChosenFirst(f)
		}
	})
	pg.Alerts = w.drawAlerts(e)
	forms := []webform.View{pg.Own}
	for _, a := range pg.Alerts {
		forms = append(forms, a.Form)
	}
	e.draw.Errors.Settle(forms...)
	pg.Errors = e.draw.Errors.All()
	p := w.NewPage(q, title, s.Plural())
	p.Body = *pg
	w.Render(q.Writer, e.status, "subjectform", p)
	return nil
}

// drawAlerts lays out all alert plugins, those that are chosen and gone included.
func (w *Pages) drawAlerts(e *subjectEdit) []alertView {
	cards := w.Cards(engine.AlertPlugin)
	for _, slug := range slices.Sorted(maps.Keys(e.alerts)) {
		if !slices.ContainsFunc(cards, func(c frame.PluginCard) bool { return c.Slug == slug }) {
			cards = append(cards, w.Card(slug))
		}
	}
	stored := map[string]form.Values{}
	for _, a := range e.base.Alerting.Alerts {
		stored[a.Plugin] = w.Engine.Public(a.Plugin, engine.ServiceConfigForm, a.Settings)
	}
	var out []alertView
	for _, card := range cards {
		in, chosen := e.alerts[card.Slug]
		v := alertView{
			Name:   "alerts." + card.Slug,
			ID:     webform.IDOf("alerts." + card.Slug),
			Plugin: card,
			On:     chosen && in.on,
			Needs:  w.Engine.Incidents.AlertNeeds(card.Slug, e.base.AlertSettings(card.Slug)),
		}
		v.ShowIf = `{"` + v.Name + `":["true"]}`
		v.Errors = e.draw.Errors.Take(v.Name)
		if f, _, known := w.PluginForm(card.Slug, engine.ServiceConfigForm); known {
			d := e.draw
			d.Prefix, d.Stored = v.Name+".settings", stored[card.Slug]
			d.Posted = d.Posted && chosen
			v.Form = webform.Draw(f, in.values, d)
		}
		out = append(out, v)
	}
	return out
}

// postedSubject reads the form.
func (w *Pages) postedSubject(q *frame.Request, base *lookup.Subject) (e *subjectEdit, s lookup.Subject, ready bool) {
	e = w.editSubject(base)
	e.draw.Posted = true
	posted := q.PostForm
	e.page.Revision = frame.Revision(posted)
	own := w.subjectForm(base.Kind, base.Meta.ID)
	rows := w.readAlerts(e, posted)
	if strings.Contains(posted.Get(webform.RowsButton), ":escalation") {
		e.draw.Blank, _ = webform.ChangeRows(own, "", posted)
	}
	e.own = own.FromWeb(posted, "")
	if rows {
		return e, lookup.Subject{}, false
	}
	s = *base
	s.Meta.Revision = e.page.Revision
	values, ok := q.CleanOwn(own, e.own, e.draw.Errors)
	if ok {
		applySubject(&s, values)
	}
	s.Alerting.Alerts = e.choices()
	return e, s, true
}

// readAlerts reads which alert plugins are chosen and their values, and reports
// whether the form was posted to add or remove a row.
func (w *Pages) readAlerts(e *subjectEdit, posted url.Values) (rows bool) {
	old := e.alerts
	e.alerts = map[string]alertInput{}
	slugs := map[string]bool{}
	for _, card := range w.Cards(engine.AlertPlugin) {
		slugs[card.Slug] = true
	}
	for slug := range old {
		slugs[slug] = true
	}
	rows = posted.Has(webform.RowsButton)
	for _, slug := range slices.Sorted(maps.Keys(slugs)) {
		in := alertInput{on: posted.Get("alerts."+slug) != ""}
		f, _, known := w.PluginForm(slug, engine.ServiceConfigForm)
		prefix := "alerts." + slug + ".settings"
		if known {
			if strings.Contains(posted.Get(webform.RowsButton), ":"+prefix+".") {
				e.draw.Blank, _ = webform.ChangeRows(f, prefix, posted)
			}
			in.values = f.FromWeb(posted, prefix)
		}
		if in.on || known {
			e.alerts[slug] = in
		}
	}
	return rows
}

// choices are the alerts as the engine takes them, in the order that is stored,
// new ones last. Of a plugin that is not there the stored settings stay.
func (e *subjectEdit) choices() []engine.AlertChoice {
	out := []engine.AlertChoice{}
	seen := map[string]bool{}
	for _, a := range e.base.Alerting.Alerts {
		if in := e.alerts[a.Plugin]; in.on {
			seen[a.Plugin] = true
			if in.values == nil {
				out = append(out, a)
				continue
			}
			out = append(out, engine.AlertChoice{Plugin: a.Plugin, Settings: in.values})
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(e.alerts)) {
		if in := e.alerts[slug]; in.on && !seen[slug] {
			out = append(out, engine.AlertChoice{Plugin: slug, Settings: in.values})
		}
	}
	return out
}

// complain notes what the engine says; its places of alerts become names.
func (e *subjectEdit) complain(err error, alerts []engine.AlertChoice) error {
	var bad *engine.Error
	if errors.As(err, &bad) {
		renamed := *bad
		renamed.Fields = slices.Clone(bad.Fields)
		for i := range renamed.Fields {
			f := &renamed.Fields[i]
			for n := range alerts {
				place := "alerts[" + strconv.Itoa(n) + "]"
				if rest, ok := strings.CutPrefix(f.Location, place); ok {
					f.Location = "alerts." + alerts[n].Plugin + strings.TrimSuffix(rest, ".plugin")
				}
			}
		}
		err = &renamed
	}
	status, message, rest := frame.Outcome(err, string(e.base.Kind), e.draw.Errors)
	if rest != nil {
		return rest
	}
	e.status, e.page.Message = status, message
	return nil
}

func (w *Pages) saveNewSubject(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error { return w.storeSubject(q, lookup.NewSubject(kind)) }
}

func (w *Pages) saveOldSubject(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		base, err := w.SubjectStored(kind, q.ID())
		if engine.KindOf(err) == engine.NotFound {
			e, _, _ := w.postedSubject(q, lookup.NewSubject(kind))
			e.status, e.page.Message, _ = frame.Outcome(err, string(kind), e.draw.Errors)
			e.page.Revision = 0
			return w.showSubjectForm(q, e)
		}
		if err != nil {
			return err
		}
		return w.storeSubject(q, base)
	}
}

func (w *Pages) storeSubject(q *frame.Request, base *lookup.Subject) error {
	e, s, ready := w.postedSubject(q, base)
	if !ready {
		return w.showSubjectForm(q, e)
	}
	if e.draw.Errors.Any() { // of its own fields: what is wrong with the plugins' is told with it
		err := frame.Only(lookup.ValidateSubject(q, w.Engine, &s), "alerts")
		if err = e.complain(err, s.Alerting.Alerts); err != nil {
			return err
		}
		return w.showSubjectForm(q, e)
	}
	id, err := lookup.SaveSubject(q, w.Engine, &s)
	if err != nil {
		if err = e.complain(err, s.Alerting.Alerts); err != nil {
			return err
		}
		if e.status == http.StatusPreconditionFailed {
			e.page.Revision = base.Meta.Revision
		}
		return w.showSubjectForm(q, e)
	}
	done := "saved"
	if base.Meta.ID == "" {
		done = "made"
	}
	return q.Redirect("/" + base.Plural() + "/" + id + "?done=" + done)
}
