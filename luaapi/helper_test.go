package luaapi

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// testSealer seals by turning text around: enough to tell sealed from open.
type testSealer struct{}

func (testSealer) Seal(object, field string, plain []byte) (form.Sealed, error) {
	return form.Sealed(object + "|" + field + "|" + base64.StdEncoding.EncodeToString(plain)), nil
}

func (testSealer) Open(object, field string, sealed form.Sealed) ([]byte, error) {
	text, ok := strings.CutPrefix(string(sealed), object+"|"+field+"|")
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return base64.StdEncoding.DecodeString(text)
}

func sealed(t testing.TB, object, field, plain string) form.Sealed {
	t.Helper()
	s, err := testSealer{}.Seal(object, field, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newTestRuntime is a runtime over a folder with the given files.
func newTestRuntime(t testing.TB, files map[string]string, change ...func(*Options)) *Runtime {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, dir, name, text)
	}
	o := Options{Dir: dir, Opener: testSealer{}, Env: func(string) (string, bool) { return "", false }}
	for _, fn := range change {
		fn(&o)
	}
	rt, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	if err := rt.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return rt
}

func writeFile(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// withEnv gives a runtime an environment.
func withEnv(env map[string]string) func(*Options) {
	return func(o *Options) {
		o.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	}
}

// checkSource is a check plugin whose run has the given body.
func checkSource(slug, body string) string {
	return `local forms = require "forms"
local P = { name = "Test", slug = "` + slug + `", version = "1" }
function P:run(check, result)
` + body + `
end
return P
`
}

// plugin returns a good plugin, or fails with its problems.
func plugin(t testing.TB, rt *Runtime, slug string) engine.Plugin {
	t.Helper()
	e, ok := rt.Plugin(slug)
	if !ok || e.Plugin == nil {
		t.Fatalf("plugin %s is not there; the registry holds %+v", slug, describeAll(rt))
	}
	return e.Plugin
}

func describeAll(rt *Runtime) []string {
	var all []string
	for _, e := range rt.List() {
		text := e.Slug + " " + e.File
		for _, p := range e.Problems {
			text += " [" + p.File + ":" + strconv.Itoa(p.Line) + ": " + p.Message + "]"
		}
		all = append(all, text)
	}
	return all
}

func itoa(n int) string { return strconv.Itoa(n) }

func checkRun(slug string, config form.Values) *engine.CheckRun {
	return &engine.CheckRun{Check: &engine.Check{
		Meta: engine.Meta{ID: "c1"}, Name: "left leg", Plugin: slug, Config: config, Active: true,
		Importance: engine.StatusError, Interval: engine.Duration(time.Minute), Timeout: engine.Duration(5 * time.Second),
	}}
}

// runBody runs a check plugin with the given body once.
func runBody(t testing.TB, body string) engine.RunReport {
	t.Helper()
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", body)})
	return runOnce(t, rt, "test", nil)
}

func runOnce(t testing.TB, rt *Runtime, slug string, config form.Values) engine.RunReport {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return plugin(t, rt, slug).Run(ctx, checkRun(slug, config))
}
