package frame

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// NameOfSubject finds the name and address of what a reference names.
func (w *Frame) NameOfSubject(ref engine.Ref) Link {
	l := Link{Kind: string(ref.Kind) + "s", ID: ref.ID, Name: ref.ID}
	if ref.Kind == engine.KindService {
		if v, err := w.Engine.Targets.Service(ref.ID); err == nil {
			l.Name, l.Status = v.Name, Standing(v.OverallStatus)
		}
	} else if v, err := w.Engine.Targets.Instance(ref.ID); err == nil {
		l.Name, l.Status = v.Name, Standing(v.OverallStatus)
	}
	return l
}

// Link is a name that leads to the page of an object, with how that stands.
type Link struct {
	Kind, ID, Name string
	Status         Standing
}

// PluginCard is a plugin to choose, or the one of a form.
type PluginCard struct {
	Slug, Name, Summary, Icon, Version, Author string
	Gone                                       bool // its file is gone, or it never loaded
}

// CardOf is the card of a plugin; known says that there is an entry.
func CardOf(slug string, entry engine.PluginEntry, known bool) PluginCard {
	if !known || entry.Plugin == nil {
		return PluginCard{Slug: slug, Name: slug, Gone: true}
	}
	m := entry.Plugin.Meta()
	return PluginCard{
		Slug:    m.Slug,
		Name:    m.Name,
		Summary: m.Summary,
		Icon:    m.FontIcon,
		Version: m.Version,
		Author:  m.Author,
		Gone:    entry.Orphaned,
	}
}

// Card finds the card of a slug.
func (w *Frame) Card(slug string) PluginCard {
	entry, err := w.Engine.Plugins.Plugin(slug)
	return CardOf(slug, entry, err == nil)
}

// Cards are the loaded plugins of a kind in order of name.
func (w *Frame) Cards(kind engine.PluginKind) []PluginCard {
	var out []PluginCard
	for _, entry := range w.Engine.Plugins.Plugins() {
		if entry.Plugin != nil && !entry.Orphaned && entry.Plugin.Meta().Kind == kind {
			out = append(out, CardOf(entry.Slug, entry, true))
		}
	}
	slices.SortFunc(out, func(a, b PluginCard) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

// PluginForm is one of a plugin's forms as it is at this moment.
func (w *Frame) PluginForm(slug string, name engine.FormName) (form.Form, string, bool) {
	entry, err := w.Engine.Plugins.Plugin(slug)
	if err != nil || entry.Plugin == nil {
		return form.Form{}, "", false
	}
	m := entry.Plugin.Meta()
	return m.Forms[name], m.Hash, true
}

// PageOfCheck is the page of what failed: a check, a rota or an alert plugin.
func PageOfCheck(id string) string {
	if rota, ok := strings.CutPrefix(id, "rota:"); ok {
		return "/rotas/" + rota
	}
	if slug, ok := strings.CutPrefix(id, "alert:"); ok {
		return "/plugins/" + slug
	}
	return "/checks/" + id
}
