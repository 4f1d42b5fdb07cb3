package demo

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Document is the city's configuration, to be imported. (JSON is YAML.)
func (c *City) Document(now time.Time, password string) ([]byte, error) {
	doc := map[string]any{"moonwatch": 1,
		"settings":        c.settings(),
		"plugin_settings": channels(),
		"users":           c.users(password),
		"rotas":           c.rotas(now),
		"checks":          c.checkList(),
		"instances":       c.instanceList(),
		"services":        c.serviceList(),
		"silences":        silences(now),
	}
	return json.Marshal(doc)
}

func (c *City) settings() map[string]any {
	return map[string]any{
		"retention":     "72h",
		"default_rota":  rotations()[0].name,
		"fallback_user": Admin,
		"repeat_interval": map[string]any{
			"WARNING":  "4h",
			"ERROR":    "1h",
			"CRITICAL": "15m",
		},
	}
}

// channels are the settings of the alert plugins in use. They lead nowhere.
func channels() []map[string]any {
	return []map[string]any{
		{"plugin": "email", "values": map[string]any{"host": "mail." + domain, "from": "Moonwatch <moonwatch@" + domain + ">"}},
		{"plugin": "mattermost", "values": map[string]any{"webhook_url": "https://chat." + domain + "/hooks/demo"}},
		{"plugin": "twilio_call", "values": map[string]any{"sid": "AC00000000000000000000000000000000", "token": "made-up-token", "number": "+15555550199"}},
	}
}

func (c *City) checkList() []map[string]any {
	var out []map[string]any
	for _, k := range c.ordered() {
		out = append(out, map[string]any{"name": k.name, "plugin": k.plugin, "config": k.config, "importance": k.importance,
			"interval": k.interval.String(), "debounce": k.debounce, "tags": []string{k.of.place.tag}})
	}
	return out
}

func names(checks []*check) []string {
	out := []string{}
	for _, k := range checks {
		out = append(out, k.name)
	}
	return out
}

func (c *City) instanceList() []map[string]any {
	var out []map[string]any
	for _, m := range c.machines {
		out = append(out, map[string]any{"name": m.place.name, "address": m.address, "status_checks": names(m.checks), "tags": []string{"host"},
			"alerts": []map[string]any{{"plugin": "mattermost", "settings": map[string]any{"channel": "machines"}}}})
	}
	return out
}

func (c *City) serviceList() []map[string]any {
	var out []map[string]any
	for _, s := range c.services {
		p := s.place
		one := map[string]any{"name": p.name, "status_checks": names(s.checks), "instances": strings.Fields(p.runsOn), "tags": []string{p.tag},
			"is_public": p.public, "rotas": []string{rotaOf(p.tag)}, "alerts": alertsOf(p),
			"runbook_link": "https://wiki." + domain + "/runbooks/" + p.host}
		if p.public {
			one["url"] = "https://" + p.host + "." + domain + "/"
		}
		if p.database {
			one["depends_on"] = []map[string]any{{"service": "Main database"}}
		}
		if p.name == "Database replica" {
			one["depends_on"] = []map[string]any{{"service": "Network core"}}
		}
		if p.worst == "CRITICAL" {
			one["users_to_notify"] = []string{"aisha"}
			one["escalation"] = []map[string]any{{"after": "10m", "users": []string{"aisha"}, "plugins": []string{"twilio_call"}}, {"after": "30m", "users": []string{Admin}}}
		}
		out = append(out, one)
	}
	return out
}

// alertsOf is how a service tells: all in the chat of their group, what must not
// wait by SMS.
func alertsOf(p place) []map[string]any {
	alerts := []map[string]any{{"plugin": "mattermost", "settings": map[string]any{"channel": strings.ReplaceAll(p.tag, " ", "-")}}, {"plugin": "email"}}
	if p.worst == "CRITICAL" || p.worst == "ERROR" {
		alerts = append(alerts, map[string]any{"plugin": "twilio_sms"})
	}
	return alerts
}

func silences(now time.Time) []map[string]any {
	sunday := monday(now).AddDate(0, 0, -1-7*12)
	at := func(t time.Time, hour int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), hour, 0, 0, 0, location())
	}
	soon := now.In(location()).AddDate(0, 0, 2)
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return slices.Concat(
		[]map[string]any{
			{"comment": "Weekly maintenance of the file store and backups", "services": []string{"File store", "Backups", "Document archive"}, "maintenance": true,
				"starts_at": stamp(at(sunday, 2)), "ends_at": stamp(at(sunday, 4)), "rrule": "FREQ=WEEKLY;BYDAY=SU", "time_zone": zone, "author": Admin},
			{"comment": "New card readers at the counters", "services": []string{"Museum tickets"}, "maintenance": true,
				"starts_at": stamp(at(soon, 6)), "ends_at": stamp(at(soon, 8)), "time_zone": zone, "author": "aisha"},
			{"comment": "Filter cleaning, the pool hall is closed", "services": []string{"Swimming pools"}, "maintenance": true,
				"starts_at": stamp(now.Add(-2 * time.Hour).Truncate(time.Hour)), "ends_at": stamp(now.Add(6 * time.Hour).Truncate(time.Hour)), "time_zone": zone, "author": "lucia"},
		})
}
