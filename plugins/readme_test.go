package plugins_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
)

// TestReadme runs the plugins of the guide as their readers would.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	blocks := regexp.MustCompile("(?s)```lua\n-- ([a-z_]+\\.lua)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	blocks = slices.DeleteFunc(blocks, func(block []string) bool { return strings.HasSuffix(block[1], "_test.lua") })
	if len(blocks) != 4 {
		t.Fatalf("got %d plugins in the guide, want 4", len(blocks))
	}
	for _, block := range blocks {
		if err := os.WriteFile(filepath.Join(dir, block[1]), []byte(block[2]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	rt, err := luaapi.New(luaapi.Options{Dir: dir, Host: network, Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if err := rt.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range rt.List() {
		for _, p := range append(e.Problems, e.Warnings...) {
			t.Errorf("%s:%d: %s", p.File, p.Line, p.Message)
		}
	}

	answer := `{"queue":{"waiting":7}}`
	var title string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		title = r.Method + " " + r.URL.Path + " " + r.Header.Get("Title")
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	queue, _ := rt.Plugin("queue")
	if queue.Plugin == nil {
		t.Fatal("queue did not load")
	}
	for _, tt := range []struct {
		answer string
		want   engine.RunReport
	}{
		{`{"queue":{"waiting":7}}`, engine.RunReport{Succeeded: true}},
		{`{"queue":{"waiting":700}}`, engine.RunReport{Error: "700 messages wait (more than 100)"}},
		{`{}`, engine.RunReport{Unknown: true, Error: "There is no queue.waiting in the answer"}},
		{`oops`, engine.RunReport{Unknown: true, Error: "There is no queue.waiting in the answer"}},
	} {
		answer = tt.answer
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		got := queue.Plugin.Run(ctx, &engine.CheckRun{Check: &engine.Check{
			Meta: engine.Meta{ID: "c1"}, Plugin: "queue", Timeout: engine.Duration(5 * time.Second), Config: form.Values{"endpoint": server.URL, "limit": 100.0}}})
		cancel()
		if got.Succeeded != tt.want.Succeeded || got.Unknown != tt.want.Unknown || got.Error != tt.want.Error {
			t.Errorf("%s: got %+v, want %+v", tt.answer, got, tt.want)
		}
	}

	ntfy, _ := rt.Plugin("ntfy_topic")
	if ntfy.Plugin == nil {
		t.Fatal("ntfy_topic did not load")
	}
	event := firing()
	event.Settings = form.Values{"topic": "shop"}
	report := ntfy.Plugin.Alert(t.Context(), &engine.AlertCall{
		Service: &event, Attempt: 1, Users: []engine.UserSnapshot{{ID: "u1", Username: "ada"}}, Settings: form.Values{"server": server.URL}})
	if report.Outcome != engine.OutcomeSent || !strings.HasPrefix(title, "POST /shop Shop <1>: CRITICAL") {
		t.Errorf("got %+v with %q", report, title)
	}
}
