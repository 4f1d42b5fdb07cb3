package engine

import (
	"slices"
)

// checksOf returns the checks that count for a subject: those it is linked to,
// and for the built-in service those with a problem of the monitor's own.
func (x *tx) checksOf(s subject) []string {
	if s.ref != builtIn {
		return s.StatusChecks
	}
	ids := slices.Clone(s.StatusChecks)
	for id, state := range x.states.all() {
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
func (x *tx) builtInCircle(s subject) (users, plugins []string) {
	users = s.UsersToNotify
	if len(users) == 0 {
		for id, u := range x.users.all() {
			if isAdmin(u) {
				users = append(users, id)
			}
		}
		slices.Sort(users)
	}
	for _, choice := range s.Alerts {
		if x.usableAt(choice.Plugin, choice.Settings) {
			plugins = append(plugins, choice.Plugin)
		}
	}
	if len(plugins) > 0 {
		return users, plugins
	}
	note := func(list []string) {
		for _, p := range list {
			if !slices.Contains(plugins, p) && x.usableAt(p, nil) {
				plugins = append(plugins, p)
			}
		}
	}
	for _, other := range x.services.all() {
		note(other.plugins())
	}
	for _, other := range x.instances.all() {
		note(other.plugins())
	}
	slices.Sort(plugins)
	return users, plugins
}

// rotaCheck begins the id by which a rota with problems fails the built-in service.
const rotaCheck = "rota:"

// rotaRecords are the rotas with problems, as checks in an alert.
func (x *tx) rotaRecords() []CheckRecord {
	var out []CheckRecord
	for id, why := range x.e.duty.troubles() {
		if r := x.rotas.get(id); r != nil {
			out = append(out, CheckRecord{ID: rotaCheck + id, Name: "Rota " + r.Name, Importance: StatusWarning, Severity: StatusWarning,
				Error: why, Since: x.now, PageURL: x.pageURL("rotas", id), Metrics: []Metric{}})
		}
	}
	return out
}
