package people

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
	"moonwatch/server/web/webform"
)

// When and how a user may be reached.

const reached = "Quiet hours and channels"

func contactFields() []form.Field {
	days := []form.Choice{
		{Value: "mon", Label: "Mon"},
		{Value: "tue", Label: "Tue"},
		{Value: "wed", Label: "Wed"},
		{Value: "thu", Label: "Thu"},
		{Value: "fri", Label: "Fri"},
		{Value: "sat", Label: "Sat"},
		{Value: "sun", Label: "Sun"},
	}
	channels := []form.Choice{
		{Value: "phone", Label: "Phone calls"},
		{Value: "sms", Label: "SMS"},
		{Value: "email", Label: "E-mail"},
		{Value: "chat", Label: "Chat"},
		{Value: "other", Label: "Everything else"},
	}
	least := []form.Choice{
		{Value: "", Label: "Never"},
		{Value: "WARNING", Label: "From warnings on: always"},
		{Value: "ERROR", Label: "From errors on"},
		{Value: "CRITICAL", Label: "Only when critical"},
	}
	return []form.Field{
		{
			Type:     form.List,
			Name:     "quiet_hours",
			Group:    reached,
			HelpText: "Hours of wall time in the zone above in which alerts wait. When they are over, what is still broken is told once.",
			Fields: []form.Field{
				{Type: form.ChoiceMany, Name: "days", Choices: days, HelpText: "On which they begin. None: every day."},
				{Type: form.Char, Name: "start", Label: "From", Required: true}, {Type: form.Char, Name: "end", Label: "Until", Required: true}},
		},
		{Type: form.Boolean, Name: "quiet_critical", Label: "Hold critical alerts back, too", Group: reached,
			HelpText: "Otherwise what is critical gets through quiet hours."},
		{Type: form.List, Name: "contact_rules", Label: "Channels", Group: reached,
			HelpText: "A channel that is not named here may be used for everything.", Fields: []form.Field{
				{Type: form.ChoiceOne, Name: "channel", Required: true, Choices: channels},
				{Type: form.ChoiceOne, Name: "severity", Label: "Used", Choices: least}}},
	}
}

// asClock lets a time of day be chosen; what cannot be one stays as it was typed.
func asClock(f *webform.Field) {
	if _, err := time.Parse("15:04", f.Value); err == nil || f.Value == "" {
		f.Type = "time"
	}
}

func quietRaw(list []engine.QuietHours) []any {
	out := []any{}
	for _, h := range list {
		out = append(out, map[string]any{"days": ownform.AnyTexts(h.Days), "start": h.Start, "end": h.End})
	}
	return out
}

func contactRaw(list []engine.ContactRule) []any {
	out := []any{}
	for _, r := range list {
		out = append(out, map[string]any{"channel": r.Channel, "severity": string(r.Severity)})
	}
	return out
}

func applyContact(u *engine.User, v form.Values) {
	u.QuietHours, u.ContactRules = []engine.QuietHours{}, []engine.ContactRule{}
	for _, row := range ownform.RowsOf(v["quiet_hours"]) {
		u.QuietHours = append(u.QuietHours, engine.QuietHours{
			Days:  webform.Texts(row["days"]),
			Start: frame.TextOf(row["start"]),
			End:   frame.TextOf(row["end"]),
		})
	}
	for _, row := range ownform.RowsOf(v["contact_rules"]) {
		u.ContactRules = append(u.ContactRules, engine.ContactRule{
			Channel:  frame.TextOf(row["channel"]),
			Severity: engine.Status(frame.TextOf(row["severity"])),
		})
	}
	u.QuietCritical = v["quiet_critical"] == true
}
