package web

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// nameOfSubject finds the name and address of what a reference names.
func (w *frame) nameOfSubject(ref engine.Ref) link {
	l := link{Kind: string(ref.Kind) + "s", ID: ref.ID, Name: ref.ID}
	if ref.Kind == engine.KindService {
		if v, err := w.engine.Targets.Service(ref.ID); err == nil {
			l.Name, l.Status = v.Name, standing(v.OverallStatus)
		}
	} else if v, err := w.engine.Targets.Instance(ref.ID); err == nil {
		l.Name, l.Status = v.Name, standing(v.OverallStatus)
	}
	return l
}

type link struct {
	Kind, ID, Name string
	Status         standing
}

// pluginCard is a plugin to choose, or the one of a form.
type pluginCard struct {
	Slug, Name, Summary, Icon, Version, Author string
	Gone                                       bool // its file is gone, or it never loaded
}

func cardOf(slug string, entry engine.PluginEntry, known bool) pluginCard {
	if !known || entry.Plugin == nil {
		return pluginCard{Slug: slug, Name: slug, Gone: true}
	}
	m := entry.Plugin.Meta()
	return pluginCard{Slug: m.Slug, Name: m.Name, Summary: m.Summary, Icon: m.FontIcon, Version: m.Version, Author: m.Author, Gone: entry.Orphaned}
}

// card finds the card of a slug.
func (w *frame) card(slug string) pluginCard {
	entry, err := w.engine.Plugin(slug)
	return cardOf(slug, entry, err == nil)
}

// cards are the loaded plugins of a kind in order of name.
func (w *frame) cards(kind engine.PluginKind) []pluginCard {
	var out []pluginCard
	for _, entry := range w.engine.Plugins() {
		if entry.Plugin != nil && !entry.Orphaned && entry.Plugin.Meta().Kind == kind {
			out = append(out, cardOf(entry.Slug, entry, true))
		}
	}
	slices.SortFunc(out, func(a, b pluginCard) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}

// pluginForm is one of a plugin's forms as it is at this moment.
func (w *frame) pluginForm(slug string, name engine.FormName) (form.Form, string, bool) {
	entry, err := w.engine.Plugin(slug)
	if err != nil || entry.Plugin == nil {
		return form.Form{}, "", false
	}
	m := entry.Plugin.Meta()
	return m.Forms[name], m.Hash, true
}
