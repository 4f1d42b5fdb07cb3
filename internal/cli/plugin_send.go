package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
)

type pluginSendCommand struct {
	File      string   `arg:"" type:"path" help:"The plugin's file or folder."`
	Slug      string   `help:"Which plugin of a folder with several."`
	Service   []string `sep:"none" placeholder:"FIELD=VALUE" help:"A value of the form of services. May be given several times."`
	User      []string `sep:"none" placeholder:"FIELD=VALUE" help:"A value of the form of users. May be given several times."`
	Setting   []string `sep:"none" placeholder:"FIELD=VALUE" help:"A value of the plugin's site-wide settings. May be given several times."`
	Kind      string   `enum:"firing,escalation,deescalation,update,repeat,recovery,acknowledged,unacknowledged,test" default:"firing" help:"What the alert is of (${default}): ${enum}."`
	AllowExec []string `placeholder:"PATH" help:"A program that the plugin may run."`
	AllowEnv  []string `placeholder:"NAME" help:"An environment variable that the plugin may set for it, besides harmless ones."`
	PublicURL string   `placeholder:"URL" help:"The site's public address, as the settings have it: for view_url."`
	Trace     bool     `help:"Print every request with its timing and answer."`
}

// sendLimit is the time that an alert has.
const sendLimit = time.Minute

// Run sends one alert about a service that is made up, to a user that is made up.
func (c *pluginSendCommand) Run(s streams) error {
	return tryPlugin(s, func(ctx context.Context) (bool, error) {
		report, err := c.send(ctx, s)
		if err != nil {
			return false, err
		}
		printSent(s.out, report)
		return report.Outcome == engine.OutcomeSent || report.Outcome == engine.OutcomeSkipped, nil
	})
}

// printSent prints what came of an alert.
func printSent(w io.Writer, report engine.AlertReport) {
	outcome := string(report.Outcome)
	switch report.Outcome {
	case engine.OutcomeFailed:
		outcome = "not sent"
	case engine.OutcomeUnknown:
		outcome = "unknown whether it was sent"
	}
	fmt.Fprintf(w, "%s in %.3f s\n", outcome, report.Took.Seconds())
	if report.Why != "" {
		fmt.Fprintf(w, "why      %s\n", indented(report.Why))
	}
	switch {
	case report.Outcome == engine.OutcomeSent || report.Outcome == engine.OutcomeSkipped:
	case report.NoRetry:
		fmt.Fprintln(w, "retry    no: the plugin says that it is useless")
	case report.RetryAfter > 0:
		fmt.Fprintf(w, "retry    after %s, as the plugin asks\n", form.FormatDuration(report.RetryAfter))
	}
	for _, l := range report.Log {
		fmt.Fprintf(w, "log      %s: %s\n", l.Level, indented(l.Message))
	}
	if report.Traceback != "" {
		fmt.Fprintf(w, "trace    %s\n", indented(report.Traceback))
	}
}

func (c *pluginSendCommand) send(ctx context.Context, s streams) (engine.AlertReport, error) {
	none := engine.AlertReport{}
	o := host.DefaultOptions()
	o.AllowExec, o.AllowEnv = c.AllowExec, c.AllowEnv
	network, err := host.New(o)
	if err != nil {
		return none, err
	}
	defer network.Close()
	trace := host.NewTrace(network)
	one := pluginRunCommand{File: c.File, Slug: c.Slug, Trace: c.Trace}
	defer func() { one.printTrace(s, trace) }()
	lua, err := luaapi.New(luaapi.Options{
		Host:    trace,
		Opener:  plainSealer{},
		Shipped: plugins.Files(),
		Logger:  slog.New(slog.DiscardHandler),
		Data:    luaapi.NewScratch(time.Now),
	})
	if err != nil {
		return none, err
	}
	defer lua.Close()
	plugin, err := one.load(ctx, lua, s, engine.AlertPlugin)
	if err != nil {
		return none, err
	}
	if meta := plugin.Meta(); meta.Kind != engine.AlertPlugin {
		return none, fmt.Errorf("%s is a check plugin: try it with plugin run", meta.Slug)
	}
	if kind := engine.AlertKind(c.Kind); !plugin.Meta().HasUpdate && (kind == engine.AlertAcknowledged || kind == engine.AlertUnacknowledged) {
		return none, fmt.Errorf("%s has no send_alert_update: the monitor does not call it for %s", plugin.Meta().Slug, kind)
	}
	in, err := c.event(ctx, plugin)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	return plugin.Alert(ctx, in).Settled(), nil
}

// event is an alert of the kind asked for, with the settings that were given.
func (c *pluginSendCommand) event(ctx context.Context, plugin engine.Plugin) (*engine.AlertCall, error) {
	now := time.Now()
	service := &engine.AlertSnapshot{
		Subject:          engine.Ref{Kind: engine.KindService, ID: "try"},
		Name:             "Example service",
		PageURL:          "https://moonwatch.example/services/try",
		IncidentURL:      "https://moonwatch.example/incidents/try",
		Kind:             engine.AlertKind(c.Kind),
		OverallStatus:    engine.StatusError,
		OldOverallStatus: engine.StatusPassing,
		WorstStatus:      engine.StatusError,
		IncidentKey:      fmt.Sprint("try-", now.Unix()),
		DeliveryID:       fmt.Sprint("try-", now.UnixNano()),
		AlertNumber:      1,
		EventAt:          now,
		IncidentOpenedAt: now,
	}
	check := engine.CheckRecord{ID: "c1", Name: "Example check", Plugin: "http", Importance: engine.StatusError, Severity: engine.StatusError,
		Error: "this is an example", Since: now}
	if service.Kind != engine.AlertFiring && service.Kind != engine.AlertTest { // an event of an incident that was told
		service.OldOverallStatus, service.AlertNumber, service.IncidentOpenedAt = engine.StatusError, 2, now.Add(-10*time.Minute)
		service.LastAlertSent = &service.IncidentOpenedAt
	}
	switch service.Kind {
	case engine.AlertRecovery:
		service.OverallStatus = engine.StatusPassing
		check.Severity, check.Error = "", ""
		service.Passing = []engine.CheckRecord{check}
	case engine.AlertEscalation:
		service.OverallStatus, service.WorstStatus = engine.StatusCritical, engine.StatusCritical
		service.Failing = []engine.CheckRecord{check}
	case engine.AlertDeescalation:
		service.OldOverallStatus, service.WorstStatus = engine.StatusCritical, engine.StatusCritical
		service.Failing = []engine.CheckRecord{check}
	case engine.AlertAcknowledged:
		expires := now.Add(20 * time.Minute)
		service.Acknowledgement = &engine.AcknowledgementSnapshot{User: "ada", Comment: "this is an example", At: now, ExpiresAt: &expires}
		fallthrough
	default:
		service.Failing = []engine.CheckRecord{check}
	}
	user := engine.UserSnapshot{ID: "u1", Username: "ada", FirstName: "Ada", Email: "ada@example.org", TimeZone: "UTC", Role: access.Operator}
	in := &engine.AlertCall{
		Service:   service,
		Attempt:   1,
		PublicURL: strings.TrimRight(c.PublicURL, "/"),
		Update:    isUpdate(service.Kind) && plugin.Meta().HasUpdate,
	}
	var err error
	if service.Settings, err = clean(ctx, plugin, engine.ServiceConfigForm, "--service", c.Service); err != nil {
		return nil, err
	}
	if len(c.User) > 0 {
		if user.Settings, err = clean(ctx, plugin, engine.UserConfigForm, "--user", c.User); err != nil {
			return nil, err
		}
	}
	if in.Settings, err = clean(ctx, plugin, engine.SettingsForm, "--setting", c.Setting); err != nil {
		return nil, err
	}
	in.Users = []engine.UserSnapshot{user}
	return in, nil
}

// isUpdate reports whether send_alert_update is called for a kind, where there is one.
func isUpdate(kind engine.AlertKind) bool {
	switch kind {
	case engine.AlertUpdate, engine.AlertDeescalation, engine.AlertAcknowledged, engine.AlertUnacknowledged:
		return true
	}
	return false
}
