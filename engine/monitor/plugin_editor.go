package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// PluginVersion is a version of a plugin file that was in force.
type PluginVersion struct {
	ID     string              `json:"id"`
	Path   string              `json:"path"`
	At     time.Time           `json:"at"`
	Author string              `json:"author"` // username, "" when the file was changed in the folder
	Source engine.PluginSource `json:"source"`
}

// maxVersions is how many versions of one plugin file are kept.
const maxVersions = 200

func (e *Plugins) editor() (engine.PluginEditor, error) {
	if e.Options.NoEditing {
		return nil, &engine.Error{Kind: engine.Forbidden, Message: "editing plugins here is switched off: they are kept elsewhere"}
	}
	if editor, ok := e.Registry.(engine.PluginEditor); ok {
		return editor, nil
	}
	return nil, &engine.Error{Kind: engine.Unavailable, Message: "plugins cannot be edited here"}
}

// CanEditPlugins reports whether plugins can be written through the monitor.
func (e *Plugins) CanEditPlugins() bool {
	_, err := e.editor()
	return err == nil
}

// PluginSource returns the files of a plugin as they are now.
func (e *Plugins) PluginSource(slug string) (engine.PluginSource, error) {
	editor, ok := e.Registry.(engine.PluginEditor)
	if !ok {
		return engine.PluginSource{}, &engine.Error{Kind: engine.NotFound, Message: "no such plugin"}
	}
	s, err := editor.SourceOf(slug)
	if err != nil {
		return s, &engine.Error{Kind: engine.NotFound, Message: err.Error()}
	}
	return s, nil
}

// DraftPlugin says what is wrong with sources, changing nothing.
func (e *Plugins) DraftPlugin(ctx context.Context, s engine.PluginSource) (engine.DraftReport, error) {
	editor, err := e.editor()
	if err != nil {
		return engine.DraftReport{}, err
	}
	return e.draft(ctx, editor, s), nil
}

// draft loads sources aside. Beside what loading finds, it is a problem when they
// define what another file of the folder does.
func (e *Plugins) draft(ctx context.Context, editor engine.PluginEditor, s engine.PluginSource) engine.DraftReport {
	report := editor.Draft(ctx, s)
	file := s.Path
	if _, single := s.Files[""]; !single {
		file += "/plugin.lua"
	}
	for _, p := range report.Plugins {
		slug := p.Meta().Slug
		other, known := e.Registry.Plugin(slug)
		if !known || other.Shipped || other.Orphaned || other.Path() == s.Path {
			continue
		}
		report.Problems = append(report.Problems, engine.PluginProblem{
			File:    file,
			Line:    1,
			Message: "the slug " + slug + " is that of " + other.File + " already",
		})
	}
	if len(report.Problems) > 0 {
		report.Plugins = nil
	}
	return report
}

// TryPlugin runs a check plugin of sources that are not in force, storing
// nothing. With c.ID the configuration is that of an existing check, secrets
// included; else c.Config is raw, and no stored secret is used.
func (e *Plugins) TryPlugin(ctx context.Context, s engine.PluginSource, slug string, c engine.Check) (*engine.Result, *engine.TryReport, error) {
	editor, err := e.editor()
	if err != nil {
		return nil, nil, err
	}
	draft := e.draft(ctx, editor, s)
	var plugin engine.Plugin
	for _, p := range draft.Plugins {
		if p.Meta().Slug == slug || slug == "" {
			plugin = p
			break
		}
	}
	switch {
	case len(draft.Problems) > 0:
		p := draft.Problems[0]
		return nil, nil, &engine.Error{Kind: engine.Invalid, Message: fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)}
	case plugin == nil:
		return nil, nil, &engine.Error{Kind: engine.NotFound, Message: "the draft defines no such plugin"}
	case plugin.Meta().Kind != engine.CheckPlugin:
		return nil, nil, engine.Conflictf("only check plugins can be tried")
	}
	if old := e.CheckNow(c.ID); old != nil {
		c = *old
	} else {
		raw := c.Config
		c.ID, c.Plugin = e.NewID(), plugin.Meta().Slug
		values, errs := plugin.Meta().Forms[engine.ConfigForm].Clean(ctx, raw, form.Options{
			Prefix:    "config",
			Callbacks: plugin.Cleaning(engine.ConfigForm, c.ID),
			Seal:      func(path string, plain []byte) (form.Sealed, error) { return e.Options.Sealer.Seal(c.ID, path, plain) },
		})
		if len(errs) > 0 {
			return nil, nil, (&engine.Problems{List: errs}).Err()
		}
		c.Config = values
	}
	if c.Timeout <= 0 {
		c.Timeout = engine.Duration(30 * time.Second)
	}
	in, _ := e.m.checkRun(&c)
	in.Check = &c
	e.Mu.RLock()
	if settings := e.Tables.Plugins[plugin.Meta().Slug]; settings != nil && e.checkNowLocked(c.ID) {
		in.Settings = settings.Values
	} else {
		in.Settings = nil // the site's secrets go to existing checks alone
	}
	e.Mu.RUnlock()
	start := e.Now()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Std())
	defer cancel()
	report, err := editor.TryDraft(ctx, s, plugin.Meta().Slug, in)
	if err != nil {
		return nil, nil, &engine.Error{Kind: engine.Invalid, Message: err.Error()}
	}
	r := ResultOf(&c, report.Run, report.Version, start)
	return &r, &report, nil
}

// checkNowLocked reports whether a check exists. The read lock is held.
func (e *Plugins) checkNowLocked(id string) bool { return e.Tables.Checks[id] != nil }

// WritePlugin puts sources in force: they are written into the plugin folder,
// and kept as a version. Sources that do not load are refused with what is wrong.
func (e *Plugins) WritePlugin(ctx context.Context, by engine.Actor, s engine.PluginSource) error {
	e.saving.Lock()
	defer e.saving.Unlock()
	return e.writePlugin(ctx, by, s)
}

// SavePlugin is WritePlugin for somebody who looked at the files before: it is
// refused as Stale when the files of the plugin slug no longer have the hash
// base. With an empty base there must be no plugin of the folder in s.Path yet.
func (e *Plugins) SavePlugin(ctx context.Context, by engine.Actor, slug, base string, s engine.PluginSource) error {
	editor, err := e.editor()
	if err != nil {
		return err
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	if base == "" {
		for _, entry := range e.Registry.List() {
			if entry.Path() == s.Path && !entry.Shipped && !entry.Orphaned {
				return &engine.Error{Kind: engine.Stale, Message: "there is a plugin in " + s.Path + " already"}
			}
		}
	} else if now, err := editor.SourceOf(slug); err != nil || now.Hash != base {
		return &engine.Error{Kind: engine.Stale, Message: "the files of the plugin were changed meanwhile"}
	}
	return e.writePlugin(ctx, by, s)
}

func (e *Plugins) writePlugin(ctx context.Context, by engine.Actor, s engine.PluginSource) error {
	editor, err := e.editor()
	if err != nil {
		return err
	}
	if draft := e.draft(ctx, editor, s); len(draft.Problems) > 0 {
		var p engine.Problems
		for _, problem := range draft.Problems {
			p.Add(fmt.Sprintf("%s:%d", problem.File, problem.Line), "invalid", "%s", problem.Message)
		}
		return p.Err()
	}
	e.writing.Store(&by)
	defer e.writing.Store(nil)
	if err := editor.WriteSource(ctx, s); err != nil {
		return &engine.Error{Kind: engine.Unavailable, Message: "the plugin was not saved: " + err.Error()}
	}
	return e.Submit(ctx, by, func(x *state.Tx) error {
		x.Audit("save", state.KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// DeletePlugin removes the file or folder that holds the plugin slug. What it
// holds is kept as a version first, so that it can be brought back. Whatever else
// the file defines goes with it. With base, it is refused as Stale when the files
// do not have that hash.
func (e *Plugins) DeletePlugin(ctx context.Context, by engine.Actor, slug, base string) error {
	editor, err := e.editor()
	if err != nil {
		return err
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	entry, err := e.Plugin(slug)
	switch {
	case err != nil:
		return err
	case entry.Shipped:
		return engine.Conflictf("the plugin %s comes with Moonwatch: it has no file in the plugin folder to delete", slug)
	case entry.Orphaned:
		return engine.Conflictf("the file %s of the plugin %s is gone already", entry.File, slug)
	}
	s, err := editor.SourceOf(slug)
	switch {
	case err != nil:
		return &engine.Error{Kind: engine.Unavailable, Message: "the plugin was not deleted: " + err.Error()}
	case base != "" && s.Hash != base:
		return &engine.Error{Kind: engine.Stale, Message: "the files of the plugin were changed meanwhile"}
	}
	if err := e.Submit(ctx, by, func(x *state.Tx) error {
		e.keepVersion(ctx, x, s)
		return nil
	}); err != nil {
		return err
	}
	if err := editor.RemoveSource(ctx, s); err != nil {
		return &engine.Error{Kind: engine.Unavailable, Message: "deleting the plugin: " + err.Error()}
	}
	return e.Submit(ctx, by, func(x *state.Tx) error {
		x.Audit("delete", state.KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// keepVersion adds a source that came into force to its history, unless it is
// the newest there already.
func (e *Plugins) keepVersion(ctx context.Context, x *state.Tx, s engine.PluginSource) {
	author := ""
	if by := e.writing.Load(); by != nil {
		author = by.Name
	}
	newest, count, oldest := "", 0, ""
	for r, err := range state.Records(ctx, e.Store, engine.KindPluginVersion, engine.Query{Term: "path:" + s.Path, Reverse: true}) {
		if err != nil {
			break
		}
		if count == 0 {
			var v PluginVersion
			if json.Unmarshal(r.Data, &v) == nil {
				newest = v.Source.Hash
			}
		}
		count++
		oldest = r.ID
	}
	if newest == s.Hash {
		return
	}
	if count >= maxVersions {
		x.Erase(engine.KindPluginVersion, oldest)
	}
	id := s.Path + "/" + e.EventID()
	x.Write(engine.KindPluginVersion, id, PluginVersion{ID: id, Path: s.Path, At: x.Now.UTC(), Author: author, Source: s}, "path:"+s.Path)
}

// PluginVersions returns the versions of a plugin file, the newest first.
func (e *Plugins) PluginVersions(ctx context.Context, path string) ([]PluginVersion, error) {
	out := []PluginVersion{}
	for v, err := range state.Scan[PluginVersion](ctx, e.Store, engine.KindPluginVersion, engine.Query{Term: "path:" + path, Reverse: true}) {
		if err != nil {
			return nil, fmt.Errorf("the versions of %s: %w", path, err)
		}
		out = append(out, *v)
	}
	return out, nil
}

// RestorePlugin puts an earlier version of a plugin file in force again.
func (e *Plugins) RestorePlugin(ctx context.Context, by engine.Actor, version string) error {
	var v PluginVersion
	if err := alert.ReadRecord(e.State, ctx, engine.KindPluginVersion, version, &v); err != nil {
		return err
	}
	return e.WritePlugin(ctx, by, v.Source)
}
