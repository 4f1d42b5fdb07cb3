package subjects

import (
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// subjectForm are the fields of a service or an instance; what can be chosen
// comes from what there is.
func (w *Pages) subjectForm(kind engine.Kind, self string) form.Form {
	const told, nobody, repeat, more = "Who is told", "If nobody acknowledges", "While it stays broken", "More"
	fields := []form.Field{{Type: form.Char, Name: "name", Required: true, MaxLength: ownform.Length(200), HelpText: "Shown on pages and in alerts."}}
	if kind == engine.KindService {
		fields = append(fields,
			form.Field{Type: form.URL, Name: "url", Label: "URL", HelpText: "Where people find the service."})
	} else {
		fields = append(fields,
			form.Field{Type: form.Char, Name: "address", MaxLength: ownform.Length(255),
				HelpText: "The name or address of the machine, container or device. Plugins can read it."})
	}
	fields = append(fields, form.Field{Type: form.ChoiceMany, Name: "status_checks", Label: "Checks", Widget: "SelectMultiple",
		Choices: w.CheckChoices(), HelpText: "When one of them fails, this is broken."})
	if kind == engine.KindService {
		fields = append(fields, form.Field{Type: form.ChoiceMany, Name: "instances", Widget: "SelectMultiple",
			Choices:  w.SubjectChoices(engine.KindInstance, "", ""),
			HelpText: "The machines that it runs on."})
	}
	second, year := 1.0, 365*24*3600.0
	fields = append(fields,
		form.Field{Type: form.Boolean, Name: "alerts_enabled", Label: "Send alerts", Initial: true, Group: told},
		form.Field{Type: form.ChoiceMany, Name: "users_to_notify", Label: "People", Widget: "SelectMultiple", Group: told,
			Choices:  w.UserChoices(),
			HelpText: "What reaches each of them is set on their profile."},
		form.Field{Type: form.ChoiceMany, Name: "rotas", Label: "Whoever is on duty", Widget: "SelectMultiple", Group: told,
			Choices:  w.RotaChoices(),
			HelpText: w.dutyHelp()},
		form.Field{Type: form.List, Name: "escalation", Label: "Further steps", Group: nobody,
			HelpText: "Each widens the circle once, some time after the alert.", Fields: []form.Field{
				{Type: form.DurationType, Name: "after", Required: true, Initial: "15m", HelpText: "Counted from the first alert."},
				{Type: form.ChoiceMany, Name: "users", Label: "People", Choices: w.UserChoices()},
				{Type: form.ChoiceMany, Name: "rotas", Label: "Rotas", Choices: w.RotaChoices()},
				{Type: form.ChoiceMany, Name: "plugins", Label: "Alert plugins", Choices: w.alertChoices()}}})
	site := w.Engine.Settings()
	for _, severity := range ownform.Severities() {
		fields = append(fields, form.Field{
			Type:        form.DurationType,
			Name:        "repeat_interval." + severity.Value,
			Label:       "Repeat while " + strings.ToLower(severity.Label),
			Group:       repeat,
			MinValue:    &second,
			MaxValue:    &year,
			Placeholder: site.RepeatInterval[engine.Status(severity.Value)].String(),
			HelpText:    "Empty: as the site has it.",
		})
	}
	fields = append(fields,
		form.Field{Type: form.ChoiceMany, Name: "depends_on", Widget: "SelectMultiple", Group: more,
			HelpText: "While one of these is broken, this one is not alerted about.",
			Choices:  slices.Concat(w.SubjectChoices(engine.KindService, "service:", self), w.SubjectChoices(engine.KindInstance, "instance:", self))},
		form.Field{
			Type:     form.URL,
			Name:     "runbook_link",
			Label:    "Runbook",
			Group:    more,
			HelpText: "What to do when it is broken: the address of a page.",
		},
		form.Field{Type: form.Boolean, Name: "is_public", Label: "On the public status page", Group: more,
			HelpText: "Its name, status and incidents are shown to everybody at /status; errors of checks are not."},
		form.Field{Type: form.Char, Name: "status_rule", Label: "Rule for the status", Widget: "Textarea",
			Group: more, MaxLength: ownform.Length(20000), Placeholder: statusRuleExample,
			HelpText: "Lua. Empty: it is as bad as the worst of its failing checks."},
		form.Field{Type: form.Char, Name: "tags", Group: more, HelpText: "Words to find it by, with commas between them."})
	return form.Form{Fields: fields}
}

// subjectRaw are the values of the form as it is stored.
func subjectRaw(s *lookup.Subject) map[string]any {
	a := &s.Alerting
	var parents []any
	for _, d := range a.DependsOn {
		parents = append(parents, string(d.Kind)+":"+d.ID)
	}
	raw := map[string]any{
		"name": s.Name, "url": s.URL, "address": s.Address, "status_checks": ownform.AnyTexts(a.StatusChecks), "instances": ownform.AnyTexts(s.Instances),
		"alerts_enabled": a.AlertsEnabled, "users_to_notify": ownform.AnyTexts(a.UsersToNotify), "depends_on": parents,
		"rotas": ownform.AnyTexts(a.Rotas), "escalation": stepsRaw(a.Escalation), "is_public": a.IsPublic, "status_rule": a.StatusRule,
		"runbook_link": a.RunbookLink, "tags": strings.Join(a.Tags, ", "),
	}
	for severity, d := range a.RepeatInterval {
		raw["repeat_interval."+string(severity)] = ownform.SpanText(d)
	}
	return raw
}

// applySubject takes cleaned values. What the form does not show stays as it is.
func applySubject(s *lookup.Subject, v form.Values) {
	a := &s.Alerting
	s.Name, s.URL, s.Address = frame.TextOf(v["name"]), frame.TextOf(v["url"]), frame.TextOf(v["address"])
	a.StatusChecks, a.UsersToNotify = webform.Texts(v["status_checks"]), webform.Texts(v["users_to_notify"])
	s.Instances = webform.Texts(v["instances"])
	a.AlertsEnabled = v["alerts_enabled"] == true
	a.RepeatInterval = map[engine.Status]engine.Duration{}
	for _, severity := range ownform.Severities() {
		if d := ownform.SpanOf(v["repeat_interval."+severity.Value]); d != 0 {
			a.RepeatInterval[engine.Status(severity.Value)] = d
		}
	}
	a.DependsOn = nil
	for _, one := range webform.Texts(v["depends_on"]) {
		kind, id, _ := strings.Cut(one, ":")
		a.DependsOn = append(a.DependsOn, engine.Ref{Kind: engine.Kind(kind), ID: id})
	}
	a.RunbookLink, a.Tags = frame.TextOf(v["runbook_link"]), ownform.Words(frame.TextOf(v["tags"]))
	a.Rotas, a.IsPublic, a.StatusRule = webform.Texts(v["rotas"]), v["is_public"] == true, strings.TrimSpace(frame.TextOf(v["status_rule"]))
	a.Escalation = nil
	for _, row := range ownform.RowsOf(v["escalation"]) {
		a.Escalation = append(a.Escalation, engine.EscalationStep{
			After:   ownform.SpanOf(row["after"]),
			Users:   webform.Texts(row["users"]),
			Rotas:   webform.Texts(row["rotas"]),
			Plugins: webform.Texts(row["plugins"]),
		})
	}
}

// statusRuleExample is shown in an empty field for a rule.
const statusRuleExample = `return function(checks)
  for _, check in ipairs(checks) do
    if check.status == "PASSING" then return "PASSING" end
  end
  return "CRITICAL"
end`

func stepsRaw(steps []engine.EscalationStep) []any {
	out := []any{}
	for _, s := range steps {
		out = append(out, map[string]any{
			"after":   ownform.SpanText(s.After),
			"users":   ownform.AnyTexts(s.Users),
			"rotas":   ownform.AnyTexts(s.Rotas),
			"plugins": ownform.AnyTexts(s.Plugins),
		})
	}
	return out
}

func (w *Pages) alertChoices() []form.Choice {
	var out []form.Choice
	for _, card := range w.Cards(engine.AlertPlugin) {
		out = append(out, form.Choice{Value: card.Slug, Label: card.Name})
	}
	return out
}

// dutyHelp says what naming no rota means.
func (w *Pages) dutyHelp() string {
	if r, err := w.Engine.OnCall.Rota(w.Engine.Settings().DefaultRota); err == nil {
		return "None: the default rota, " + r.Name + "."
	}
	return "None: nobody on duty is told, for the site has no default rota."
}
