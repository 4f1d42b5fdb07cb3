package checks

import (
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/ownform"
)

// checkForm are the fields of a check beside its plugin's.
func checkForm() form.Form {
	const often, judged, more = "How often", "When it counts as failing", "More"
	second, year := 1.0, (365 * 24 * time.Hour).Seconds()
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "name", Required: true, MaxLength: ownform.Length(200), HelpText: "Shown on pages and in alerts."},
		{Type: form.DurationType, Name: "interval", Required: true, Initial: "1m", Group: often, MinValue: &second, MaxValue: &year,
			HelpText: "From 1s to a year."},
		{Type: form.DurationType, Name: "timeout", Required: true, Initial: "30s", Group: often, MinValue: ownform.Limit(0.1), MaxValue: ownform.Limit(3600),
			HelpText: "A run that takes longer is ended and fails."},
		{Type: form.Boolean, Name: "active", Label: "Run this check", Initial: true, Group: often,
			HelpText: "A check that is switched off is not run and counts nowhere."},
		{Type: form.Char, Name: "schedule.cron", Label: "At set times", Group: often, Placeholder: "30 8 * * 1-5",
			HelpText: "A cron expression of five fields, in place of the interval: minute, hour, day, month, weekday."},
		{Type: form.Char, Name: "schedule.active_hours", Label: "Active hours", Group: often, Placeholder: "mon-fri 08:00-18:00, sat 10:00-14:00",
			HelpText: "It runs within them alone. Empty: always."},
		{Type: form.Char, Name: "schedule.time_zone", Label: "Time zone of these", Group: often, Placeholder: "UTC",
			HelpText: "Such as Europe/Berlin. Empty: UTC."},
		{Type: form.ChoiceOne, Name: "importance", Required: true, Widget: "RadioSelect",
			Choices: ownform.Severities(), Group: judged,
			HelpText: "How bad it is when this check fails."},
		{
			Type:     form.Integer,
			Name:     "debounce",
			Label:    "Failures allowed",
			Required: true,
			Group:    judged,
			MinValue: ownform.Limit(0),
			MaxValue: ownform.Limit(1000),
			HelpText: "This many failures in a row are let pass before the check counts as failing.",
		},
		{
			Type:     form.Integer,
			Name:     "recover_after",
			Label:    "Successes to recover",
			Required: true,
			Group:    judged,
			MinValue: ownform.Limit(1),
			MaxValue: ownform.Limit(1000),
			HelpText: "This many successes in a row make it count as passing again.",
		},
		{Type: form.DurationType, Name: "retry_interval", Label: "Retry after", Group: judged, MinValue: &second, MaxValue: &year,
			HelpText: "Run again this soon while failures or successes are being counted. Empty: the usual interval."},
		{Type: form.ChoiceOne, Name: "no_data", Label: "When the plugin has no data", Required: true, Group: judged, Choices: []form.Choice{
			{
				Value: "fail",
				Label: "It counts as a failure",
			}, {Value: "pass", Label: "It counts as a success"}, {Value: "keep", Label: "Nothing changes"}}},
		{Type: form.DurationType, Name: "unknown_after", Label: "Unknown counts after", Group: judged, MinValue: &second, MaxValue: &year,
			HelpText: "A check that could not be made for so long counts as failing, as a warning. Empty: three intervals, at least 5m."},
		{Type: form.URL, Name: "runbook_link", Label: "Runbook", Group: more, HelpText: "What to do when it fails: the address of a page."},
		{Type: form.Char, Name: "tags", Group: more, HelpText: "Words to find it by, with commas between them."},
	}}
}

func checkRaw(c *engine.Check) map[string]any {
	raw := map[string]any{
		"name": c.Name, "interval": ownform.SpanText(c.Interval), "timeout": ownform.SpanText(c.Timeout), "active": c.Active,
		"importance": string(c.Importance), "debounce": float64(c.Debounce), "recover_after": float64(c.RecoverAfter),
		"retry_interval": ownform.SpanText(c.RetryInterval), "no_data": string(c.NoData), "unknown_after": ownform.SpanText(c.UnknownAfter),
		"runbook_link": c.RunbookLink, "tags": strings.Join(c.Tags, ", "),
	}
	if s := c.Schedule; s != nil {
		raw["schedule.cron"], raw["schedule.active_hours"], raw["schedule.time_zone"] = s.Cron, s.ActiveHours, s.TimeZone
	}
	return raw
}

func applyCheck(c *engine.Check, v form.Values) {
	c.Name, c.Interval, c.Timeout = frame.TextOf(v["name"]), ownform.SpanOf(v["interval"]), ownform.SpanOf(v["timeout"])
	c.Active = v["active"] == true
	c.Importance, c.NoData = engine.Status(frame.TextOf(v["importance"])), engine.NoData(frame.TextOf(v["no_data"]))
	c.Debounce, c.RecoverAfter = ownform.WholeOf(v["debounce"]), ownform.WholeOf(v["recover_after"])
	c.RetryInterval, c.UnknownAfter = ownform.SpanOf(v["retry_interval"]), ownform.SpanOf(v["unknown_after"])
	c.RunbookLink, c.Tags = frame.TextOf(v["runbook_link"]), ownform.Words(frame.TextOf(v["tags"]))
	s := engine.Schedule{
		Cron:        strings.TrimSpace(frame.TextOf(v["schedule.cron"])),
		ActiveHours: strings.TrimSpace(frame.TextOf(v["schedule.active_hours"])),
		TimeZone:    strings.TrimSpace(frame.TextOf(v["schedule.time_zone"])),
	}
	if c.Schedule = nil; s.Cron != "" || s.ActiveHours != "" {
		c.Schedule = &s
	}
}
