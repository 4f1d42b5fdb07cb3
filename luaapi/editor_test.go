package luaapi

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/luaapi/host"
)

const editedPlugin = `
local forms, http = require "forms", require "http"
return {
  name = "Edited", slug = "edited", version = "1",
  config_form = { forms.URLField{ "endpoint" }, forms.CharField{ "token", widget = forms.PasswordInput, required = false } },
  run = function(self, check, result)
    local response, err = http.get(check.endpoint, { headers = { Authorization = check.token } })
    result.succeeded = response ~= nil and response.status == 200
    result.error = err or "not ok"
    return result
  end,
}
`

func TestEditor(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("fine")) }))
	defer server.Close()
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rt, err := New(Options{Dir: dir, Host: network, Opener: openSeals{}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	ctx := t.Context()
	if err := rt.Load(ctx); err != nil {
		t.Fatal(err)
	}
	draft := engine.PluginSource{Path: "edited.lua", Files: map[string]string{"": editedPlugin}}
	if r := rt.Draft(ctx, draft); len(r.Problems) > 0 || len(r.Plugins) != 1 {
		t.Fatalf("draft %+v", r)
	}
	broken := engine.PluginSource{Path: "edited.lua", Files: map[string]string{"": editedPlugin + "\nend"}}
	if r := rt.Draft(ctx, broken); len(r.Problems) != 1 || r.Problems[0].Line != 14 {
		t.Errorf("broken draft %+v", r.Problems)
	}
	if len(rt.List()) != 0 {
		t.Error("a draft is in force")
	}
	in := &engine.CheckRun{Check: &engine.Check{Meta: engine.Meta{ID: "c1"}, Name: "try", Plugin: "edited",
		Config: form.Values{"endpoint": server.URL, "token": form.Sealed("hunter22-secret")}}}
	try, err := rt.TryDraft(ctx, draft, "edited", in)
	if err != nil || !try.Run.Succeeded || len(try.Calls) != 1 || try.Calls[0].Kind != "http" || try.Calls[0].Took <= 0 {
		t.Fatalf("try %+v %v", try, err)
	}
	if strings.Contains(try.Calls[0].Request, "hunter22-secret") {
		t.Errorf("the trace shows a secret: %s", try.Calls[0].Request)
	}
	if err := rt.WriteSource(ctx, draft); err != nil {
		t.Fatal(err)
	}
	if e, ok := rt.Plugin("edited"); !ok || e.Plugin == nil {
		t.Fatal("what was saved is not in force when the save returns")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "edited.lua")); err != nil || string(text) != editedPlugin {
		t.Errorf("the file holds %q %v", text, err)
	}
	if s, err := rt.SourceOf("edited"); err != nil || s.Files[""] != editedPlugin || s.Path != "edited.lua" {
		t.Errorf("source %+v %v", s, err)
	}
	for _, bad := range []engine.PluginSource{
		{Path: "../out.lua", Files: map[string]string{"": editedPlugin}},
		{Path: ".hidden.lua", Files: map[string]string{"": editedPlugin}},
		{Path: "edited_test.lua", Files: map[string]string{"": editedPlugin}},
		{Path: "folder", Files: map[string]string{"lib.lua": "return {}"}},
		{Path: "folder", Files: map[string]string{"plugin.lua": editedPlugin, "../../x.lua": "return {}"}},
		{Path: "", Files: map[string]string{"": editedPlugin}},
	} {
		if err := rt.WriteSource(ctx, bad); err == nil {
			t.Errorf("%q with %d files was written", bad.Path, len(bad.Files))
		}
		if r := rt.Draft(ctx, bad); len(r.Problems) == 0 {
			t.Errorf("%q with %d files is a good draft", bad.Path, len(bad.Files))
		}
	}
	folder := engine.PluginSource{Path: "folder", Files: map[string]string{
		"plugin.lua": strings.ReplaceAll(editedPlugin, `"edited"`, `"in_folder"`), "lib/x.lua": "return {}"}}
	if err := rt.WriteSource(ctx, folder); err != nil {
		t.Fatal(err)
	}
	if s, err := rt.SourceOf("in_folder"); err != nil || len(s.Files) != 2 {
		t.Errorf("a folder's source %+v %v", s, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.new")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

type openSeals struct{}

func (openSeals) Open(_, _ string, s form.Sealed) ([]byte, error) { return []byte(s), nil }
