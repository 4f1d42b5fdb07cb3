package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
)

func httpRequest(t *testing.T, method, path string) *http.Request {
	return httptest.NewRequestWithContext(t.Context(), method, path, nil)
}

// TestEveryFieldType holds the inputs of each field type against what matters of them.
func TestEveryFieldType(t *testing.T) {
	h := furnished(t)
	page := h.get(access.Editor, "/checks/new?plugin=probe").want(t, http.StatusOK).text
	for name, wants := range map[string][]string{
		"host":           {`<input type="text" id="f-config.host" name="config.host" value=""`, `aria-required="true"`, `aria-describedby="f-config.host-help"`},
		"long":           {`<textarea id="f-config.long"`, `optional`},
		"secret":         {`type="password"`, `autocomplete="new-password"`, `value=""`, "No value is set"},
		"whole":          {`type="number"`, `value="3"`, `min="1"`, `max="10"`, `step="1"`, `inputmode="numeric"`, `>pieces</span>`},
		"real":           {`type="number"`, `step="any"`},
		"flag":           {`type="checkbox"`, ` checked`},
		"kind":           {`<select `, `<option value="a" selected>Kind A</option>`},
		"radio":          {`<legend class="label">Radio`, `type="radio" id="f-config.radio-0" name="config.radio" value="x" checked`},
		"many":           {`<fieldset`, `type="checkbox" id="f-config.many-1" name="config.many" value="2"`},
		"only_b":         {`data-show-if="{&#34;config.kind&#34;:[&#34;b&#34;]}"`, "Only used when Kind is "},
		"url":            {`type="url"`},
		"email":          {`type="email"`},
		"other_host":     {`type="text"`},
		"port":           {`type="number"`, `min="1"`, `max="65535"`},
		"ip":             {`type="text"`},
		"slug":           {`type="text"`},
		"re":             {`type="text"`},
		"pattern":        {`type="text"`},
		"span":           {`type="text"`, `value="30s"`, `placeholder="such as 30s or 1h30m"`},
		"at":             {`type="datetime-local"`, `>UTC</span>`},
		"json":           {`<textarea`},
		"headers":        {`<textarea`, `placeholder="Name: value"`},
		"hidden_headers": {`<textarea`, "No value is set"},
		"fixed":          {`value="stays"`, ` disabled`},
		"old":            {"<strong>Deprecated:</strong> use host"},
		"rows":           {`value="add:config.rows"`, `<template>`, `name="config.rows.__N__.name"`},
	} {
		part := fieldOf(t, page, "config."+name)
		for _, want := range wants {
			if !strings.Contains(part, want) {
				t.Errorf("the field %s does not hold %q: %s", name, want, part)
			}
		}
	}
	if !strings.Contains(page, `<fieldset class="group"><legend>Net &lt;script&gt;`) {
		t.Error("the group has no legend")
	}
	for _, one := range form.Types() {
		found := false
		for _, f := range everyField().Fields {
			found = found || f.Type == one
		}
		if !found {
			t.Errorf("the test has no field of the type %s", one)
		}
	}
}

// fieldOf is the part of a page that draws a field.
func fieldOf(t *testing.T, page, name string) string {
	t.Helper()
	_, part, ok := strings.Cut(page, `data-field="`+name+`"`)
	if !ok {
		t.Fatalf("there is no field %s", name)
	}
	part, _, _ = strings.Cut(part, `data-field="config.`+map[bool]string{true: "~", false: ""}[strings.HasSuffix(name, "rows")])
	return part
}

// goodCheck are the values of a check's form that pass.
func goodCheck(more ...string) []string {
	return append([]string{"plugin", "probe", "name", "A new one", "interval", "1m", "timeout", "30s", "importance", "ERROR", "debounce", "0", "recover_after", "1",
		"no_data", "fail", "active", "true", "config.host", "example.org", "config.kind", "a", "config.radio", "x", "config.span", "30s"}, more...)
}

// with replaces the values of names in pairs.
func with(pairs []string, changes ...string) []string {
	out := append([]string(nil), pairs...)
	for i := 0; i+1 < len(changes); i += 2 {
		found := false
		for j := 0; j+1 < len(out); j += 2 {
			if out[j] == changes[i] {
				out[j+1], found = changes[i+1], true
			}
		}
		if !found {
			out = append(out, changes[i], changes[i+1])
		}
	}
	return out
}

func TestACheckIsCreatedEditedAndDeleted(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Editor, "/checks/new", goodCheck("config.secret", "hush-hush", "config.rows.0.name", "first", "config.rows.0.port", "81", "tags", "a, b")...).want(t, http.StatusSeeOther)
	path, _, _ := strings.Cut(r.header.Get("Location"), "?")
	id := strings.TrimPrefix(path, "/checks/")
	c, err := h.engine.Checks.StoredCheck(id)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "A new one" || len(c.Tags) != 2 || c.Config["host"] != "example.org" || c.Config["secret"] != form.Sealed("sealed:aHVzaC1odXNo") {
		t.Errorf("saved %+v", c)
	}
	edit := h.get(access.Editor, path+"/edit").want(t, http.StatusOK, "A value is set", `name="config.secret.clear"`, `name="config.rows.0" value="0-`, `value="first"`).without(t, "hush-hush")
	if !strings.Contains(fieldOf(t, edit.text, "config.secret"), `value=""`) {
		t.Error("a secret is in the page")
	}
	h.post(access.Editor, path+"/edit", goodCheck("revision", "1", "config.secret", "", "config.host", "other")...).want(t, http.StatusSeeOther)
	if c, _ = h.engine.Checks.StoredCheck(id); c.Config["secret"] != form.Sealed("sealed:aHVzaC1odXNo") {
		t.Errorf("an empty secret did not keep what is stored: %v", c.Config["secret"])
	}
	h.post(access.Editor, path+"/edit", goodCheck("revision", "2", "config.secret.clear", "1")...).want(t, http.StatusSeeOther)
	if c, _ = h.engine.Checks.StoredCheck(id); c.Config["secret"] != nil {
		t.Errorf("the secret was not cleared: %v", c.Config["secret"])
	}
	h.get(access.Editor, path+"/duplicate").want(t, http.StatusOK, `value="Copy of A new one"`, `action="/checks/new"`, "Secrets are not copied")
	h.post(access.Editor, path+"/delete", "revision", "3").want(t, http.StatusSeeOther)
	h.get(access.Editor, path).want(t, http.StatusNotFound)
}

// A row of a list keeps its secret while it is edited, in its place or another; a
// row that takes the place of another does not get that one's.
func TestARowKeepsItsOwnSecret(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Editor, "/checks/new", goodCheck("config.rows.0.name", "first", "config.rows.0.password", "hush-hush",
		"config.rows.1.name", "second", "config.rows.1.password", "psst-psst")...).want(t, http.StatusSeeOther)
	path, _, _ := strings.Cut(r.header.Get("Location"), "?")
	id := strings.TrimPrefix(path, "/checks/")
	passwords := func() string {
		c, err := h.engine.Checks.StoredCheck(id)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, row := range c.Config["rows"].([]any) {
			m := row.(map[string]any)
			out = append(out, fmt.Sprint(m["name"], "=", m["password"]))
		}
		return strings.Join(out, " ")
	}
	first, second := form.Sealed("sealed:aHVzaC1odXNo"), form.Sealed("sealed:cHNzdC1wc3N0")
	keys := func() []string {
		var out []string
		text := h.get(access.Editor, path+"/edit").want(t, http.StatusOK).text
		for _, match := range regexp.MustCompile(`name="config\.rows\.\d+" value="([^"]+)"`).FindAllStringSubmatch(text, -1) {
			out = append(out, match[1])
		}
		return out
	}
	at := keys()
	h.post(access.Editor, path+"/edit", goodCheck("revision", "1", "config.rows.0", at[1], "config.rows.0.name", "renamed", "config.rows.0.password", "",
		"config.rows.4", at[0], "config.rows.4.name", "first", "config.rows.4.password", "")...).want(t, http.StatusSeeOther)
	if got, want := passwords(), fmt.Sprint("renamed=", second, " first=", first); got != want {
		t.Errorf("moved and renamed: got %s, want %s", got, want)
	}
	h.post(access.Editor, path+"/edit", goodCheck("revision", "2", "config.rows.0.name", "other", "config.rows.0.password", "",
		"config.rows.1", keys()[1], "config.rows.1.name", "first", "config.rows.1.password", "")...).want(t, http.StatusUnprocessableEntity, "enter it again")
	at = keys()
	r = h.post(access.Editor, path+"/edit", goodCheck("revision", "2", "config.rows.0", at[0], "config.rows.0.name", "renamed", "config.rows.1", at[1], "config.rows.1.name", "first",
		"_rows", "remove:config.rows.0")...).want(t, http.StatusOK, `name="config.rows.0" value="`+at[1]+`"`)
	if !strings.Contains(fieldOf(t, r.text, "config.rows.0.password"), "A value is set") {
		t.Error("the row that stays does not say that its secret is set")
	}
}

func TestWhatWasTypedIsKept(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Editor, "/checks/new", with(goodCheck("config.secret", "hush-hush"), "name", "", "interval", "5", "debounce", "many", "config.host", "", "config.whole", "abc",
		"config.kind", "b", "config.at", "yesterday", "config.json", "{bad "+nasty, "config.rows.0", "1", "config.rows.0.name", "", "config.rows.0.port", "99999", "config.url", "gopher://x", "config.email", "nobody")...)
	r.want(t, http.StatusUnprocessableEntity, `id="errors"`, `value="abc"`, `value="yesterday"`, "{bad &lt;script&gt;", `value="99999"`, `value="gopher://x"`, `value="nobody"`, `value="5"`, `value="many"`,
		`href="#f-config.host"`, `href="#f-config.rows.0.port"`, `href="#f-interval"`, `href="#f-config.only_b"`, "Type it again").without(t, "hush-hush")
	for _, name := range []string{"name", "interval", "debounce", "config.host", "config.whole", "config.at", "config.json", "config.url", "config.email", "config.only_b"} {
		if part := fieldOf(t, r.text, name); !strings.Contains(part, `aria-invalid="true"`) || !strings.Contains(part, `id="f-`+name+`-error"`) {
			t.Errorf("the field %s does not say that it is wrong: %s", name, part)
		}
	}
	checkMarkup(t, "the form with errors", r.text)
	if len(h.engine.Checks.BareChecks()) != 0 {
		t.Error("something was saved")
	}
}

// TestNothingAtAll posts every form empty, and with far too much.
func TestNothingAtAll(t *testing.T) {
	h := furnished(t)
	c, s, i, u := h.engine.Checks.Checks()[0].ID, h.engine.Targets.Services()[0].ID, h.engine.Targets.Instances()[0].ID, h.users[access.Viewer].ID
	long := strings.Repeat("ü", 70_000)
	for path, fields := range map[string][]string{
		"/checks/new": {"name", "interval", "config.host"}, "/checks/" + c + "/edit": {"name", "config.long"}, "/services/new": {"name", "url", "runbook_link"}, "/services/" + s + "/edit": {"name", "tags"},
		"/instances/new": {"name", "address"}, "/instances/" + i + "/edit": {"name"}, "/users/new": {"username", "email", "time_zone"}, "/users/" + u: {"username", "first_name"},
		"/users/" + u + "/alerts/pager": {"settings.pager.number"}, "/plugins/probe": {"settings.do"}, "/tokens": {"name", "expires"}, "/settings": {"public_url", "retention", "trusted_proxies"},
	} {
		r := h.post(access.Admin, path, "plugin", "probe", "revision", "1")
		if r.status != http.StatusUnprocessableEntity && r.status != http.StatusPreconditionFailed || !strings.Contains(r.text, "<form") {
			t.Errorf("POST %s with nothing = %d, want the form again: %s", path, r.status, mainOf(r.text))
		}
		pairs := []string{"plugin", "probe"}
		for _, name := range fields {
			pairs = append(pairs, name, long)
		}
		r = h.post(access.Admin, path, pairs...)
		if r.status != http.StatusUnprocessableEntity && r.status != http.StatusPreconditionFailed {
			t.Errorf("POST %s with too much = %d", path, r.status)
		}
		for _, name := range fields {
			if !strings.Contains(fieldOf2(r.text, name), "üüüü") {
				t.Errorf("POST %s with too much lost what was typed in %s", path, name)
			}
		}
	}
}

func fieldOf2(page, name string) string {
	_, part, _ := strings.Cut(page, `data-field="`+name+`"`)
	part, _, _ = strings.Cut(part, `data-field="`)
	return part
}

func TestRowsWithoutScripts(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Editor, "/checks/new", goodCheck("config.rows.0.name", "first", "config.rows.3.name", "second", "_rows", "add:config.rows")...)
	r.want(t, http.StatusOK, `name="config.rows.2.name"`, `value="second"`).without(t, `id="errors"`, `name="config.rows.3.name"`, `name="config.rows.2" value="1"`)
	if !strings.Contains(r.text, `id="f-config.rows.2.port" name="config.rows.2.port" value="80"`) {
		t.Error("a new row does not have its initial values")
	}
	r = h.post(access.Editor, "/checks/new", goodCheck("config.rows.0", "1", "config.rows.0.name", "first", "config.rows.1", "1", "config.rows.1.name", "second", "config.secret", "x", "_rows", "remove:config.rows.0")...)
	r.want(t, http.StatusOK, `value="second"`).without(t, `value="first"`, `name="config.rows.1.name"`)
	h.post(access.Editor, "/checks/new", goodCheck("_rows", "nonsense")...).want(t, http.StatusOK)
	if len(h.engine.Checks.BareChecks()) != 0 {
		t.Error("a button for rows saved something")
	}
}

func TestStaleAndDeletedMeanwhile(t *testing.T) {
	h := furnished(t)
	id := h.engine.Checks.Checks()[0].ID
	c, _ := h.engine.Checks.StoredCheck(id)
	c.Importance = engine.StatusWarning
	if _, err := h.engine.Checks.SaveCheck(t.Context(), testAdmin(), c); err != nil {
		t.Fatal(err)
	}
	r := h.post(access.Editor, "/checks/"+id+"/edit", goodCheck("revision", "1", "config.long", "my words")...)
	r.want(t, http.StatusPreconditionFailed, "Somebody else saved this check", "my words", `name="revision" value="2"`)
	h.post(access.Editor, "/checks/"+id+"/edit", with(goodCheck("revision", "2"), "config.long", "my words")...).want(t, http.StatusSeeOther)
	if err := h.engine.Checks.DeleteCheck(t.Context(), testAdmin(), id, nil); err != nil {
		t.Fatal(err)
	}
	r = h.post(access.Editor, "/checks/"+id+"/edit", goodCheck("revision", "3", "config.long", "my words")...)
	r.want(t, http.StatusNotFound, "was deleted while you were editing", "my words", `action="/checks/new"`)

	s := h.engine.Targets.Services()[0]
	r = h.post(access.Editor, "/services/"+s.ID+"/edit", "revision", "99", "name", "My name", "alerts.pager", "true", "alerts.pager.settings.room", "my room")
	r.want(t, http.StatusPreconditionFailed, "Somebody else saved this service", "My name", "my room")
	h.post(access.Editor, "/services/none/edit", "revision", "1", "name", "My name").want(t, http.StatusNotFound, "My name", `action="/services/new"`)
	h.post(access.Admin, "/settings", "revision", "99", "retention", "3d", "sum_retention", "3d", "history_retention", "3d", "repeat_interval.WARNING", "1h", "repeat_interval.ERROR", "1h", "repeat_interval.CRITICAL", "1h").
		want(t, http.StatusPreconditionFailed, "Somebody else saved")
	h.post(access.Admin, "/checks/"+h.engine.Checks.Checks()[0].ID+"/delete", "revision", "99").want(t, http.StatusPreconditionFailed, "To the dashboard")
}

func TestAPluginChangesWhileItsFormIsOpen(t *testing.T) {
	h := peopled(t)
	entry, _ := h.plugins.Plugin("probe")
	meta := *entry.Plugin.Meta()
	meta.Version, meta.Hash = "0.0.2", "new"
	meta.Forms = map[engine.FormName]form.Form{engine.ConfigForm: {Fields: []form.Field{{Type: form.Char, Name: "host", Required: true}, {Type: form.Char, Name: "added", Required: true}}}}
	changed := entry
	changed.Plugin = &enginetest.Plugin{OnRun: probe, OnDescribe: looks, Info: meta}
	h.plugins.Put(changed)
	r := h.post(access.Editor, "/checks/new", goodCheck("hash", "a", "config.whole", "4")...)
	r.want(t, http.StatusUnprocessableEntity, "was changed while this page was open", "0.0.2", `value="example.org"`, `name="config.added"`)
	gone := changed
	gone.Orphaned = true
	h.plugins.Put(gone)
	h.post(access.Editor, "/checks/new", goodCheck("hash", "new")...).want(t, http.StatusUnprocessableEntity, "The file of this plugin is gone", `value="example.org"`)
	h.plugins.Put(engine.PluginEntry{Slug: "probe", File: "probe.lua", Problem: &engine.PluginProblem{Message: "bad"}})
	h.post(access.Editor, "/checks/new", goodCheck("hash", "new")...).want(t, http.StatusUnprocessableEntity, `value="A new one"`)
	h.post(access.Editor, "/checks/new", with(goodCheck(), "plugin", "never-there")...).want(t, http.StatusUnprocessableEntity, `value="A new one"`)
}

func TestTry(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Editor, "/checks/new", with(goodCheck("do", "try"), "name", "", "config.host", "down")...)
	r.want(t, http.StatusOK, "Tried, not saved", "is down &lt;script&gt;", "log &lt;script&gt;", "raw &lt;script&gt;", "2.0 ms", `value="down"`).without(t, `id="errors"`)
	h.post(access.Editor, "/checks/new", with(goodCheck("do", "try"), "config.host", "")...).want(t, http.StatusUnprocessableEntity, `href="#f-config.host"`).without(t, "Tried, not saved")
	if len(h.engine.Checks.BareChecks()) != 0 {
		t.Error("trying saved something")
	}
}

func TestAServiceWithAlerts(t *testing.T) {
	h := peopled(t)
	id := h.check("one", "up")
	values := []string{"name", "Shop", "status_checks", id, "users_to_notify", h.users[access.Admin].ID, "alerts_enabled", "true", "alerts.pager", "true"}
	h.post(access.Editor, "/services/new", values...).want(t, http.StatusUnprocessableEntity, `href="#f-alerts.pager.settings.room"`, `value="Shop"`)
	r := h.post(access.Editor, "/services/new", append(values, "alerts.pager.settings.room", "ops", "alerts.pager.settings.code", "hush-hush", "repeat_interval.ERROR", "20m")...).want(t, http.StatusSeeOther)
	path, _, _ := strings.Cut(r.header.Get("Location"), "?")
	s, _ := h.engine.Targets.StoredService(strings.TrimPrefix(path, "/services/"))
	if len(s.Alerts) != 1 || s.Alerts[0].Settings["room"] != "ops" || len(s.StatusChecks) != 1 || s.RepeatInterval[engine.StatusError].String() != "20m" {
		t.Errorf("saved %+v", s)
	}
	h.get(access.Editor, path+"/edit").want(t, http.StatusOK, `name="alerts.pager" value="true" checked`, "A value is set").without(t, "hush-hush")
	h.post(access.Editor, path+"/edit", append(values, "revision", "1", "alerts.pager.settings.room", "dev")...).want(t, http.StatusSeeOther)
	if s, _ = h.engine.Targets.StoredService(s.ID); s.Alerts[0].Settings["code"] == nil {
		t.Error("the secret was lost")
	}
	h.post(access.Editor, "/checks/"+id+"/link", "subject", "services/none").want(t, http.StatusNotFound)
	h.post(access.Editor, "/checks/"+id+"/link", "subject", "nonsense").want(t, http.StatusUnprocessableEntity)
	h.post(access.Editor, path+"/delete", "revision", "2").want(t, http.StatusSeeOther)
}

func TestOwnProfile(t *testing.T) {
	h := newHouse(t)
	h.people("a long password")
	me := "/users/" + h.users[access.Viewer].ID
	h.get(access.Viewer, me).want(t, http.StatusOK, "Your profile", me+"/alerts/pager").without(t, `name="role"`)
	h.post(access.Viewer, me, "revision", "1", "username", "boss", "role", "admin", "active", "true", "time_zone", "Europe/Berlin", "email", "v@example.org").want(t, http.StatusSeeOther)
	u, _ := h.engine.Users.User(h.users[access.Viewer].ID)
	if u.Role != access.Viewer || u.Username != "the-viewer" || u.Email != "v@example.org" || u.TimeZone != "Europe/Berlin" {
		t.Errorf("saved %+v", u)
	}
	h.post(access.Viewer, me, "revision", "2", "time_zone", "UTC", "password", "another long one").want(t, http.StatusUnprocessableEntity, "Type your present password")
	h.post(access.Viewer, me, "revision", "2", "time_zone", "UTC", "password", "another long one", "current_password", "wrong").want(t, http.StatusUnprocessableEntity, "not your present password").without(t, "another long one")
	h.post(access.Viewer, me, "revision", "2", "time_zone", "UTC", "password", "another long one", "current_password", "a long password").want(t, http.StatusSeeOther)
	if _, err := h.engine.Sessions.Login("the-viewer", "another long one"); err != nil {
		t.Error(err)
	}
	h.post(access.Viewer, me+"/alerts/pager", "revision", "3", "settings.pager.number", "42", "settings.pager.pin", "hush-hush").want(t, http.StatusSeeOther)
	h.get(access.Viewer, me+"/alerts/pager").want(t, http.StatusOK, `value="42"`, "A value is set").without(t, "hush-hush")
	other := "/users/" + h.users[access.Operator].ID
	h.get(access.Editor, other).want(t, http.StatusForbidden)
	h.post(access.Editor, other, "revision", "1", "email", "x@example.org").want(t, http.StatusForbidden)
	h.post(access.Editor, other+"/alerts/pager", "settings.pager.number", "1").want(t, http.StatusForbidden)
	h.post(access.Admin, "/users/"+h.users[access.Admin].ID+"/delete").want(t, http.StatusConflict, "last admin")
}

func TestTokens(t *testing.T) {
	h := peopled(t)
	r := h.post(access.Viewer, "/tokens", "name", "mine", "user", h.users[access.Admin].ID, "role", "").want(t, http.StatusCreated, "Copy it now", "mw_")
	_, secret, _ := strings.Cut(r.text, `tabindex="0">`)
	secret, _, _ = strings.Cut(secret, "<")
	_, user, role, ok := h.engine.Tokens.TokenUser(secret)
	if !ok || user.Username != "the-viewer" || role != access.Viewer {
		t.Errorf("the token acts for %v as %s, %v", user, role, ok)
	}
	h.get(access.Viewer, "/tokens").want(t, http.StatusOK, "mine").without(t, secret)
	h.get(access.Editor, "/tokens").want(t, http.StatusOK).without(t, "mine")
	id := h.engine.Tokens.Tokens()[0].ID
	h.post(access.Editor, "/tokens/"+id+"/delete").want(t, http.StatusNotFound)
	h.post(access.Viewer, "/tokens", "name", "more", "role", "admin").want(t, http.StatusUnprocessableEntity)
	h.post(access.Viewer, "/tokens", "name", "past", "expires", "2001-01-01T00:00").want(t, http.StatusUnprocessableEntity, "in the past")
	h.post(access.Viewer, "/tokens/"+id+"/delete").want(t, http.StatusSeeOther)
	if len(h.engine.Tokens.Tokens()) != 0 {
		t.Error("the token is still there")
	}
}

func TestPluginSettings(t *testing.T) {
	h := peopled(t)
	h.post(access.Admin, "/plugins/probe", "revision", "0", "settings.do", "it", "settings.key", "hush-hush").want(t, http.StatusSeeOther)
	h.get(access.Admin, "/plugins/probe").want(t, http.StatusOK, `value="it"`, "PROBE_UNSET", "not set").without(t, "hush-hush", "value of the environment")
	h.post(access.Admin, "/plugins/probe", "revision", "0", "settings.do", "other").want(t, http.StatusPreconditionFailed, `value="other"`)
	h.post(access.Admin, "/plugins/probe", "revision", "1", "settings.do", "").want(t, http.StatusUnprocessableEntity, `href="#f-settings.do"`)
	h.post(access.Admin, "/plugins/probe", "do", "resume").want(t, http.StatusSeeOther)
	h.post(access.Admin, "/plugins/broken", "settings.x", "1").want(t, http.StatusConflict)
	h.get(access.Admin, "/plugins/broken").want(t, http.StatusOK, "broken.lua:3", `<span class="src at"><span class="ln">3</span>three &lt;script&gt;`)
}
