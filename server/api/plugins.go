package api

import (
	"context"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// variableView is an environment variable that a plugin may read.
type variableView struct {
	Name string `json:"name"`
	Set  bool   `json:"set"`
}

// usageView counts who uses a plugin.
type usageView struct {
	Checks    int `json:"checks"`
	Services  int `json:"services"`
	Instances int `json:"instances"`
}

// pluginView is a plugin as clients see it.
type pluginView struct {
	Slug            string                    `json:"slug"`
	Name            string                    `json:"name"`
	Kind            engine.PluginKind         `json:"kind"` // "" when it never loaded
	Version         string                    `json:"version"`
	Author          string                    `json:"author"`
	Summary         string                    `json:"summary"`
	FontIcon        string                    `json:"font_icon"`
	Homepage        string                    `json:"homepage"`
	License         string                    `json:"license"`
	Channel         string                    `json:"channel"` // alert plugins: phone, sms, email, chat or other
	SettingsFrom    string                    `json:"settings_from"`
	File            string                    `json:"file"`
	State           engine.PluginState        `json:"state"`
	Suspended       string                    `json:"suspended"` // why
	Error           *engine.PluginProblem     `json:"error"`
	RunningVersion  string                    `json:"running_version"` // "" when none runs
	Shipped         bool                      `json:"shipped"`
	ReplacesShipped bool                      `json:"replaces_shipped"`
	Problems        []engine.PluginProblem    `json:"problems"`
	Warnings        []engine.PluginProblem    `json:"warnings"`
	Variables       []variableView            `json:"variables"`
	Forms           map[string]map[string]any `json:"forms"` // JSON Schemas
	UsedBy          usageView                 `json:"used_by"`
	NeedsSettings   string                    `json:"needs_settings"` // alert plugins: what must be filled in before it can send
	Unsent          *unsentView               `json:"unsent"`         // alert plugins: a firing that could not be sent
	LastSent        *time.Time                `json:"last_sent"`      // alert plugins
	LoadedAt        *time.Time                `json:"loaded_at"`
}

// unsentView is the first failed attempt of a firing of which nothing was sent since.
type unsentView struct {
	At      time.Time  `json:"at"`
	Why     string     `json:"why"`
	Subject engine.Ref `json:"subject"`
	Name    string     `json:"subject_name"`
}

// plugins are the routes of plugins.
type plugins struct {
	engine    *monitor.Monitor
	lookupEnv func(string) (string, bool) // whether a variable is set
}

func (s *plugins) routes(known rest.Shapes) []*rest.Route {
	view := rest.ShapeOf[pluginView](known)
	free := rest.FreeShape()
	spec := rest.ListSpec{Item: view, Order: "slug"}
	return []*rest.Route{
		{Method: "GET", Path: "/plugins", Role: access.Viewer, Tag: "plugins", Summary: "List plugins", Output: view, List: true,
			Params: spec.Params(), Handle: func(c *rest.Call) (rest.Answer, error) { return s.listPlugins(c, spec) }},
		{Method: "GET", Path: "/plugins/{slug}", Role: access.Viewer, Tag: "plugins", Summary: "Read a plugin", Output: view,
			Handle: func(c *rest.Call) (rest.Answer, error) {
				e, err := s.engine.Plugins.Plugin(c.Variable("slug"))
				if err != nil {
					return rest.Answer{}, err
				}
				return rest.Answer{Body: s.viewPlugin(e)}, nil
			}},
		{Method: "GET", Path: "/plugins/{slug}/settings", Role: access.Admin, Tag: "plugins", Summary: "Read the site-wide settings of a plugin",
			Note: "Secrets show as {\"set\": true}.", Output: free, Tagged: true, Handle: s.showPluginSettings},
		{Method: "PUT", Path: "/plugins/{slug}/settings", Role: access.Admin, Tag: "plugins", Summary: "Save the site-wide settings of a plugin",
			Note:  "The fields of the plugin's settings_form, flat. Secrets written as \"\" or {\"set\": true}, or left out, stay; null clears them.",
			Input: free, Output: free, Tagged: true, Handle: s.putPluginSettings},
		{
			Method:  "POST",
			Path:    "/plugins/{slug}/resume",
			Role:    access.Admin,
			Tag:     "plugins",
			Summary: "Lift the suspension of a plugin and its checks",
			Output:  view,
			Handle:  s.resumePlugin,
		},
	}
}

func (s *plugins) listPlugins(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	var all []pluginView
	for _, e := range s.engine.Plugins.Plugins() {
		all = append(all, s.viewPlugin(e))
	}
	items, next := rest.Page(l, all, func(v *pluginView) string { return v.Slug })
	return rest.Answer{Body: rest.PageView[pluginView]{Items: items, Next: next}}, nil
}

// viewPlugin is a plugin as clients see it.
func (s *plugins) viewPlugin(e engine.PluginEntry) pluginView {
	use := s.engine.Plugins.PluginUse(e.Slug)
	v := pluginView{Slug: e.Slug, File: e.File, Error: e.Problem, Shipped: e.Shipped, ReplacesShipped: e.Replaces,
		Problems: e.Problems, Warnings: e.Warnings, LoadedAt: since(e.LoadedAt),
		UsedBy: usageView{len(use.Checks), len(use.Services), len(use.Instances)}, Forms: map[string]map[string]any{}}
	v.Suspended, _ = s.engine.Plugins.PluginSuspended(e.Slug)
	v.State = e.State(v.Suspended)
	if e.Plugin != nil {
		s.describe(&v, e.Plugin.Meta())
	}
	if v.Kind == engine.AlertPlugin {
		channel := s.engine.Incidents.Channel(e.Slug)
		v.NeedsSettings, v.LastSent = channel.Needs, s.engine.Incidents.LastSent(context.Background(), e.Slug)
		if u := channel.Unsent; u != nil {
			v.Unsent = &unsentView{u.At, u.Why, channel.For, channel.ForName}
		}
	}
	rest.EmptyLists(&v)
	return v
}

func (s *plugins) describe(v *pluginView, m *engine.PluginMeta) {
	v.Name, v.Kind, v.Version, v.Author, v.Summary = m.Name, m.Kind, m.Version, m.Author, m.Summary
	v.FontIcon, v.Homepage, v.License, v.Channel = m.FontIcon, m.Homepage, m.License, m.Channel
	v.RunningVersion, v.SettingsFrom = m.Version, m.SettingsFrom
	if v.File == "" {
		v.File = m.File
	}
	for _, name := range m.Variables {
		_, set := s.lookupEnv(name)
		v.Variables = append(v.Variables, variableView{name, set})
	}
	for name, f := range m.Forms {
		v.Forms[string(name)] = f.JSONSchema()
	}
}

// settingsSlug is whose settings a plugin reads: another one's when it shares them.
func (s *plugins) settingsSlug(c *rest.Call) (string, error) {
	slug := c.Variable("slug")
	e, err := s.engine.Plugins.Plugin(slug)
	if err == nil && e.Plugin != nil && e.Plugin.Meta().SettingsFrom != "" {
		slug = e.Plugin.Meta().SettingsFrom
	}
	return slug, err
}

func (s *plugins) showPluginSettings(c *rest.Call) (rest.Answer, error) {
	slug, err := s.settingsSlug(c)
	if err != nil {
		return rest.Answer{}, err
	}
	stored := s.engine.Site.PluginSettings(slug)
	return rest.Answer{Body: map[string]any(s.engine.Public(slug, engine.SettingsForm, stored.Values)), ETag: &stored.Revision}, nil
}

func (s *plugins) putPluginSettings(c *rest.Call) (rest.Answer, error) {
	slug, err := s.settingsSlug(c)
	if err != nil {
		return rest.Answer{}, err
	}
	match, err := c.IfMatch(s.engine.Site.PluginSettings(slug).Revision)
	if err != nil {
		return rest.Answer{}, err
	}
	raw, err := c.Values()
	if err != nil {
		return rest.Answer{}, err
	}
	if err := s.engine.Site.SavePluginSettings(c.Request.Context(), c.Actor(), slug, raw, match); err != nil {
		return rest.Answer{}, err
	}
	return s.showPluginSettings(c)
}

func (s *plugins) resumePlugin(c *rest.Call) (rest.Answer, error) {
	slug := c.Variable("slug")
	if err := s.engine.Plugins.ResumePlugin(c.Request.Context(), c.Actor(), slug); err != nil {
		return rest.Answer{}, err
	}
	e, err := s.engine.Plugins.Plugin(slug)
	if err != nil {
		return rest.Answer{}, err
	}
	return rest.Answer{Body: s.viewPlugin(e)}, nil
}
