package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
)

// pluginDelete asks before the file of a plugin is deleted.
type pluginDelete struct {
	Slug   string
	Path   string // of the file or folder
	Base   string // hash of the files that are deleted
	Folder bool
	Gone   []goneSlug
	Kept   string // what else there is to say of bringing it back
}

// goneSlug is a plugin that goes with a file, and who uses it.
type goneSlug struct {
	Slug   string
	Next   string // what is in force then, "" when nothing is
	Checks []link
	More   int    // checks that are not listed
	Others []link // services and instances that tell people through it
	Rest   int    // of them, that are not listed
}

// listedUses is how many users of a plugin are listed before it is deleted.
const listedUses = 50

// deletable is the plugin of a page that deletes its file, and what lies there.
func (w *pluginPages) deletable(q *request) (engine.PluginEntry, engine.PluginSource, error) {
	if err := w.mayEdit(q); err != nil {
		return engine.PluginEntry{}, engine.PluginSource{}, err
	}
	entry, err := w.engine.Plugins.Plugin(mux.Vars(q.Request)["slug"])
	if err != nil {
		return entry, engine.PluginSource{}, err
	}
	if entry.Shipped || entry.Orphaned {
		return entry, engine.PluginSource{}, &engine.Error{Kind: engine.Conflict, Message: "the plugin " + entry.Slug + " has no file in the plugin folder to delete"}
	}
	s, err := w.engine.Plugins.PluginSource(entry.Slug)
	return entry, s, err
}

func (w *pluginPages) askDeletePlugin(q *request) error {
	entry, s, err := w.deletable(q)
	if err != nil {
		return err
	}
	_, single := s.Files[""]
	v := pluginDelete{Slug: entry.Slug, Path: s.Path, Base: s.Hash, Folder: !single}
	for _, other := range w.engine.Plugins.Plugins() {
		if other.Path() == s.Path && !other.Shipped && !other.Orphaned {
			v.Gone = append(v.Gone, w.goneSlug(other))
		}
	}
	if entry.Plugin == nil || entry.Problem != nil {
		v.Kept = "What the file holds now does not load. It is kept all the same, to be read."
	}
	p := w.newPage(q, "Delete "+s.Path, "plugins")
	p.Body = v
	w.render(q.rw, http.StatusOK, "plugin_delete", p)
	return nil
}

// goneSlug says what becomes of a plugin when its file is gone.
func (w *pluginPages) goneSlug(entry engine.PluginEntry) goneSlug {
	g := goneSlug{Slug: entry.Slug}
	if entry.Replaces {
		g.Next = "the one that comes with Moonwatch"
	}
	use := w.engine.Plugins.PluginUse(entry.Slug)
	for _, id := range use.Checks {
		if c, err := w.engine.Checks.Check(id); err == nil {
			g.Checks = append(g.Checks, link{"checks", c.ID, c.Name, standing(c.Status)})
		}
	}
	slices.SortFunc(g.Checks, func(a, b link) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	if g.More = len(g.Checks) - listedUses; g.More > 0 {
		g.Checks = g.Checks[:listedUses]
	}
	for _, id := range use.Services {
		g.Others = append(g.Others, w.nameOfSubject(engine.Ref{Kind: engine.KindService, ID: id}))
	}
	for _, id := range use.Instances {
		g.Others = append(g.Others, w.nameOfSubject(engine.Ref{Kind: engine.KindInstance, ID: id}))
	}
	if g.Rest = len(g.Others) - listedUses; g.Rest > 0 {
		g.Others = g.Others[:listedUses]
	}
	return g
}

func (w *pluginPages) deletePlugin(q *request) error {
	entry, s, err := w.deletable(q)
	if err != nil {
		return err
	}
	err = w.engine.Plugins.DeletePlugin(q.Context(), q.by(), entry.Slug, q.PostForm.Get("base"))
	if engine.KindOf(err) == engine.Stale {
		return &engine.Error{Kind: engine.Stale, Message: "the file " + s.Path + " was changed meanwhile: nothing was deleted"}
	}
	if err != nil {
		return err
	}
	if _, err := w.engine.Plugins.Plugin(entry.Slug); err != nil {
		return q.redirect("/plugins?done=deleted")
	}
	return q.redirect("/plugins/" + entry.Slug + "?done=plugin-deleted")
}
