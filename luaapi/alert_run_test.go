package luaapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// The alert skeleton of the contract, word for word.
const skeletonAlert = `local forms, log = require "forms", require "log"

local Skeleton = {
  name = "Skeleton", slug = "alert_skeleton", author = "Ada", version = "0.0.1",
  font_icon = "fa fa-code",
  plugin_variables = { "CALCIUM_LEVEL" },
  user_config_form = { forms.CharField{ "favorite_bone", max_length = 100 } },
}

function Skeleton:send_alert(service, users, duty_officers)
  for _, user in ipairs(users) do
    log.info(service:get_status_message() .. " - bad for your " .. user.alert_skeleton_settings.favorite_bone)
  end
  return true
end

return Skeleton
`

func alertCall() *engine.AlertCall {
	sent := time.Unix(1700000100, 0)
	return &engine.AlertCall{
		Service: &engine.AlertSnapshot{
			Subject: engine.Ref{Kind: engine.KindService, ID: "s1"}, Name: "Shop", URL: "https://shop.example",
			Instances:     []engine.InstanceSnapshot{{ID: "i1", Name: "one", Address: "192.0.2.1"}},
			OverallStatus: engine.StatusError, OldOverallStatus: engine.StatusPassing, WorstStatus: engine.StatusError,
			LastAlertSent: &sent, PageURL: "https://moon.example/services/s1", Kind: engine.AlertFiring,
			IncidentKey: "K-1", DeliveryID: "d1", AlertNumber: 1, EventAt: time.Unix(1700000000, 500_000_000), IncidentOpenedAt: time.Unix(1700000000, 0),
			Failing: []engine.CheckRecord{{ID: "c1", Name: "left leg", Error: "wing is missing", Severity: engine.StatusError, Since: time.Unix(1, 0),
				Metrics: []engine.Metric{{Name: "n", Value: 3}}}, {ID: "c2", Name: "right leg"}},
			Passing:         []engine.CheckRecord{{ID: "c3", Name: "head"}},
			Acknowledgement: &engine.AcknowledgementSnapshot{User: "ada", Comment: "on it", At: time.Unix(2, 0)},
			Settings:        form.Values{"channel": "#ops"},
		},
		Attempt: 2, PublicURL: "https://moon.example",
		Users:        []engine.UserSnapshot{{ID: "u1", Username: "ada", Email: "ada@example.org", Role: "operator", Settings: form.Values{"favorite_bone": "ulna"}}},
		DutyOfficers: []engine.UserSnapshot{{ID: "u2", Username: "bob"}},
	}
}

func TestSkeletonAlert(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"skeleton.lua": skeletonAlert})
	got := plugin(t, rt, "alert_skeleton").Alert(context.Background(), alertCall())
	if got.Outcome != engine.OutcomeSent || len(got.Log) != 1 {
		t.Fatalf("got %+v", got)
	}
	want := "Service Shop reporting ERROR status: https://moon.example/services/s1. Checks failing: left leg (wing is missing), right leg - bad for your ulna"
	if got.Log[0].Message != want {
		t.Errorf("logged %q,\n want %q", got.Log[0].Message, want)
	}
}

func alertSource(body string) string {
	return `local forms = require "forms"
local P = { name = "Pager", slug = "pager", version = "1",
  user_config_form = { forms.CharField{ "favorite_bone", required = false }, forms.CharField{ "key", required = false, widget = forms.PasswordInput } },
  service_config_form = { forms.CharField{ "channel", initial = "#all" } } }
function P:send_alert(service, users, duty_officers)
` + body + `
end
return P`
}

func runAlert(t *testing.T, body string, in *engine.AlertCall) engine.AlertReport {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"pager.lua": alertSource(body)})
	return plugin(t, rt, "pager").Alert(context.Background(), in)
}

func TestAlertObjects(t *testing.T) {
	for _, expression := range []string{
		`service.kind == "service"`, `service.id == "s1"`, `service.name == "Shop"`, `service.url == "https://shop.example"`, `service.address == ""`,
		`#service.instances == 1 and service.instances[1].address == "192.0.2.1"`,
		`service.overall_status == "ERROR"`, `service.old_overall_status == "PASSING"`, `service.worst_status == "ERROR"`,
		`service.last_alert_sent == 1700000100`, `service.page_url == "https://moon.example/services/s1"`, `service.incident_url == service.page_url`, `service.runbook_link == ""`,
		`service.alert_kind == "firing"`, `service.incident_key == "K-1"`, `service.delivery_id == "d1"`, `service.attempt == 2`, `service.alert_number == 1`,
		`service.event_at == 1700000000.5`, `service.incident_opened_at == 1700000000`,
		`service.pager_settings.channel == "#ops"`, `users[1].pager_settings.favorite_bone == "ulna"`, `duty_officers[1].pager_settings.favorite_bone == ""`,
		`users[1].username == "ada"`, `users[1].role == "operator"`, `users[1].first_name == ""`, `users[1].id == "u1"`, `#users == 1 and #duty_officers == 1`,
		`#service:all_failing_checks() == 2`, `service:all_failing_checks()[1].error == "wing is missing"`, `service:all_failing_checks()[1].metrics[1].value == 3`,
		`service:all_failing_checks()[2].severity == ""`, `service:all_failing_checks()[1].since == 1`, `service:all_passing_checks()[1].name == "head"`,
		`service:unexpired_acknowledgement().user == "ada"`, `service:unexpired_acknowledgement().expires_at == nil`,
		`service:get_status_message(false) == "Service Shop reporting ERROR status: https://moon.example/services/s1"`,
		`service:get_status_message(true):find("Checks failing: left leg %(wing is missing%), right leg$")`,
	} {
		got := runAlert(t, "  if "+expression+" then return true end return false, 'no'", alertCall())
		if got.Outcome != engine.OutcomeSent {
			t.Errorf("%s does not hold: %+v", expression, got)
		}
	}
}

func TestAlertObjectMistakes(t *testing.T) {
	tests := []struct{ body, want string }{
		{`local x = service.nmae`, "service has no field 'nmae'; did you mean 'name'?"},
		{`local x = service.Name`, "service has no field 'Name'; did you mean 'name'?"},
		{`service.name = "x"`, "service is read-only: 'name' cannot be set"},
		{`local x = users[1].user_name`, "user has no field 'user_name'; did you mean 'username'?"},
		{`users[1].email = "x"`, "user is read-only: 'email' cannot be set"},
		{`local x = users[1].other_settings`, "user.other_settings: a plugin sees its own settings only, pager_settings"},
		{`local x = service.slack_settings`, "service.slack_settings: a plugin sees its own settings only, pager_settings"},
		{`local x = users[1].pager_settings.favourite_bone`, "settings has no field 'favourite_bone'; did you mean 'favorite_bone'?"},
		{`local x = service:all_failing_checks()[1].eror`, "check has no field 'eror'; did you mean 'error'?"},
		{`local x = service.settings`, "service has no field 'settings'; did you mean 'pager_settings'?"},
		{`service:mark_sent("nobody")`, "bad argument #1 to 'mark_sent' (this user is not among users and duty_officers)"},
		{`service:mark_sent()`, "bad argument #1 to 'mark_sent' (a user expected, got nil)"},
	}
	for _, tt := range tests {
		got := runAlert(t, "  "+tt.body+" return true", alertCall())
		if want := "error in the plugin: pager.lua:6: " + tt.want; got.Outcome != engine.OutcomeFailed || got.Why != want {
			t.Errorf("%s\n got %q\nwant %q", tt.body, got.Why, want)
		}
	}
}

func TestAlertReturns(t *testing.T) {
	const failed, sent, skipped = engine.OutcomeFailed, engine.OutcomeSent, engine.OutcomeSkipped
	tests := []struct {
		body string
		want engine.AlertReport
	}{
		{`return true`, engine.AlertReport{Outcome: sent}},
		{`return "skipped", "nobody to tell"`, engine.AlertReport{Outcome: skipped, Why: "nobody to tell"}},
		{`return false, "status 500"`, engine.AlertReport{Outcome: failed, Why: "status 500"}},
		{`return false, "gone", { retry = false }`, engine.AlertReport{Outcome: failed, Why: "gone", NoRetry: true}},
		{`return false, "slow down", { retry_after = 1.5 }`, engine.AlertReport{Outcome: failed, Why: "slow down", RetryAfter: 1500 * time.Millisecond}},
		{`return`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned nothing; return true, "skipped" or false with a reason`}},
		{`return 1`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned a number; return true, "skipped" or false with a reason`}},
		{`return "sent"`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned a string that is not "skipped"`}},
		{`return false`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned false without a reason; return false, "why"`}},
		{`return false, "x", { retyr = false }`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned an unknown option retyr; did you mean retry?`}},
		{`return false, "x", { retry_after = "soon" }`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: send_alert returned retry_after that is no number of seconds`}},
		{`error("broken")`, engine.AlertReport{Outcome: failed, Why: `error in the plugin: pager.lua:6: broken`}},
	}
	for _, tt := range tests {
		got := runAlert(t, "  "+tt.body, alertCall())
		if got.Outcome != tt.want.Outcome || got.Why != tt.want.Why || got.NoRetry != tt.want.NoRetry || got.RetryAfter != tt.want.RetryAfter {
			t.Errorf("%s\n got %+v\nwant %+v", tt.body, got, tt.want)
		}
	}
}

func TestAlertTimesOut(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"pager.lua": alertSource(`pcall(function() while true do end end) return true`)})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	got := plugin(t, rt, "pager").Alert(ctx, alertCall())
	if got.Outcome != engine.OutcomeUnknown || got.Why != "timed out after 100ms" {
		t.Errorf("got %+v", got)
	}
}

func TestMarkSent(t *testing.T) {
	in := alertCall()
	var marked []string
	in.MarkSent = func(id string) error { marked = append(marked, id); return nil }
	got := runAlert(t, `service:mark_sent(users[1]) service:mark_sent(duty_officers[1].id) return true`, in)
	if got.Outcome != engine.OutcomeSent || strings.Join(marked, " ") != "u1 u2" {
		t.Errorf("marked %v: %+v", marked, got)
	}
	in.MarkSent = func(string) error { return errors.New("the disk is full") }
	got = runAlert(t, `service:mark_sent(users[1]) return true`, in)
	if !strings.Contains(got.Why, "mark_sent: the disk is full") {
		t.Errorf("got %+v", got)
	}
}

func TestSendAlertUpdate(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"pager.lua": `
local P = { name = "Pager", slug = "pager", version = "1", channel = "chat" }
function P:send_alert() return false, "called send_alert" end
function P:send_alert_update(service, users, officers) return "skipped", service.alert_kind end
return P`})
	in := alertCall()
	in.Update, in.Service.Kind = true, engine.AlertUpdate
	got := plugin(t, rt, "pager").Alert(context.Background(), in)
	if got.Outcome != engine.OutcomeSkipped || got.Why != "update" {
		t.Errorf("got %+v", got)
	}
	if m := plugin(t, rt, "pager").Meta(); !m.HasUpdate || m.Channel != "chat" || m.Kind != engine.AlertPlugin {
		t.Errorf("meta %+v", m)
	}
}

// Twilio's call and SMS: one file, one set of settings.
func TestSharedSettings(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"twilio/plugin.lua": `
local forms = require "forms"
local Call = { name = "Call", slug = "twilio_call", version = "1", channel = "phone",
  settings_form = { forms.CharField{ "sid" } }, user_config_form = { forms.CharField{ "phone_number" } } }
function Call:send_alert(service, users) return "skipped", self.settings.sid .. users[1].twilio_call_settings.phone_number end
local Sms = { name = "SMS", slug = "twilio_sms", version = "2", settings_from = "twilio_call" }
function Sms:send_alert(service, users)
  return "skipped", self.name .. self.settings.sid .. users[1].twilio_call_settings.phone_number .. users[1].twilio_sms_settings.phone_number
end
return { Call, Sms }`})
	in := alertCall()
	in.Settings = form.Values{"sid": "S"}
	in.Users[0].Settings = form.Values{"phone_number": "555"}
	if got := plugin(t, rt, "twilio_call").Alert(context.Background(), in); got.Why != "S555" {
		t.Errorf("call: %+v", got)
	}
	if got := plugin(t, rt, "twilio_sms").Alert(context.Background(), in); got.Why != "SMSS555555" {
		t.Errorf("sms: %+v", got)
	}
	if e, _ := rt.Plugin("twilio_sms"); e.File != "twilio/plugin.lua" || e.Plugin.Meta().SettingsFrom != "twilio_call" {
		t.Errorf("entry %+v", e)
	}
}
