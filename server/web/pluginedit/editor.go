package pluginedit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/luaapi/starter"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
)

// Routes adds the pages. The editor's addresses lie outside of /plugins/SLUG/,
// where plugins' own views are.
func (w *Pages) Routes(get, post frame.Registering) {
	get("/plugins", w.Need(access.Viewer, w.pluginsPage))
	get("/plugins/{slug}", w.Need(access.Viewer, w.pluginOrReference))
	get(referencePath, w.Need(access.Viewer, w.reference))
	post("/plugins/{slug}", w.Need(access.Admin, w.postPlugin))

	get("/plugin-editor", w.Need(access.Admin, w.newPlugin))
	post("/plugin-editor", w.Need(access.Admin, w.postEditor))
	get("/plugin-editor/{slug}", w.Need(access.Admin, w.openEditor))
	post("/plugin-editor/{slug}", w.Need(access.Admin, w.postEditor))
	get("/plugin-delete/{slug}", w.Need(access.Admin, w.askDeletePlugin))
	post("/plugin-delete/{slug}", w.Need(access.Admin, w.deletePlugin))
	get("/plugin-source/{slug}", w.Need(access.Editor, w.pluginSource))
	get("/plugin-versions/{slug}/{id}", w.Need(access.Editor, w.pluginVersion))
	post("/plugin-versions/{slug}/{id}", w.Need(access.Admin, w.restorePlugin))
}

// editorPage is the editor of a plugin.
type editorPage struct {
	*draft
	Action  string
	Back    string
	Message string // what else there is to say of the last attempt
	Notes   []string
	Checked bool // Problems are those of what is shown
	Loads   bool
	Found   []draftNote
	Diff    []fileDiff // with a stale draft: from what is there now
	Words   string     // JSON
	Form    string     // tells the forms of one draft from those of another
	Try     tryPart
}

// Problems is how many problems and warnings were found.
func (p *editorPage) Problems() (n int) {
	for _, f := range p.Found {
		n += frame.B2i(!f.Warning)
	}
	return n
}

// mayEdit is why plugins cannot be written here, if so.
func (w *Pages) mayEdit(q *frame.Request) error {
	if w.Engine.Plugins.CanEditPlugins() {
		return nil
	}
	_, err := w.Engine.Plugins.DraftPlugin(q.Context(), engine.PluginSource{})
	return err
}

func (w *Pages) newPlugin(q *frame.Request) error {
	if err := w.mayEdit(q); err != nil {
		return err
	}
	alert, slug := false, starter.Check
	if engine.PluginKind(q.URL.Query().Get("kind")) == engine.AlertPlugin {
		alert, slug = true, starter.Alert
	}
	text, _ := starter.Plugin(alert, slug)
	d := &draft{Path: slug + ".lua"}
	d.Files = []draftFile{{Shown: d.Path, Text: text}}
	return w.showEditor(q, http.StatusOK, &editorPage{draft: d}, w.look(q, d), nil)
}

func (w *Pages) openEditor(q *frame.Request) error {
	slug := mux.Vars(q.Request)["slug"]
	if err := w.mayEdit(q); err != nil {
		return err
	}
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	pg := &editorPage{}
	s, err := w.Engine.Plugins.PluginSource(slug)
	if err != nil {
		if s, err = w.lastVersion(q.Context(), entry, err); err != nil {
			return err
		}
		pg.Message = "The file is gone. This is the last version of it that was in force; saving writes it again."
	}
	pg.draft = draftOf(slug, s)
	if !pg.editable() {
		return &engine.Error{Kind: engine.Conflict, Message: "this plugin holds bytes that a browser would change: edit it in its folder"}
	}
	return w.showEditor(q, http.StatusOK, pg, w.look(q, pg.draft), nil)
}

// lastVersion is the newest kept version of a plugin whose file is gone.
func (w *Pages) lastVersion(ctx context.Context, entry engine.PluginEntry, gone error) (engine.PluginSource, error) {
	versions, err := w.Engine.Plugins.PluginVersions(ctx, entry.Path())
	if err != nil || len(versions) == 0 {
		return engine.PluginSource{}, gone
	}
	s := versions[0].Source
	s.Hash = ""
	return s, nil
}

// looked is what loading a draft aside found.
type looked struct {
	report engine.DraftReport
	notes  []string // what saving it means
	err    error
}

// look loads a draft aside.
func (w *Pages) look(q *frame.Request, d *draft) *looked {
	l := &looked{}
	l.report, l.err = w.Engine.Plugins.DraftPlugin(q.Context(), d.source())
	if l.err != nil {
		return l
	}
	mine := map[string]bool{}
	for _, p := range l.report.Plugins {
		slug := p.Meta().Slug
		mine[slug] = true
		if other, err := w.Engine.Plugins.Plugin(slug); err == nil && other.Shipped {
			l.notes = append(l.notes, fmt.Sprintf("The plugin %s comes with Moonwatch. Saving puts %s into the plugin folder, which takes its place; "+
				"delete that to have the one that comes with Moonwatch back.", slug, d.Path))
		}
	}
	if len(l.report.Problems) > 0 {
		return l
	}
	for _, slug := range w.slugsAt(d) {
		if !mine[slug] {
			use := w.Engine.Plugins.PluginUse(slug)
			l.notes = append(l.notes, fmt.Sprintf("It no longer defines the plugin %s, which %s, %s and %s use.", slug,
				drawing.Counted(len(use.Checks), "check"), drawing.Counted(len(use.Services), "service"), drawing.Counted(len(use.Instances), "instance")))
		}
	}
	return l
}

// slugsAt are the plugins that the file or folder of a draft defines now.
func (w *Pages) slugsAt(d *draft) []string {
	var out []string
	for _, entry := range w.Engine.Plugins.Plugins() {
		if d.Slug != "" && entry.Path() == d.Path && entry.Plugin != nil && !(entry.Orphaned && entry.Slug != d.Slug) {
			out = append(out, entry.Slug)
		}
	}
	return out
}

// showEditor draws the editor. tried is the try part as it was posted; nil draws
// it from nothing.
func (w *Pages) showEditor(q *frame.Request, status int, pg *editorPage, l *looked, try *tryPart) error {
	if l.err != nil {
		return l.err
	}
	pg.judge(l)
	pg.Action, pg.Back = "/plugin-editor", "/plugins"
	title := "New plugin"
	if pg.Slug != "" {
		pg.Action, pg.Back, title = "/plugin-editor/"+pg.Slug, "/plugins/"+pg.Slug, "Edit "+pg.Path
	}
	pg.Notes = l.notes
	if try == nil {
		try = w.freshTry(pg.draft, l)
	}
	pg.Try = *try
	pg.Words = w.words
	p := w.NewPage(q, title, "plugins")
	p.Body = pg
	w.Render(q.Writer, status, "plugin_editor", p)
	return nil
}

// judge puts what was found beside its lines.
func (p *editorPage) judge(l *looked) {
	p.Checked, p.Loads = true, len(l.report.Problems) == 0
	p.Form = formMark(l)
	for i := range p.Files {
		p.Files[i].Notes = nil
	}
	for _, one := range l.report.Problems {
		p.Found = append(p.Found, p.note(one, false))
	}
	for _, one := range l.report.Warnings {
		p.Found = append(p.Found, p.note(one, true))
	}
}

// postEditor does what the button says with the draft that was posted.
func (w *Pages) postEditor(q *frame.Request) error {
	slug := mux.Vars(q.Request)["slug"]
	if err := w.mayEdit(q); err != nil {
		return err
	}
	var before engine.PluginSource
	if slug != "" {
		entry, err := w.Engine.Plugins.Plugin(slug)
		if err != nil {
			return err
		}
		if before, err = w.Engine.Plugins.PluginSource(slug); err != nil {
			before = engine.PluginSource{Path: entry.Path()}
		}
	}
	d := postedDraft(slug, q.PostForm, before)
	if len(d.Files) == 0 {
		return &engine.Error{Kind: engine.Invalid, Message: "nothing of the plugin was sent"}
	}
	l := w.look(q, d)
	switch q.PostForm.Get("do") {
	case "problems":
		return w.answerProblems(q, d, l)
	case "save":
		return w.previewSave(q, d, l, before)
	case "write":
		return w.writePlugin(q, d, l, before)
	case "try":
		return w.tryDraft(q, d, l)
	}
	return w.showEditor(q, http.StatusOK, &editorPage{draft: d}, l, w.postedTry(q, d, l))
}

// answerProblems tells the editor's script what is wrong with the draft.
func (w *Pages) answerProblems(q *frame.Request, d *draft, l *looked) error {
	if l.err != nil {
		return l.err
	}
	pg := &editorPage{draft: d, Found: []draftNote{}}
	pg.judge(l)
	h := q.Writer.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	return json.NewEncoder(q.Writer).Encode(map[string]any{"found": pg.Found, "loads": pg.Loads, "form": pg.Form})
}
