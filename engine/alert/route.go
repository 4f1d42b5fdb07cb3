package alert

import (
	"fmt"
	"maps"
	"slices"

	"moonwatch/engine"
)

// Routing is what Route looks at besides the incident and the event.
type Routing struct {
	Subject []string                      // alert plugins of the subject, in its order
	Known   map[string]engine.PluginRoute // by slug, those that are loaded
	Enabled bool                          // alerts_enabled of the subject
	Paused  bool                          // all alerts of the site are paused
	Users   []Person                      // users_to_notify
	Duty    []Person                      // whoever is on duty now
	Waiting []*engine.Delivery            // active deliveries of the incident, oldest first
}

// Person is a possible recipient.
type Person struct {
	ID       string
	Username string
	Active   bool
}

// Planned is a delivery that Route decided on.
type Planned struct {
	Plugin       string
	Kind         engine.AlertKind
	Update       bool
	Users        []string
	DutyOfficers []string
	Deferred     []engine.Held
}

// Route decides through which plugins an event goes, to whom, and which waiting
// deliveries it supersedes (by delivery id, with the reason). It is pure, and
// says of every step why.
func Route(in *engine.Incident, h Event, r Routing) (plan []Planned, superseded map[string]string, why []engine.Decision) {
	superseded = map[string]string{}
	if h.Kind == engine.AlertRecovery {
		return routeRecovery(in, r, superseded)
	}
	say := func(step, outcome, format string, args ...any) {
		why = append(why, engine.Decision{Step: step, Outcome: outcome, Detail: fmt.Sprintf(format, args...)})
	}
	if h.Held != "" {
		say("hold", "held", "%s", h.Held)
		return nil, superseded, why
	}
	if r.Paused {
		say("pause_alerts", "held", "all alerts are paused in the settings")
		return nil, superseded, why
	}
	if !r.Enabled {
		say("alerts_enabled", "held", "alerts of this %s are turned off", in.Subject.Kind)
		return nil, superseded, why
	}
	plugins := h.Plugins
	if plugins == nil {
		plugins = r.Subject
	}
	if len(plugins) == 0 {
		say("plugins", "held", "this %s has no alert plugin", in.Subject.Kind)
	}
	users, inactiveUsers := active(r.Users)
	duty, inactiveDuty := active(r.Duty)
	for _, slug := range plugins {
		p, known := r.Known[slug]
		update, ok, reason := route(in, h, p, known)
		if !ok {
			say("plugin "+slug, "not called", "%s", reason)
			continue
		}
		planned := Planned{Plugin: slug, Kind: h.Kind, Update: update, Users: users, DutyOfficers: duty,
			Deferred: slices.Concat(inactiveUsers, inactiveDuty)}
		if quiet(h.Kind) && (p.Channel == "phone" || p.Channel == "sms") {
			planned.DutyOfficers = nil
			for _, id := range duty {
				planned.Deferred = append(planned.Deferred, engine.Held{User: id, Why: "duty officers are not paged for this kind of event"})
			}
		}
		for _, d := range r.Waiting {
			if d.Plugin == slug && !d.UnderWay() && !outlasts(in, d, h.Kind) {
				superseded[d.ID] = "a newer event (" + string(h.Kind) + ") took its place"
			}
		}
		plan = append(plan, planned)
		say("plugin "+slug, "queued", "%s, %s", count(len(planned.Users), "user"), count(len(planned.DutyOfficers), "duty officer"))
	}
	return plan, superseded, why
}

// count writes a number of things: "1 user", "2 users".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// route says whether and how an event goes through one plugin.
func route(in *engine.Incident, h Event, p engine.PluginRoute, known bool) (update, ok bool, reason string) {
	switch {
	case !known:
		// Queued all the same: it is tried again until the plugin is back.
		return false, !h.UpdatersOnly, "the plugin is not loaded"
	case p.HasUpdate && quiet(h.Kind):
		return true, true, ""
	case h.UpdatersOnly, h.Kind == engine.AlertAcknowledged, h.Kind == engine.AlertUnacknowledged:
		return false, false, "it has no send_alert_update"
	case quiet(h.Kind) && in.Ack != nil:
		return false, false, "it has no send_alert_update and the incident is acknowledged"
	}
	return false, true, ""
}

// outlasts tells that a waiting delivery goes all the same before a newer event:
// the end of an acknowledgement is told though an overdue repeat comes with it,
// unless it was tried already or nothing was told that it could be about.
func outlasts(in *engine.Incident, d *engine.Delivery, newer engine.AlertKind) bool {
	return d.Kind == engine.AlertUnacknowledged && newer == engine.AlertRepeat && len(d.Attempts) == 0 && in.Notified[d.Plugin] != nil
}

// quiet tells the kinds that page nobody: those that send_alert_update takes.
func quiet(k engine.AlertKind) bool {
	switch k {
	case engine.AlertAcknowledged, engine.AlertUnacknowledged, engine.AlertUpdate, engine.AlertDeescalation:
		return true
	}
	return false
}

// routeRecovery tells everybody who was told, once per plugin. An attempt that
// is under way may yet tell somebody: a recovery waits behind it, and is
// dropped when its turn comes and nothing was told.
func routeRecovery(in *engine.Incident, r Routing, superseded map[string]string) (plan []Planned, _ map[string]string, why []engine.Decision) {
	plugins := map[string]bool{}
	for slug := range in.Notified {
		plugins[slug] = true
	}
	for _, d := range r.Waiting {
		if d.UnderWay() {
			plugins[d.Plugin] = true
		} else {
			superseded[d.ID] = "the incident closed before it could be delivered"
		}
	}
	for _, slug := range slices.Sorted(maps.Keys(plugins)) {
		p := Planned{Plugin: slug, Kind: engine.AlertRecovery}
		p.Users, p.DutyOfficers = notifiedLists(in, slug)
		plan = append(plan, p)
		why = append(why, engine.Decision{Step: "plugin " + slug, Outcome: "queued", Detail: "it told of this incident"})
	}
	if len(plan) == 0 {
		why = append(why, engine.Decision{Step: "told", Outcome: "held", Detail: "nobody was told of this incident"})
	}
	return plan, superseded, why
}

// notifiedLists returns whom a plugin told, each in the list they were told in.
func notifiedLists(in *engine.Incident, plugin string) (users, duty []string) {
	if notified := in.Notified[plugin]; notified != nil {
		for id, list := range notified.Users {
			if list == engine.ListDuty {
				duty = append(duty, id)
			} else {
				users = append(users, id)
			}
		}
	}
	slices.Sort(users)
	slices.Sort(duty)
	return users, duty
}

func active(people []Person) (ids []string, inactive []engine.Held) {
	for _, p := range people {
		if !p.Active {
			inactive = append(inactive, engine.Held{User: p.ID, Why: "the user is not active"})
		} else if !slices.Contains(ids, p.ID) {
			ids = append(ids, p.ID)
		}
	}
	return ids, inactive
}
