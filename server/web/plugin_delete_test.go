package web_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// TestDeletingAPlugin deletes the file of a plugin that a check uses, and brings it back.
func TestDeletingAPlugin(t *testing.T) {
	t.Parallel()
	d, m := newDoor(t), newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	check := m.doorCheck(t, d.url)
	people := m.visitors(t)
	for _, role := range access.Roles() {
		if role != access.Admin {
			people[role].get("/plugins/door").want(200).without("/plugin-delete/")
			people[role].get("/plugin-delete/door").want(403)
			people[role].post("/plugin-delete/door", "base", "").want(403)
		}
	}
	admin := people[access.Admin]
	admin.get("/plugins/door").want(200, `href="/plugin-delete/door"`)
	admin.get("/plugins/http").want(200).without("/plugin-delete/")
	admin.get("/plugin-delete/http").want(409, "no file in the plugin folder")
	admin.get("/plugin-delete/nosuch").want(404)
	s := admin.get("/plugin-delete/door").want(200, "Delete <code>door.lua</code>?", "/checks/"+check, "Front door", "unknown until a file")
	admin.post("/plugin-delete/door", "base", "another").want(412, "door.lua was changed meanwhile")
	if m.read(t, "door.lua") != doorPlugin {
		t.Fatal("a refused deletion changed the file")
	}
	if r := admin.post("/plugin-delete/door", "base", s.base()).want(303); r.to != "/plugins/door?done=plugin-deleted" {
		t.Errorf("led to %s", r.to)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "door.lua")); err == nil {
		t.Error("the file is still there")
	}
	after := admin.get("/plugins/door").want(200, "The file is gone").without("/plugin-delete/")
	r, err := m.engine.RunCheck(t.Context(), check)
	if err != nil || r == nil || !r.Unknown {
		t.Errorf("the check runs with %+v, %v", r, err)
	}
	version := regexp.MustCompile(`/plugin-versions/door/[^"]+`).FindString(after.text)
	if version == "" {
		t.Fatalf("no version to bring back in %s", after.text)
	}
	admin.get("/audit").want(200, "deleted the", "door.lua")
	admin.post(version, "do", "restore").want(303)
	m.loaded(t, "door", "0.1")
	if got := m.message(t, check); got != "the door is shut" || m.read(t, "door.lua") != doorPlugin {
		t.Errorf("brought back, it says %q", got)
	}

	// A file that never loaded is kept as a version, too.
	m.save(t, "ill.lua", "return {")
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := m.engine.Plugins.Plugin("ill"); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	ill := admin.get("/plugin-delete/ill").want(200, "does not load", "Nothing uses it")
	if r := admin.post("/plugin-delete/ill", "base", ill.base()).want(303); r.to != "/plugins?done=deleted" {
		t.Errorf("led to %s", r.to)
	}
	if versions, err := m.engine.Plugins.PluginVersions(t.Context(), "ill.lua"); err != nil || len(versions) != 1 || versions[0].Source.Files[""] != "return {" {
		t.Errorf("kept of it are %+v, %v", versions, err)
	}
}

// TestDeletingACopy has the plugin that comes with Moonwatch back when its copy goes.
func TestDeletingACopy(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	s, err := m.engine.Plugins.PluginSource("http")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.engine.Plugins.WritePlugin(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, engine.PluginSource{Path: "http.lua", Files: s.Files}); err != nil {
		t.Fatal(err)
	}
	admin := m.visitors(t)[access.Admin]
	page := admin.get("/plugin-delete/http").want(200, "http turns to the one that comes with Moonwatch")
	admin.post("/plugin-delete/http", "base", page.base()).want(303)
	if e, err := m.engine.Plugins.Plugin("http"); err != nil || !e.Shipped || e.Orphaned {
		t.Errorf("in force is %+v, %v", e, err)
	}
}

// TestNoEditingKeepsFiles holds that nothing is deleted where editing is switched off.
func TestNoEditingKeepsFiles(t *testing.T) {
	t.Parallel()
	m := newMonitor(t, func(o *engine.Options) { o.NoEditing = true })
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	admin := m.visitors(t)[access.Admin]
	admin.get("/plugins/door").want(200).without("/plugin-delete/", "/plugin-editor/")
	admin.get("/plugin-delete/door").want(403, "switched off")
	admin.post("/plugin-delete/door", "base", "").want(403, "switched off")
	request, err := http.NewRequest("DELETE", m.url+"/api/v1/plugins/door/source", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", m.url)
	if s := admin.answer(admin.client.Do(request)); s.status != 403 || !strings.Contains(s.text, "switched off") {
		t.Errorf("the API answers %d %s", s.status, s.text)
	}
	if m.read(t, "door.lua") != doorPlugin {
		t.Error("the file is gone")
	}
}
