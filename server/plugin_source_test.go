package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/enginetest"
)

// The fake registry can be edited: a source that holds "broken" does not load,
// and defines a check plugin by the slug of its first line.

func (p *fakePlugins) SourceOf(slug string) (engine.PluginSource, error) {
	e, ok := p.Plugin(slug)
	if !ok {
		return engine.PluginSource{}, errors.New("no plugin has the slug " + slug)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.sources[slug]; ok {
		return s, nil
	}
	return engine.PluginSource{Path: e.Path(), Hash: "first", Files: map[string]string{"": slug + "\nfirst"}}, nil
}

func (p *fakePlugins) Draft(_ context.Context, s engine.PluginSource) engine.DraftReport {
	text := s.Files[""]
	slug, _, _ := strings.Cut(text, "\n")
	if text == "" || strings.Contains(text, "broken") {
		return engine.DraftReport{Problems: []engine.PluginProblem{{Message: "it is broken", File: s.Path, Line: 2}}}
	}
	meta := engine.PluginMeta{Slug: slug, Name: slug, Kind: engine.CheckPlugin, Version: "2"}
	if e, ok := p.Plugin("probe"); ok {
		meta.Forms = e.Plugin.Meta().Forms
	}
	return engine.DraftReport{Plugins: []engine.Plugin{&enginetest.Plugin{Info: meta}}}
}

func (p *fakePlugins) TryDraft(ctx context.Context, s engine.PluginSource, slug string, in *engine.CheckRun) (engine.TryReport, error) {
	host, _ := in.Check.Config["host"].(string)
	return engine.TryReport{Run: engine.RunReport{Succeeded: true, Message: "tried with " + host, Instructions: 7, Memory: 2048}, Version: "2",
		Calls: []engine.TracedCall{{Kind: "http", Target: "GET http://x", Answer: "200", Start: time.Now(), Took: time.Second}}}, nil
}

func (p *fakePlugins) WriteSource(ctx context.Context, s engine.PluginSource) error {
	slug, _, _ := strings.Cut(s.Files[""], "\n")
	s.Hash = "hash of " + s.Files[""]
	s.Slugs = []string{slug}
	p.mu.Lock()
	if p.sources == nil {
		p.sources = map[string]engine.PluginSource{}
	}
	p.sources[slug] = s
	p.mu.Unlock()
	e, known := p.Plugin(slug)
	if !known {
		e = engine.PluginEntry{Slug: slug, Plugin: p.Draft(ctx, s).Plugins[0]}
	}
	e.File, e.Shipped = s.Path, false
	p.Put(e)
	return p.keep.KeepSource(ctx, s)
}

func (p *fakePlugins) RemoveSource(ctx context.Context, s engine.PluginSource) error {
	for _, e := range p.List() {
		if e.Path() == s.Path && !e.Shipped {
			e.Orphaned = true
			p.Put(e)
		}
	}
	return nil
}

func TestDeletingAPlugin(t *testing.T) {
	h := populated(t)
	h.plugins.keep = h.engine.Plugins.PluginSources()
	const at = "/plugins/probe/source"
	for _, role := range access.Roles() {
		if role != access.Admin {
			wantStatus(t, string(role), h.as(role, "DELETE", at, nil), http.StatusForbidden)
		}
	}
	h.admin(404, "DELETE", "/plugins/nosuch/source", nil)
	h.admin(412, "DELETE", at+"?fingerprint=another", nil)
	first := h.admin(200, "GET", at, nil)
	h.admin(204, "DELETE", at+"?fingerprint="+first.body["fingerprint"].(string), nil)
	if got := h.admin(200, "GET", "/plugins/probe", nil); got.body["state"] != "orphaned" {
		t.Errorf("the plugin is %v", got.body["state"])
	}
	if again := h.admin(409, "DELETE", at, nil); !strings.Contains(again.text, "probe.lua of the plugin probe is gone already") {
		t.Errorf("deleted twice: %s", again.text)
	}
	audit := h.admin(200, "GET", "/audit", nil).items()
	if audit[0]["action"] != "delete" || audit[0]["kind"] != "plugin" || audit[0]["object"] != "probe.lua" || audit[0]["name"] != "the-admin" {
		t.Errorf("the audit log says %v", audit[0])
	}
	versions := h.admin(200, "GET", "/plugins/probe/versions", nil).items()
	if len(versions) != 1 {
		t.Fatalf("the versions are %v", versions)
	}
	back := h.admin(200, "POST", "/plugins/probe/versions/"+versions[0]["id"].(string)+"/restore", nil)
	if files := back.body["files"].(m); files["probe.lua"] != "probe\nfirst" {
		t.Errorf("brought back %v", back.body)
	}
	e, err := h.engine.Plugins.Plugin("probe")
	if err != nil {
		t.Fatal(err)
	}
	e.Shipped, e.Orphaned = true, false
	h.plugins.Put(e)
	if shipped := h.admin(409, "DELETE", at, nil); !strings.Contains(shipped.text, "the plugin probe comes with Moonwatch: it has no file") {
		t.Errorf("deleted a shipped one: %s", shipped.text)
	}
}

func TestPluginSource(t *testing.T) {
	h := populated(t)
	h.plugins.keep = h.engine.Plugins.PluginSources()
	source := h.admin(200, "GET", "/plugins/probe/source", nil)
	files, _ := source.body["files"].(m)
	if source.body["path"] != "probe.lua" || files["probe.lua"] != "probe\nfirst" {
		t.Fatalf("the source is %v", source.body)
	}
	mark := source.body["fingerprint"]

	draft := h.admin(200, "POST", "/plugins/probe/draft", m{"files": m{"probe.lua": "probe\nbroken"}})
	problem := draft.body["problems"].([]any)[0].(m)
	if problem["line"] != 2.0 || problem["file"] != "probe.lua" || len(draft.body["plugins"].([]any)) != 0 {
		t.Errorf("the draft is %v", draft.body)
	}
	if good := h.admin(200, "POST", "/plugins/probe/draft", m{"files": m{"probe.lua": "probe\nok"}}); good.body["plugins"].([]any)[0] != "probe" {
		t.Errorf("the good draft is %v", good.body)
	}

	h.admin(422, "PUT", "/plugins/probe/source", m{"fingerprint": mark, "files": m{"probe.lua": "probe\nbroken"}})
	h.admin(422, "PUT", "/plugins/probe/source", m{"fingerprint": mark, "files": m{"probe.lua": "other\nok"}})
	h.admin(412, "PUT", "/plugins/probe/source", m{"fingerprint": "another", "files": m{"probe.lua": "probe\nsecond"}})
	h.admin(412, "PUT", "/plugins/probe/source", m{"files": m{"probe.lua": "probe\nsecond"}})
	for _, role := range access.Roles() {
		if role != access.Admin {
			wantStatus(t, string(role), h.as(role, "PUT", "/plugins/probe/source", m{"fingerprint": mark, "files": m{"probe.lua": "probe\nsecond"}}), http.StatusForbidden)
		}
	}
	if now := h.admin(200, "GET", "/plugins/probe/source", nil); now.body["fingerprint"] != mark {
		t.Errorf("a refused save changed it: %v", now.body)
	}
	// Another file may not define what this one does: neither over this route nor by going back.
	taken := h.admin(422, "PUT", "/plugins/probe/source", m{"path": "second.lua", "fingerprint": mark, "files": m{"second.lua": "probe\nsecond"}})
	taken.wantErrors(t, "second.lua:1 invalid")
	if !strings.Contains(taken.text, "the slug probe is that of probe.lua already") {
		t.Errorf("another file with the slug: %s", taken.text)
	}
	draft = h.admin(200, "POST", "/plugins/probe/draft", m{"path": "second.lua", "files": m{"second.lua": "probe\nsecond"}})
	if problems := draft.body["problems"].([]any); len(problems) != 1 || problems[0].(m)["file"] != "second.lua" || len(draft.body["plugins"].([]any)) != 0 {
		t.Errorf("the draft of another file with the slug: %v", draft.body)
	}
	second := h.admin(200, "PUT", "/plugins/probe/source", m{"fingerprint": mark, "files": m{"probe.lua": "probe\nsecond"}})
	h.admin(412, "PUT", "/plugins/probe/source", m{"fingerprint": mark, "files": m{"probe.lua": "probe\nthird"}})
	h.admin(200, "PUT", "/plugins/probe/source", m{"fingerprint": second.body["fingerprint"], "files": m{"probe.lua": "probe\nthird"}})
	h.admin(200, "PUT", "/plugins/fresh/source", m{"files": m{"fresh.lua": "fresh\nnew"}})

	versions := h.admin(200, "GET", "/plugins/probe/versions", nil).items()
	if len(versions) != 2 || versions[0]["author"] != "the-admin" {
		t.Fatalf("the versions are %v", versions)
	}
	id := versions[1]["id"].(string)
	past := h.admin(200, "GET", "/plugins/probe/versions/"+id, nil)
	if files := past.body["files"].(m); files["probe.lua"] != "probe\nsecond" {
		t.Errorf("the version is %v", past.body)
	}
	h.admin(404, "POST", "/plugins/fresh/versions/"+id+"/restore", nil)
	back := h.admin(200, "POST", "/plugins/probe/versions/"+id+"/restore", nil)
	if files := back.body["files"].(m); files["probe.lua"] != "probe\nsecond" {
		t.Errorf("restored to %v", back.body)
	}
}

func TestTryOverTheAPI(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "stored"}, "active": false})
	files := m{"probe.lua": "probe\nok"}
	r := h.admin(200, "POST", "/plugins/probe/try", m{"files": files, "config": m{"host": "typed"}})
	result, calls := r.body["result"].(m), r.body["calls"].([]any)
	if result["message"] != "tried with typed" || len(calls) != 1 || calls[0].(m)["took"] != 1.0 || r.body["instructions"] != 7.0 || r.body["memory"] != 2048.0 {
		t.Errorf("tried: %v", r.body)
	}
	r = h.admin(200, "POST", "/plugins/probe/try", m{"files": files, "check": check.id()})
	if result := r.body["result"].(m); result["message"] != "tried with stored" {
		t.Errorf("tried with a check: %v", r.body)
	}
	h.admin(422, "POST", "/plugins/probe/try", m{"files": files}).wantErrors(t, "config.host required")
	h.admin(422, "POST", "/plugins/pager/try", m{"files": m{"pager.lua": "pager\nok"}, "check": check.id()}).wantErrors(t, "check invalid")
	h.admin(422, "POST", "/plugins/probe/try", m{"files": m{"probe.lua": "broken"}})
	if got := h.admin(200, "GET", "/checks/"+check.id()+"/results", nil).items(); len(got) != 0 {
		t.Errorf("a try left %v", got)
	}
}
