package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// sourceView is the source of a plugin.
type sourceView struct {
	Path  string            `json:"path"`        // of the file or folder, within the plugin folder
	Hash  string            `json:"fingerprint"` // of the files; changes when one does
	Files map[string]string `json:"files"`       // by name: that of the file, or within the folder
}

// sourceInput is a plugin to write.
type sourceInput struct {
	Path  string            `json:"path"`        // "" is where the plugin lies, for a new one SLUG.lua
	Hash  string            `json:"fingerprint"` // of the files that the client has seen; "" for a new plugin
	Files map[string]string `json:"files"`
}

// draftInput is a plugin to look at.
type draftInput struct {
	Path  string            `json:"path"`
	Files map[string]string `json:"files"`
}

// draftView is what is wrong with a draft.
type draftView struct {
	Problems []engine.PluginProblem `json:"problems"`
	Warnings []engine.PluginProblem `json:"warnings"`
	Plugins  []string               `json:"plugins"` // slugs that it defines; none when there are problems
}

// tryInput is a draft to run.
type tryInput struct {
	Path   string            `json:"path"`
	Files  map[string]string `json:"files"`
	Plugin string            `json:"plugin"` // slug, of drafts that define several; "" is that in the path, or the first
	Check  string            `json:"check"`  // id of a check whose configuration, secrets included, is used
	Config form.Values       `json:"config"` // without a check
}

// tryView is what a run of a draft did.
type tryView struct {
	Result       engine.Result `json:"result"`
	Calls        []callView    `json:"calls"`
	More         int           `json:"more"` // further calls, which were not recorded
	Instructions int64         `json:"instructions"`
	Memory       uint64        `json:"memory"` // bytes, the most that the run was seen to hold
}

// callView is one thing that a run did outside.
type callView struct {
	Kind    string    `json:"kind"`
	Target  string    `json:"target"`
	Request string    `json:"request"`
	Answer  string    `json:"answer"`
	Error   string    `json:"error"`
	Start   time.Time `json:"start"`
	Took    float64   `json:"took"` // seconds
}

// versionView is a version of a plugin that was in force.
type versionView struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Author string    `json:"author"` // username, "" when it was changed in the folder
	Hash   string    `json:"fingerprint"`
}

// pastView is such a version with its files.
type pastView struct {
	versionView
	Files map[string]string `json:"files"`
}

// sources are the routes of the sources of plugins.
type sources struct {
	engine *engine.Engine
}

func (s *sources) routes(known shapes) []*route {
	source, version := shapeOf[sourceView](known), shapeOf[versionView](known)
	spec := listSpec{item: version, order: "-at"}
	path := "/plugins/{slug}"
	return []*route{
		{method: "GET", path: path + "/source", role: access.Admin, tag: "plugins", summary: "Read the source of a plugin", output: source, handle: s.showSource},
		{method: "PUT", path: path + "/source", role: access.Admin, tag: "plugins", summary: "Write a plugin",
			note: "Live when it answers. fingerprint is that of the source that was read: 412 when the files were changed meanwhile. Files that do not load are " +
				"refused with file and line. One that comes with Moonwatch is replaced by a copy in the plugin folder.",
			input: shapeOf[sourceInput](known), output: source, handle: s.putSource},
		{method: "DELETE", path: path + "/source", role: access.Admin, tag: "plugins", summary: "Delete a plugin", status: http.StatusNoContent,
			note: "Removes its file, or its folder's Lua files, with all plugins that these define, and keeps them as a version, which can be restored. Checks of " +
				"theirs are unknown until a file with the slug is there again; with a copy of one that comes with Moonwatch, that is in force again. " +
				"409 for what comes with Moonwatch and for what has no file any more.",
			params: []param{{"fingerprint", scalar(textShape), "of the files that the client has seen: 412 when they were changed meanwhile; left out, they are deleted as they are"}},
			handle: s.deleteSource},
		{method: "POST", path: path + "/draft", role: access.Admin, tag: "plugins", summary: "Say what is wrong with a draft of a plugin",
			note: "Nothing is saved.", input: shapeOf[draftInput](known), output: shapeOf[draftView](known), handle: s.draftSource},
		{method: "POST", path: path + "/try", role: access.Admin, tag: "plugins", summary: "Run a draft of a check plugin once",
			note:  "Nothing is saved. Stored secrets are used with a check alone.",
			input: shapeOf[tryInput](known), output: shapeOf[tryView](known), handle: s.trySource},
		{method: "GET", path: path + "/versions", role: access.Admin, tag: "plugins", summary: "List the versions of a plugin", output: version, list: true,
			params: spec.params(), handle: func(c *call) (answer, error) { return s.listVersions(c, spec) }},
		{method: "GET", path: path + "/versions/{id}", role: access.Admin, tag: "plugins", summary: "Read a version of a plugin",
			output: shapeOf[pastView](known), handle: s.showVersion},
		{method: "POST", path: path + "/versions/{id}/restore", role: access.Admin, tag: "plugins", summary: "Put a version of a plugin in force again",
			output: source, handle: s.restoreVersion},
	}
}

// outsideFiles names the one file of a plugin as it is named in the folder.
func outsideFiles(s engine.PluginSource) map[string]string {
	out := map[string]string{}
	for name, text := range s.Files {
		if name == "" {
			name = s.Path
		}
		out[name] = text
	}
	return out
}

// sourceOf is the source of what a client sent.
func sourceOf(path string, files map[string]string) engine.PluginSource {
	s := engine.PluginSource{Path: path, Files: map[string]string{}}
	for name, text := range files {
		if name == path {
			name = ""
		}
		s.Files[name] = text
	}
	return s
}

// mostName bounds the name of a file or folder of plugins, in bytes.
const mostName = 200

// draftPath is where a draft lies: as the client says, else where the plugin does.
func (s *sources) draftPath(c *call, path string, files map[string]string) (string, error) {
	if len(path) > mostName || unusable(path) {
		return "", invalid(form.Error{Location: "path", Code: form.CodeMax, Message: fmt.Sprintf("a name of at most %d characters", mostName)})
	}
	for name := range files {
		if len(name) > mostName || unusable(name) {
			return "", invalid(form.Error{Location: "files", Code: form.CodeMax, Message: fmt.Sprintf("a file has a name of at most %d characters", mostName)})
		}
	}
	e, err := s.engine.Plugin(c.variable("slug"))
	switch {
	case path != "" && (err == nil || len(files) > 0):
		return path, nil
	case err == nil:
		return e.Path(), nil
	case len(files) == 0:
		return "", err
	}
	return c.variable("slug") + ".lua", nil
}

func (s *sources) showSource(c *call) (answer, error) {
	if _, err := s.engine.Plugin(c.variable("slug")); err != nil {
		return answer{}, err
	}
	source, err := s.engine.PluginSource(c.variable("slug"))
	if err != nil {
		return answer{}, err
	}
	return answer{body: sourceView{source.Path, source.Hash, outsideFiles(source)}}, nil
}

func (s *sources) putSource(c *call) (answer, error) {
	var in sourceInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return answer{}, err
	}
	source := sourceOf(path, in.Files)
	slug := c.variable("slug")
	draft, err := s.engine.DraftPlugin(c.r.Context(), source)
	if err != nil {
		return answer{}, err
	}
	if len(draft.Problems) == 0 && !slices.Contains(slugsOf(draft), slug) {
		return answer{}, invalid(form.Error{Location: "files", Code: form.CodeInvalid, Message: "they do not define the plugin " + slug})
	}
	if err := s.engine.SavePlugin(c.r.Context(), c.actor(), slug, in.Hash, source); err != nil {
		if engine.KindOf(err) == engine.Stale {
			return answer{}, refuse(http.StatusPreconditionFailed, err.Error())
		}
		return answer{}, err
	}
	return s.showSource(c)
}

func (s *sources) deleteSource(c *call) (answer, error) {
	err := s.engine.DeletePlugin(c.r.Context(), c.actor(), c.variable("slug"), c.r.URL.Query().Get("fingerprint"))
	if engine.KindOf(err) == engine.Stale {
		return answer{}, refuse(http.StatusPreconditionFailed, err.Error())
	}
	return answer{}, err
}

func slugsOf(draft engine.DraftReport) []string {
	out := []string{}
	for _, p := range draft.Plugins {
		out = append(out, p.Meta().Slug)
	}
	return out
}

func (s *sources) draftSource(c *call) (answer, error) {
	var in draftInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return answer{}, err
	}
	draft, err := s.engine.DraftPlugin(c.r.Context(), sourceOf(path, in.Files))
	if err != nil {
		return answer{}, err
	}
	v := draftView{Problems: draft.Problems, Warnings: draft.Warnings, Plugins: slugsOf(draft)}
	emptyLists(&v)
	return answer{body: v}, nil
}

func (s *sources) trySource(c *call) (answer, error) {
	var in tryInput
	if err := c.decode(&in); err != nil {
		return answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return answer{}, err
	}
	source, check, slug := sourceOf(path, in.Files), engine.NewCheck(), in.Plugin
	draft, err := s.engine.DraftPlugin(c.r.Context(), source)
	if err != nil {
		return answer{}, err
	}
	if slug == "" && slices.Contains(slugsOf(draft), c.variable("slug")) {
		slug = c.variable("slug")
	}
	check.Config = in.Config
	if in.Check != "" {
		stored, err := s.engine.StoredCheck(in.Check)
		if err != nil || stored.Plugin != c.variable("slug") {
			return answer{}, invalid(form.Error{Location: "check", Code: form.CodeInvalid, Message: "this is no check of the plugin"})
		}
		check.ID, check.Timeout = stored.ID, stored.Timeout
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), check.Timeout.Std()+5*time.Second)
	defer cancel()
	r, report, err := s.engine.TryPlugin(ctx, source, slug, check)
	if err != nil {
		return answer{}, err
	}
	v := tryView{Result: resultView(r), Calls: []callView{}, More: report.More, Instructions: report.Run.Instructions, Memory: report.Run.Memory}
	for _, one := range report.Calls {
		v.Calls = append(v.Calls, callView{one.Kind, one.Target, one.Request, one.Answer, one.Error, one.Start.UTC(), one.Took.Seconds()})
	}
	return answer{body: v}, nil
}

// versions are those of the plugin in the path, the newest first.
func (s *sources) versions(c *call) ([]engine.PluginVersion, error) {
	e, err := s.engine.Plugin(c.variable("slug"))
	if err != nil {
		return nil, err
	}
	return s.engine.PluginVersions(c.r.Context(), e.Path())
}

// versionViewOf leaves the path out of the id: it may not stand in an address.
func versionViewOf(v engine.PluginVersion) versionView {
	return versionView{strings.TrimPrefix(v.ID, v.Path+"/"), v.At, v.Author, v.Source.Hash}
}

func (s *sources) listVersions(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	all, err := s.versions(c)
	if err != nil {
		return answer{}, err
	}
	views := make([]versionView, len(all))
	for i, v := range all {
		views[i] = versionViewOf(v)
	}
	items, next := page(l, views, func(v *versionView) string { return v.ID })
	return answer{body: pageView[versionView]{items, next}}, nil
}

// pastVersion is the version in the path.
func (s *sources) pastVersion(c *call) (engine.PluginVersion, error) {
	all, err := s.versions(c)
	if err != nil {
		return engine.PluginVersion{}, err
	}
	for _, v := range all {
		if versionViewOf(v).ID == c.id() {
			return v, nil
		}
	}
	return engine.PluginVersion{}, refuse(http.StatusNotFound, "no such version: the oldest are not kept for ever")
}

func (s *sources) showVersion(c *call) (answer, error) {
	v, err := s.pastVersion(c)
	if err != nil {
		return answer{}, err
	}
	return answer{body: pastView{versionViewOf(v), outsideFiles(v.Source)}}, nil
}

func (s *sources) restoreVersion(c *call) (answer, error) {
	v, err := s.pastVersion(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.engine.RestorePlugin(c.r.Context(), c.actor(), v.ID); err != nil {
		return answer{}, err
	}
	return s.showSource(c)
}
