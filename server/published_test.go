package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/server/api"
	"moonwatch/server/rest"
)

// The tests of this file hold what the published description of the API says:
// addresses with their methods, the fields of each object, and defaults.

func TestPublishedAddresses(t *testing.T) {
	h := newHouse(t)
	served := map[string][]string{}
	for _, rt := range h.server.Routes() {
		served[rt.Path] = append(served[rt.Path], rt.Method)
	}
	want := map[string]string{
		"/checks/{id}/run": "POST", "/services/{id}/run": "POST",
		"/checks/{id}/results": "GET", "/checks/{id}/summary": "GET", "/checks/{id}/uptime": "GET", "/services/{id}/uptime": "GET",
		"/services/{id}/acknowledgement": "PUT DELETE", "/instances/{id}/acknowledgement": "PUT DELETE",
		"/services/{id}/test-alert": "POST", "/instances/{id}/test-alert": "POST",
		"/incidents": "GET", "/incidents/{id}": "GET", "/incidents/{id}/notes": "GET POST", "/deliveries": "GET", "/deliveries/{id}/retry": "POST",
		"/rotas/{id}/shifts": "GET", "/rotas/{id}/refresh": "POST", "/oncall": "GET", "/audit": "GET",
		"/plugins": "GET", "/plugins/{slug}": "GET", "/plugins/{slug}/settings": "GET PUT", "/plugins/{slug}/resume": "POST", "/settings": "GET PUT",
		"/export": "GET", "/import": "POST", "/backup": "GET", "/events": "GET", "/openapi.json": "GET",
	}
	for _, plural := range []string{"services", "instances", "checks", "users", "rotas", "silences", "tokens"} {
		want["/"+plural] = "GET POST"
		want["/"+plural+"/{id}"] = "GET PATCH DELETE"
		want["/"+plural+"/{id}/revisions"] = "GET"
		want["/"+plural+"/{id}/revisions/{n}/revert"] = "POST"
	}
	for path, methods := range want {
		for method := range strings.FieldsSeq(methods) {
			if !slices.Contains(served[path], method) {
				t.Errorf("%s %s is not served: it has %v", method, path, served[path])
			}
		}
	}
	for path, method := range map[string]string{"/ping/x": "GET", "/ping/x/start": "POST", "/ping/x/fail": "POST", "/ping/x/log": "POST", "/ping/x/3": "POST",
		"/status": "GET", "/badge/x.svg": "GET", "/metrics": "GET", "/healthz": "GET", "/readyz": "GET", "/plugins/x/y": "GET"} {
		if r := h.do("", method, path, nil); r.status == 405 || r.status >= 500 && path != "/readyz" {
			t.Errorf("%s %s answers %d", method, path, r.status)
		}
	}
	params := func(path string) (names []string) {
		for _, rt := range h.server.Routes() {
			if rt.Path == path && rt.Method == "GET" {
				for _, p := range rt.Params {
					names = append(names, p.Name)
				}
			}
		}
		return names
	}
	for path, names := range map[string]string{"/checks/{id}/results": "from to limit", "/checks/{id}/summary": "from to step", "/incidents": "service instance open",
		"/events": "types service check", "/checks": "limit cursor ordering service"} {
		for name := range strings.FieldsSeq(names) {
			if !slices.Contains(params(path), name) {
				t.Errorf("%s has no parameter %s", path, name)
			}
		}
	}
}

// TestAFilterPerField: what a list shows as a single value can be filtered by.
func TestAFilterPerField(t *testing.T) {
	h := newHouse(t)
	whole := []string{"/services/{id}/run", "/instances/{id}/run", "/checks/{id}/summary", "/incidents/{id}/why", "/report"} // one answer, not a list of objects
	each(t, h, func(t *testing.T, rt *rest.Route) {
		if !rt.List || slices.Contains(whole, rt.Path) {
			return
		}
		var names []string
		for _, p := range rt.Params {
			names = append(names, p.Name)
		}
		for _, name := range []string{"limit", "cursor", "ordering"} {
			if !slices.Contains(names, name) {
				t.Errorf("there is no %s", name)
			}
		}
		for _, f := range rt.Output.Fields {
			switch f.Shape.Kind {
			case rest.TextShape, rest.BoolShape, rest.WholeShape, rest.DurationShape:
				if !slices.Contains(names, f.Name) {
					t.Errorf("there is no filter by %s", f.Name)
				}
			}
		}
	})
}

// TestEveryListPages reads every list one item at a time, and wants the same as
// at once.
func TestEveryListPages(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	for _, name := range []string{"x", "y"} {
		check := h.admin(201, "POST", "/checks", m{"name": name, "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"}).id()
		h.admin(201, "POST", "/services", m{"name": name, "status_checks": []string{check}, "alerts": []m{{"plugin": "pager", "settings": m{}}},
			"users_to_notify": []string{h.users[access.Admin].ID}})
		h.admin(201, "POST", "/instances", m{"name": name})
		h.admin(201, "POST", "/silences", m{"checks": []string{check}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"})
		h.admin(201, "POST", "/rotas", m{"name": name, "rotation": m{"members": []string{h.users[access.Viewer].ID, h.users[access.Admin].ID}, "every": "1d", "starts": "2026-01-05T09:00"}})
		ids["checks"] = check
		h.admin(200, "PATCH", "/checks/"+check, m{"debounce": 1})
		h.admin(200, "POST", "/checks/"+check+"/run", nil)
	}
	for _, collection := range []string{"services", "instances", "silences", "rotas"} {
		ids[collection] = h.admin(200, "GET", "/"+collection+"?limit=1", nil).items()[0]["id"].(string)
		body := m{"comment": "z"}
		if collection != "silences" {
			body = m{"name": "changed " + collection}
		}
		h.admin(200, "PATCH", "/"+collection+"/"+ids[collection], body)
	}
	until(t, "dead deliveries", func() bool { return len(h.admin(200, "GET", "/deliveries?state=dead", nil).items()) >= 2 })
	h.settled()
	ids["incidents"] = h.admin(200, "GET", "/incidents", nil).items()[0]["id"].(string)
	for _, text := range []string{"one", "two"} {
		h.admin(201, "POST", "/incidents/"+ids["incidents"]+"/notes", m{"text": text})
	}
	several := 0
	each(t, h, func(t *testing.T, rt *rest.Route) {
		if !rt.List || rt.Method != "GET" || !slices.ContainsFunc(rt.Params, func(p rest.Param) bool { return p.Name == "cursor" }) {
			return
		}
		path := strings.TrimPrefix(address(rt, idFor(ids, rt)), rest.Root)
		whole := h.admin(200, "GET", path+"?limit=1000", nil)
		if whole.body["next"] != nil {
			t.Fatalf("a list of %d goes on", len(whole.items()))
		}
		next, i := "", 0
		for ; ; i++ {
			r := h.admin(200, "GET", path+"?limit=1"+next, nil)
			if len(r.items()) > 1 || len(r.items()) == 0 && r.body["next"] != nil {
				t.Fatalf("%d items on a page of one", len(r.items()))
			}
			if len(r.items()) == 1 && (i >= len(whole.items()) || !sameItem(r.items()[0], whole.items()[i])) {
				t.Fatalf("item %d is %v, want one of %d like %v", i, r.items()[0], len(whole.items()), whole.items()[min(i, len(whole.items())-1)])
			}
			cursor, more := r.body["next"].(string)
			if !more {
				i += len(r.items())
				break
			}
			next = "&cursor=" + cursor
		}
		if i != len(whole.items()) {
			t.Errorf("%d items one by one, %d at once", i, len(whole.items()))
		}
		if i > 1 {
			several++
		} else {
			t.Log("there are", i)
		}
	})
	if several < 18 {
		t.Errorf("only %d lists had several items", several)
	}
}

// sameItem compares what does not change with time.
func sameItem(a, b m) bool {
	for _, key := range []string{"id", "revision", "user", "rota", "start", "started", "seq", "slug", "text", "at"} {
		if fmt.Sprint(a[key]) != fmt.Sprint(b[key]) {
			return false
		}
	}
	return true
}

func TestPublishedObjects(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	failing := h.admin(201, "POST", "/checks", m{"name": "d", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"}).id()
	service := h.admin(201, "POST", "/services", m{"name": "t", "status_checks": []string{failing}, "alerts": []m{{"plugin": "pager", "settings": m{}}},
		"users_to_notify": []string{h.users[access.Admin].ID}}).id()
	until(t, "a dead delivery", func() bool { return len(h.admin(200, "GET", "/deliveries?state=dead", nil).items()) > 0 })
	turns := h.admin(201, "POST", "/rotas", m{"name": "turns", "rotation": m{"members": []string{h.users[access.Viewer].ID}, "every": "1w", "starts": "2026-01-05T09:00"},
		"overrides": []m{{"user": h.users[access.Admin].ID, "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}}).id()
	first := func(path string) m { return h.admin(200, "GET", path, nil).items()[0] }
	one := func(path string) m { return h.admin(200, "GET", path, nil).body }
	incident := first("/incidents?service=" + service)
	event := incident["events"].([]any)[0].(m)
	delivery := first("/deliveries?service=" + service)
	for _, tt := range []struct {
		name   string
		object m
		fields string
	}{
		{"a check", one("/checks/" + failing), "id name plugin config interval timeout importance debounce active status recover_after retry_interval no_data unknown_after schedule " +
			"runbook_link tags severity flapping next_run"},
		{"a service", one("/services/" + service), "id name url status_checks instances users_to_notify alerts alerts_enabled repeat_interval rotas depends_on is_public tags " +
			"overall_status old_overall_status last_alert_sent escalation status_rule runbook_link acknowledgement incident"},
		{"its alert", one("/services/" + service)["alerts"].([]any)[0].(m), "plugin settings"},
		{"an instance", one("/instances/" + ids["instances"]), "id name address status_checks users_to_notify alerts alerts_enabled repeat_interval rotas depends_on is_public tags overall_status"},
		{"a result", first("/checks/" + failing + "/results"), "check started took succeeded unknown cause severity error message raw_data metrics log plugin_version"},
		{"a user", one("/users/" + h.users[access.Viewer].ID), "id username email first_name last_name active role time_zone settings quiet_hours contact_rules is_fallback"},
		{"a rota with a feed", one("/rotas/" + ids["rotas"]), "id name time_zone fallback_user ical_url overrides problems"},
		{"a rotation", one("/rotas/" + turns)["rotation"].(m), "members every starts"},
		{"an override", one("/rotas/" + turns)["overrides"].([]any)[0].(m), "user start end"},
		{"somebody on duty", first("/oncall"), "rota user until fallback"},
		{"a silence", one("/silences/" + ids["silences"]), "id services instances checks tags starts_at ends_at rrule time_zone comment maintenance author"},
		{"an incident", incident, "id subject key opened closed severity events"},
		{"its event", event, "at kind status decisions deliveries"},
		{"its decision", event["decisions"].([]any)[0].(m), "step outcome detail"},
		{"a delivery", delivery, "id incident subject plugin kind state attempts users duty_officers held next_attempt"},
		{"its attempt", delivery["attempts"].([]any)[0].(m), "at took error"},
		{"a plugin", one("/plugins/probe"), "slug name kind version author summary font_icon file state error running_version variables forms"},
		{"its variable", one("/plugins/probe")["variables"].([]any)[0].(m), "name set"},
		{"the settings", one("/settings"), "public_url repeat_interval retention sum_retention history_retention default_rota fallback_user self_check_target trusted_proxies pause_alerts heartbeat_url"},
	} {
		for name := range strings.FieldsSeq(tt.fields) {
			if _, there := tt.object[name]; !there {
				t.Errorf("%s has no %s", tt.name, name)
			}
		}
	}
	if ref := incident["subject"].(m); len(ref) != 1 || ref["service"] != service {
		t.Errorf("the subject of an incident is %v", ref)
	}
}

func TestPublishedDefaults(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}}).body
	service := h.admin(201, "POST", "/services", m{"name": "s"}).body
	settings := h.admin(200, "GET", "/settings", nil).body
	for _, tt := range []struct {
		of, field string
		got, want any
	}{
		{"check", "active", check["active"], true}, {"check", "importance", check["importance"], "ERROR"}, {"check", "interval", check["interval"], "1m"},
		{"check", "timeout", check["timeout"], "30s"}, {"check", "debounce", check["debounce"], 0.0}, {"check", "recover_after", check["recover_after"], 1.0},
		{"check", "retry_interval", check["retry_interval"], nil}, {"check", "no_data", check["no_data"], "fail"},
		{"service", "alerts_enabled", service["alerts_enabled"], true}, {"service", "is_public", service["is_public"], false},
		{"settings", "retention", settings["retention"], "30d"}, {"settings", "sum_retention", settings["sum_retention"], "730d"},
		{"settings", "history_retention", settings["history_retention"], "730d"}, {"settings", "pause_alerts", settings["pause_alerts"], false},
		{"settings", "repeat_interval.CRITICAL", settings["repeat_interval"].(m)["CRITICAL"], "10m"},
		{"settings", "repeat_interval.ERROR", settings["repeat_interval"].(m)["ERROR"], "1h"},
		{"settings", "repeat_interval.WARNING", settings["repeat_interval"].(m)["WARNING"], "2h"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s of a new %s is %v, want %v", tt.field, tt.of, tt.got, tt.want)
		}
	}
	if got, want := api.DefaultPace(), (api.Pace{Batch: time.Second / 4, Comment: 15 * time.Second, Blocked: 5 * time.Second, Asked: time.Second}); got != want {
		t.Errorf("event streams have the pace %+v", got)
	}
}
