package checks

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// checkPage is the page of a check's form.
type checkPage struct {
	frame.FormPage
	ID        string
	Name      string
	Plugin    frame.PluginCard
	Hash      string // of the plugin that the form was drawn from
	Config    webform.View
	Duplicate bool
	Tried     *frame.Tried
}

// checkEdit is one look at the form of a check.
type checkEdit struct {
	base   engine.Check   // stored, or the defaults of a new one
	own    map[string]any // raw
	config map[string]any // raw
	draw   webform.Drawing
	page   checkPage
	status int
}

// chooseData is the page on which a new check begins.
type chooseData struct {
	Plugins   []frame.PluginCard
	PluginDir string
}

func (w *Pages) newCheck(q *frame.Request) error {
	slug := q.URL.Query().Get("plugin")
	if slug == "" {
		p := w.NewPage(q, "New check", "checks")
		p.Events = "types=plugin"
		p.Body = chooseData{Plugins: w.Cards(engine.CheckPlugin), PluginDir: w.Options.PluginDir}
		w.Render(q.Writer, http.StatusOK, "choose", p)
		return nil
	}
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	if entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.CheckPlugin {
		return &engine.Error{Kind: engine.NotFound, Message: "no check plugin has the slug " + slug}
	}
	base := engine.NewCheck()
	base.Plugin = slug
	e := w.editCheck(base)
	e.own["name"] = ""
	return w.showCheckForm(q, e)
}

func (w *Pages) checkEditForm(q *frame.Request) error {
	base, err := w.Engine.Checks.StoredCheck(q.ID())
	if err != nil {
		return err
	}
	return w.showCheckForm(q, w.editCheck(base))
}

func (w *Pages) duplicateCheck(q *frame.Request) error {
	base, err := w.Engine.Checks.StoredCheck(q.ID())
	if err != nil {
		return err
	}
	shown := w.Engine.Public(base.Plugin, engine.ConfigForm, base.Config)
	base.Name = w.copyName(base.Name)
	back := "/checks/" + base.ID
	base.ID, base.Revision = "", 0
	e := w.editCheck(base)
	e.config = ownform.WithoutSecrets(shown)
	e.draw.Stored = nil
	e.page.Duplicate, e.page.Back = true, back
	return w.showCheckForm(q, e)
}

// copyName is the first free name for a copy.
func (w *Pages) copyName(name string) string {
	taken := map[string]bool{}
	for _, c := range w.Engine.Checks.BareChecks() {
		taken[c.Name] = true
	}
	copied := drawing.Short("Copy of "+name, 190)
	for n := 2; taken[copied]; n++ {
		copied = drawing.Short("Copy of "+name, 190) + " " + strconv.Itoa(n)
	}
	return copied
}

// editCheck begins the form of a check as it is stored.
func (w *Pages) editCheck(base engine.Check) *checkEdit {
	public := w.Engine.Public(base.Plugin, engine.ConfigForm, base.Config)
	return &checkEdit{base: base, own: checkRaw(&base), config: public, status: http.StatusOK,
		draw: webform.Drawing{Stored: public, Errors: webform.NewErrors()}, page: checkPage{FormPage: frame.FormPage{Revision: base.Revision}}}
}

// showCheckForm draws the form.
func (w *Pages) showCheckForm(q *frame.Request, e *checkEdit) error {
	pg := &e.page
	pg.ID, pg.Name = e.base.ID, e.base.Name
	title := "New check"
	pg.Action, pg.Save = "/checks/new", "Create the check"
	if pg.ID != "" {
		pg.Action, pg.Save = "/checks/"+pg.ID+"/edit", "Save"
		pg.Back, title = "/checks/"+pg.ID, "Edit "+e.base.Name
	} else if pg.Back == "" {
		pg.Back = "/checks/new"
	}
	pg.Plugin = w.Card(e.base.Plugin)
	own := e.draw
	own.Stored = nil
	pg.Own = webform.Draw(checkForm(), e.own, own)
	pg.Own.Each(func(f *webform.Field) {
		if f.Name == "schedule.time_zone" {
			f.Suggestions = ownform.Zones()
		}
	})
	f, hash, known := w.PluginForm(e.base.Plugin, engine.ConfigForm)
	if known {
		pg.Hash = hash
		config := e.draw
		config.Prefix = "config"
		pg.Config = webform.Draw(f, e.config, config)
	}
	e.draw.Errors.Settle(pg.Own, pg.Config)
	pg.Errors = e.draw.Errors.All()
	p := w.NewPage(q, title, "checks")
	p.Body = *pg
	w.Render(q.Writer, e.status, "checkform", p)
	return nil
}

// postedCheck reads the form: values that are not good are noted in e, and the
// check is what can be tried or saved when none were.
func (w *Pages) postedCheck(q *frame.Request, base engine.Check) (e *checkEdit, c engine.Check, good bool) {
	e = w.editCheck(base)
	if e.base.ID == "" {
		e.draw.Stored = nil
	}
	e.draw.Posted = true
	posted := q.PostForm
	e.page.Revision = frame.Revision(posted)
	f, hash, known := w.PluginForm(base.Plugin, engine.ConfigForm)
	blank, rows := webform.ChangeRows(f, "config", posted)
	e.draw.Blank = blank
	e.own = checkForm().FromWeb(posted, "")
	c = base
	c.Revision = e.page.Revision
	if known {
		e.config = f.FromWeb(posted, "config")
		c.Config = e.config
	}
	if rows {
		return e, c, false
	}
	own := e.own
	if posted.Get("do") == "try" && strings.TrimSpace(frame.TextOf(own["name"])) == "" {
		own = maps.Clone(own)
		own["name"] = "Not saved yet" // a check can be tried before it has a name
	}
	values, ok := q.CleanOwn(checkForm(), own, e.draw.Errors)
	if ok {
		applyCheck(&c, values)
	}
	if before := posted.Get("hash"); known && before != "" && before != hash {
		e.page.Message = "The plugin was changed while this page was open. The form below is that of its new version, " + w.Card(base.Plugin).Version + "."
	}
	return e, c, true
}

// complain notes what the engine says of a check.
func (e *checkEdit) complain(err error) error {
	status, message, rest := frame.Outcome(err, "check", e.draw.Errors)
	if rest != nil {
		return rest
	}
	e.status = status
	if message != "" {
		e.page.Message = message
	}
	return nil
}

func (w *Pages) saveNewCheck(q *frame.Request) error {
	base := engine.NewCheck()
	base.Plugin = q.PostForm.Get("plugin")
	return w.saveCheck(q, base)
}

func (w *Pages) saveOldCheck(q *frame.Request) error {
	base, err := w.Engine.Checks.StoredCheck(q.ID())
	if engine.KindOf(err) == engine.NotFound {
		base = engine.NewCheck()
		base.Plugin = q.PostForm.Get("plugin")
		e, _, _ := w.postedCheck(q, base)
		e.status, e.page.Message, _ = frame.Outcome(err, "check", e.draw.Errors)
		e.page.Revision = 0
		return w.showCheckForm(q, e)
	}
	if err != nil {
		return err
	}
	return w.saveCheck(q, base)
}

// saveCheck saves, tries, or adds and removes rows, as the button says.
func (w *Pages) saveCheck(q *frame.Request, base engine.Check) error {
	e, c, ready := w.postedCheck(q, base)
	if !ready {
		return w.showCheckForm(q, e)
	}
	if e.draw.Errors.Any() { // of the check's own fields: what is wrong with the plugin's is told with it
		err := frame.Only(w.Engine.Checks.ValidateCheck(q.Context(), q.By(), c), "config")
		if err = e.complain(err); err != nil {
			return err
		}
		return w.showCheckForm(q, e)
	}
	if q.PostForm.Get("do") == "try" {
		return w.tryCheck(q, e, c)
	}
	saved, err := w.Engine.Checks.SaveCheck(q.Context(), q.By(), c)
	if err != nil {
		if err = e.complain(err); err != nil {
			return err
		}
		if e.status == http.StatusPreconditionFailed {
			e.page.Revision = base.Revision
		}
		return w.showCheckForm(q, e)
	}
	done := "?done=saved"
	if base.ID == "" {
		done = "?done=created"
	}
	return q.Redirect("/checks/" + saved.ID + done)
}

// tryCheck runs the form's values once and shows what came of it beside them.
func (w *Pages) tryCheck(q *frame.Request, e *checkEdit, c engine.Check) error {
	ctx, cancel := context.WithTimeout(q.Context(), c.Timeout.Std()+5*time.Second)
	defer cancel()
	r, err := w.Engine.TryCheck(ctx, c)
	if err != nil {
		if err = e.complain(err); err != nil {
			return err
		}
		return w.showCheckForm(q, e)
	}
	e.page.Tried = &frame.Tried{Result: r, At: w.Options.Now()}
	return w.showCheckForm(q, e)
}
