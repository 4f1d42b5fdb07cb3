package state

import (
	"maps"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

func (t *Tables) Site() *engine.Settings {
	if s := t.settings[engine.SiteID]; s != nil {
		return s
	}
	return defaultSite
}

var defaultSite = engine.DefaultSettings() // read only

// Settings returns the site's settings.
func (st *State) Settings() engine.Settings {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	return *st.Tables.Site()
}

// PluginEntry returns a plugin's entry; before Start there are none.
func (st *State) PluginEntry(slug string) (engine.PluginEntry, bool) {
	if st.Registry == nil {
		return engine.PluginEntry{}, false
	}
	return st.Registry.Plugin(slug)
}

// Site returns the site's settings.
func (x *Tx) Site() *engine.Settings {
	if s := x.Settings.Get(engine.SiteID); s != nil {
		return s
	}
	return engine.DefaultSettings()
}

func (st *State) CheckNow(id string) *engine.Check {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	return st.Tables.Checks[id]
}

// Configured is all configuration at one moment. The objects are shared.
type Configured struct {
	Services  map[string]*engine.Service
	Instances map[string]*engine.Instance
	Checks    map[string]*engine.Check
	Users     map[string]*engine.User
	Plugins   map[string]*engine.PluginSettings
	Rotas     map[string]*engine.Rota
	Silences  map[string]*engine.Silence
	Settings  *engine.Settings
}

func (st *State) Configured() *Configured {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	t := st.Tables
	return &Configured{maps.Clone(t.Services), maps.Clone(t.Instances), maps.Clone(t.Checks), maps.Clone(t.Users),
		maps.Clone(t.Plugins), maps.Clone(t.Rotas), maps.Clone(t.Silences), t.Site()}
}

// Same reports whether nothing was configured since.
func (c *Configured) Same(t *Tables) bool {
	return maps.Equal(c.Services, t.Services) && maps.Equal(c.Instances, t.Instances) && maps.Equal(c.Checks, t.Checks) &&
		maps.Equal(c.Users, t.Users) && maps.Equal(c.Plugins, t.Plugins) && maps.Equal(c.Rotas, t.Rotas) &&
		maps.Equal(c.Silences, t.Silences) && c.Settings == t.Site()
}

// Names gives the name of each object by kind and id.
func (c *Configured) Names() map[engine.Kind]map[string]string {
	return map[engine.Kind]map[string]string{
		engine.KindService:  namesOf(c.Services, func(v *engine.Service) string { return v.Name }),
		engine.KindInstance: namesOf(c.Instances, func(v *engine.Instance) string { return v.Name }),
		engine.KindCheck:    namesOf(c.Checks, func(v *engine.Check) string { return v.Name }),
		engine.KindUser:     namesOf(c.Users, func(v *engine.User) string { return v.Username }),
		engine.KindRota:     namesOf(c.Rotas, func(v *engine.Rota) string { return v.Name }),
	}
}

func namesOf[T any](m map[string]*T, name func(*T) string) map[string]string {
	out := make(map[string]string, len(m))
	for id, v := range m {
		out[id] = name(v)
	}
	return out
}

// UserNamed returns the user with a username, in any case; nil without.
func (t *Tables) UserNamed(username string) *engine.User {
	return t.Users[t.names[engine.KindUser][NameKey(engine.KindUser, username)]]
}

// LatestResult returns the last result of a check, nil when it has none. It is
// shared and must not be changed.
func (st *State) LatestResult(check string) *engine.Result {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	return st.Tables.Latest[check]
}

// SubjectName returns the name of a service or instance, "" when it is not there.
func (st *State) SubjectName(ref engine.Ref) string {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	if s := st.Tables.Services[ref.ID]; s != nil && ref.Kind == engine.KindService {
		return s.Name
	}
	if i := st.Tables.Instances[ref.ID]; i != nil && ref.Kind == engine.KindInstance {
		return i.Name
	}
	return ""
}

func (t *Tables) ActiveOnly(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		u := t.Users[id]
		return u == nil || !u.Active
	})
}

func (st *State) Base(site *engine.Settings) string {
	if site.PublicURL != "" {
		return strings.TrimRight(site.PublicURL, "/")
	}
	return strings.TrimRight(st.Options.SelfURL, "/")
}

// NameOf is the name of a service or instance.
func (t *Tables) NameOf(ref engine.Ref) string {
	if s := t.Services[ref.ID]; s != nil && ref.Kind == engine.KindService {
		return s.Name
	}
	if i := t.Instances[ref.ID]; i != nil && ref.Kind == engine.KindInstance {
		return i.Name
	}
	return ref.ID
}

// Public masks values by the schema of their form, or without it when the
// plugin is not there.
func (st *State) Public(slug string, name engine.FormName, values form.Values) form.Values {
	if entry, ok := st.PluginEntry(slug); ok && entry.Plugin != nil {
		return entry.Plugin.Meta().Forms[name].Public(values)
	}
	if m, ok := form.Mask(map[string]any(values)).(map[string]any); ok && m != nil {
		return m
	}
	return form.Values{}
}
