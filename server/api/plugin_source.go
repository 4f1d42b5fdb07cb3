package api

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
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
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
	engine *monitor.Monitor
}

func (s *sources) routes(known rest.Shapes) []*rest.Route {
	source, version := rest.ShapeOf[sourceView](known), rest.ShapeOf[versionView](known)
	spec := rest.ListSpec{Item: version, Order: "-at"}
	path := "/plugins/{slug}"
	return []*rest.Route{
		{
			Method:  "GET",
			Path:    path + "/source",
			Role:    access.Admin,
			Tag:     "plugins",
			Summary: "Read the source of a plugin",
			Output:  source,
			Handle:  s.showSource,
		},
		{Method: "PUT", Path: path + "/source", Role: access.Admin, Tag: "plugins", Summary: "Write a plugin",
			Note: "Live when it answers. fingerprint is that of the source that was read: 412 when the files were changed meanwhile. Files that do not load are " +
				"refused with file and line. One that comes with Moonwatch is replaced by a copy in the plugin folder.",
			Input: rest.ShapeOf[sourceInput](known), Output: source, Handle: s.putSource},
		{Method: "DELETE", Path: path + "/source", Role: access.Admin, Tag: "plugins", Summary: "Delete a plugin", Status: http.StatusNoContent,
			Note: "Removes its file, or its folder's Lua files, with all plugins that these define, and keeps them as a version, which can be restored. Checks of " +
				"theirs are unknown until a file with the slug is there again; with a copy of one that comes with Moonwatch, that is in force again. " +
				"409 for what comes with Moonwatch and for what has no file any more.",
			Params: []rest.Param{rest.NewParam("fingerprint", rest.Scalar(rest.TextShape), "of the files that the client has seen: 412 when they were changed meanwhile; left out, they are deleted as they are")},
			Handle: s.deleteSource},
		{Method: "POST", Path: path + "/draft", Role: access.Admin, Tag: "plugins", Summary: "Say what is wrong with a draft of a plugin",
			Note: "Nothing is saved.", Input: rest.ShapeOf[draftInput](known), Output: rest.ShapeOf[draftView](known), Handle: s.draftSource},
		{Method: "POST", Path: path + "/try", Role: access.Admin, Tag: "plugins", Summary: "Run a draft of a check plugin once",
			Note:  "Nothing is saved. Stored secrets are used with a check alone.",
			Input: rest.ShapeOf[tryInput](known), Output: rest.ShapeOf[tryView](known), Handle: s.trySource},
		{
			Method:  "GET",
			Path:    path + "/versions",
			Role:    access.Admin,
			Tag:     "plugins",
			Summary: "List the versions of a plugin",
			Output:  version,
			List:    true,
			Params:  spec.Params(),
			Handle:  func(c *rest.Call) (rest.Answer, error) { return s.listVersions(c, spec) },
		},
		{Method: "GET", Path: path + "/versions/{id}", Role: access.Admin, Tag: "plugins", Summary: "Read a version of a plugin",
			Output: rest.ShapeOf[pastView](known), Handle: s.showVersion},
		{
			Method:  "POST",
			Path:    path + "/versions/{id}/restore",
			Role:    access.Admin,
			Tag:     "plugins",
			Summary: "Put a version of a plugin in force again",
			Output:  source,
			Handle:  s.restoreVersion,
		},
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

// maxName bounds the name of a file or folder of plugins, in bytes.
const maxName = 200

// draftPath is where a draft lies: as the client says, else where the plugin does.
func (s *sources) draftPath(c *rest.Call, path string, files map[string]string) (string, error) {
	if len(path) > maxName || rest.Unusable(path) {
		return "", rest.Invalid(form.Error{
			Location: "path",
			Code:     form.CodeMax,
			Message:  fmt.Sprintf("a name of at most %d characters", maxName),
		})
	}
	for name := range files {
		if len(name) > maxName || rest.Unusable(name) {
			return "", rest.Invalid(form.Error{
				Location: "files",
				Code:     form.CodeMax,
				Message:  fmt.Sprintf("a file has a name of at most %d characters", maxName),
			})
		}
	}
	e, err := s.engine.Plugins.Plugin(c.Variable("slug"))
	switch {
	case path != "" && (err == nil || len(files) > 0):
		return path, nil
	case err == nil:
		return e.Path(), nil
	case len(files) == 0:
		return "", err
	}
	return c.Variable("slug") + ".lua", nil
}

func (s *sources) showSource(c *rest.Call) (rest.Answer, error) {
	if _, err := s.engine.Plugins.Plugin(c.Variable("slug")); err != nil {
		return rest.Answer{}, err
	}
	source, err := s.engine.Plugins.PluginSource(c.Variable("slug"))
	if err != nil {
		return rest.Answer{}, err
	}
	return rest.Answer{Body: sourceView{source.Path, source.Hash, outsideFiles(source)}}, nil
}

func (s *sources) putSource(c *rest.Call) (rest.Answer, error) {
	var in sourceInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return rest.Answer{}, err
	}
	source := sourceOf(path, in.Files)
	slug := c.Variable("slug")
	draft, err := s.engine.Plugins.DraftPlugin(c.Request.Context(), source)
	if err != nil {
		return rest.Answer{}, err
	}
	if len(draft.Problems) == 0 && !slices.Contains(slugsOf(draft), slug) {
		return rest.Answer{}, rest.Invalid(form.Error{
			Location: "files",
			Code:     form.CodeInvalid,
			Message:  "they do not define the plugin " + slug,
		})
	}
	if err := s.engine.Plugins.SavePlugin(c.Request.Context(), c.Actor(), slug, in.Hash, source); err != nil {
		if engine.KindOf(err) == engine.Stale {
			return rest.Answer{}, rest.Refuse(http.StatusPreconditionFailed, err.Error())
		}
		return rest.Answer{}, err
	}
	return s.showSource(c)
}

func (s *sources) deleteSource(c *rest.Call) (rest.Answer, error) {
	err := s.engine.Plugins.DeletePlugin(c.Request.Context(), c.Actor(), c.Variable("slug"), c.Request.URL.Query().Get("fingerprint"))
	if engine.KindOf(err) == engine.Stale {
		return rest.Answer{}, rest.Refuse(http.StatusPreconditionFailed, err.Error())
	}
	return rest.Answer{}, err
}

func slugsOf(draft engine.DraftReport) []string {
	out := []string{}
	for _, p := range draft.Plugins {
		out = append(out, p.Meta().Slug)
	}
	return out
}

func (s *sources) draftSource(c *rest.Call) (rest.Answer, error) {
	var in draftInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return rest.Answer{}, err
	}
	draft, err := s.engine.Plugins.DraftPlugin(c.Request.Context(), sourceOf(path, in.Files))
	if err != nil {
		return rest.Answer{}, err
	}
	v := draftView{Problems: draft.Problems, Warnings: draft.Warnings, Plugins: slugsOf(draft)}
	rest.EmptyLists(&v)
	return rest.Answer{Body: v}, nil
}

func (s *sources) trySource(c *rest.Call) (rest.Answer, error) {
	var in tryInput
	if err := c.Decode(&in); err != nil {
		return rest.Answer{}, err
	}
	path, err := s.draftPath(c, in.Path, in.Files)
	if err != nil {
		return rest.Answer{}, err
	}
	source, check, slug := sourceOf(path, in.Files), engine.NewCheck(), in.Plugin
	draft, err := s.engine.Plugins.DraftPlugin(c.Request.Context(), source)
	if err != nil {
		return rest.Answer{}, err
	}
	if slug == "" && slices.Contains(slugsOf(draft), c.Variable("slug")) {
		slug = c.Variable("slug")
	}
	check.Config = in.Config
	if in.Check != "" {
		stored, err := s.engine.Checks.StoredCheck(in.Check)
		if err != nil || stored.Plugin != c.Variable("slug") {
			return rest.Answer{}, rest.Invalid(form.Error{Location: "check", Code: form.CodeInvalid, Message: "this is no check of the plugin"})
		}
		check.ID, check.Timeout = stored.ID, stored.Timeout
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), check.Timeout.Std()+5*time.Second)
	defer cancel()
	r, report, err := s.engine.Plugins.TryPlugin(ctx, source, slug, check)
	if err != nil {
		return rest.Answer{}, err
	}
	v := tryView{
		Result:       resultView(r),
		Calls:        []callView{},
		More:         report.More,
		Instructions: report.Run.Instructions,
		Memory:       report.Run.Memory,
	}
	for _, one := range report.Calls {
		v.Calls = append(v.Calls, callView{one.Kind, one.Target, one.Request, one.Answer, one.Error, one.Start.UTC(), one.Took.Seconds()})
	}
	return rest.Answer{Body: v}, nil
}

// versions are those of the plugin in the path, the newest first.
func (s *sources) versions(c *rest.Call) ([]monitor.PluginVersion, error) {
	e, err := s.engine.Plugins.Plugin(c.Variable("slug"))
	if err != nil {
		return nil, err
	}
	return s.engine.Plugins.PluginVersions(c.Request.Context(), e.Path())
}

// versionViewOf leaves the path out of the id: it may not stand in an address.
func versionViewOf(v monitor.PluginVersion) versionView {
	return versionView{strings.TrimPrefix(v.ID, v.Path+"/"), v.At, v.Author, v.Source.Hash}
}

func (s *sources) listVersions(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	all, err := s.versions(c)
	if err != nil {
		return rest.Answer{}, err
	}
	views := make([]versionView, len(all))
	for i, v := range all {
		views[i] = versionViewOf(v)
	}
	items, next := rest.Page(l, views, func(v *versionView) string { return v.ID })
	return rest.Answer{Body: rest.PageView[versionView]{Items: items, Next: next}}, nil
}

// pastVersion is the version in the path.
func (s *sources) pastVersion(c *rest.Call) (monitor.PluginVersion, error) {
	all, err := s.versions(c)
	if err != nil {
		return monitor.PluginVersion{}, err
	}
	for _, v := range all {
		if versionViewOf(v).ID == c.ID() {
			return v, nil
		}
	}
	return monitor.PluginVersion{}, rest.Refuse(http.StatusNotFound, "no such version: the oldest are not kept for ever")
}

func (s *sources) showVersion(c *rest.Call) (rest.Answer, error) {
	v, err := s.pastVersion(c)
	if err != nil {
		return rest.Answer{}, err
	}
	return rest.Answer{Body: pastView{versionViewOf(v), outsideFiles(v.Source)}}, nil
}

func (s *sources) restoreVersion(c *rest.Call) (rest.Answer, error) {
	v, err := s.pastVersion(c)
	if err != nil {
		return rest.Answer{}, err
	}
	if err := s.engine.Plugins.RestorePlugin(c.Request.Context(), c.Actor(), v.ID); err != nil {
		return rest.Answer{}, err
	}
	return s.showSource(c)
}
