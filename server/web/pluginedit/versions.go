package pluginedit

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

// versionLine is a version of a plugin in the list.
type versionLine struct {
	ID      string // within the plugin
	Version monitor.PluginVersion
	Running bool
}

// cost is what a plugin took since the start; nil when nobody counts.
func (w *Pages) cost(slug string) *engine.PluginStats {
	if w.Options.Runs == nil {
		return nil
	}
	cost := w.Options.Runs().Plugins[slug]
	return &cost
}

// pluginInside is what the page of a plugin shows of its inside.
type pluginInside struct {
	CanEdit   bool // plugins can be written here at all
	HasSource bool // there is something to read
	HasFile   bool // in the plugin folder
	Cost      *engine.PluginStats
	Versions  []versionLine
	Previews  []preview
}

// preview is one of the plugin's forms, as people are asked it.
type preview struct {
	Title string
	Form  webform.View
}

// inside gathers it. Editors see the versions.
func (w *Pages) inside(q *frame.Request, entry engine.PluginEntry) (pluginInside, error) {
	v := pluginInside{CanEdit: w.Engine.Plugins.CanEditPlugins(), HasFile: !entry.Shipped && !entry.Orphaned, Cost: w.cost(entry.Slug)}
	if entry.Plugin != nil {
		for _, one := range ownForms() {
			if f := entry.Plugin.Meta().Forms[one.name]; len(f.Fields) > 0 {
				v.Previews = append(v.Previews, preview{one.title, webform.Draw(f, f.Public(nil), webform.Drawing{
					Prefix: "preview." + string(one.name),
					Errors: webform.NewErrors(),
				})})
			}
		}
	}
	if !q.User.Role.Can("editor") {
		return v, nil
	}
	versions, err := w.Engine.Plugins.PluginVersions(q.Context(), entry.Path())
	if err != nil {
		return v, err
	}
	now, err := w.Engine.Plugins.PluginSource(entry.Slug)
	running := err == nil && !entry.Shipped
	v.HasSource = err == nil || len(versions) > 0
	for i, one := range versions {
		v.Versions = append(v.Versions, versionLine{versionID(one), one, running && i == 0 && one.Source.Hash == now.Hash})
	}
	return v, nil
}

type namedForm struct {
	name  engine.FormName
	title string
}

// ownForms are the forms of a plugin that others than an admin fill in.
func ownForms() []namedForm {
	return []namedForm{
		{engine.ConfigForm, "Settings of a check"},
		{engine.ServiceConfigForm, "Settings of a service"},
		{engine.UserConfigForm, "Settings of a user"},
	}
}

// versionID is a version's id within its plugin: the path before it has a slash.
func versionID(v monitor.PluginVersion) string { return strings.TrimPrefix(v.ID, v.Path+"/") }

// sourcePage is the source of a plugin, to read.
type sourcePage struct {
	Card    frame.PluginCard
	File    string
	Files   []sourceFile
	CanEdit bool
}

type sourceFile struct {
	Name  string
	Lines []string
}

func (w *Pages) pluginSource(q *frame.Request) error {
	slug := mux.Vars(q.Request)["slug"]
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	s, err := w.Engine.Plugins.PluginSource(slug)
	if err != nil {
		if s, err = w.lastVersion(q.Context(), entry, err); err != nil {
			return err
		}
	}
	pg := sourcePage{Card: frame.CardOf(slug, entry, true), File: entry.File, CanEdit: w.Engine.Plugins.CanEditPlugins()}
	for _, f := range draftOf(slug, s).Files {
		pg.Files = append(pg.Files, sourceFile{f.Shown, textLines(strings.ToValidUTF8(unixLines(f.Text), "\uFFFD"))})
	}
	p := w.NewPage(q, "Source of "+pg.Card.Name, "plugins")
	p.Body = pg
	w.Render(q.Writer, http.StatusOK, "plugin_source", p)
	return nil
}

// versionPage is one version beside what runs.
type versionPage struct {
	Card    frame.PluginCard
	ID      string
	Version monitor.PluginVersion
	Diff    []fileDiff // from what is in the folder to the version
	Files   []sourceFile
	CanEdit bool
}

// version finds a version of a plugin by the ids in the path.
func (w *Pages) version(q *frame.Request) (engine.PluginEntry, monitor.PluginVersion, error) {
	entry, err := w.Engine.Plugins.Plugin(mux.Vars(q.Request)["slug"])
	if err != nil {
		return entry, monitor.PluginVersion{}, err
	}
	versions, err := w.Engine.Plugins.PluginVersions(q.Context(), entry.Path())
	if err != nil {
		return entry, monitor.PluginVersion{}, err
	}
	for _, v := range versions {
		if versionID(v) == q.ID() {
			return entry, v, nil
		}
	}
	return entry, monitor.PluginVersion{}, &engine.Error{Kind: engine.NotFound, Message: "no such version: the oldest are not kept for ever"}
}

func (w *Pages) pluginVersion(q *frame.Request) error {
	entry, v, err := w.version(q)
	if err != nil {
		return err
	}
	pg := versionPage{Card: frame.CardOf(entry.Slug, entry, true), ID: versionID(v), Version: v, CanEdit: w.Engine.Plugins.CanEditPlugins()}
	now, err := w.Engine.Plugins.PluginSource(entry.Slug)
	if err != nil {
		now = engine.PluginSource{Path: v.Path}
	}
	now.Path = v.Path
	pg.Diff = diffSources(now, v.Source)
	for _, f := range draftOf(entry.Slug, v.Source).Files {
		pg.Files = append(pg.Files, sourceFile{f.Shown, textLines(strings.ToValidUTF8(unixLines(f.Text), "\uFFFD"))})
	}
	p := w.NewPage(q, "A version of "+pg.Card.Name, "plugins")
	p.Body = pg
	w.Render(q.Writer, http.StatusOK, "plugin_version", p)
	return nil
}

func (w *Pages) restorePlugin(q *frame.Request) error {
	entry, v, err := w.version(q)
	if err != nil {
		return err
	}
	if err := w.Engine.Plugins.RestorePlugin(q.Context(), q.By(), v.ID); err != nil {
		return err
	}
	slug := entry.Slug
	if slugs := v.Source.Slugs; len(slugs) > 0 && !slices.Contains(slugs, slug) {
		slug = slugs[0]
	}
	return q.Redirect("/plugins/" + slug + "?done=restored")
}
