package monitor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/state"
)

const (
	// viewTime is how long a call of a view may take, with the wait for its turn.
	viewTime = 20 * time.Second
	// viewsAtOnce is how many calls of views may be under way, and viewsOfOne how
	// many of them are of one plugin: whoever calls a slow public view again and
	// again takes no place from the others.
	viewsAtOnce = 64
	viewsOfOne  = 8
	// errorsKept is how many errors of a plugin's views are kept.
	errorsKept = 20
)

// viewDispatcher serves plugins' own views. What it keeps is lost at a stop.
type viewDispatcher struct {
	mu       sync.Mutex // guards what follows
	underWay map[string]int
	all      int
	errors   map[string][]engine.PluginError
}

func newViewDispatcher() *viewDispatcher {
	return &viewDispatcher{underWay: map[string]int{}, errors: map[string][]engine.PluginError{}}
}

// enter takes a place for a call of a plugin's view, which leave gives back. A
// plugin's first call always finds one, so that there can be as many beyond
// viewsAtOnce as there are plugins; further ones are refused when the plugin has
// more than a quarter of what is free.
func (d *viewDispatcher) enter(slug string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	own := d.underWay[slug]
	if own >= viewsOfOne || own > 0 && 4*own > viewsAtOnce-d.all {
		return false
	}
	d.underWay[slug]++
	d.all++
	return true
}

func (d *viewDispatcher) leave(slug string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all--; d.underWay[slug] > 1 {
		d.underWay[slug]--
	} else {
		delete(d.underWay, slug)
	}
}

// Views returns the views of a plugin whose file is there.
func (ps *Plugins) Views(slug string) []engine.ViewRoute {
	entry, ok := ps.PluginEntry(slug)
	if !ok || entry.Plugin == nil || entry.Orphaned {
		return nil
	}
	return entry.Plugin.Views()
}

// View calls a plugin's view on behalf of by, nil in a public view. q.User and
// q.Role follow from by. It blocks until the view has answered, whatever becomes
// of ctx; the error is a *ViewError when the plugin failed, which is kept for
// PluginErrors, else an *Error.
func (ps *Plugins) View(_ context.Context, slug string, by *engine.Actor, q engine.ViewRequest) (engine.ViewAnswer, error) {
	route, plugin, ok := ps.findView(slug, q)
	switch {
	case !ok:
		return engine.ViewAnswer{}, &engine.Error{Kind: engine.NotFound, Message: "no such view"}
	case !route.Public && (by == nil || !by.Role.Can(route.Role)):
		return engine.ViewAnswer{}, &engine.Error{Kind: engine.Forbidden, Message: "this needs the role " + string(route.Role)}
	case ps.Stopping():
		return engine.ViewAnswer{}, &engine.Error{Kind: engine.Unavailable, Message: state.ErrStopping.Error()}
	}
	if !ps.views.enter(slug) {
		return engine.ViewAnswer{}, &engine.Error{Kind: engine.Unavailable, Message: "too many calls of this plugin's views are under way"}
	}
	defer ps.views.leave(slug)
	if q.Method == "HEAD" && !slices.Contains(route.Methods, q.Method) {
		q.Method = "GET"
	}
	call := ps.viewCall(plugin.Meta(), route, by, q)
	// A caller who hangs up does not end a view that is half-way through.
	ctx, cancel := context.WithTimeout(ps.m.runs, viewTime)
	defer cancel()
	answer, err := plugin.View(ctx, call)
	var failed *engine.ViewError
	if errors.As(err, &failed) {
		ps.noteError(slug, engine.PluginError{At: ps.Now().UTC(), Where: q.Method + " " + q.Path, Message: failed.Message,
			Traceback: failed.Traceback, Log: engine.OrEmpty(failed.Log)})
	}
	return answer, err
}

func (ps *Plugins) findView(slug string, q engine.ViewRequest) (engine.ViewRoute, engine.Plugin, bool) {
	entry, ok := ps.PluginEntry(slug)
	if !ok || entry.Plugin == nil || entry.Orphaned {
		return engine.ViewRoute{}, nil, false
	}
	for _, route := range entry.Plugin.Views() {
		if route.Path == q.Path && route.Answers(q.Method) {
			return route, entry.Plugin, true
		}
	}
	return engine.ViewRoute{}, nil, false
}

// viewCall gathers what a view is told.
func (ps *Plugins) viewCall(meta *engine.PluginMeta, route engine.ViewRoute, by *engine.Actor, q engine.ViewRequest) *engine.ViewCall {
	m := &viewMonitor{e: ps.m, slug: meta.Slug, settingsOf: cmp.Or(meta.SettingsFrom, meta.Slug), version: meta.Version,
		role: access.Operator, public: route.Public}
	q.User, q.Role = nil, ""
	ps.Mu.RLock()
	defer ps.Mu.RUnlock()
	t := ps.Tables
	if !route.Public {
		m.role, q.Role, m.user = by.Role, by.Role, by.User
		if u := t.Users[by.User]; u != nil {
			snapshot := alert.UserSnapshot(u, m.settingsOf)
			q.User = &snapshot
		}
	}
	call := &engine.ViewCall{Request: q, Monitor: m, PublicURL: t.Site().PublicURL}
	if s := t.Plugins[m.settingsOf]; s != nil {
		call.Settings = s.Values
	}
	return call
}

func (ps *Plugins) noteError(slug string, err engine.PluginError) {
	d := ps.views
	d.mu.Lock()
	kept := append(slices.Clone(d.errors[slug]), err)
	d.errors[slug] = kept[max(len(kept)-errorsKept, 0):]
	d.mu.Unlock()
	ps.Hub.Publish([]engine.Key{{Kind: state.KindPlugin, ID: slug}})
}

// PluginErrors returns the last errors of a plugin's views since the start, the
// newest first, at most 20.
func (ps *Plugins) PluginErrors(slug string) []engine.PluginError {
	ps.views.mu.Lock()
	defer ps.views.mu.Unlock()
	out := slices.Clone(ps.views.errors[slug])
	slices.Reverse(out)
	return engine.OrEmpty(out)
}
