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

func (ps *Plugins) editor() (engine.PluginEditor, error) {
	if ps.Options.NoEditing {
		return nil, &engine.Error{Kind: engine.Forbidden, Message: "editing plugins here is switched off: they are kept elsewhere"}
	}
	if editor, ok := ps.Registry.(engine.PluginEditor); ok {
		return editor, nil
	}
	return nil, &engine.Error{Kind: engine.Unavailable, Message: "plugins cannot be edited here"}
}

// CanEditPlugins reports whether plugins can be written through the monitor.
func (ps *Plugins) CanEditPlugins() bool {
	_, err := ps.editor()
	return err == nil
}

// PluginSource returns the files of a plugin as they are now.
func (ps *Plugins) PluginSource(slug string) (engine.PluginSource, error) {
	editor, ok := ps.Registry.(engine.PluginEditor)
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
func (ps *Plugins) DraftPlugin(ctx context.Context, s engine.PluginSource) (engine.DraftReport, error) {
	editor, err := ps.editor()
	if err != nil {
		return engine.DraftReport{}, err
	}
	return ps.draft(ctx, editor, s), nil
}

// draft loads sources aside. Beside what loading finds, it is a problem when they
// define what another file of the folder does.
func (ps *Plugins) draft(ctx context.Context, editor engine.PluginEditor, s engine.PluginSource) engine.DraftReport {
	report := editor.Draft(ctx, s)
	file := s.Path
	if _, single := s.Files[""]; !single {
		file += "/plugin.lua"
	}
	for _, p := range report.Plugins {
		slug := p.Meta().Slug
		other, known := ps.Registry.Plugin(slug)
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
func (ps *Plugins) TryPlugin(ctx context.Context, s engine.PluginSource, slug string, c engine.Check) (*engine.Result, *engine.TryReport, error) {
	editor, err := ps.editor()
	if err != nil {
		return nil, nil, err
	}
	draft := ps.draft(ctx, editor, s)
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
	if old := ps.CheckNow(c.ID); old != nil {
		c = *old
	} else {
		raw := c.Config
		c.ID, c.Plugin = ps.IDs.New(), plugin.Meta().Slug
		values, errs := plugin.Meta().Forms[engine.ConfigForm].Clean(ctx, raw, form.Options{
			Prefix:    "config",
			Callbacks: plugin.Cleaning(engine.ConfigForm, c.ID),
			Seal:      func(path string, plain []byte) (form.Sealed, error) { return ps.Options.Sealer.Seal(c.ID, path, plain) },
		})
		if len(errs) > 0 {
			return nil, nil, (&engine.Problems{List: errs}).Err()
		}
		c.Config = values
	}
	if c.Timeout <= 0 {
		c.Timeout = engine.Duration(30 * time.Second)
	}
	in, _ := ps.m.checkRun(&c)
	in.Check = &c
	ps.Mu.RLock()
	if settings := ps.Tables.Plugins[plugin.Meta().Slug]; settings != nil && ps.checkNowLocked(c.ID) {
		in.Settings = settings.Values
	} else {
		in.Settings = nil // the site's secrets go to existing checks alone
	}
	ps.Mu.RUnlock()
	start := ps.Now()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Std())
	defer cancel()
	report, err := editor.TryDraft(ctx, s, plugin.Meta().Slug, in)
	if err != nil {
		return nil, nil, &engine.Error{Kind: engine.Invalid, Message: err.Error()}
	}
	r := ResultOf(&c, report.Run, report.Version, start)
	return r, &report, nil
}

// checkNowLocked reports whether a check exists. The read lock is held.
func (ps *Plugins) checkNowLocked(id string) bool { return ps.Tables.Checks[id] != nil }

// WritePlugin puts sources in force: they are written into the plugin folder,
// and kept as a version. Sources that do not load are refused with what is wrong.
func (ps *Plugins) WritePlugin(ctx context.Context, by engine.Actor, s engine.PluginSource) error {
	ps.saving.Lock()
	defer ps.saving.Unlock()
	return ps.writePlugin(ctx, by, s)
}

// SavePlugin is WritePlugin for somebody who looked at the files before: it is
// refused as Stale when the files of the plugin slug no longer have the hash
// base. With an empty base there must be no plugin of the folder in s.Path yet.
func (ps *Plugins) SavePlugin(ctx context.Context, by engine.Actor, slug, base string, s engine.PluginSource) error {
	editor, err := ps.editor()
	if err != nil {
		return err
	}
	ps.saving.Lock()
	defer ps.saving.Unlock()
	if base == "" {
		for _, entry := range ps.Registry.List() {
			if entry.Path() == s.Path && !entry.Shipped && !entry.Orphaned {
				return &engine.Error{Kind: engine.Stale, Message: "there is a plugin in " + s.Path + " already"}
			}
		}
	} else if now, err := editor.SourceOf(slug); err != nil || now.Hash != base {
		return &engine.Error{Kind: engine.Stale, Message: "the files of the plugin were changed meanwhile"}
	}
	return ps.writePlugin(ctx, by, s)
}

func (ps *Plugins) writePlugin(ctx context.Context, by engine.Actor, s engine.PluginSource) error {
	editor, err := ps.editor()
	if err != nil {
		return err
	}
	if draft := ps.draft(ctx, editor, s); len(draft.Problems) > 0 {
		var p engine.Problems
		for _, problem := range draft.Problems {
			p.Add(fmt.Sprintf("%s:%d", problem.File, problem.Line), "invalid", "%s", problem.Message)
		}
		return p.Err()
	}
	ps.writing.Store(&by)
	defer ps.writing.Store(nil)
	if err := editor.WriteSource(ctx, s); err != nil {
		return &engine.Error{Kind: engine.Unavailable, Message: "the plugin was not saved: " + err.Error()}
	}
	return ps.Submit(ctx, by, func(x *state.Tx) error {
		x.Audit("save", state.KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// DeletePlugin removes the file or folder that holds the plugin slug. What it
// holds is kept as a version first, so that it can be brought back. Whatever else
// the file defines goes with it. With base, it is refused as Stale when the files
// do not have that hash.
func (ps *Plugins) DeletePlugin(ctx context.Context, by engine.Actor, slug, base string) error {
	editor, err := ps.editor()
	if err != nil {
		return err
	}
	ps.saving.Lock()
	defer ps.saving.Unlock()
	entry, err := ps.Plugin(slug)
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
	if err := ps.Submit(ctx, by, func(x *state.Tx) error {
		ps.keepVersion(ctx, x, s)
		return nil
	}); err != nil {
		return err
	}
	if err := editor.RemoveSource(ctx, s); err != nil {
		return &engine.Error{Kind: engine.Unavailable, Message: "deleting the plugin: " + err.Error()}
	}
	return ps.Submit(ctx, by, func(x *state.Tx) error {
		x.Audit("delete", state.KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// keepVersion adds a source that came into force to its history, unless it is
// the newest there already.
func (ps *Plugins) keepVersion(ctx context.Context, x *state.Tx, s engine.PluginSource) {
	author := ""
	if by := ps.writing.Load(); by != nil {
		author = by.Name
	}
	newest, count, oldest := "", 0, ""
	for r, err := range engine.Records(ctx, ps.Store, engine.KindPluginVersion, engine.Query{Term: "path:" + s.Path, Reverse: true}) {
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
	id := s.Path + "/" + ps.IDs.Event()
	x.Write(engine.KindPluginVersion, id, PluginVersion{ID: id, Path: s.Path, At: x.Now.UTC(), Author: author, Source: s}, "path:"+s.Path)
}

// PluginVersions returns the versions of a plugin file, the newest first.
func (ps *Plugins) PluginVersions(ctx context.Context, path string) ([]PluginVersion, error) {
	out := []PluginVersion{}
	for v, err := range state.Scan[PluginVersion](ctx, ps.Store, engine.KindPluginVersion, engine.Query{Term: "path:" + path, Reverse: true}) {
		if err != nil {
			return nil, fmt.Errorf("the versions of %s: %w", path, err)
		}
		out = append(out, *v)
	}
	return out, nil
}

// RestorePlugin puts an earlier version of a plugin file in force again.
func (ps *Plugins) RestorePlugin(ctx context.Context, by engine.Actor, version string) error {
	var v PluginVersion
	if err := alert.ReadRecord(ps.State, ctx, engine.KindPluginVersion, version, &v); err != nil {
		return err
	}
	return ps.WritePlugin(ctx, by, v.Source)
}
