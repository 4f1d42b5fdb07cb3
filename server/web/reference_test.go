package web_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"moonwatch/engine/access"
	"moonwatch/luaapi/describe"
)

// TestReference holds that the page has everything that plugins may use, each at
// a place of its own.
func TestReference(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	people := m.visitors(t)
	page := people[access.Viewer].get("/plugin-reference").want(200, "Reference for plugins").text
	places := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if places[id[1]] {
			t.Errorf("two elements have the id %s", id[1])
		}
		places[id[1]] = true
	}
	var want []string
	for _, module := range describe.Modules() {
		want = append(want, describe.ModuleID(module.Name))
		if module.Name == "forms" {
			continue // its members are field types and widgets
		}
		for _, name := range module.Names() {
			want = append(want, module.Name+"."+name)
		}
		if !strings.Contains(html.UnescapeString(page), module.Example) {
			t.Errorf("the example of %s is not there", module.Name)
		}
	}
	for _, k := range describe.Keys() {
		want = append(want, "key."+k.Name)
	}
	for _, f := range describe.FieldTypes() {
		want = append(want, "forms."+f.Name)
	}
	for _, f := range describe.FieldArguments() {
		want = append(want, "argument."+f.Name)
	}
	for _, o := range describe.Objects() {
		if o.Options {
			continue // those that a module takes stand at the module
		}
		for _, name := range o.Names() {
			if places[describe.TypeID(o.Name)] {
				want = append(want, o.Name+"."+name)
			}
		}
	}
	for _, name := range []string{"check", "result", "service", "user", "request", "http.response", "http.options"} {
		want = append(want, describe.TypeID(name))
	}
	for _, id := range want {
		if !places[id] {
			t.Errorf("%s has no place", id)
		}
	}
	if len(want) < 250 {
		t.Errorf("looked for %d names: the contract has more", len(want))
	}
	links := regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(page, -1)
	for _, to := range links {
		if !places[to[1]] {
			t.Errorf("a link leads to #%s, which is not there", to[1])
		}
	}
	for _, text := range []string{`<a href="#type-http.response">http.response</a>`, "<em>fails, waits</em>", "<code>nil, message, kind</code>"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %s", text)
		}
	}
	if strings.Contains(page, "`") && strings.Count(page, "`") > 4 {
		t.Errorf("%d marks were left as they are", strings.Count(page, "`"))
	}
}

func TestWayToTheReference(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	people := m.visitors(t)
	if s := people[access.Viewer].get("/plugins/reference").want(http.StatusSeeOther); s.to != "/plugin-reference" {
		t.Errorf("led to %s", s.to)
	}
	people[access.Viewer].get("/plugins").want(200, `href="/plugin-reference"`)
	people[access.Admin].get("/plugin-editor").want(200, `href="/plugin-reference"`)
	stranger := &visitor{t, m.url, &http.Client{CheckRedirect: people[access.Viewer].client.CheckRedirect}}
	if s := stranger.get("/plugin-reference"); s.status == 200 {
		t.Error("a stranger reads the reference")
	}
	m.save(t, "own.lua", strings.ReplaceAll(doorPlugin, `slug = "door"`, `slug = "reference"`))
	m.loaded(t, "reference", "0.1")
	people[access.Viewer].get("/plugins/reference").want(200, "Asks whether a door is shut")
}
