package pluginedit

import (
	"net/http"
	"slices"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// savePage shows what a save would change, and asks.
type savePage struct {
	*draft
	Action  string
	Diff    []fileDiff
	Notes   []string
	Warning []draftNote
	Uses    int
}

// previewSave shows the difference between the files and the draft.
func (w *Pages) previewSave(q *frame.Request, d *draft, l *looked, before engine.PluginSource) error {
	pg := &editorPage{draft: d}
	switch {
	case l.err != nil:
		return l.err
	case len(l.report.Problems) > 0:
		pg.Message = "It does not load yet, so it was not saved. What you wrote is still here."
		return w.showEditor(q, http.StatusUnprocessableEntity, pg, l, w.postedTry(q, d, l))
	case d.Base != before.Hash:
		return w.stale(q, d, l, before)
	}
	diff := diffSources(before, d.source())
	if len(diff) == 0 {
		pg.Message = "Nothing was changed, so there is nothing to save."
		return w.showEditor(q, http.StatusOK, pg, l, w.postedTry(q, d, l))
	}
	v := savePage{draft: d, Diff: diff, Notes: l.notes, Action: "/plugin-editor"}
	if d.Slug != "" {
		v.Action += "/" + d.Slug
	}
	for _, slug := range w.slugsAt(d) {
		use := w.Engine.Plugins.PluginUse(slug)
		v.Uses += len(use.Checks) + len(use.Services) + len(use.Instances)
	}
	for _, one := range l.report.Warnings {
		v.Warning = append(v.Warning, d.note(one, true))
	}
	p := w.NewPage(q, "Save "+d.Path, "plugins")
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "plugin_save", p)
	return nil
}

// writePlugin puts the draft in force.
func (w *Pages) writePlugin(q *frame.Request, d *draft, l *looked, before engine.PluginSource) error {
	if l.err != nil {
		return l.err
	}
	pg := &editorPage{draft: d}
	if len(l.report.Problems) > 0 {
		pg.Message = "It does not load, so it was not saved. What you wrote is still here."
		return w.showEditor(q, http.StatusUnprocessableEntity, pg, l, nil)
	}
	err := w.Engine.Plugins.SavePlugin(q.Context(), q.By(), d.Slug, d.Base, d.source())
	var known *engine.Error
	switch {
	case err == nil:
		slug := l.report.Plugins[0].Meta().Slug
		if slices.ContainsFunc(l.report.Plugins, func(p engine.Plugin) bool { return p.Meta().Slug == d.Slug }) {
			slug = d.Slug
		}
		return q.Redirect("/plugins/" + slug + "?done=saved")
	case engine.KindOf(err) == engine.Stale:
		if now, err := w.Engine.Plugins.PluginSource(d.Slug); d.Slug != "" && err == nil {
			before = now
		}
		return w.stale(q, d, l, before)
	case frame.AsError(err, &known) && known.Kind != engine.Forbidden:
		pg.Message = webform.Sentence(known.Message) + " What you wrote is still here."
		status, _ := frame.StatusOf(known.Kind)
		return w.showEditor(q, status, pg, l, nil)
	}
	return err
}

// stale shows the draft again, and how it differs from what is there by now.
func (w *Pages) stale(q *frame.Request, d *draft, l *looked, now engine.PluginSource) error {
	pg := &editorPage{draft: d}
	if d.Slug == "" {
		pg.Message = "There is a plugin in " + d.Path + " already. Nothing was saved; choose another name for the file."
	} else {
		pg.Message = "The plugin was changed while you were editing it. Nothing was saved, and what you wrote is still here. " +
			"Below is how it differs from what is there now: save again to put yours in its place."
		pg.Diff = diffSources(now, d.source())
		d.Base = now.Hash
	}
	return w.showEditor(q, http.StatusPreconditionFailed, pg, l, w.postedTry(q, d, l))
}
