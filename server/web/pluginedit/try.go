package pluginedit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// tryPart is the part of the editor in which a draft is tried.
type tryPart struct {
	Plugins []webform.Option // check plugins of the draft
	Checks  []webform.Option // existing checks whose settings can be used
	Values  webform.View     // settings to try with in place of theirs
	HasForm bool
	Errors  []webform.Error
	Tried   *triedDraft
	Failed  string // why it was not tried
	Loads   bool
	Alert   bool // the draft defines alert plugins alone
}

// triedDraft is what a run of a draft came to.
type triedDraft struct {
	frame.Tried
	Check        string // whose settings were used
	Calls        []callView
	More         int
	Instructions float64
	Memory       uint64 // bytes, the most that the run was seen to hold
}

// callView is something that a run did outside.
type callView struct {
	Kind, Target, Request, Answer, Error string
	At, Took                             float64 // seconds; At is since the run began
}

// formMark tells the forms of one draft from those of another: with another
// mark, the form to try with has to be drawn anew. It is "" for one that does
// not load.
func formMark(l *looked) string {
	if len(l.report.Plugins) == 0 {
		return ""
	}
	sum := sha256.New()
	for _, p := range l.report.Plugins {
		if m := p.Meta(); m.Kind == engine.CheckPlugin {
			schema, _ := json.Marshal(m.Forms[engine.ConfigForm].Fields)
			sum.Write([]byte(m.Slug))
			sum.Write(schema)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// chosen is the check plugin of a draft with a slug, or the first.
func (l *looked) chosen(slug string) *engine.PluginMeta {
	var first *engine.PluginMeta
	for _, p := range l.report.Plugins {
		if m := p.Meta(); m.Kind == engine.CheckPlugin {
			if m.Slug == slug {
				return m
			}
			if first == nil {
				first = m
			}
		}
	}
	return first
}

// freshTry is the try part before anything was typed into it.
func (w *Pages) freshTry(d *draft, l *looked) *tryPart {
	return w.tryPart(d, l, d.Slug, "", nil, webform.Drawing{Prefix: "config", Errors: webform.NewErrors()})
}

func (w *Pages) tryPart(d *draft, l *looked, slug, check string, raw map[string]any, draw webform.Drawing) *tryPart {
	t := &tryPart{Loads: len(l.report.Problems) == 0}
	m := l.chosen(slug)
	if m == nil {
		t.Alert = t.Loads
		return t
	}
	for _, p := range l.report.Plugins {
		if one := p.Meta(); one.Kind == engine.CheckPlugin {
			t.Plugins = append(t.Plugins, webform.Option{Value: one.Slug, Label: one.Name, Selected: one == m})
		}
	}
	t.Checks = append(t.Checks, webform.Option{Label: "The values below", Selected: check == ""})
	slugs := append(w.slugsAt(d), m.Slug)
	for _, c := range w.Engine.Checks.BareChecks() {
		if slices.Contains(slugs, c.Plugin) && len(t.Checks) <= 500 {
			t.Checks = append(t.Checks, webform.Option{Value: c.ID, Label: c.Name, Selected: c.ID == check})
		}
	}
	f := m.Forms[engine.ConfigForm]
	t.HasForm = len(f.Fields) > 0
	if raw == nil {
		raw = f.Public(nil)
	}
	t.Values = webform.Draw(f, raw, draw)
	draw.Errors.Settle(t.Values)
	t.Errors = draw.Errors.All()
	return t
}

// postedTry is the try part with what was typed into it.
func (w *Pages) postedTry(q *frame.Request, d *draft, l *looked) *tryPart {
	t, _ := w.readTry(q, d, l, webform.NewErrors())
	return t
}

// readTry reads the try part, and the check that it makes.
func (w *Pages) readTry(q *frame.Request, d *draft, l *looked, errs webform.Errors) (*tryPart, engine.Check) {
	posted := q.PostForm
	m := l.chosen(posted.Get("try_plugin"))
	if m == nil {
		return w.tryPart(d, l, "", "", nil, webform.Drawing{}), engine.Check{}
	}
	f := m.Forms[engine.ConfigForm]
	blank, _ := webform.ChangeRows(f, "config", posted)
	draw := webform.Drawing{Prefix: "config", Errors: errs, Posted: true, Blank: blank}
	raw := f.FromWeb(posted, "config")
	for i := range f.Fields { // a field that the draft got since the form was drawn
		if name := f.Fields[i].Name; posted.Get("form") != formMark(l) && !drawnBefore(posted, name) {
			raw[name] = f.Public(nil)[name]
		}
	}
	c := engine.NewCheck()
	c.Plugin, c.Config = m.Slug, form.Values(raw)
	if id := posted.Get("try_check"); id != "" {
		c.ID = id
	}
	return w.tryPart(d, l, m.Slug, c.ID, raw, draw), c
}

// drawnBefore reports whether a field was on the page that was posted: its names
// were listed there, as a box that is not ticked posts nothing.
func drawnBefore(posted map[string][]string, name string) bool {
	return slices.Contains(posted["drawn"], name)
}

// tryDraft runs the draft once and shows what came of it.
func (w *Pages) tryDraft(q *frame.Request, d *draft, l *looked) error {
	pg := &editorPage{draft: d}
	if l.err != nil {
		return l.err
	}
	errs := webform.NewErrors()
	t, c := w.readTry(q, d, l, errs)
	if len(t.Plugins) == 0 {
		t.Failed = "The draft does not load: nothing was tried."
		if t.Alert {
			t.Failed = "Alert plugins are tried by a test alert of a service."
		}
		return w.showEditor(q, http.StatusUnprocessableEntity, pg, l, t)
	}
	name := ""
	if c.ID != "" {
		stored, err := w.Engine.Checks.StoredCheck(c.ID)
		if err != nil || !slices.ContainsFunc(t.Checks, func(o webform.Option) bool { return o.Value == c.ID }) {
			return &engine.Error{Kind: engine.NotFound, Message: "no check of this plugin has that id"}
		}
		c.Timeout, name = stored.Timeout, stored.Name
	}
	ctx, cancel := context.WithTimeout(q.Context(), c.Timeout.Std()+5*time.Second)
	defer cancel()
	r, report, err := w.Engine.Plugins.TryPlugin(ctx, d.source(), c.Plugin, c)
	if err != nil {
		status, message, rest := frame.Outcome(err, "plugin", errs)
		if rest != nil {
			return rest
		}
		t, _ = w.readTry(q, d, l, errs)
		t.Failed = message
		if t.Failed == "" {
			t.Failed = "It was not tried: the values below are not right yet."
		}
		return w.showEditor(q, status, pg, l, t)
	}
	t.Tried = &triedDraft{
		Tried:        frame.Tried{Result: r, At: w.Options.Now()},
		Check:        name,
		More:         report.More,
		Instructions: float64(report.Run.Instructions),
		Memory:       report.Run.Memory,
	}
	for _, one := range report.Calls {
		t.Tried.Calls = append(t.Tried.Calls, callView{one.Kind, one.Target, one.Request, one.Answer, one.Error,
			max(one.Start.Sub(report.Calls[0].Start).Seconds(), 0), one.Took.Seconds()})
	}
	return w.showEditor(q, http.StatusOK, pg, l, t)
}
