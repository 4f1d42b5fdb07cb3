// Package revision is the one table of the kinds of objects whose past can be seen
// and brought back.
//
// The API and the pages both list revisions and put an old state in force again.
// What differs from kind to kind stands here once: who may, the words and the
// address of its page, how stored bytes become an object with its secrets masked,
// and how such an object is saved. In come stored revisions, out come objects as
// forms and clients send them.
//
// The package knows no request and no page. Tokens are not in the table: they have
// revisions in the API, but never come back.
package revision

import (
	"context"
	"encoding/json"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
)

// Kind is a kind of object whose revisions can be brought back.
type Kind struct {
	Kind  engine.Kind
	Title string      // in words: "plugin's settings"
	Nav   string      // the entry of the pages' navigation that it belongs to
	Role  access.Role // that brings one back; users are for themselves and admins

	// Path is the address of an object's page.
	Path func(id string) string
	// Decode reads a stored object, a pointer to its type, with its secrets masked
	// as a form would send them back.
	Decode func(e *monitor.Monitor, data []byte) (any, error)
	// Now is the revision that an object is at; an error when it is not there.
	Now func(e *monitor.Monitor, id string) (uint64, error)
	// Save puts an object of Decode in place of the revision at. keepSession is the
	// one session that a user keeps; "" keeps none.
	Save func(ctx context.Context, e *monitor.Monitor, by engine.Actor, object any, id string, at uint64, keepSession string) error
}

// Of returns the kind of that name.
func Of(kind engine.Kind) (Kind, bool) {
	for _, k := range kinds() {
		if k.Kind == kind {
			return k, true
		}
	}
	return Kind{}, false
}

// kinds are all of them.
func kinds() []Kind {
	return []Kind{
		listed(engine.KindService, access.Editor, maskService,
			func(e *monitor.Monitor, id string) (engine.Service, error) { return e.Targets.StoredService(id) },
			func(s *engine.Service) *engine.Meta { return &s.Meta },
			func(ctx context.Context, e *monitor.Monitor, by engine.Actor, s engine.Service, _ string) error {
				_, err := e.Targets.SaveService(ctx, by, s)
				return err
			}),
		listed(engine.KindInstance, access.Editor, maskInstance,
			func(e *monitor.Monitor, id string) (engine.Instance, error) { return e.Targets.StoredInstance(id) },
			func(i *engine.Instance) *engine.Meta { return &i.Meta },
			func(ctx context.Context, e *monitor.Monitor, by engine.Actor, i engine.Instance, _ string) error {
				_, err := e.Targets.SaveInstance(ctx, by, i)
				return err
			}),
		listed(engine.KindCheck, access.Editor, maskCheck,
			func(e *monitor.Monitor, id string) (engine.Check, error) { return e.Checks.StoredCheck(id) },
			func(c *engine.Check) *engine.Meta { return &c.Meta },
			func(ctx context.Context, e *monitor.Monitor, by engine.Actor, c engine.Check, _ string) error {
				_, err := e.Checks.SaveCheck(ctx, by, c)
				return err
			}),
		listed(engine.KindRota, access.Editor, func(e *monitor.Monitor, r *engine.Rota) { e.FeedAddresses.Open(r) },
			func(e *monitor.Monitor, id string) (engine.Rota, error) { return e.OnCall.StoredRota(id) },
			func(r *engine.Rota) *engine.Meta { return &r.Meta },
			func(ctx context.Context, e *monitor.Monitor, by engine.Actor, r engine.Rota, _ string) error {
				_, err := e.Rotas.SaveRota(ctx, by, r)
				return err
			}),
		listed(engine.KindSilence, access.Operator, func(*monitor.Monitor, *engine.Silence) {},
			func(e *monitor.Monitor, id string) (engine.Silence, error) {
				v, err := e.Silences.Silence(id)
				return v.Silence, err
			},
			func(s *engine.Silence) *engine.Meta { return &s.Meta },
			func(ctx context.Context, e *monitor.Monitor, by engine.Actor, s engine.Silence, _ string) error {
				_, err := e.Silences.SaveSilence(ctx, by, s)
				return err
			}),
		listed(engine.KindUser, access.Viewer, maskUser,
			func(e *monitor.Monitor, id string) (engine.User, error) { return e.Users.StoredUser(id) },
			func(u *engine.User) *engine.Meta { return &u.Meta }, saveUser),
		settings(), pluginSettings(),
	}
}

// listed is a kind whose objects have pages and a list.
func listed[T any](kind engine.Kind, role access.Role, mask func(*monitor.Monitor, *T), stored func(*monitor.Monitor, string) (T, error),
	meta func(*T) *engine.Meta, save func(context.Context, *monitor.Monitor, engine.Actor, T, string) error,
) Kind {
	return Kind{Kind: kind, Title: string(kind), Nav: string(kind) + "s", Role: role,
		Path:   func(id string) string { return "/" + string(kind) + "s/" + id },
		Decode: decode(mask),
		Now: func(e *monitor.Monitor, id string) (uint64, error) {
			o, err := stored(e, id)
			return meta(&o).Revision, err
		},
		Save: func(ctx context.Context, e *monitor.Monitor, by engine.Actor, object any, id string, at uint64, keepSession string) error {
			o := *object.(*T)
			meta(&o).ID, meta(&o).Revision = id, at
			return save(ctx, e, by, o, keepSession)
		}}
}

func decode[T any](mask func(*monitor.Monitor, *T)) func(*monitor.Monitor, []byte) (any, error) {
	return func(e *monitor.Monitor, data []byte) (any, error) {
		o := new(T)
		if err := json.Unmarshal(data, o); err != nil {
			return nil, err
		}
		mask(e, o)
		return o, nil
	}
}

func settings() Kind {
	return Kind{Kind: engine.KindSettings, Title: "settings", Nav: "settings", Role: access.Admin,
		Path:   func(string) string { return "/settings" },
		Decode: decode(func(*monitor.Monitor, *engine.Settings) {}),
		Now:    func(e *monitor.Monitor, _ string) (uint64, error) { return e.Settings().Revision, nil },
		Save: func(ctx context.Context, e *monitor.Monitor, by engine.Actor, object any, _ string, at uint64, _ string) error {
			s := *object.(*engine.Settings)
			s.Revision = at
			_, err := e.Site.SaveSettings(ctx, by, s)
			return err
		}}
}

func pluginSettings() Kind {
	return Kind{Kind: engine.KindPluginSettings, Title: "plugin's settings", Nav: "plugins", Role: access.Admin,
		Path: func(id string) string { return "/plugins/" + id },
		Decode: decode(func(e *monitor.Monitor, s *engine.PluginSettings) {
			s.Values = e.Public(s.ID, engine.SettingsForm, s.Values)
		}),
		Now: func(e *monitor.Monitor, id string) (uint64, error) { return e.Site.PluginSettings(id).Revision, nil },
		Save: func(ctx context.Context, e *monitor.Monitor, by engine.Actor, object any, id string, at uint64, _ string) error {
			return e.Site.SavePluginSettings(ctx, by, id, form.Values(object.(*engine.PluginSettings).Values), &at)
		}}
}

func maskService(e *monitor.Monitor, s *engine.Service) { maskAlerts(e, &s.Alerting) }

func maskInstance(e *monitor.Monitor, i *engine.Instance) { maskAlerts(e, &i.Alerting) }

func maskAlerts(e *monitor.Monitor, a *engine.Alerting) {
	for i := range a.Alerts {
		a.Alerts[i].Settings = e.Public(a.Alerts[i].Plugin, engine.ServiceConfigForm, a.Alerts[i].Settings)
	}
}

func maskCheck(e *monitor.Monitor, c *engine.Check) {
	c.Config = e.Public(c.Plugin, engine.ConfigForm, c.Config)
}

func maskUser(e *monitor.Monitor, u *engine.User) {
	for slug, values := range u.Settings {
		u.Settings[slug] = e.Public(slug, engine.UserConfigForm, values)
	}
}

// saveUser keeps what only an admin changes as it is, for everybody else. The
// password stays as it is now.
func saveUser(ctx context.Context, e *monitor.Monitor, by engine.Actor, u engine.User, keepSession string) error {
	now, err := e.Users.StoredUser(u.ID)
	if err != nil {
		return err
	}
	if !by.Role.Can(access.Admin) {
		u.Username, u.Role, u.Active = now.Username, now.Role, now.Active
	}
	_, err = e.Users.SaveUser(ctx, by, u, "", keepSession)
	return err
}
