package alert

import (
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// checksOf returns the checks that count for a subject: those it is linked to,
// and for the built-in service those with a problem of the monitor's own.
func checksOf(x *state.Tx, s state.Target) []string {
	if s.Ref != engine.BuiltIn {
		return s.StatusChecks
	}
	ids := slices.Clone(s.StatusChecks)
	for id, state := range x.States.All() {
		if state.UnknownCounts && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// builtInCircle returns whom and through what the built-in service tells:
// whoever is named there, else all admins; the plugins named there, else all
// that any service or instance alerts through. Plugins that cannot send for it,
// since they lack settings or want some of the service, are left out.
func builtInCircle(x *state.Tx, s state.Target) (users, plugins []string) {
	users = s.UsersToNotify
	if len(users) == 0 {
		for id, u := range x.Users.All() {
			if engine.IsAdmin(u) {
				users = append(users, id)
			}
		}
		slices.Sort(users)
	}
	for _, choice := range s.Alerts {
		if usableAt(x, choice.Plugin, choice.Settings) {
			plugins = append(plugins, choice.Plugin)
		}
	}
	if len(plugins) > 0 {
		return users, plugins
	}
	note := func(list []string) {
		for _, p := range list {
			if !slices.Contains(plugins, p) && usableAt(x, p, nil) {
				plugins = append(plugins, p)
			}
		}
	}
	for _, other := range x.Services.All() {
		note(PluginsOf(&other.Alerting))
	}
	for _, other := range x.Instances.All() {
		note(PluginsOf(&other.Alerting))
	}
	slices.Sort(plugins)
	return users, plugins
}

// rotaCheck begins the id by which a rota with problems fails the built-in service.
const rotaCheck = "rota:"

// rotaRecords are the rotas with problems, as checks in an alert.
func rotaRecords(x *state.Tx) []engine.CheckRecord {
	var out []engine.CheckRecord
	for id, why := range x.State.Duty.Troubles() {
		if r := x.Rotas.Get(id); r != nil {
			out = append(out, engine.CheckRecord{
				ID:         rotaCheck + id,
				Name:       "Rota " + r.Name,
				Importance: engine.StatusWarning,
				Severity:   engine.StatusWarning,
				Error:      why,
				Since:      x.Now,
				PageURL:    pageURL(x, "rotas", id),
				Metrics:    []engine.Metric{},
			})
		}
	}
	return out
}
