package plugins_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
)

// bench has the shipped plugins, each in a runtime of its own that is made when it is
// asked for, and what surrounds them.
type bench struct {
	t    testing.TB
	host host.Host
	env  map[string]string
	data *memoryData
	now  time.Time // of the plugins' clock; zero is the real one

	mu     sync.Mutex
	loaded map[string]*luaapi.Runtime // by the name of its file or folder; guarded by mu
}

// newBench has the shipped plugins over h; nil is the real network.
func newBench(t testing.TB, h host.Host) *bench {
	t.Helper()
	if h == nil {
		real, err := host.New(host.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { real.Close() })
		h = real
	}
	return &bench{t: t, host: h, env: map[string]string{}, data: &memoryData{values: map[string]string{}}, loaded: map[string]*luaapi.Runtime{}}
}

// load is a runtime with all the plugins of shipped.
func (b *bench) load(shipped fs.FS) *luaapi.Runtime {
	b.t.Helper()
	rt, err := luaapi.New(luaapi.Options{
		Host: b.host, Shipped: shipped, Opener: codec{}, Data: b.data,
		Env: func(name string) (string, bool) { v, ok := b.env[name]; return v, ok },
		Now: func() time.Time {
			if b.now.IsZero() {
				return time.Now()
			}
			return b.now
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(rt.Close)
	if err := rt.Load(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	return rt
}

// list is all shipped plugins in one runtime, as the program has them.
func (b *bench) list() []engine.PluginEntry {
	b.t.Helper()
	return b.load(plugins.Files()).List()
}

// alone is the shipped files with one plugin among them, and the modules.
type alone struct {
	fs.FS
	name string
}

func (a alone) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(a.FS, dir)
	if dir != "." {
		return entries, err
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() != a.name && e.Name() != "shipped" }), err
}

// plugin is a shipped plugin, from the file of its name or from the folder that its
// name begins with.
func (b *bench) plugin(slug string) engine.Plugin {
	b.t.Helper()
	name := slug + ".lua"
	if _, err := fs.Stat(plugins.Files(), name); err != nil {
		name, _, _ = strings.Cut(slug, "_")
	}
	b.mu.Lock()
	rt, ok := b.loaded[name]
	if !ok {
		rt = b.load(alone{plugins.Files(), name})
		b.loaded[name] = rt
	}
	b.mu.Unlock()
	e, ok := rt.Plugin(slug)
	if !ok || e.Plugin == nil {
		b.t.Fatalf("plugin %s did not load: %+v", slug, e.Problems)
	}
	return e.Plugin
}

// clean cleans raw values as a page or client would send them.
func (b *bench) clean(slug string, name engine.FormName, object string, raw map[string]any) (form.Values, form.Errors) {
	b.t.Helper()
	p := b.plugin(slug)
	return p.Meta().Forms[name].Clean(context.Background(), raw, form.Options{
		Seal:      func(path string, plain []byte) (form.Sealed, error) { return codec{}.Seal(object, path, plain) },
		Callbacks: p.Cleaning(name, object),
	})
}

func (b *bench) mustClean(slug string, name engine.FormName, object string, raw map[string]any) form.Values {
	b.t.Helper()
	if raw == nil {
		return nil
	}
	values, errs := b.clean(slug, name, object, raw)
	if len(errs) > 0 {
		b.t.Fatalf("%s of %s: %+v", name, slug, errs)
	}
	return values
}

// check is what a run is told besides its config.
type check struct {
	config    map[string]any
	settings  map[string]any
	instances []engine.InstanceSnapshot
	timeout   time.Duration // 5 s when zero
}

// run cleans a check's config and makes the check.
func (b *bench) run(slug string, c check) engine.RunReport {
	b.t.Helper()
	in := b.checkRun(slug, c)
	ctx, cancel := context.WithTimeout(context.Background(), in.Check.Timeout.Std())
	defer cancel()
	return b.plugin(slug).Run(ctx, in)
}

func (b *bench) checkRun(slug string, c check) *engine.CheckRun {
	b.t.Helper()
	if c.timeout == 0 {
		c.timeout = 5 * time.Second
	}
	return &engine.CheckRun{
		Check: &engine.Check{
			Meta: engine.Meta{ID: "c1"}, Name: "a check", Plugin: slug, Active: true, Importance: engine.StatusCritical,
			Interval: engine.Duration(time.Minute), Timeout: engine.Duration(c.timeout),
			Config: b.mustClean(slug, engine.ConfigForm, "c1", c.config),
		},
		Instances: c.instances,
		Settings:  b.mustClean(slug, engine.SettingsForm, slug, c.settings),
	}
}

func metric(report engine.RunReport, name string) (engine.Metric, bool) {
	for _, m := range report.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return engine.Metric{}, false
}

// alert is one event and its receivers.
type alert struct {
	event    engine.AlertSnapshot // on top of firing()
	settings map[string]any
	service  map[string]any
	users    []engine.UserSnapshot
	officers []engine.UserSnapshot
	update   bool
	attempt  int
}

// send runs one attempt; sent are the users that were marked as reached.
func (b *bench) send(slug string, a alert) (report engine.AlertReport, sent []string) {
	b.t.Helper()
	a.event.Settings = b.mustClean(slug, engine.ServiceConfigForm, a.event.Subject.ID, a.service)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	report = b.plugin(slug).Alert(ctx, &engine.AlertCall{
		Service: &a.event, Attempt: max(a.attempt, 1), Users: a.users, DutyOfficers: a.officers, Update: a.update,
		Settings:  b.mustClean(slug, engine.SettingsForm, b.owner(slug), a.settings),
		PublicURL: "https://moon.example",
		MarkSent:  func(id string) error { sent = append(sent, id); return nil },
	})
	return report, sent
}

// owner is the slug whose settings a plugin reads.
func (b *bench) owner(slug string) string {
	b.t.Helper()
	if from := b.plugin(slug).Meta().SettingsFrom; from != "" {
		return from
	}
	return slug
}

// firing is the event that most tests begin with.
func firing() engine.AlertSnapshot {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return engine.AlertSnapshot{
		Subject: engine.Ref{Kind: engine.KindService, ID: "s1"}, Name: "Shop <1>", URL: "https://shop.example",
		OverallStatus: engine.StatusCritical, OldOverallStatus: engine.StatusPassing, WorstStatus: engine.StatusCritical,
		PageURL: "https://moon.example/services/s1", RunbookLink: "https://wiki.example/shop",
		Kind: engine.AlertFiring, IncidentKey: "inc-7", DeliveryID: "d-1", AlertNumber: 1, EventAt: at, IncidentOpenedAt: at.Add(-time.Minute),
		Failing: []engine.CheckRecord{{
			ID: "c1", Name: "front & page", Plugin: "http", Importance: engine.StatusCritical, Severity: engine.StatusCritical,
			Error: "Wrong code: got 500 (expected 200)", Since: at.Add(-2 * time.Minute),
			PageURL: "https://moon.example/checks/c1", RunbookLink: "https://wiki.example/front",
		}},
		Passing: []engine.CheckRecord{{ID: "c2", Name: "database", Plugin: "tcp", Importance: engine.StatusError, Since: at.Add(-time.Hour)}},
	}
}

func (b *bench) user(slug, id string, settings map[string]any) engine.UserSnapshot {
	return engine.UserSnapshot{
		ID: id, Username: id, FirstName: strings.ToUpper(id[:1]) + id[1:], Email: id + "@example.org", Role: "editor",
		Settings: b.mustClean(slug, engine.UserConfigForm, id, settings),
	}
}

func recovery() engine.AlertSnapshot {
	s := firing()
	s.Kind, s.OverallStatus, s.OldOverallStatus = engine.AlertRecovery, engine.StatusPassing, engine.StatusCritical
	s.DeliveryID, s.AlertNumber = "d-2", 2
	s.Passing = append(s.Passing, s.Failing...)
	s.Failing = nil
	return s
}

// codec seals by encoding: enough to tell sealed from open.
type codec struct{}

func (codec) Seal(object, field string, plain []byte) (form.Sealed, error) {
	return form.Sealed(object + "|" + field + "|" + base64.StdEncoding.EncodeToString(plain)), nil
}

func (codec) Open(object, field string, sealed form.Sealed) ([]byte, error) {
	text, ok := strings.CutPrefix(string(sealed), object+"|"+field+"|")
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return base64.StdEncoding.DecodeString(text)
}

// memoryData is a store for plugins without limits.
type memoryData struct {
	mu     sync.Mutex
	values map[string]string // guarded by mu
}

func (d *memoryData) at(s engine.Scope, key string) string {
	return s.Plugin + "/" + s.Subject + "/" + key
}

func (d *memoryData) Get(_ context.Context, s engine.Scope, key string) ([]byte, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.values[d.at(s, key)]
	return []byte(v), ok, nil
}

func (d *memoryData) Set(_ context.Context, s engine.Scope, key string, value []byte, _ time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values[d.at(s, key)] = string(value)
	return nil
}

func (d *memoryData) Increment(_ context.Context, s engine.Scope, key string, by float64) (float64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, _ := strconv.ParseFloat(d.values[d.at(s, key)], 64)
	d.values[d.at(s, key)] = strconv.FormatFloat(n+by, 'g', -1, 64)
	return n + by, nil
}

func (d *memoryData) Delete(_ context.Context, s engine.Scope, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.values, d.at(s, key))
	return nil
}

// with is a copy of values with some of them changed; nil leaves a key out.
func with(values map[string]any, changes ...map[string]any) map[string]any {
	out := maps.Clone(values)
	for _, c := range changes {
		for k, v := range c {
			if v == nil {
				delete(out, k)
			} else {
				out[k] = v
			}
		}
	}
	return out
}

// closedPort is a port of the loopback address on which nothing listens.
func closedPort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
