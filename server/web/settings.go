package web

import (
	"net/http"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// settingsPages are the page of the site's settings.
type settingsPages struct{ *lookup.Lookup }

// settingsPage is the page of the site's own settings.
type settingsPage struct{ frame.FormPage }

func (w *settingsPages) settingsForm() form.Form {
	const alerts, kept, network = "Alerts", "What is kept", "Network"
	second, hour, year := 1.0, 3600.0, 365*24*3600.0
	most := 50 * year
	fields := []form.Field{
		{Type: form.URL, Name: "public_url", Label: "Public address", Placeholder: "https://moonwatch.example.org",
			HelpText: "Where people reach these pages. Links in alerts begin with it."},
		{Type: form.Boolean, Name: "pause_alerts", Label: "Pause all alerts", Group: alerts,
			HelpText: "Checks go on, but nobody is told. For when you work on the monitoring itself."},
		{
			Type:     form.ChoiceOne,
			Name:     "default_rota",
			Choices:  w.RotaChoices(),
			Group:    alerts,
			HelpText: "For services and instances that name no rota.",
		},
		{Type: form.ChoiceOne, Name: "fallback_user",
			Choices: w.UserChoices(), Group: alerts,
			HelpText: "Told as duty officer when nobody else is on duty."},
	}
	for _, s := range ownform.Severities() {
		fields = append(fields, form.Field{
			Type:     form.DurationType,
			Name:     "repeat_interval." + s.Value,
			Label:    "Repeat while " + strings.ToLower(s.Label),
			Required: true,
			Group:    alerts,
			MinValue: &second,
			MaxValue: &year,
		})
	}
	return form.Form{Fields: append(fields,
		form.Field{Type: form.DurationType, Name: "retention", Label: "Results", Required: true, Group: kept, MinValue: &hour, MaxValue: &most,
			HelpText: "How long every single result is kept."},
		form.Field{Type: form.DurationType, Name: "sum_retention", Label: "Hourly and daily sums", Required: true,
			Group: kept, MinValue: &hour, MaxValue: &most},
		form.Field{Type: form.DurationType, Name: "history_retention", Label: "Incidents, deliveries and the audit log", Required: true,
			Group: kept, MinValue: &hour, MaxValue: &most},
		form.Field{Type: form.Char, Name: "self_check_target", Label: "Self-check", Group: network, Placeholder: "1.1.1.1:443",
			HelpText: "An address (host:port or a URL) that always answers while this monitor is online. While it does not, failures count as unknown."},
		form.Field{Type: form.URL, Name: "heartbeat_url", Label: "Outbound heartbeat", Group: network,
			HelpText: "An address that is fetched as long as the monitor works, by which others watch it."},
		form.Field{Type: form.Char, Name: "trusted_proxies", Widget: "Textarea", Group: network,
			HelpText: "Addresses or networks of proxies that may say where a request comes from, one a line."},
	)}
}

func settingsRaw(s *engine.Settings) map[string]any {
	raw := map[string]any{
		"public_url":        s.PublicURL,
		"pause_alerts":      s.PauseAlerts,
		"fallback_user":     s.FallbackUser,
		"default_rota":      s.DefaultRota,
		"retention":         ownform.SpanText(s.Retention),
		"sum_retention":     ownform.SpanText(s.SumRetention),
		"history_retention": ownform.SpanText(s.HistoryKept),
		"self_check_target": s.SelfCheckTarget,
		"heartbeat_url":     s.HeartbeatURL,
		"trusted_proxies":   strings.Join(s.TrustedProxies, "\n"),
	}
	for severity, d := range s.RepeatInterval {
		raw["repeat_interval."+string(severity)] = ownform.SpanText(d)
	}
	return raw
}

func (w *settingsPages) settings(q *frame.Request) error {
	s := w.Engine.Settings()
	return w.showSettings(q, http.StatusOK, settingsRaw(&s), webform.NewErrors(), s.Revision, "")
}

func (w *settingsPages) showSettings(q *frame.Request, status int, raw map[string]any, errs webform.Errors, revision uint64, message string) error {
	var v settingsPage
	v.Action, v.Save, v.Back, v.Revision, v.Message = "/settings", "Save", "/", revision, message
	v.Own = webform.Draw(w.settingsForm(), raw, webform.Drawing{Errors: errs})
	errs.Settle(v.Own)
	v.Errors = errs.All()
	p := w.NewPage(q, "Settings", "settings")
	p.Body = v
	w.Render(q.Writer, status, "settings", p)
	return nil
}

func (w *settingsPages) saveSettings(q *frame.Request) error {
	f := w.settingsForm()
	raw := f.FromWeb(q.PostForm, "")
	errs := webform.NewErrors()
	at := frame.Revision(q.PostForm)
	values, ok := q.CleanOwn(f, raw, errs)
	if !ok {
		return w.showSettings(q, http.StatusUnprocessableEntity, raw, errs, at, "")
	}
	stored := w.Engine.Settings()
	s := stored
	s.Revision = at
	s.PublicURL, s.PauseAlerts, s.FallbackUser = frame.TextOf(values["public_url"]), values["pause_alerts"] == true, frame.TextOf(values["fallback_user"])
	s.DefaultRota = frame.TextOf(values["default_rota"])
	s.Retention, s.SumRetention, s.HistoryKept = ownform.SpanOf(values["retention"]), ownform.SpanOf(values["sum_retention"]), ownform.SpanOf(values["history_retention"])
	s.SelfCheckTarget, s.HeartbeatURL, s.TrustedProxies = frame.TextOf(values["self_check_target"]), frame.TextOf(values["heartbeat_url"]), ownform.Words(frame.TextOf(values["trusted_proxies"]))
	s.RepeatInterval = map[engine.Status]engine.Duration{}
	for _, one := range ownform.Severities() {
		s.RepeatInterval[engine.Status(one.Value)] = ownform.SpanOf(values["repeat_interval."+one.Value])
	}
	if _, err := w.Engine.Site.SaveSettings(q.Context(), q.By(), s); err != nil {
		status, message, rest := frame.Outcome(err, "page of settings", errs)
		if rest != nil {
			return rest
		}
		if engine.KindOf(err) == engine.Stale {
			at = stored.Revision
		}
		return w.showSettings(q, status, raw, errs, at, message)
	}
	return q.Redirect("/settings?done=saved")
}
