package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonwatch/internal/programtest"
	"moonwatch/luaapi/describe"
)

// command runs the program and returns its exit code and output.
func command(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(args, streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestPluginNew(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ kind, name, slug string }{
		{"check", "disk_space", "disk_space"}, {"alert", "Tell-Them", "tell_them"}, {"check", "x.lua", "x"},
	} {
		if code, out, errs := command("plugin", "new", tt.kind, tt.name); code != 0 || errs != "" || !strings.Contains(out, "wrote "+tt.slug+".lua and "+tt.slug+"_test.lua") ||
			strings.Contains(out, "Tell-Them cannot be a slug: the plugin's is tell_them") != (tt.name == "Tell-Them") {
			t.Fatalf("new %s %s: exit %d\n%s%s", tt.kind, tt.name, code, out, errs)
		}
		source, err := os.ReadFile(tt.slug + ".lua")
		class := "moonwatch." + tt.kind + "_plugin" // what editors know the table by
		if err != nil || !strings.Contains(string(source), "\n---@type "+class+"\nlocal ") || !strings.Contains(describe.Definitions()["objects.lua"], "\n---@class "+class+":") {
			t.Errorf("%s does not say its type to editors: %v\n%s", tt.slug, err, source)
		}
		for _, path := range []string{tt.slug + ".lua", tt.slug + "_test.lua"} {
			code, out, errs := command("plugin", "test", path)
			if code != 0 || errs != "" || !strings.Contains(out, map[string]string{"check": "\n7 passed, 0 failed", "alert": "\n8 passed, 0 failed"}[tt.kind]) {
				t.Errorf("test %s: exit %d\n%s%s", path, code, out, errs)
			}
		}
	}
	for name, want := range map[string]string{
		"disk_space": "is there already", "9lives": "cannot be a slug", "../x": "cannot be a slug", "a_test": "is that of a test", "plugin": "main file",
	} {
		if code, _, errs := command("plugin", "new", "check", name); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("new check %s: exit %d, %q, want %q", name, code, errs, want)
		}
	}
	if code, _, _ := command("plugin", "new", "thing", "y"); code != 2 {
		t.Errorf("an unknown kind: exit %d, want 2", code)
	}
	// One of the files is there: neither is written.
	if err := os.WriteFile("half_test.lua", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := command("plugin", "new", "check", "half"); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	if text, err := os.ReadFile("half_test.lua"); err != nil || string(text) != "mine" {
		t.Errorf("the test that was there is now %q, %v", text, err)
	}
	if _, err := os.Stat("half.lua"); err == nil {
		t.Error("half.lua was written")
	}
	if code, _, errs := command("plugin", "new", "check", "http"); code != 0 || !strings.Contains(errs, "takes the place of the plugin http that ships") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestPluginTest(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, out, errs := command("plugin", "new", "check", "good"); code != 0 {
		t.Fatal(out, errs)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile("good.lua")
	if err != nil {
		t.Fatal(err)
	}
	write("bad.lua", strings.ReplaceAll(string(good), `"good"`, `"bad"`))
	write("bad_test.lua", "local t = require 'testing'\nreturn {\n  test_one = function()\n    print('hello')\n    t.equal(1, 2)\n  end,\n  test_two = function() end,\n}\n")
	write("alone.lua", string(good))
	write("broken.lua", "return {")
	write("broken_test.lua", "return { test_x = function() end }")
	for _, tt := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{[]string{"good.lua"}, 0, "7 passed, 0 failed", ""},
		{[]string{"bad.lua"}, 1, "FAIL  bad_test.lua:5: test_one: got 1, want 2\n      info: hello\nok    bad_test.lua:7: test_two", ""},
		{[]string{"good.lua", "bad.lua"}, 1, "8 passed, 1 failed", ""},
		{[]string{"alone.lua"}, 2, "0 passed, 0 failed, 1 file could not be run", "alone_test.lua: there is no such file"},
		{[]string{"broken.lua"}, 2, "", "broken.lua:1: "},
		{[]string{"good.lua", "broken.lua"}, 1, "7 passed, 0 failed, 1 file could not be run", "broken.lua:1: "},
		{[]string{"nowhere"}, 2, "", "there is no such file"},
		{[]string{"."}, 1, "8 passed, 1 failed, 1 file could not be run", "broken.lua:1: "},
		{nil, 2, "", "expected"},
	} {
		code, out, errs := command(append([]string{"plugin", "test"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
			t.Errorf("test %v: exit %d, want %d\n%s%s", tt.args, code, tt.code, out, errs)
		}
	}
}

func TestPluginRunTrace(t *testing.T) {
	t.Chdir(t.TempDir())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Answer", "yes")
		w.Write([]byte("all is fine"))
	}))
	defer site.Close()
	if code, out, errs := command("plugin", "new", "check", "page"); code != 0 {
		t.Fatal(out, errs)
	}
	args := []string{"plugin", "run", "page.lua", "--set", "endpoint=" + site.URL + "/health", "--set", "text=fine", "--trace"}
	code, out, errs := command(args...)
	for _, want := range []string{" ms  http GET " + site.URL + "/health", "> GET " + site.URL, "< 200, 11 bytes", "< X-Answer: yes", "< all is fine", "passed in ", " instructions, ", " KiB of memory\n"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("exit %d, want %q in\n%s%s", code, want, out, errs)
		}
	}
	if code, out, errs = command(append(args, "--json")...); code != 0 || !strings.HasPrefix(out, "{") || !strings.Contains(errs, "< 200, 11 bytes") ||
		!regexp.MustCompile(`"instructions": [1-9]\d*,\n  "memory": [1-9]\d+\n`).MatchString(out) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	site.Close()
	if code, out, _ = command(args...); code != 1 || !strings.Contains(out, "(refused)") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

// await waits until a command that runs beside the test has written want.
func await(t *testing.T, o *programtest.Output, want string) {
	t.Helper()
	for range 100 {
		if strings.Contains(o.String(), want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q was not written:\n%s", want, o.String())
}

func TestPluginWatch(t *testing.T) {
	t.Chdir(t.TempDir())
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	if code, out, errs := command("plugin", "new", "check", "page"); code != 0 {
		t.Fatal(out, errs)
	}
	ctx, stop := context.WithCancel(t.Context())
	var out programtest.Output
	ended := make(chan error)
	c := pluginWatchCommand{pluginRunCommand{File: "page.lua", Name: "check", Timeout: time.Second, Set: []string{"endpoint=" + site.URL, "text=x"}}}
	go func() { ended <- c.watch(ctx, streams{in: strings.NewReader(""), out: &out, err: &out}) }()
	await(t, &out, "7 passed, 0 failed")
	await(t, &out, "Got status 404 (expected 200)")

	text, err := os.ReadFile("page.lua")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("page.lua", bytes.ReplaceAll(text, []byte("Got status"), []byte("Saw status")), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, &out, "6 passed, 1 failed")
	await(t, &out, "Saw status 404 (expected 200)")
	if err := os.WriteFile("page.lua", []byte("return {"), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, &out, "page.lua:1:9: ")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if code, _, errs := command("plugin", "watch", "nowhere.lua"); code != 1 || !strings.Contains(errs, "there is no such file") {
		t.Errorf("exit %d, %q", code, errs)
	}
}
