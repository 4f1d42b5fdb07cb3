package engine

import (
	"maps"
	"moonwatch/engine/form"
	"slices"
	"strings"
)

func (t *tables) site() *Settings {
	if s := t.settings[siteID]; s != nil {
		return s
	}
	return defaultSite
}

var defaultSite = DefaultSettings() // read only

// Settings returns the site's settings.
func (e *State) Settings() Settings {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return *e.tables.site()
}

// pluginEntry returns a plugin's entry; before Start there are none.
func (e *State) pluginEntry(slug string) (PluginEntry, bool) {
	if e.plugins == nil {
		return PluginEntry{}, false
	}
	return e.plugins.Plugin(slug)
}

// site returns the site's settings.
func (x *tx) site() *Settings {
	if s := x.settings.get(siteID); s != nil {
		return s
	}
	return DefaultSettings()
}

func (e *State) checkNow(id string) *Check {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.checks[id]
}

// configured is all configuration at one moment. The objects are shared.
type configured struct {
	services  map[string]*Service
	instances map[string]*Instance
	checks    map[string]*Check
	users     map[string]*User
	plugins   map[string]*PluginSettings
	rotas     map[string]*Rota
	silences  map[string]*Silence
	settings  *Settings
}

func (e *State) configured() *configured {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.tables
	return &configured{maps.Clone(t.services), maps.Clone(t.instances), maps.Clone(t.checks), maps.Clone(t.users),
		maps.Clone(t.plugins), maps.Clone(t.rotas), maps.Clone(t.silences), t.site()}
}

// same reports whether nothing was configured since.
func (c *configured) same(t *tables) bool {
	return maps.Equal(c.services, t.services) && maps.Equal(c.instances, t.instances) && maps.Equal(c.checks, t.checks) &&
		maps.Equal(c.users, t.users) && maps.Equal(c.plugins, t.plugins) && maps.Equal(c.rotas, t.rotas) &&
		maps.Equal(c.silences, t.silences) && c.settings == t.site()
}

// names gives the name of each object by kind and id.
func (c *configured) names() map[Kind]map[string]string {
	return map[Kind]map[string]string{
		KindService:  namesOf(c.services, func(v *Service) string { return v.Name }),
		KindInstance: namesOf(c.instances, func(v *Instance) string { return v.Name }),
		KindCheck:    namesOf(c.checks, func(v *Check) string { return v.Name }),
		KindUser:     namesOf(c.users, func(v *User) string { return v.Username }),
		KindRota:     namesOf(c.rotas, func(v *Rota) string { return v.Name }),
	}
}

func namesOf[T any](m map[string]*T, name func(*T) string) map[string]string {
	out := make(map[string]string, len(m))
	for id, v := range m {
		out[id] = name(v)
	}
	return out
}

// userNamed returns the user with a username, in any case; nil without.
func (t *tables) userNamed(username string) *User {
	return t.users[t.names[KindUser][nameKey(KindUser, username)]]
}

// LatestResult returns the last result of a check, nil when it has none. It is
// shared and must not be changed.
func (e *State) LatestResult(check string) *Result {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.latest[check]
}

// SubjectName returns the name of a service or instance, "" when it is not there.
func (e *State) SubjectName(ref Ref) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.tables.services[ref.ID]; s != nil && ref.Kind == KindService {
		return s.Name
	}
	if i := e.tables.instances[ref.ID]; i != nil && ref.Kind == KindInstance {
		return i.Name
	}
	return ""
}

func (t *tables) activeOnly(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		u := t.users[id]
		return u == nil || !u.Active
	})
}

func (e *State) base(site *Settings) string {
	if site.PublicURL != "" {
		return strings.TrimRight(site.PublicURL, "/")
	}
	return strings.TrimRight(e.o.SelfURL, "/")
}

// nameOf is the name of a service or instance.
func (t *tables) nameOf(ref Ref) string {
	if s := t.services[ref.ID]; s != nil && ref.Kind == KindService {
		return s.Name
	}
	if i := t.instances[ref.ID]; i != nil && ref.Kind == KindInstance {
		return i.Name
	}
	return ref.ID
}

// Public masks values by the schema of their form, or without it when the
// plugin is not there.
func (e *State) Public(slug string, name FormName, values form.Values) form.Values {
	if entry, ok := e.pluginEntry(slug); ok && entry.Plugin != nil {
		return entry.Plugin.Meta().Forms[name].Public(values)
	}
	if m, ok := form.Mask(map[string]any(values)).(map[string]any); ok && m != nil {
		return m
	}
	return form.Values{}
}
