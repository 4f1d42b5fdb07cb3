package web

import (
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/web/frame"
)

// The engine's own fields are declared as plugins declare theirs, so that one
// renderer and one cleaning serve both.

func limit(n float64) *float64 { return &n }

func length(n int) *int { return &n }

func severities() []form.Choice {
	return []form.Choice{{Value: "WARNING", Label: "Warning"}, {Value: "ERROR", Label: "Error"}, {Value: "CRITICAL", Label: "Critical"}}
}

// checkForm are the fields of a check beside its plugin's.
func checkForm() form.Form {
	const often, judged, more = "How often", "When it counts as failing", "More"
	second, year := 1.0, (365 * 24 * time.Hour).Seconds()
	return form.Form{Fields: []form.Field{
		{Type: form.Char, Name: "name", Required: true, MaxLength: length(200), HelpText: "Shown on pages and in alerts."},
		{Type: form.DurationType, Name: "interval", Required: true, Initial: "1m", Group: often, MinValue: &second, MaxValue: &year,
			HelpText: "From 1s to a year."},
		{Type: form.DurationType, Name: "timeout", Required: true, Initial: "30s", Group: often, MinValue: limit(0.1), MaxValue: limit(3600),
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
			Choices: severities(), Group: judged,
			HelpText: "How bad it is when this check fails."},
		{
			Type:     form.Integer,
			Name:     "debounce",
			Label:    "Failures allowed",
			Required: true,
			Group:    judged,
			MinValue: limit(0),
			MaxValue: limit(1000),
			HelpText: "This many failures in a row are let pass before the check counts as failing.",
		},
		{
			Type:     form.Integer,
			Name:     "recover_after",
			Label:    "Successes to recover",
			Required: true,
			Group:    judged,
			MinValue: limit(1),
			MaxValue: limit(1000),
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
		"name": c.Name, "interval": spanText(c.Interval), "timeout": spanText(c.Timeout), "active": c.Active,
		"importance": string(c.Importance), "debounce": float64(c.Debounce), "recover_after": float64(c.RecoverAfter),
		"retry_interval": spanText(c.RetryInterval), "no_data": string(c.NoData), "unknown_after": spanText(c.UnknownAfter),
		"runbook_link": c.RunbookLink, "tags": strings.Join(c.Tags, ", "),
	}
	if s := c.Schedule; s != nil {
		raw["schedule.cron"], raw["schedule.active_hours"], raw["schedule.time_zone"] = s.Cron, s.ActiveHours, s.TimeZone
	}
	return raw
}

func applyCheck(c *engine.Check, v form.Values) {
	c.Name, c.Interval, c.Timeout = frame.TextOf(v["name"]), spanOf(v["interval"]), spanOf(v["timeout"])
	c.Active = v["active"] == true
	c.Importance, c.NoData = engine.Status(frame.TextOf(v["importance"])), engine.NoData(frame.TextOf(v["no_data"]))
	c.Debounce, c.RecoverAfter = wholeOf(v["debounce"]), wholeOf(v["recover_after"])
	c.RetryInterval, c.UnknownAfter = spanOf(v["retry_interval"]), spanOf(v["unknown_after"])
	c.RunbookLink, c.Tags = frame.TextOf(v["runbook_link"]), words(frame.TextOf(v["tags"]))
	s := engine.Schedule{
		Cron:        strings.TrimSpace(frame.TextOf(v["schedule.cron"])),
		ActiveHours: strings.TrimSpace(frame.TextOf(v["schedule.active_hours"])),
		TimeZone:    strings.TrimSpace(frame.TextOf(v["schedule.time_zone"])),
	}
	if c.Schedule = nil; s.Cron != "" || s.ActiveHours != "" {
		c.Schedule = &s
	}
}

func wholeOf(v any) int {
	n, _ := v.(float64)
	return int(n)
}

func spanText(d engine.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// spanOf reads a cleaned duration; none is zero.
func spanOf(v any) engine.Duration {
	d, err := form.ParseDuration(frame.TextOf(v))
	if err != nil {
		return 0
	}
	return engine.Duration(d)
}

// words are the entries of a line with commas, without empty ones.
func words(line string) []string {
	out := []string{}
	for _, one := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}
