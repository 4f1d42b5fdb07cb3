package plugins_test

import (
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// TestShippedPluginsSayWhatTheyNeed holds of every alert plugin that ships that it
// says what is missing before it can send, just when an attempt fails for it; and
// that nothing is missing with settings with which it sends, from the environment, too.
func TestShippedPluginsSayWhatTheyNeed(t *testing.T) {
	b, receiver := newReceiver(t, reply{status: 200, body: "{}"})
	all := willing()
	all["email"] = alert{settings: map[string]any{"host": "127.0.0.1", "from": "moon@example.org"}}
	all["command"] = alert{service: map[string]any{"command": "/bin/true"}}
	for _, e := range b.list() {
		if e.Plugin == nil || e.Plugin.Meta().Kind != engine.AlertPlugin {
			continue
		}
		p, ok := e.Plugin.(interface {
			Missing(settings, service form.Values) string
		})
		if !ok {
			t.Fatalf("%s does not say what it needs", e.Slug)
		}
		a := alert{event: of(engine.AlertFiring, engine.StatusCritical)}
		a.users = []engine.UserSnapshot{b.user(e.Slug, "ada", nil)}
		got, _ := b.send(e.Slug, a)
		if missing := p.Missing(nil, nil); (missing != "") != (got.Outcome == engine.OutcomeFailed) {
			t.Errorf("%s with nothing set: missing %q, and an attempt gave %+v", e.Slug, missing, got)
		}
		if n := len(receiver.requests()); n != 0 {
			t.Errorf("%s with nothing set: %d requests", e.Slug, n)
		}
		base, ok := all[e.Slug]
		if !ok {
			t.Errorf("%s has no settings with which it sends here", e.Slug)
			continue
		}
		settings := b.mustClean(e.Slug, engine.SettingsForm, b.owner(e.Slug), base.settings)
		service := b.mustClean(e.Slug, engine.ServiceConfigForm, "s1", base.service)
		if missing := p.Missing(settings, service); missing != "" {
			t.Errorf("%s with settings: %s is missing", e.Slug, missing)
		}
	}
	slack := b.plugin("slack").(interface {
		Missing(settings, service form.Values) string
	})
	if got := slack.Missing(form.Values{"token": "x"}, nil); got != "Channel must be set, in the plugin's settings or at the service" {
		t.Errorf("Slack with a token: %q", got)
	}
	b.env["SLACK_WEBHOOK_URL"] = "https://hooks.slack.com/x"
	if got := slack.Missing(nil, nil); got != "" {
		t.Errorf("Slack with a webhook in the environment: %q", got)
	}
	mail := b.plugin("email").(interface {
		Missing(settings, service form.Values) string
	})
	if got := mail.Missing(nil, nil); !strings.HasSuffix(got, " must be set in the plugin's settings") || !strings.Contains(got, "Host and From") {
		t.Errorf("e-mail: %q", got)
	}
}
