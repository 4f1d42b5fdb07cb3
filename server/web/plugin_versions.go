package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
	"moonwatch/server/web/webform"
)

// versionLine is a version of a plugin in the list.
type versionLine struct {
	ID      string // within the plugin
	Version monitor.PluginVersion
	Running bool
}

// cost is what a plugin took since the start; nil when nobody counts.
func (w *pluginPages) cost(slug string) *engine.PluginStats {
	if w.o.Runs == nil {
		return nil
	}
	cost := w.o.Runs().Plugins[slug]
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
func (w *pluginPages) inside(q *request, entry engine.PluginEntry) (pluginInside, error) {
	v := pluginInside{CanEdit: w.engine.Plugins.CanEditPlugins(), HasFile: !entry.Shipped && !entry.Orphaned, Cost: w.cost(entry.Slug)}
	if entry.Plugin != nil {
		for _, one := range ownForms() {
			if f := entry.Plugin.Meta().Forms[one.name]; len(f.Fields) > 0 {
				v.Previews = append(v.Previews, preview{one.title, webform.Draw(f, f.Public(nil), webform.Drawing{Prefix: "preview." + string(one.name), Errors: webform.NewErrors()})})
			}
		}
	}
	if !q.user.Role.Can("editor") {
		return v, nil
	}
	versions, err := w.engine.Plugins.PluginVersions(q.Context(), entry.Path())
	if err != nil {
		return v, err
	}
	now, err := w.engine.Plugins.PluginSource(entry.Slug)
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
	return []namedForm{{engine.ConfigForm, "Settings of a check"}, {engine.ServiceConfigForm, "Settings of a service"}, {engine.UserConfigForm, "Settings of a user"}}
}

// versionID is a version's id within its plugin: the path before it has a slash.
func versionID(v monitor.PluginVersion) string { return strings.TrimPrefix(v.ID, v.Path+"/") }

// sourcePage is the source of a plugin, to read.
type sourcePage struct {
	Card    pluginCard
	File    string
	Files   []sourceFile
	CanEdit bool
}

type sourceFile struct {
	Name  string
	Lines []string
}

func (w *pluginPages) pluginSource(q *request) error {
	slug := mux.Vars(q.Request)["slug"]
	entry, err := w.engine.Plugins.Plugin(slug)
	if err != nil {
		return err
	}
	s, err := w.engine.Plugins.PluginSource(slug)
	if err != nil {
		if s, err = w.lastVersion(q.Context(), entry, err); err != nil {
			return err
		}
	}
	pg := sourcePage{Card: cardOf(slug, entry, true), File: entry.File, CanEdit: w.engine.Plugins.CanEditPlugins()}
	for _, f := range draftOf(slug, s).Files {
		pg.Files = append(pg.Files, sourceFile{f.Shown, textLines(strings.ToValidUTF8(unixLines(f.Text), "\uFFFD"))})
	}
	p := w.newPage(q, "Source of "+pg.Card.Name, "plugins")
	p.Body = pg
	w.render(q.rw, http.StatusOK, "plugin_source", p)
	return nil
}

// versionPage is one version beside what runs.
type versionPage struct {
	Card    pluginCard
	ID      string
	Version monitor.PluginVersion
	Diff    []fileDiff // from what is in the folder to the version
	Files   []sourceFile
	CanEdit bool
}

// version finds a version of a plugin by the ids in the path.
func (w *pluginPages) version(q *request) (engine.PluginEntry, monitor.PluginVersion, error) {
	entry, err := w.engine.Plugins.Plugin(mux.Vars(q.Request)["slug"])
	if err != nil {
		return entry, monitor.PluginVersion{}, err
	}
	versions, err := w.engine.Plugins.PluginVersions(q.Context(), entry.Path())
	if err != nil {
		return entry, monitor.PluginVersion{}, err
	}
	for _, v := range versions {
		if versionID(v) == q.id() {
			return entry, v, nil
		}
	}
	return entry, monitor.PluginVersion{}, &engine.Error{Kind: engine.NotFound, Message: "no such version: the oldest are not kept for ever"}
}

func (w *pluginPages) pluginVersion(q *request) error {
	entry, v, err := w.version(q)
	if err != nil {
		return err
	}
	pg := versionPage{Card: cardOf(entry.Slug, entry, true), ID: versionID(v), Version: v, CanEdit: w.engine.Plugins.CanEditPlugins()}
	now, err := w.engine.Plugins.PluginSource(entry.Slug)
	if err != nil {
		now = engine.PluginSource{Path: v.Path}
	}
	now.Path = v.Path
	pg.Diff = diffSources(now, v.Source)
	for _, f := range draftOf(entry.Slug, v.Source).Files {
		pg.Files = append(pg.Files, sourceFile{f.Shown, textLines(strings.ToValidUTF8(unixLines(f.Text), "\uFFFD"))})
	}
	p := w.newPage(q, "A version of "+pg.Card.Name, "plugins")
	p.Body = pg
	w.render(q.rw, http.StatusOK, "plugin_version", p)
	return nil
}

func (w *pluginPages) restorePlugin(q *request) error {
	entry, v, err := w.version(q)
	if err != nil {
		return err
	}
	if err := w.engine.Plugins.RestorePlugin(q.Context(), q.by(), v.ID); err != nil {
		return err
	}
	slug := entry.Slug
	if slugs := v.Source.Slugs; len(slugs) > 0 && !slices.Contains(slugs, slug) {
		slug = slugs[0]
	}
	return q.redirect("/plugins/" + slug + "?done=restored")
}
