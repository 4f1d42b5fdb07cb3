package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"moonwatch/engine/form"
)

// PluginVersion is a version of a plugin file that was in force.
type PluginVersion struct {
	ID     string       `json:"id"`
	Path   string       `json:"path"`
	At     time.Time    `json:"at"`
	Author string       `json:"author"` // username, "" when the file was changed in the folder
	Source PluginSource `json:"source"`
}

// versionsMost is how many versions of one plugin file are kept.
const versionsMost = 200

func (e *Engine) editor() (PluginEditor, error) {
	if e.o.NoEditing {
		return nil, &Error{Kind: Forbidden, Message: "editing plugins here is switched off: they are kept elsewhere"}
	}
	if editor, ok := e.plugins.(PluginEditor); ok {
		return editor, nil
	}
	return nil, &Error{Kind: Unavailable, Message: "plugins cannot be edited here"}
}

// CanEditPlugins reports whether plugins can be written through the monitor.
func (e *Engine) CanEditPlugins() bool {
	_, err := e.editor()
	return err == nil
}

// PluginSource returns the files of a plugin as they are now.
func (e *Engine) PluginSource(slug string) (PluginSource, error) {
	editor, ok := e.plugins.(PluginEditor)
	if !ok {
		return PluginSource{}, &Error{Kind: NotFound, Message: "no such plugin"}
	}
	s, err := editor.SourceOf(slug)
	if err != nil {
		return s, &Error{Kind: NotFound, Message: err.Error()}
	}
	return s, nil
}

// DraftPlugin says what is wrong with sources, changing nothing.
func (e *Engine) DraftPlugin(ctx context.Context, s PluginSource) (DraftReport, error) {
	editor, err := e.editor()
	if err != nil {
		return DraftReport{}, err
	}
	return e.draft(ctx, editor, s), nil
}

// draft loads sources aside. Beside what loading finds, it is a problem when they
// define what another file of the folder does.
func (e *Engine) draft(ctx context.Context, editor PluginEditor, s PluginSource) DraftReport {
	report := editor.Draft(ctx, s)
	file := s.Path
	if _, single := s.Files[""]; !single {
		file += "/plugin.lua"
	}
	for _, p := range report.Plugins {
		slug := p.Meta().Slug
		other, known := e.plugins.Plugin(slug)
		if !known || other.Shipped || other.Orphaned || other.Path() == s.Path {
			continue
		}
		report.Problems = append(report.Problems, PluginProblem{File: file, Line: 1, Message: "the slug " + slug + " is that of " + other.File + " already"})
	}
	if len(report.Problems) > 0 {
		report.Plugins = nil
	}
	return report
}

// TryPlugin runs a check plugin of sources that are not in force, storing
// nothing. With c.ID the configuration is that of an existing check, secrets
// included; else c.Config is raw, and no stored secret is used.
func (e *Engine) TryPlugin(ctx context.Context, s PluginSource, slug string, c Check) (*Result, *TryReport, error) {
	editor, err := e.editor()
	if err != nil {
		return nil, nil, err
	}
	draft := e.draft(ctx, editor, s)
	var plugin Plugin
	for _, p := range draft.Plugins {
		if p.Meta().Slug == slug || slug == "" {
			plugin = p
			break
		}
	}
	switch {
	case len(draft.Problems) > 0:
		p := draft.Problems[0]
		return nil, nil, &Error{Kind: Invalid, Message: fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Message)}
	case plugin == nil:
		return nil, nil, &Error{Kind: NotFound, Message: "the draft defines no such plugin"}
	case plugin.Meta().Kind != CheckPlugin:
		return nil, nil, conflictf("only check plugins can be tried")
	}
	if old := e.checkNow(c.ID); old != nil {
		c = *old
	} else {
		raw := c.Config
		c.ID, c.Plugin = e.newID(), plugin.Meta().Slug
		values, errs := plugin.Meta().Forms[ConfigForm].Clean(ctx, raw, form.Options{Prefix: "config", Callbacks: plugin.Cleaning(ConfigForm, c.ID),
			Seal: func(path string, plain []byte) (form.Sealed, error) { return e.o.Sealer.Seal(c.ID, path, plain) }})
		if len(errs) > 0 {
			return nil, nil, (&problems{errs}).err()
		}
		c.Config = values
	}
	if c.Timeout <= 0 {
		c.Timeout = Duration(30 * time.Second)
	}
	in, _ := e.checkRun(&c)
	in.Check = &c
	e.mu.RLock()
	if settings := e.tables.plugins[plugin.Meta().Slug]; settings != nil && e.checkNowLocked(c.ID) {
		in.Settings = settings.Values
	} else {
		in.Settings = nil // the site's secrets go to existing checks alone
	}
	e.mu.RUnlock()
	start := e.now()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Std())
	defer cancel()
	report, err := editor.TryDraft(ctx, s, plugin.Meta().Slug, in)
	if err != nil {
		return nil, nil, &Error{Kind: Invalid, Message: err.Error()}
	}
	r := ResultOf(&c, report.Run, report.Version, start)
	return &r, &report, nil
}

// checkNowLocked reports whether a check exists. The read lock is held.
func (e *Engine) checkNowLocked(id string) bool { return e.tables.checks[id] != nil }

// WritePlugin puts sources in force: they are written into the plugin folder,
// and kept as a version. Sources that do not load are refused with what is wrong.
func (e *Engine) WritePlugin(ctx context.Context, by Actor, s PluginSource) error {
	e.saving.Lock()
	defer e.saving.Unlock()
	return e.writePlugin(ctx, by, s)
}

// SavePlugin is WritePlugin for somebody who looked at the files before: it is
// refused as Stale when the files of the plugin slug no longer have the hash
// base. With an empty base there must be no plugin of the folder in s.Path yet.
func (e *Engine) SavePlugin(ctx context.Context, by Actor, slug, base string, s PluginSource) error {
	editor, err := e.editor()
	if err != nil {
		return err
	}
	e.saving.Lock()
	defer e.saving.Unlock()
	if base == "" {
		for _, entry := range e.plugins.List() {
			if entry.Path() == s.Path && !entry.Shipped && !entry.Orphaned {
				return &Error{Kind: Stale, Message: "there is a plugin in " + s.Path + " already"}
			}
		}
	} else if now, err := editor.SourceOf(slug); err != nil || now.Hash != base {
		return &Error{Kind: Stale, Message: "the files of the plugin were changed meanwhile"}
	}
	return e.writePlugin(ctx, by, s)
}

func (e *Engine) writePlugin(ctx context.Context, by Actor, s PluginSource) error {
	editor, err := e.editor()
	if err != nil {
		return err
	}
	if draft := e.draft(ctx, editor, s); len(draft.Problems) > 0 {
		var p problems
		for _, problem := range draft.Problems {
			p.add(fmt.Sprintf("%s:%d", problem.File, problem.Line), "invalid", "%s", problem.Message)
		}
		return p.err()
	}
	e.writing.Store(&by)
	defer e.writing.Store(nil)
	if err := editor.WriteSource(ctx, s); err != nil {
		return &Error{Kind: Unavailable, Message: "the plugin was not saved: " + err.Error()}
	}
	return e.do(ctx, by, func(x *tx) error {
		x.audit("save", KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// DeletePlugin removes the file or folder that holds the plugin slug. What it
// holds is kept as a version first, so that it can be brought back. Whatever else
// the file defines goes with it. With base, it is refused as Stale when the files
// do not have that hash.
func (e *Engine) DeletePlugin(ctx context.Context, by Actor, slug, base string) error {
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
		return conflictf("the plugin %s comes with Moonwatch: it has no file in the plugin folder to delete", slug)
	case entry.Orphaned:
		return conflictf("the file %s of the plugin %s is gone already", entry.File, slug)
	}
	s, err := editor.SourceOf(slug)
	switch {
	case err != nil:
		return &Error{Kind: Unavailable, Message: "the plugin was not deleted: " + err.Error()}
	case base != "" && s.Hash != base:
		return &Error{Kind: Stale, Message: "the files of the plugin were changed meanwhile"}
	}
	if err := e.do(ctx, by, func(x *tx) error {
		e.keepVersion(ctx, x, s)
		return nil
	}); err != nil {
		return err
	}
	if err := editor.RemoveSource(ctx, s); err != nil {
		return &Error{Kind: Unavailable, Message: "deleting the plugin: " + err.Error()}
	}
	return e.do(ctx, by, func(x *tx) error {
		x.audit("delete", KindPlugin, s.Path, s.Path, nil, nil)
		return nil
	})
}

// keepVersion adds a source that came into force to its history, unless it is
// the newest there already.
func (e *Engine) keepVersion(ctx context.Context, x *tx, s PluginSource) {
	author := ""
	if by := e.writing.Load(); by != nil {
		author = by.Name
	}
	newest, count, oldest := "", 0, ""
	e.store.Scan(ctx, KindPluginVersion, Query{Term: "path:" + s.Path, Reverse: true}, func(r Record) bool {
		if count == 0 {
			var v PluginVersion
			if json.Unmarshal(r.Data, &v) == nil {
				newest = v.Source.Hash
			}
		}
		count++
		oldest = r.ID
		return true
	})
	if newest == s.Hash {
		return
	}
	if count >= versionsMost {
		x.erase(KindPluginVersion, oldest)
	}
	id := s.Path + "/" + e.eventID()
	x.write(KindPluginVersion, id, PluginVersion{ID: id, Path: s.Path, At: x.now.UTC(), Author: author, Source: s}, "path:"+s.Path)
}

// PluginVersions returns the versions of a plugin file, the newest first.
func (e *Engine) PluginVersions(ctx context.Context, path string) ([]PluginVersion, error) {
	out := []PluginVersion{}
	var bad error
	err := e.store.Scan(ctx, KindPluginVersion, Query{Term: "path:" + path, Reverse: true}, func(r Record) bool {
		var v PluginVersion
		if bad = json.Unmarshal(r.Data, &v); bad != nil {
			return false
		}
		out = append(out, v)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read the versions of %s: %w", path, err)
	}
	return out, nil
}

// RestorePlugin puts an earlier version of a plugin file in force again.
func (e *Engine) RestorePlugin(ctx context.Context, by Actor, version string) error {
	var v PluginVersion
	if err := e.read(ctx, KindPluginVersion, version, &v); err != nil {
		return err
	}
	return e.WritePlugin(ctx, by, v.Source)
}
