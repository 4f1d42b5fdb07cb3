package pluginedit

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/server/web/frame"
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
	Checks []frame.Link
	More   int          // checks that are not listed
	Others []frame.Link // services and instances that tell people through it
	Rest   int          // of them, that are not listed
}

// listedUses is how many users of a plugin are listed before it is deleted.
const listedUses = 50

// deletable is the plugin of a page that deletes its file, and what lies there.
func (w *Pages) deletable(q *frame.Request) (engine.PluginEntry, engine.PluginSource, error) {
	if err := w.mayEdit(q); err != nil {
		return engine.PluginEntry{}, engine.PluginSource{}, err
	}
	entry, err := w.Engine.Plugins.Plugin(mux.Vars(q.Request)["slug"])
	if err != nil {
		return entry, engine.PluginSource{}, err
	}
	if entry.Shipped || entry.Orphaned {
		return entry, engine.PluginSource{}, &engine.Error{
			Kind:    engine.Conflict,
			Message: "the plugin " + entry.Slug + " has no file in the plugin folder to delete",
		}
	}
	s, err := w.Engine.Plugins.PluginSource(entry.Slug)
	return entry, s, err
}

func (w *Pages) askDeletePlugin(q *frame.Request) error {
	entry, s, err := w.deletable(q)
	if err != nil {
		return err
	}
	_, single := s.Files[""]
	v := pluginDelete{Slug: entry.Slug, Path: s.Path, Base: s.Hash, Folder: !single}
	for _, other := range w.Engine.Plugins.Plugins() {
		if other.Path() == s.Path && !other.Shipped && !other.Orphaned {
			v.Gone = append(v.Gone, w.goneSlug(other))
		}
	}
	if entry.Plugin == nil || entry.Problem != nil {
		v.Kept = "What the file holds now does not load. It is kept all the same, to be read."
	}
	p := w.NewPage(q, "Delete "+s.Path, "plugins")
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "plugin_delete", p)
	return nil
}

// goneSlug says what becomes of a plugin when its file is gone.
func (w *Pages) goneSlug(entry engine.PluginEntry) goneSlug {
	g := goneSlug{Slug: entry.Slug}
	if entry.Replaces {
		g.Next = "the one that comes with Moonwatch"
	}
	use := w.Engine.Plugins.PluginUse(entry.Slug)
	for _, id := range use.Checks {
		if c, err := w.Engine.Checks.Check(id); err == nil {
			g.Checks = append(g.Checks, frame.Link{Kind: "checks", ID: c.ID, Name: c.Name, Status: frame.Standing(c.Status)})
		}
	}
	slices.SortFunc(g.Checks, func(a, b frame.Link) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	if g.More = len(g.Checks) - listedUses; g.More > 0 {
		g.Checks = g.Checks[:listedUses]
	}
	for _, id := range use.Services {
		g.Others = append(g.Others, w.NameOfSubject(engine.Ref{Kind: engine.KindService, ID: id}))
	}
	for _, id := range use.Instances {
		g.Others = append(g.Others, w.NameOfSubject(engine.Ref{Kind: engine.KindInstance, ID: id}))
	}
	if g.Rest = len(g.Others) - listedUses; g.Rest > 0 {
		g.Others = g.Others[:listedUses]
	}
	return g
}

func (w *Pages) deletePlugin(q *frame.Request) error {
	entry, s, err := w.deletable(q)
	if err != nil {
		return err
	}
	err = w.Engine.Plugins.DeletePlugin(q.Context(), q.By(), entry.Slug, q.PostForm.Get("base"))
	if engine.KindOf(err) == engine.Stale {
		return &engine.Error{Kind: engine.Stale, Message: "the file " + s.Path + " was changed meanwhile: nothing was deleted"}
	}
	if err != nil {
		return err
	}
	if _, err := w.Engine.Plugins.Plugin(entry.Slug); err != nil {
		return q.Redirect("/plugins?done=deleted")
	}
	return q.Redirect("/plugins/" + entry.Slug + "?done=plugin-deleted")
}
