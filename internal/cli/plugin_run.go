package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/monitor"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
)

type pluginRunCommand struct {
	File      string        `arg:"" type:"path" help:"The plugin's file or folder."`
	Slug      string        `help:"Which plugin of a folder with several."`
	Set       []string      `sep:"none" placeholder:"FIELD=VALUE" help:"A value of the check's form. May be given several times."`
	Setting   []string      `sep:"none" placeholder:"FIELD=VALUE" help:"A value of the plugin's site-wide settings. May be given several times."`
	Name      string        `default:"check" help:"The check's name (${default})."`
	Address   []string      `help:"An address for a linked instance. May be given several times."`
	Timeout   time.Duration `default:"30s" help:"The run's deadline (${default})."`
	AllowExec []string      `placeholder:"PATH" help:"A program that the plugin may run."`
	AllowEnv  []string      `placeholder:"NAME" help:"An environment variable that the plugin may set for it, besides harmless ones."`
	JSON      bool          `name:"json" help:"Print the result as JSON."`
	Trace     bool          `help:"Print every request with its timing and answer; with --json to standard error."`
}

const (
	tryFailed   exitCode = 1
	tryCouldNot exitCode = 2
)

// tryPlugin does one call of a plugin and prints why it could not be made, when that
// is not printed yet. A call that did not succeed is tryFailed, none tryCouldNot. The
// context ends when the program is to stop.
func tryPlugin(s streams, try func(ctx context.Context) (succeeded bool, err error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	succeeded, err := try(ctx)
	var shown exitCode
	switch {
	case err == nil && succeeded:
		return nil
	case err == nil:
		return tryFailed
	case !errors.As(err, &shown):
		fmt.Fprintf(s.err, "moonwatch: %s\n", err)
	}
	return tryCouldNot
}

// Run runs the plugin once, with nothing stored.
func (c *pluginRunCommand) Run(s streams) error {
	return tryPlugin(s, func(ctx context.Context) (bool, error) {
		result, err := c.run(ctx, s)
		if err != nil {
			return false, err
		}
		if !c.JSON {
			printResult(s.out, result)
			return result.Succeeded, nil
		}
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		return result.Succeeded, encoder.Encode(result)
	})
}

// runResult is a result, and what it cost.
type runResult struct {
	engine.Result
	Instructions int64  `json:"instructions"`
	Memory       uint64 `json:"memory"` // bytes, the most that the run was seen to hold
}

func (c *pluginRunCommand) run(ctx context.Context, s streams) (*runResult, error) {
	o := host.DefaultOptions()
	o.AllowExec, o.AllowEnv = c.AllowExec, c.AllowEnv
	network, err := host.New(o)
	if err != nil {
		return nil, err
	}
	defer network.Close()
	trace := host.NewTrace(network)
	defer func() { c.printTrace(s, trace) }()
	lua, err := luaapi.New(luaapi.Options{
		Host:    trace,
		Opener:  plainSealer{},
		Shipped: plugins.Files(),
		Logger:  slog.New(slog.DiscardHandler),
		Data:    luaapi.NewScratch(time.Now),
		Measure: true,
	})
	if err != nil {
		return nil, err
	}
	defer lua.Close()
	plugin, err := c.load(ctx, lua, s, engine.CheckPlugin)
	if err != nil {
		return nil, err
	}
	meta := plugin.Meta()
	if meta.Kind != engine.CheckPlugin {
		return nil, fmt.Errorf("%s is an alert plugin: try it with plugin send", meta.Slug)
	}
	check := engine.NewCheck()
	check.ID, check.Name, check.Plugin, check.Timeout = "try", c.Name, meta.Slug, engine.Duration(c.Timeout)
	if check.Config, err = clean(ctx, plugin, engine.ConfigForm, "--set", c.Set); err != nil {
		return nil, err
	}
	in := &engine.CheckRun{Check: &check}
	if in.Settings, err = clean(ctx, plugin, engine.SettingsForm, "--setting", c.Setting); err != nil {
		return nil, err
	}
	for i, address := range c.Address {
		in.Instances = append(in.Instances, engine.InstanceSnapshot{
			ID:            fmt.Sprint("i", i+1),
			Name:          address,
			Address:       address,
			OverallStatus: engine.StatusPassing,
		})
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	start := time.Now()
	report := plugin.Run(ctx, in)
	if report.Skipped {
		return nil, errors.New("the run got no turn before its deadline")
	}
	result := monitor.ResultOf(&check, report, meta.Version, start)
	if report.None { // run had nothing new to say, as a plugin with ping may
		result.Succeeded, result.Error, result.Severity = true, "", ""
		result.Message = "no result: nothing new since the last ping"
	}
	if result.Metrics == nil {
		result.Metrics = []engine.Metric{} // as the API has it: a list, never null
	}
	if result.Log == nil {
		result.Log = []engine.LogLine{}
	}
	return &runResult{*result, report.Instructions, report.Memory}, nil
}

// load loads the file and prints its problems. Of several plugins it returns the
// one that is named, or else the only one of the kind.
func (c *pluginRunCommand) load(ctx context.Context, lua *luaapi.Runtime, s streams, kind engine.PluginKind) (engine.Plugin, error) {
	found, problems, warnings := lua.LoadFile(ctx, c.File)
	for _, p := range append(problems, warnings...) {
		fmt.Fprintln(s.err, problemLine(p))
	}
	if len(problems) > 0 {
		return nil, tryCouldNot
	}
	var slugs []string
	var fitting []engine.Plugin
	for _, p := range found {
		if c.Slug == "" && len(found) == 1 || p.Meta().Slug == c.Slug {
			return p, nil
		}
		if p.Meta().Kind == kind {
			fitting = append(fitting, p)
		}
		slugs = append(slugs, p.Meta().Slug)
	}
	if c.Slug == "" && len(fitting) == 1 {
		return fitting[0], nil
	}
	return nil, fmt.Errorf("choose a plugin by --slug: %s", strings.Join(slugs, ", "))
}

// clean reads FIELD=VALUE pairs as the plugin's form does. Lists and tables are
// written as JSON.
func clean(ctx context.Context, plugin engine.Plugin, name engine.FormName, flag string, pairs []string) (form.Values, error) {
	f := plugin.Meta().Forms[name]
	raw := map[string]any{}
	for _, pair := range pairs {
		field, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%s %s: write FIELD=VALUE", flag, pair)
		}
		t := f.Field(field)
		if before, again := raw[field]; again && t != nil && t.Type == form.ChoiceMany {
			raw[field] = append(chosen(before), chosen(value)...)
			continue
		}
		raw[field] = value
		if t != nil && (t.Type == form.KeyValue || t.Type == form.List) && strings.HasPrefix(strings.TrimSpace(value), "{") {
			var decoded any
			if err := json.Unmarshal([]byte(value), &decoded); err != nil {
				return nil, fmt.Errorf("%s %s: this is not JSON", flag, field)
			}
			raw[field] = decoded
		}
	}
	if name == engine.SettingsForm && len(pairs) == 0 {
		return nil, nil // as when nobody saved the settings
	}
	object := "try"
	values, errs := f.Clean(ctx, raw, form.Options{Callbacks: plugin.Cleaning(name, object),
		Seal: func(path string, plain []byte) (form.Sealed, error) { return form.Sealed(plain), nil }})
	if len(errs) > 0 {
		return nil, fmt.Errorf("%s: %w", flag, errs)
	}
	return values, nil
}

// chosen are the values of one --set of a MultipleChoiceField: one, or a JSON array.
func chosen(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	text, _ := v.(string)
	var list []any
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	return []any{text}
}

// kibibytes shows an amount of memory.
func kibibytes(n uint64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func printResult(w io.Writer, r *runResult) {
	status := "failed"
	switch {
	case r.Succeeded:
		status = "passed"
	case r.Unknown:
		status = "unknown (" + causeText(r.Cause) + ")"
	case r.Severity != "":
		status = "failed (" + string(r.Severity) + ")"
	}
	fmt.Fprintf(w, "%s in %.3f s, %d instructions, %s of memory\n", status, r.Took, r.Instructions, kibibytes(r.Memory))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%-8s %s\n", name, strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n         "))
		}
	}
	line("error", r.Error)
	line("message", r.Message)
	for _, m := range r.Metrics {
		line("metric", metricText(m))
	}
	for _, l := range r.Log {
		line("log", l.Level+": "+l.Message)
	}
	line("trace", r.Traceback)
	line("raw data", r.RawData)
}

// causeText says why a result is unknown.
func causeText(cause engine.Cause) string {
	switch cause {
	case engine.CausePlugin:
		return "the plugin has no data"
	case engine.CauseError:
		return "mistake in the plugin"
	}
	return string(cause)
}

// metricText is a metric with its thresholds and bounds.
func metricText(m engine.Metric) string {
	text := strings.TrimSpace(fmt.Sprintf("%s = %g %s", m.Name, m.Value, m.Unit))
	var bounds []string
	for _, b := range []struct {
		name  string
		value *float64
	}{{"warn", m.Warn}, {"fail", m.Fail}, {"min", m.Min}, {"max", m.Max}} {
		if b.value != nil {
			bounds = append(bounds, fmt.Sprintf("%s %g", b.name, *b.value))
		}
	}
	if len(bounds) > 0 {
		text += " (" + strings.Join(bounds, ", ") + ")"
	}
	return text
}

// plainSealer opens what a single run on the command line keeps in memory only.
type plainSealer struct{}

// Open returns the secret as it is.
func (plainSealer) Open(_, _ string, sealed form.Sealed) ([]byte, error) { return []byte(sealed), nil }
