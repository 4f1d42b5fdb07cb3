package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"moonwatch/engine"
)

// Plugin returns the plugin with the city's results in place of its own runs, and
// alerts that reach nobody. Checks that are not the city's are run by the plugin.
func (c *City) Plugin(p engine.Plugin, now func() time.Time) engine.Plugin {
	return told{p, c, now}
}

// Entry is Plugin for an entry of a registry.
func (c *City) Entry(e engine.PluginEntry, now func() time.Time) engine.PluginEntry {
	if e.Plugin != nil {
		e.Plugin = c.Plugin(e.Plugin, now)
	}
	return e
}

// told is a plugin whose runs the city tells.
type told struct {
	engine.Plugin
	city *City
	now  func() time.Time
}

// Run implements engine.Plugin.
func (t told) Run(ctx context.Context, in *engine.CheckRun) engine.RunReport {
	if r, known := t.city.Report(in.Check.Name, t.now()); known {
		return r
	}
	return t.Plugin.Run(ctx, in)
}

// Alert implements engine.Plugin: it keeps who would have been told.
func (t told) Alert(_ context.Context, in *engine.AlertCall) engine.AlertReport {
	return sent(t.Meta(), in, t.now())
}

// sent is the report of an alert that reaches nobody, with what would have been sent.
func sent(meta *engine.PluginMeta, in *engine.AlertCall, now time.Time) engine.AlertReport {
	var to []string
	for _, u := range append(append([]engine.UserSnapshot{}, in.DutyOfficers...), in.Users...) {
		to = append(to, strings.TrimSpace(u.FirstName+" "+u.LastName))
	}
	s := in.Service
	text := fmt.Sprintf("%s is %s", s.Name, s.OverallStatus)
	for _, f := range s.Failing {
		text += fmt.Sprintf(" · %s: %s", f.Name, f.Error)
	}
	line := func(text string) engine.LogLine { return engine.LogLine{At: now, Level: "info", Message: text} }
	log := []engine.LogLine{line("Demo: nothing leaves this machine. It would have said: " + text)}
	if len(to) > 0 {
		log = append(log, line("To "+strings.Join(to, ", ")))
	}
	if personal := meta.Channel == "phone" || meta.Channel == "sms"; personal && len(to) == 0 {
		return engine.AlertReport{Outcome: engine.OutcomeSkipped, Why: "nobody is to be told by " + meta.Name, Log: log}
	}
	return engine.AlertReport{Outcome: engine.OutcomeSent, Sent: []engine.Message{{Title: fmt.Sprintf("%s is %s", s.Name, s.OverallStatus), Text: text}}, Log: log, Took: 180 * time.Millisecond}
}
