package monitor_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/enginetest"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/storage/storagetest"
)

// sent is one call of an alert plugin.
type sent struct {
	At       time.Time
	Plugin   string
	Kind     engine.AlertKind
	Status   engine.Status
	Delivery string
	Key      string
	Reason   string
	Attempt  int
	Users    []string
	Officers []string
	Failing  []string
}

// bench is an engine on the in-memory store with plugins under a test's control.
type bench struct {
	t       *testing.T
	store   *storagetest.Memory
	plugins *enginetest.Plugins
	e       *monitor.Monitor

	mu       sync.Mutex
	status   map[string]string // by check name: "" passes, a severity fails, "slow 3s" waits
	starts   map[string][]time.Time
	answers  map[string][]engine.AlertReport // by plugin: used in turn, then sent
	calls    []sent
	officers []string       // duty officers of the last call
	block    chan struct{}  // alert calls wait for it, when set
	registry engine.Plugins // in place of plugins, when set
	options  func(*engine.Options)
}

var admin = engine.Actor{Name: "test", Role: "admin", Via: "api"}

func init() { access.HashCheaply() }

func newBench(t *testing.T) *bench {
	b := &bench{t: t, store: storagetest.NewMemory(), plugins: enginetest.NewPlugins(),
		status: map[string]string{}, starts: map[string][]time.Time{}, answers: map[string][]engine.AlertReport{}}
	check := &enginetest.Plugin{Info: engine.PluginMeta{Slug: "probe", Name: "Probe", Kind: engine.CheckPlugin, Version: "1", Hash: "h1",
		Forms: map[engine.FormName]form.Form{engine.ConfigForm: {Fields: []form.Field{
			{Type: form.Char, Name: "target", Required: true}, {Type: form.Char, Name: "password", Required: true, Widget: "PasswordInput"}}}}}}
	check.OnRun = b.run
	b.plugins.Put(engine.PluginEntry{Slug: "probe", Plugin: check, File: "probe.lua"})
	b.addAlert("mail", false)
	return b
}

// plugin is the plugin of a slug.
func (b *bench) plugin(slug string) *enginetest.Plugin {
	e, _ := b.plugins.Plugin(slug)
	return e.Plugin.(*enginetest.Plugin)
}

func (b *bench) addAlert(slug string, update bool) {
	p := &enginetest.Plugin{Info: engine.PluginMeta{Slug: slug, Name: slug, Kind: engine.AlertPlugin, Version: "1", Hash: "h1", HasUpdate: update,
		Forms: map[engine.FormName]form.Form{}}}
	p.OnAlert = func(ctx context.Context, in *engine.AlertCall) engine.AlertReport { return b.alert(ctx, slug, in) }
	b.plugins.Put(engine.PluginEntry{Slug: slug, Plugin: p, File: slug + ".lua"})
}

// start builds and starts an engine on the bench's store.
func (b *bench) start() *bench {
	b.t.Helper()
	o := engine.DefaultOptions()
	o.Store, o.Sealer, o.Logger = b.store, enginetest.OpenSealer{}, slog.New(slog.DiscardHandler)
	if b.options != nil {
		b.options(&o)
	}
	e, err := monitor.New(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.e = e
	registry := engine.Plugins(b.plugins)
	if b.registry != nil {
		registry = b.registry
	}
	if err := e.Start(b.t.Context(), registry); err != nil {
		b.t.Fatal(err)
	}
	return b
}

func (b *bench) set(check, status string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status[check] = status
}

func (b *bench) run(ctx context.Context, in *engine.CheckRun) engine.RunReport {
	start := time.Now()
	b.mu.Lock()
	b.starts[in.Check.Name] = append(b.starts[in.Check.Name], start)
	status := b.status[in.Check.Name]
	b.mu.Unlock()
	report := engine.RunReport{}
	switch {
	case status == "":
		report.Succeeded = true
	case status == "unknown":
		report.Unknown, report.Error = true, "no data"
	case status == "none":
		report.None = true
	case status == "limit":
		report.Unknown, report.Cause, report.Limit, report.Error = true, engine.CauseError, true, "too much memory"
	case len(status) > 5 && status[:5] == "slow ":
		d, _ := time.ParseDuration(status[5:])
		select {
		case <-time.After(d):
			report.Succeeded = true
		case <-ctx.Done():
			report.TimedOut = true
		}
	default:
		report.Error, report.Severity = "is "+status, engine.Status(status)
	}
	report.Took = time.Since(start)
	return report
}

func (b *bench) alert(ctx context.Context, slug string, in *engine.AlertCall) engine.AlertReport {
	b.mu.Lock()
	c := sent{At: time.Now(), Plugin: slug, Kind: in.Service.Kind, Status: in.Service.OverallStatus, Delivery: in.Service.DeliveryID,
		Key: in.Service.IncidentKey, Reason: in.Service.Reason, Attempt: in.Attempt}
	for _, u := range in.Users {
		c.Users = append(c.Users, u.Username)
	}
	b.officers = nil
	for _, u := range in.DutyOfficers {
		b.officers = append(b.officers, u.Username)
	}
	c.Officers = slices.Clone(b.officers)
	for _, f := range in.Service.Failing {
		c.Failing = append(c.Failing, f.Name)
	}
	b.calls = append(b.calls, c)
	report := engine.AlertReport{Outcome: engine.OutcomeSent}
	if queue := b.answers[slug]; len(queue) > 0 {
		report, b.answers[slug] = queue[0], queue[1:]
	}
	block := b.block
	b.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return engine.AlertReport{Outcome: engine.OutcomeUnknown, Why: "timed out"}
		}
	}
	return report
}

// started returns when the runs of a check began.
func (b *bench) started(check string) []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.starts[check])
}

// heard returns the calls since the last look, as "plugin kind".
func (b *bench) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []string{}
	for _, c := range b.calls {
		out = append(out, c.Plugin+" "+string(c.Kind))
	}
	b.calls = nil
	return out
}

func (b *bench) wantHeard(want ...string) {
	b.t.Helper()
	if got := b.heard(); !slices.Equal(got, want) {
		b.t.Errorf("alerts %q, want %q", got, want)
	}
}

func (b *bench) check(name string, change func(*engine.Check)) *engine.Check {
	b.t.Helper()
	c := engine.NewCheck()
	c.Name, c.Plugin, c.Config, c.Interval = name, "probe", form.Values{"target": "x", "password": "hunter22"}, engine.Duration(time.Second)
	c.Timeout = engine.Duration(5 * time.Second)
	if change != nil {
		change(&c)
	}
	saved, err := b.e.Checks.SaveCheck(b.t.Context(), admin, c)
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func (b *bench) service(name string, plugins []string, checks ...*engine.Check) *engine.Service {
	b.t.Helper()
	s := engine.NewService()
	s.Name = name
	for _, c := range checks {
		s.StatusChecks = append(s.StatusChecks, c.ID)
	}
	for _, p := range plugins {
		s.Alerts = append(s.Alerts, engine.AlertChoice{Plugin: p})
	}
	saved, err := b.e.Targets.SaveService(b.t.Context(), admin, s)
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func (b *bench) user(name string) *engine.User {
	b.t.Helper()
	u := engine.NewUser()
	u.Username = name
	saved, err := b.e.Users.SaveUser(b.t.Context(), admin, u, "", "")
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func (b *bench) results(check *engine.Check) []engine.Result {
	b.t.Helper()
	var out []engine.Result
	if err := b.e.Checks.Results(b.t.Context(), check.ID, time.Time{}, time.Time{}, func(r *engine.Result) bool {
		out = append(out, *r)
		return true
	}); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) overall(s *engine.Service) engine.Status {
	b.t.Helper()
	v, err := b.e.Targets.Service(s.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return v.OverallStatus
}

func (b *bench) incidents(open *bool) []alert.IncidentView {
	b.t.Helper()
	list, err := b.e.Incidents.Incidents(b.t.Context(), alert.IncidentQuery{Open: open, Events: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

func (b *bench) deliveries(state engine.DeliveryState) []engine.Delivery {
	b.t.Helper()
	list, err := b.e.Incidents.Deliveries(b.t.Context(), alert.DeliveryQuery{State: state})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

var errDisk = errors.New("the disk is full")
