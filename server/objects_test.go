package server

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

func TestServices(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "interval": "1h"}).id()
	first := h.as(access.Editor, "POST", "/services", m{"name": "one", "url": "https://example.org", "status_checks": []string{check},
		"repeat_interval": m{"WARNING": "2s", "ERROR": nil}, "alerts": []m{{"plugin": "pager", "settings": m{"room": "ops"}}}, "tags": []string{"a"}})
	if first.status != 201 || first.body["overall_status"] != "PASSING" || first.body["alerts_enabled"] != true {
		t.Fatalf("created %d %s", first.status, first.text)
	}
	repeat := first.body["repeat_interval"].(m)
	if len(repeat) != 1 || repeat["WARNING"] != "2s" {
		t.Errorf("repeat_interval is %v", repeat)
	}
	second := h.admin(201, "POST", "/services", m{"name": "two", "depends_on": []m{{"service": first.id()}}})
	tests := []struct {
		name string
		body m
		want []string
	}{
		{"cycle", m{"depends_on": []m{{"service": second.id()}}}, []string{"depends_on[0] cycle"}},
		{"itself", m{"depends_on": []m{{"service": first.id()}}}, []string{"depends_on[0] cycle"}},
		{"links", m{"status_checks": []string{check, "nosuch", check}, "users_to_notify": []string{"x"}},
			[]string{"status_checks[1] not_found", "status_checks[2] unique", "users_to_notify[0] not_found"}},
		{"name", m{"name": "two"}, []string{"name unique"}},
		{"several", m{"name": "", "url": "nourl", "repeat_interval": m{"ERROR": "1ms"}},
			[]string{"name required", "url invalid", "repeat_interval.ERROR min"}},
		{"reference", m{"depends_on": []m{{"check": "x"}, {"service": "a", "instance": "b"}}}, []string{"depends_on[0] type", "depends_on[1] type"}},
		{"alerts", m{"alerts": []m{{"plugin": "pager"}, {"plugin": "pager"}, {"plugin": "probe"}, {"plugins": "x"}}},
			[]string{"alerts[3].plugins unknown", "alerts[1].plugin unique", "alerts[2].plugin invalid", "alerts[3].plugin required"}},
		{"alert settings", m{"alerts": []m{{"plugin": "pager", "settings": m{"rom": "x"}}}}, []string{"alerts[0].settings.rom unknown"}},
		{"severity", m{"repeat_interval": m{"BAD": "5s"}}, []string{"repeat_interval.BAD unknown"}},
		{"duration", m{"repeat_interval": m{"ERROR": 5, "WARNING": "5"}}, []string{"repeat_interval.ERROR type", "repeat_interval.WARNING invalid"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.as(access.Editor, "PATCH", "/services/"+first.id(), tt.body).wantErrors(t, tt.want...)
		})
	}
	now := h.admin(200, "GET", "/services/"+first.id(), nil)
	if now.header.Get("ETag") != `"1"` || now.body["alerts"].([]any)[0].(m)["settings"].(m)["room"] != "ops" {
		t.Errorf("it is now %s", now.text)
	}
	if r := h.admin(200, "PATCH", "/services/"+first.id(), now.body); r.body["url"] != "https://example.org" {
		t.Errorf("sent back unchanged it is %s", r.text)
	}
	h.admin(204, "DELETE", "/checks/"+check, nil)
	if r := h.admin(200, "GET", "/services/"+first.id(), nil); len(r.body["status_checks"].([]any)) != 0 {
		t.Errorf("the deleted check is still linked: %s", r.text)
	}
}

func TestCheckValidation(t *testing.T) {
	h := populated(t)
	check := func(more m) m {
		body := m{"name": "c", "plugin": "probe", "config": m{"host": "a"}}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	tests := []struct {
		body m
		want []string
	}{
		{m{}, []string{"name required", "plugin required"}},
		{check(m{"config": m{}}), []string{"config.host required"}},
		{check(m{"config": m{"host": "a", "count": 10}}), []string{"config.count max"}},
		{check(m{"config": m{"host": "a", "count": "many"}}), []string{"config.count invalid"}},
		{check(m{"config": m{"host": "a", "hots": 1}}), []string{"config.hots unknown"}},
		{check(m{"config": m{"host": "a", "password": m{"$sealed": "x"}}}), []string{"config.password type"}},
		{check(m{"plugin": "nosuch"}), []string{"plugin not_found"}},
		{check(m{"plugin": "pager"}), []string{"plugin invalid"}},
		{check(m{"plugin": "broken"}), []string{"plugin not_found"}},
		{check(m{"interval": "0s"}), []string{"interval min"}},
		{check(m{"interval": "2 years"}), []string{"interval invalid"}},
		{check(m{"importance": "PASSING", "debounce": -1, "recover_after": 0}), []string{"importance invalid", "debounce min", "recover_after min"}},
	}
	for _, tt := range tests {
		h.as(access.Editor, "POST", "/checks", tt.body).wantErrors(t, tt.want...)
	}
	if n := len(h.engine.Checks.Checks()); n != 0 {
		t.Errorf("%d checks were made", n)
	}
}

// TestAllComplaintsAtOnce: a body is read as far as it can be, so that nobody
// mends one field only to hear of the next; and what is refused changes nothing.
func TestAllComplaintsAtOnce(t *testing.T) {
	h := populated(t)
	h.admin(201, "POST", "/services", m{"name": "taken"})
	service := h.admin(201, "POST", "/services", m{"name": "s"}).id()
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false}).id()
	viewer := h.users[access.Viewer].ID
	before := h.settled()
	for _, tt := range []struct {
		method, path string
		body         m
		want         []string
	}{
		{"POST", "/checks", m{"nmae": "c", "debounce": "x", "plugin": "probe", "config": m{"count": 10}, "interval": "1ms"},
			[]string{"debounce type", "nmae unknown", "name required", "interval min", "config.host required", "config.count max"}},
		{"POST", "/checks", m{"name": "d", "plugin": "probe", "config": 5, "retries": 1}, []string{"config type", "retries unknown"}},
		{"POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{}, "retries": 1}, []string{"retries unknown", "config.host required", "name unique"}},
		{"PATCH", "/checks/" + check, m{"activ": true, "timeout": "2h"}, []string{"activ unknown", "timeout max"}},
		{"PATCH", "/checks/" + check, m{"activ": true}, []string{"activ unknown"}},
		{"PATCH", "/services/" + service, m{"name": "taken", "x": 1}, []string{"x unknown", "name unique"}},
		{"PATCH", "/services/" + service, m{"tags": "x", "status_checks": []any{5, "nosuch"}, "url": "nourl"},
			[]string{"status_checks[0] type", "tags type", "url invalid", "status_checks[1] not_found"}},
		{"PATCH", "/services/" + service, m{"name": "taken", "url": "nourl"}, []string{"url invalid", "name unique"}},
		{"POST", "/users", m{"username": "the-Viewer", "password": "short"}, []string{"password invalid", "username unique"}},
		{"POST", "/instances", m{"address": 5}, []string{"address type", "name required"}},
		{"POST", "/users", m{"username": "a b", "role": 5, "password": "short"}, []string{"role type", "username invalid", "password invalid"}},
		{"PATCH", "/users/" + viewer, m{"acitve": true, "email": "x"}, []string{"acitve unknown", "email invalid"}},
		{"POST", "/rotas", m{"name": "r", "zone": "UTC", "fallback_user": "x"}, []string{"zone unknown", "fallback_user not_found", "ical_url required"}},
		{"POST", "/silences", m{"starts_at": 5, "rrule": "x"}, []string{"starts_at type", "services required", "ends_at required", "rrule invalid"}},
		{"POST", "/tokens", m{"expires": "2001-01-01T00:00:00Z", "x": 1}, []string{"x unknown", "name required", "expires min"}},
		{"PUT", "/settings", m{"retention": "1s", "x": 1, "fallback_user": "x"}, []string{"x unknown", "retention min", "fallback_user not_found"}},
	} {
		r := h.as(access.Admin, tt.method, tt.path, tt.body)
		for _, want := range tt.want {
			if !slices.Contains(r.errors(), want) {
				t.Errorf("%s %s %v: %d %v, want %s", tt.method, tt.path, tt.body, r.status, r.errors(), want)
			}
		}
		if len(r.errors()) != len(tt.want) || r.status != 422 {
			t.Errorf("%s %s %v: %d %v, want %v", tt.method, tt.path, tt.body, r.status, r.errors(), tt.want)
		}
	}
	if after := h.settled(); after != before {
		t.Errorf("%d batches were written", after-before)
	}
	wantStatus(t, "a user who may not", h.as(access.Viewer, "PATCH", "/users/"+h.users[access.Admin].ID, m{"first_name": "x"}), 403)
}

// TestPatchesOfOneObject make sure that changes to different fields at one time
// all arrive, when nobody counts on a revision.
func TestPatchesOfOneObject(t *testing.T) {
	h := populated(t)
	at := "/services/" + h.admin(201, "POST", "/services", m{"name": "s"}).id()
	bodies := []m{{"url": "https://example.org"}, {"runbook_link": "https://example.org/r"}, {"tags": []string{"x"}}, {"is_public": true}}
	var all sync.WaitGroup
	for _, body := range bodies {
		all.Go(func() {
			if r := h.as(access.Admin, "PATCH", at, body); r.status != 200 {
				t.Errorf("%v answers %d", body, r.status)
			}
		})
	}
	all.Wait()
	now := h.admin(200, "GET", at, nil).body
	if now["url"] == "" || now["runbook_link"] == "" || len(now["tags"].([]any)) != 1 || now["is_public"] != true || now["revision"] != 5.0 {
		t.Errorf("it is %v", now)
	}
}

func TestRevisions(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/checks", m{"name": "first", "plugin": "probe", "config": m{"host": "a", "password": "one"}, "active": false})
	at := "/checks/" + made.id()
	h.admin(200, "PATCH", at, m{"name": "second", "config": m{"host": "b", "password": "two"}})
	h.as(access.Editor, "PATCH", at, m{"debounce": 4})
	list := h.admin(200, "GET", at+"/revisions", nil)
	items := list.items()
	if len(items) != 3 || items[0]["revision"] != 3.0 || items[0]["author"] != "the-editor" || items[2]["object"].(m)["name"] != "first" {
		t.Fatalf("revisions are %s", list.text)
	}
	if strings.Contains(list.text, "sealed") || items[2]["object"].(m)["config"].(m)["password"].(m)["set"] != true {
		t.Errorf("secrets are not masked: %s", list.text)
	}
	back := h.admin(200, "POST", at+"/revisions/1/revert", nil)
	if back.body["name"] != "first" || back.body["revision"] != 4.0 || back.body["config"].(m)["host"] != "a" || back.body["debounce"] != 0.0 {
		t.Errorf("reverted to %s", back.text)
	}
	h.admin(404, "POST", at+"/revisions/9/revert", nil)
	h.admin(404, "POST", at+"/revisions/x/revert", nil)
	h.admin(412, "POST", at+"/revisions/1/revert", nil, "If-Match", `"2"`)
	h.admin(204, "DELETE", at, nil)
	gone := h.admin(200, "GET", at+"/revisions", nil).items()
	if len(gone) != 5 || gone[0]["deleted"] != true || gone[0]["object"] != nil {
		t.Errorf("after the deletion they are %v", gone)
	}
	wantStatus(t, "the history of what is gone", h.as(access.Operator, "GET", at+"/revisions", nil), 404)
	wantStatus(t, "as operator", h.as(access.Operator, "POST", at+"/revisions/1/revert", nil), 403)
	h.admin(404, "POST", at+"/revisions/9/revert", nil)
	h.admin(404, "POST", at+"/revisions/5/revert", nil) // its deletion
	h.admin(412, "POST", at+"/revisions/2/revert", nil, "If-Match", `"4"`)
	again := h.as(access.Editor, "POST", at+"/revisions/2/revert", nil, "If-Match", `"5"`)
	if again.status != 200 || again.id() != made.id() || again.body["name"] != "second" || again.body["revision"] != 6.0 || again.body["created"] != made.body["created"] ||
		again.body["config"].(m)["password"].(m)["set"] != true {
		t.Errorf("brought back after its deletion: %d %s", again.status, again.text)
	}
	if list := h.as(access.Editor, "GET", at+"/revisions", nil).items(); len(list) != 6 || list[0]["object"].(m)["name"] != "second" || list[1]["deleted"] != true || list[5]["object"].(m)["name"] != "first" {
		t.Errorf("its history is %v", list)
	}
	if r := h.admin(200, "POST", at+"/run", nil); !strings.Contains(r.text, made.id()) || len(h.admin(200, "GET", at+"/results", nil).items()) == 0 {
		t.Errorf("run after it was brought back: %s", r.text)
	}
}

// TestWhatWasDeletedComesBack brings back an object of each kind: under its id,
// with its secrets, and without what is gone.
func TestWhatWasDeletedComesBack(t *testing.T) {
	h := populated(t)
	ada := h.admin(201, "POST", "/users", m{"username": "ada", "password": password, "settings": m{"pager": m{"number": "12", "pin": "1234567"}}}).id()
	bob := h.admin(201, "POST", "/users", m{"username": "bob"}).id()
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false}).id()
	rota := h.admin(201, "POST", "/rotas", m{"name": "r", "fallback_user": ada, "rotation": m{"members": []string{bob}, "every": "1w", "starts": "2026-01-05T09:00"}}).id()
	instance := h.admin(201, "POST", "/instances", m{"name": "i", "address": "a", "status_checks": []string{check}}).id()
	service := h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check}, "instances": []string{instance}, "users_to_notify": []string{ada, bob},
		"rotas": []string{rota}, "alerts": []m{{"plugin": "pager", "settings": m{"room": "ops"}}}, "escalation": []m{{"after": "5m", "users": []string{ada, bob}}}}).id()
	silence := h.admin(201, "POST", "/silences", m{"services": []string{service}, "checks": []string{check}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}).id()
	token := h.admin(201, "POST", "/tokens", m{"name": "t"}).id()
	h.admin(200, "PATCH", "/users/"+ada, m{"password": "another long pass"})
	for _, path := range []string{"/silences/" + silence, "/services/" + service, "/instances/" + instance, "/rotas/" + rota, "/checks/" + check, "/users/" + ada, "/tokens/" + token} {
		h.admin(204, "DELETE", path, nil)
	}
	if last := h.admin(200, "GET", "/checks/"+check+"/revisions", nil).items()[0]; last["deleted"] != true || last["author"] != "the-admin" {
		t.Errorf("the revision of the deletion is %v", last)
	}
	back := func(path string, revision string) m {
		t.Helper()
		return h.admin(200, "POST", path+"/revisions/"+revision+"/revert", nil).body
	}
	s := back("/services/"+service, "1")
	if s["id"] != service || len(s["status_checks"].([]any))+len(s["instances"].([]any))+len(s["rotas"].([]any)) != 0 || !slices.Equal(s["users_to_notify"].([]any), []any{bob}) ||
		s["alerts"].([]any)[0].(m)["settings"].(m)["room"] != "ops" || !slices.Equal(s["escalation"].([]any)[0].(m)["users"].([]any), []any{bob}) {
		t.Errorf("the service is %v", s)
	}
	if i := back("/instances/"+instance, "1"); i["address"] != "a" {
		t.Errorf("the instance is %v", i)
	}
	if r := back("/rotas/"+rota, "1"); r["fallback_user"] != "" || len(h.admin(200, "GET", "/oncall", nil).items()) != 1 {
		t.Errorf("the rota is %v", r)
	}
	if v := back("/silences/"+silence, "1"); !slices.Equal(v["services"].([]any), []any{service}) || len(v["checks"].([]any)) != 0 {
		t.Errorf("the silence is %v", v)
	}
	u := back("/users/"+ada, "1")
	if u["settings"].(m)["pager"].(m)["pin"].(m)["set"] != true {
		t.Errorf("the user is %v", u)
	}
	for pass, want := range map[string]int{password: 401, "another long pass": 200} {
		if r := h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": pass}); r.status != want {
			t.Errorf("a login with %q: %d, want %d", pass, r.status, want)
		}
	}
	h.admin(404, "POST", "/tokens/"+token+"/revisions/1/revert", nil)
	// A name that was taken meanwhile stays with whom it is.
	h.admin(204, "DELETE", "/services/"+service, nil)
	h.admin(201, "POST", "/services", m{"name": "s"})
	h.as(access.Admin, "POST", "/services/"+service+"/revisions/1/revert", nil).wantErrors(t, "name unique")
	wantStatus(t, "of what was never there", h.as(access.Admin, "POST", "/services/nosuch/revisions/1/revert", nil), 404)
	wantStatus(t, "an editor and a user", h.as(access.Editor, "POST", "/users/"+ada+"/revisions/1/revert", nil), 403)
	h.admin(204, "DELETE", "/users/"+ada, nil)
	wantStatus(t, "an editor and a deleted user", h.as(access.Editor, "POST", "/users/"+ada+"/revisions/1/revert", nil), 404)
}

func TestPlugins(t *testing.T) {
	h := populated(t)
	h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false})
	p := h.as(access.Viewer, "GET", "/plugins/probe", nil).body
	for key, want := range map[string]any{"name": "Probe", "kind": "check", "version": "0.0.1", "running_version": "0.0.1", "state": "active", "error": nil,
		"file": "probe.lua", "shipped": false} {
		if p[key] != want {
			t.Errorf("%s is %v, want %v", key, p[key], want)
		}
	}
	if v := p["variables"].([]any); len(v) != 2 || v[0].(m)["set"] != true || v[1].(m)["set"] != false {
		t.Errorf("variables are %v", v)
	}
	if p["forms"].(m)["config_form"].(m)["properties"].(m)["host"] == nil || p["used_by"].(m)["checks"] != 1.0 {
		t.Errorf("the plugin is %v", p)
	}
	broken := h.admin(200, "GET", "/plugins?state=failed", nil).items()
	if len(broken) != 1 || broken[0]["slug"] != "broken" || broken[0]["error"].(m)["line"] != 7.0 || broken[0]["running_version"] != "" {
		t.Errorf("failed plugins are %v", broken)
	}
	e, _ := h.plugins.Plugin("probe")
	e.Problem = &engine.PluginProblem{Message: "unexpected end", Line: 3}
	h.plugins.Put(e)
	if p := h.admin(200, "GET", "/plugins/probe", nil).body; p["state"] != "failed" || p["running_version"] != "0.0.1" || p["error"].(m)["line"] != 3.0 {
		t.Errorf("with a broken newer file it is %v", p)
	}
	e.Problem, e.Orphaned = nil, true
	h.plugins.Put(e)
	if p := h.admin(200, "GET", "/plugins/probe", nil).body; p["state"] != "orphaned" {
		t.Errorf("without its file it is %v", p["state"])
	}
}

func TestPluginSettings(t *testing.T) {
	h := populated(t)
	at := "/plugins/probe/settings"
	if s := h.admin(200, "GET", at, nil); s.body["greeting"] != "hello" || s.body["key"] != nil || s.header.Get("ETag") != `"0"` {
		t.Errorf("before anybody saved, they are %s %v", s.text, s.header)
	}
	s := h.admin(200, "PUT", at, m{"greeting": "good day", "key": "s3cret-key"})
	if s.body["key"].(m)["set"] != true || strings.Contains(s.text, "s3cret") || s.header.Get("ETag") != `"1"` {
		t.Errorf("saved, they are %s", s.text)
	}
	for _, body := range []map[string]any{{"greeting": "a"}, {"greeting": "a", "key": ""}, {"greeting": "a", "key": m{"set": true}}} {
		if s := h.admin(200, "PUT", at, body); s.body["key"] == nil {
			t.Errorf("%v loses the secret", body)
		}
	}
	if s := h.admin(200, "PUT", at, m{"key": nil}); s.body["key"] != nil || s.body["greeting"] != "hello" {
		t.Errorf("null leaves %s", s.text)
	}
	h.admin(422, "PUT", at, m{"greting": "x"}).wantErrors(t, "greting unknown")
	h.admin(412, "PUT", at, m{}, "If-Match", `"1"`)
	wantStatus(t, "as editor", h.as(access.Editor, "PUT", at, m{}), 403)
	wantStatus(t, "as editor", h.as(access.Editor, "POST", "/plugins/probe/resume", nil), 403)
	if r := h.admin(200, "POST", "/plugins/probe/resume", nil); r.body["state"] != "active" {
		t.Errorf("resumed it is %s", r.text)
	}
}

func TestSettings(t *testing.T) {
	h := populated(t)
	s := h.admin(200, "GET", "/settings", nil)
	if s.header.Get("ETag") != `"0"` || s.body["retention"] != "30d" {
		t.Errorf("at first %v %s", s.header, s.text)
	}
	h.admin(200, "PUT", "/settings", s.body)
	s = h.admin(200, "PUT", "/settings", m{"public_url": "https://moon.example/", "repeat_interval": m{"ERROR": "5m"}})
	if s.body["public_url"] != "https://moon.example" || s.body["repeat_interval"].(m)["ERROR"] != "5m" || s.body["repeat_interval"].(m)["WARNING"] != "2h" {
		t.Errorf("saved %s", s.text)
	}
	if s = h.admin(200, "PUT", "/settings", m{"pause_alerts": true}); s.body["public_url"] != "https://moon.example" {
		t.Errorf("what was left out is %s", s.text)
	}
	h.admin(422, "PUT", "/settings", m{"fallback_user": "x", "trusted_proxies": []string{"y"}}).
		wantErrors(t, "trusted_proxies[0] invalid", "fallback_user not_found")
	h.admin(412, "PUT", "/settings", m{"pause_alerts": true}, "If-Match", `"1"`)
	wantStatus(t, "as editor", h.as(access.Editor, "GET", "/settings", nil), 403)
}

// TestNamesAndListsAreRefused: on every way in, names that look like others and
// lists that say a thing twice, or too much.
func TestNamesAndListsAreRefused(t *testing.T) {
	h := populated(t)
	viewer := h.users[access.Viewer].ID
	base := map[string]m{
		"/services": {}, "/instances": {}, "/checks": {"plugin": "probe", "config": m{"host": "a"}},
		"/rotas":  {"rotation": m{"members": []string{viewer}, "every": "1w", "starts": "2026-01-05T09:00"}},
		"/tokens": {},
	}
	bad := []string{" x", "x ", "x\u00a0", "x\ty", "x\u200by", "x\u202ey", "x\u2066y", "\ufeffx", "x\u200d"}
	for path, body := range base {
		body["name"] = "plain"
		made := h.admin(201, "POST", path, body)
		for _, name := range bad {
			body["name"] = name
			h.as(access.Admin, "POST", path, body).wantErrors(t, "name invalid")
			h.as(access.Admin, "PATCH", path+"/"+made.id(), m{"name": name}).wantErrors(t, "name invalid")
		}
	}
	for _, name := range bad {
		if strings.TrimSpace(name) == name {
			h.as(access.Admin, "PATCH", "/users/"+viewer, m{"first_name": name, "last_name": name}).wantErrors(t, "first_name invalid", "last_name invalid")
		}
		h.as(access.Admin, "POST", "/users", m{"username": name}).wantErrors(t, "username invalid")
		yaml := "services:\n  - name: " + strconv.Quote(name) + "\nchecks:\n  - name: " + strconv.Quote(name) + "\n    plugin: probe\n    config: {host: a}\n"
		if r := h.as(access.Admin, "POST", "/import", yaml, "Content-Type", "application/yaml"); r.status != 422 || strings.Count(r.text, `"invalid"`) != 2 {
			t.Errorf("an import of the name %q is answered %d %s", name, r.status, r.text)
		}
		if strings.TrimSpace(name) == name {
			h.as(access.Admin, "POST", "/services", m{"name": "s", "tags": []string{"fine", name}}).wantErrors(t, "tags[1] invalid")
		}
	}
	parent := m{"service": h.admin(201, "POST", "/services", m{"name": "parent"}).id()}
	many := func(one any, n int) (out []any) {
		for range n {
			out = append(out, one)
		}
		return out
	}
	h.as(access.Admin, "POST", "/services", m{"name": "s", "depends_on": many(parent, 2)}).wantErrors(t, "depends_on[1] unique")
	h.as(access.Admin, "POST", "/services", m{"name": "s", "depends_on": many(parent, 5_000)}).wantErrors(t, "depends_on max")
	h.as(access.Admin, "POST", "/services", m{"name": "s", "depends_on": many(parent, 20_000)}).wantErrors(t, "depends_on max")
	h.as(access.Admin, "POST", "/services", m{"name": "s", "users_to_notify": many(viewer, 2)}).wantErrors(t, "users_to_notify[1] unique")
	h.as(access.Admin, "POST", "/services", m{"name": "s", "status_checks": many("x", 20_000)}).wantErrors(t, "status_checks max")
	h.as(access.Admin, "POST", "/services", m{"name": "s", "escalation": []m{{"after": "5m", "plugins": many("pager", 2)}}}).wantErrors(t, "escalation[0].plugins[1] unique")
	h.as(access.Admin, "POST", "/silences", m{"services": many(parent["service"], 2), "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2098-01-01T00:00:00Z"}).
		wantErrors(t, "services[1] unique")
}
