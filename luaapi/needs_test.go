package luaapi

import (
	"strings"
	"testing"

	"moonwatch/engine/form"
)

func needySource(needs string) string {
	return `local forms = require "forms"
local P = { name = "Pager", slug = "pager", version = "1", needs = ` + needs + `,
  settings_form = { forms.CharField{ "token", required = false, widget = forms.PasswordInput }, forms.CharField{ "server", env = "PAGER_SERVER" },
    forms.CharField{ "hook", required = false }, forms.BooleanField{ "loud" } },
  service_config_form = { forms.CharField{ "room", required = false }, forms.CharField{ "token", required = false } } }
function P:send_alert(service) return true end
return P`
}

func TestNeeds(t *testing.T) {
	env := map[string]string{}
	rt := newTestRuntime(t, map[string]string{"pager.lua": needySource(`{ { "token", "room" }, { "hook" } }`)}, withEnv(env))
	p := plugin(t, rt, "pager").(interface {
		Missing(settings, service form.Values) string
	})
	for _, tt := range []struct {
		settings, service form.Values
		want              string
	}{
		{nil, nil, "Server and Hook must be set in the plugin's settings"},
		{form.Values{"server": "x"}, nil, "Hook must be set in the plugin's settings"},
		{form.Values{"server": "x", "token": form.Sealed("sealed")}, nil, "Room must be set at the service"},
		{form.Values{"server": "x"}, form.Values{"room": "1"}, "Token must be set, in the plugin's settings or at the service"},
		{form.Values{"server": "x"}, form.Values{"room": "1", "token": "t"}, ""},
		{form.Values{"server": "x", "hook": "h"}, nil, ""},
		{form.Values{"hook": "h"}, nil, "Server must be set in the plugin's settings"},
	} {
		if got := p.Missing(tt.settings, tt.service); got != tt.want {
			t.Errorf("%v and %v: got %q, want %q", tt.settings, tt.service, got, tt.want)
		}
	}
	env["PAGER_SERVER"] = "x"
	if got := p.Missing(form.Values{"hook": "h"}, nil); got != "" {
		t.Errorf("with the server in the environment: %q", got)
	}
	for needs, want := range map[string]string{
		`{ "tokn" }`:            "needs names tokn, which is a field of neither settings_form nor service_config_form",
		`{ 1 }`:                 "needs must be an array of names of fields",
		`{ { "token" }, "x" }`:  "needs must be an array of names of fields",
		`{ token = "x" }`:       "needs must be an array of names of fields",
		`"token"`:               "needs must be a table, got string",
		`{ { "hook", "none" }}`: "needs names none",
	} {
		rt := newTestRuntime(t, map[string]string{"pager.lua": needySource(needs)})
		e, _ := rt.Plugin("pager")
		if text := strings.Join(describeAll(rt), " "); !strings.Contains(text, want) || e.Plugin != nil {
			t.Errorf("needs = %s: got %s, want %q", needs, text, want)
		}
	}
}
