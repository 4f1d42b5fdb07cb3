package plugintest

import (
	"context"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// harness is all that one test sees and moves: it is fresh for each. It
// belongs to the test's goroutine.
type harness struct {
	runner   *runner.Runner // over the stub
	plugins  []*runner.Version
	stub     *host.Stub
	env      map[string]string
	settings map[string]form.Values // by the slug that they belong to
	monitor  *testMonitor
	marked   []string         // usernames that mark_sent was called with
	log      []engine.LogLine // of the plugin's last call
	last     string           // how the plugin's last call ended, when that is of interest
	seen     int              // complaints of the stub that were passed on
	fault    string           // what fails the test, whatever catches it
}

// testAddress is the site's public address in tests.
const testAddress = "https://moonwatch.example"

// openedOpener opens the secrets of tests, which are only marked as sealed.
type openedOpener struct{}

// Open returns the secret as it is.
func (openedOpener) Open(_, _ string, sealed form.Sealed) ([]byte, error) { return []byte(sealed), nil }

func sealOpenly(_ string, plain []byte) (form.Sealed, error) { return form.Sealed(plain), nil }

// newHarness loads the plugin aside, over a stub. The harness must be closed.
func (t *Tester) newHarness(ctx context.Context, plan *testPlan) (*harness, loader.Problems) {
	h := &harness{
		stub: host.NewStub(time.Now().Truncate(time.Second)), env: map[string]string{},
		settings: map[string]form.Values{}, monitor: newTestMonitor(),
	}
	h.runner = t.runner.Aside(func(o *runner.Options) {
		o.Host, o.Opener, o.Now = h.stub, openedOpener{}, h.stub.Now
		o.Data = module.NewScratch(h.stub.Now)
		o.Env = func(name string) (string, bool) { v, ok := h.env[name]; return v, ok }
	})
	out := h.runner.Load(ctx, plan.source, plan.shown)
	if len(out.Problems) > 0 {
		h.close()
		return nil, out.Problems
	}
	h.plugins = out.Plugins
	return h, nil
}

func (h *harness) close() { h.runner.Drain() }

// harnessOf returns the harness of the test that L runs.
func harnessOf(L *lua.LState) *harness {
	if c := vm.CallOf(L); c != nil && c.Run != nil {
		if t, ok := c.Run.Program.(*testProgram); ok {
			return t.harness
		}
	}
	L.RaiseError("the module testing can be used in tests alone")
	return nil
}

// fail fails the test at the line that called the module's function.
func (h *harness) fail(L *lua.LState, format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if h.fault == "" {
		h.fault = strings.TrimPrefix(L.Where(1), "[G]:") + text
	}
	L.RaiseError("%s", text)
}

// plugin calls the plugin, for which limit is the time it has, with the permit
// given back meanwhile. What it asks for and no stub answers fails the test.
func (h *harness) plugin(L *lua.LState, limit time.Duration, call func(ctx context.Context)) {
	reserve := min(limit/10, vm.MaxReserve)
	if limit >= 5*time.Second {
		reserve = vm.MaxReserve
	}
	h.stub.Begin(limit, reserve)
	err := vm.CallOf(L).Wait(0, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		call(ctx)
		return nil
	})
	h.stub.Begin(0, 0)
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	if missing := h.stub.Missing(); len(missing) > h.seen {
		complaint := missing[h.seen]
		h.seen = len(missing)
		h.fail(L, "%s", complaint)
	}
}

// choose finds the plugin that a call is for: the one named, else the only one
// that suits.
func (h *harness) choose(a vm.Args, slug string, suits func(*runner.Version) bool, what string) *runner.Version {
	var found []*runner.Version
	var slugs []string
	for _, v := range h.plugins {
		if slug == v.Manifest.Slug && suits(v) {
			return v
		}
		if suits(v) {
			found = append(found, v)
		}
		slugs = append(slugs, v.Manifest.Slug)
	}
	switch {
	case slug != "":
		near := form.Nearest(slug, slugs)
		if near != "" && near != slug {
			a.L.RaiseError("%s: there is no plugin %s; did you mean %s?", a.Fn, slug, near)
		}
		a.L.RaiseError("%s: %s is no plugin of this file with %s", a.Fn, slug, what)
	case len(found) == 0:
		a.L.RaiseError("%s: the plugin has no %s", a.Fn, what)
	case len(found) > 1:
		a.L.RaiseError("%s: the file has several plugins: choose one by slug", a.Fn)
	}
	return found[0]
}

// clean cleans values as a form of the plugin does.
func (h *harness) clean(L *lua.LState, v *runner.Version, name engine.FormName, object string, t *lua.LTable) (form.Values, form.Errors) {
	raw, problem := binding.FromLua(t, 0)
	if problem != "" {
		L.RaiseError("%s: %s", string(name), problem)
	}
	fields, ok := raw.(map[string]any)
	if list, isList := raw.([]any); !ok && (!isList || len(list) > 0) {
		L.RaiseError("%s: values must be a table of names and values", string(name))
	}
	var values form.Values
	var errs form.Errors
	err := vm.CallOf(L).Wait(0, func(ctx context.Context) error {
		values, errs = v.Manifest.Forms[name].Clean(ctx, fields, form.Options{Seal: sealOpenly, Callbacks: v.Cleaning(name, object)})
		return nil
	})
	if err != nil {
		L.RaiseError("%s", err.Error())
	}
	if values == nil {
		values = form.Values{}
	}
	return values, errs
}

// mustClean is clean, but a complaint raises. A nil table is a form that nobody saved.
func (h *harness) mustClean(a vm.Args, v *runner.Version, name engine.FormName, object string, t *lua.LTable) form.Values {
	if t == nil {
		return nil
	}
	values, errs := h.clean(a.L, v, name, object, t)
	if len(errs) > 0 {
		a.L.RaiseError("%s: %s: %s", a.Fn, string(name), errs.Error())
	}
	return values
}

// settingsOf is a fresh map, by which a plugin knows that they may have changed.
func (h *harness) settingsOf(v *runner.Version) form.Values {
	owner := settingsOwner(v)
	out := form.Values{}
	for key, value := range h.settings[owner] {
		out[key] = value
	}
	return out
}

func settingsOwner(v *runner.Version) string {
	if v.Manifest.SettingsFrom != "" {
		return v.Manifest.SettingsFrom
	}
	return v.Manifest.Slug
}
