package web_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/auth"
)

// visitor is somebody who is logged in, without a browser.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

// visitors are users of each role, with a session each.
func (m *program) visitors(t *testing.T) map[access.Role]*visitor {
	t.Helper()
	out := map[access.Role]*visitor{}
	for _, role := range access.Roles() {
		u := engine.NewUser()
		u.Username, u.Role = "the-"+string(role), role
		saved, err := m.engine.Users.SaveUser(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, u, "", "")
		if err != nil {
			t.Fatal(err)
		}
		session, _, err := m.engine.Sessions.OpenSession(t.Context(), saved.ID, "127.0.0.1", "a test")
		if err != nil {
			t.Fatal(err)
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		v := &visitor{t, m.url, &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
		at, err := url.Parse(m.url)
		if err != nil {
			t.Fatal(err)
		}
		jar.SetCookies(at, []*http.Cookie{{Name: auth.CookieName, Value: session, Path: "/"}})
		out[role] = v
	}
	return out
}

// seen is an answer to a visitor.
type seen struct {
	t      *testing.T
	status int
	to     string // where it leads
	text   string
}

func (v *visitor) answer(r *http.Response, err error) seen {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return seen{v.t, r.StatusCode, r.Header.Get("Location"), string(body)}
}

func (v *visitor) get(path string) seen {
	v.t.Helper()
	return v.answer(v.client.Get(v.base + path))
}

func (v *visitor) post(path string, pairs ...string) seen {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.answer(v.client.PostForm(v.base+path, form))
}

// want fails unless the status is right and the page holds the texts.
func (s seen) want(status int, texts ...string) seen {
	s.t.Helper()
	if s.status != status {
		s.t.Fatalf("answered %d, want %d: %s", s.status, status, s.text)
	}
	for _, text := range texts {
		if !strings.Contains(s.text, text) {
			s.t.Errorf("the page does not hold %q: %s", text, s.text)
		}
	}
	return s
}

func (s seen) without(texts ...string) seen {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(s.text, text) {
			s.t.Errorf("the page holds %q", text)
		}
	}
	return s
}

var baseField = regexp.MustCompile(`name="base" value="([^"]*)"`)

// base is the mark of the files that the editor began with.
func (s seen) base() string {
	s.t.Helper()
	m := baseField.FindStringSubmatch(s.text)
	if m == nil {
		s.t.Fatalf("no base in %s", s.text)
	}
	return html.UnescapeString(m[1])
}

func (m *program) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// loaded waits until a plugin of the folder is in force.
func (m *program) loaded(t *testing.T, slug, version string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if e, err := m.engine.Plugins.Plugin(slug); err == nil && e.Plugin != nil && e.Plugin.Meta().Version == version {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%s %s is not in force: %+v %v", slug, version, e, err)
		}
	}
}

func TestEditorByRole(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	people := m.visitors(t)
	versions, err := m.engine.Plugins.PluginVersions(t.Context(), "door.lua")
	if err != nil || len(versions) != 1 {
		t.Fatalf("versions %v, %v", versions, err)
	}
	version := "/plugin-versions/door/" + strings.TrimPrefix(versions[0].ID, "door.lua/")
	for _, tt := range []struct {
		method, path string
		least        access.Role
		want         int
	}{
		{"GET", "/plugin-source/door", access.Editor, 200},
		{"GET", version, access.Editor, 200},
		{"GET", "/plugin-editor", access.Admin, 200},
		{"GET", "/plugin-editor?kind=alert", access.Admin, 200},
		{"GET", "/plugin-editor/door", access.Admin, 200},
		{"GET", "/plugin-editor/nosuch", access.Admin, 404},
		{"GET", "/plugin-source/nosuch", access.Editor, 404},
		{"GET", "/plugin-versions/door/nosuch", access.Editor, 404},
		{"POST", "/plugin-editor", access.Admin, 422},
		{"POST", "/plugin-editor/door", access.Admin, 422},
		{"POST", version, access.Admin, 303},
	} {
		for role, v := range people {
			var got seen
			if tt.method == "GET" {
				got = v.get(tt.path)
			} else {
				got = v.post(tt.path, "do", "write")
			}
			want := tt.want
			if !role.Can(tt.least) {
				want = 403
			}
			if got.status != want {
				t.Errorf("%s %s by %s answers %d, want %d", tt.method, tt.path, role, got.status, want)
			}
		}
	}
	for _, link := range []string{`href="/plugin-editor/door"`, `href="/plugin-source/door"`, version} {
		people[access.Admin].get("/plugins/door").want(200, link)
		people[access.Viewer].get("/plugins/door").want(200).without(link)
	}
	people[access.Editor].get("/plugins/door").want(200, "/plugin-source/door", version).without("/plugin-editor/door")
}

// TestLintFindings sees what the linter finds in a draft, which loads all the same.
func TestLintFindings(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	admin := m.visitors(t)[access.Admin]
	base := admin.get("/plugin-editor/door").want(200, "It loads.").base()
	text := strings.Replace(doorPlugin, "response.body", "responze.body", 1)
	line := 1 + strings.Count(text[:strings.Index(text, "responze")], "\n")
	where := fmt.Sprintf("door.lua:%d:21", line)
	admin.post("/plugin-editor/door", "do", "check", "base", base, "file.0", "", "text.0", text).want(200, "It loads.", where, "responze is not defined")
	admin.post("/plugin-editor/door", "do", "save", "base", base, "file.0", "", "text.0", text).want(200, where, "Save it")
	s := admin.post("/plugin-editor/door", "do", "problems", "base", base, "file.0", "", "text.0", text).want(200)
	var got struct {
		Found []struct {
			Line, Column int
			Warning      bool
		}
		Loads bool
	}
	if err := json.Unmarshal([]byte(s.text), &got); err != nil || !got.Loads || len(got.Found) != 1 {
		t.Fatalf("found %v %s", err, s.text)
	}
	if f := got.Found[0]; f.Line != line || f.Column != 21 || !f.Warning {
		t.Errorf("found %+v", f)
	}
}

func TestDraftProblems(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	admin := m.visitors(t)[access.Admin]
	base := admin.get("/plugin-editor/door").want(200, "It loads.").base()
	for _, tt := range []struct {
		name, text, message string
		line                int
	}{
		{"good", doorPlugin, "", 0},
		{"syntax", doorPlugin + "end\n", "near", strings.Count(doorPlugin, "\n") + 1},
		{"a bad slug", strings.Replace(doorPlugin, `slug = "door"`, `slug = "Door!"`, 1), "slug must be", 4},
		{"the slug of another", strings.Replace(doorPlugin, `slug = "door"`, `slug = "bell"`, 1), "bell.lua", 1},
		{"markup", "return <script>alert(1)</script>", "", 1},
	} {
		if tt.name == "the slug of another" {
			m.save(t, "bell.lua", bellPlugin)
			m.loaded(t, "bell", "0.1")
		}
		s := admin.post("/plugin-editor/door", "do", "problems", "base", base, "file.0", "", "text.0", tt.text).want(200)
		var got struct {
			Found []struct {
				File, Line int
				Message    string
			}
			Loads bool
		}
		if err := json.Unmarshal([]byte(s.text), &got); err != nil {
			t.Fatalf("%s: %v in %s", tt.name, err, s.text)
		}
		if tt.line == 0 {
			if !got.Loads || len(got.Found) != 0 {
				t.Errorf("%s: found %+v", tt.name, got)
			}
			continue
		}
		if got.Loads || len(got.Found) == 0 || got.Found[0].File != 0 || got.Found[0].Line != tt.line || !strings.Contains(got.Found[0].Message, tt.message) {
			t.Errorf("%s: found %+v, want line %d", tt.name, got, tt.line)
		}
		// Without scripts the page says the same, and nothing is saved.
		admin.post("/plugin-editor/door", "do", "check", "base", base, "file.0", "", "text.0", tt.text).want(200, `data-line="`).without("<script>alert")
		for _, do := range []string{"save", "write"} {
			admin.post("/plugin-editor/door", "do", do, "base", base, "file.0", "", "text.0", tt.text).want(422, "was not saved", html.EscapeString("What you wrote is still here"))
		}
		admin.post("/plugin-editor/door", "do", "try", "base", base, "file.0", "", "text.0", tt.text).want(422, "nothing was tried")
	}
	if m.read(t, "door.lua") != doorPlugin {
		t.Error("a draft was written")
	}
}

func TestSavingAPlugin(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.loaded(t, "door", "0.1")
	admin := m.visitors(t)[access.Admin]
	base := admin.get("/plugin-editor/door").want(200).base()
	version := func(v string) string { return strings.Replace(doorPlugin, `version = "0.1"`, `version = "`+v+`"`, 1) }
	web := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") } // as a browser posts it

	admin.post("/plugin-editor/door", "do", "save", "base", base, "file.0", "", "text.0", web(doorPlugin)).want(200, "Nothing was changed")
	admin.post("/plugin-editor/door", "do", "save", "base", base, "file.0", "", "text.0", web(version("0.2"))).want(200, `class="d-in"`, `class="d-out"`, "1 line added, 1 line removed", "0.2")
	if m.read(t, "door.lua") != doorPlugin {
		t.Fatal("the look at the difference wrote the file")
	}
	if s := admin.post("/plugin-editor/door", "do", "write", "base", base, "file.0", "", "text.0", web(version("0.2"))).want(303); s.to != "/plugins/door?done=saved" {
		t.Errorf("a save leads to %s", s.to)
	}
	if m.read(t, "door.lua") != version("0.2") {
		t.Errorf("the file is %q", m.read(t, "door.lua"))
	}
	m.loaded(t, "door", "0.2")

	// Somebody else was faster: nothing is lost on either side.
	for _, do := range []string{"save", "write"} {
		s := admin.post("/plugin-editor/door", "do", do, "base", base, "file.0", "", "text.0", web(version("0.3"))).want(412, "changed while you were editing", "0.2", "0.3")
		if s.base() == base {
			t.Error("the page still begins with the old files")
		}
	}
	if m.read(t, "door.lua") != version("0.2") {
		t.Error("a stale draft was written")
	}
	base = admin.get("/plugin-editor/door").base()
	admin.post("/plugin-editor/door", "do", "write", "base", base, "file.0", "", "text.0", web(version("0.3"))).want(303)

	versions, err := m.engine.Plugins.PluginVersions(t.Context(), "door.lua")
	if err != nil || len(versions) != 3 || versions[0].Author != "the-admin" || versions[2].Author != "" {
		t.Fatalf("the versions are %+v %v", versions, err)
	}
	first := "/plugin-versions/door/" + strings.TrimPrefix(versions[2].ID, "door.lua/")
	admin.get(first).want(200, "What bringing it back would change", `class="d-out"`)
	admin.post(first, "do", "restore").want(303)
	if m.read(t, "door.lua") != doorPlugin {
		t.Error("the first version was not brought back")
	}
	m.loaded(t, "door", "0.1")

	// Once its file is gone it can be written again.
	if err := os.Remove(filepath.Join(m.dir, "door.lua")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if e, err := m.engine.Plugins.Plugin("door"); err == nil && e.Orphaned {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the plugin is no orphan: %+v %v", e, err)
		}
	}
	s := admin.get("/plugin-editor/door").want(200, "The file is gone")
	admin.post("/plugin-editor/door", "do", "write", "base", s.base(), "file.0", "", "text.0", web(version("0.4"))).want(303)
	m.loaded(t, "door", "0.4")
}

func TestNewPluginInTheBrowser(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	admin := m.visitors(t)[access.Admin]
	for kind, slug := range map[string]string{"check": "my_check", "alert": "my_alert"} {
		s := admin.get("/plugin-editor?kind="+kind).want(200, "It loads.")
		_, text, _ := strings.Cut(s.text, `name="text.0"`)
		_, text, _ = strings.Cut(text, ">\n")
		text, _, _ = strings.Cut(text, "</textarea>")
		text = html.UnescapeString(text)
		post := func(do, path string) seen {
			return admin.post("/plugin-editor", "do", do, "base", "", "path", path, "file.0", "", "text.0", text)
		}
		post("save", slug).want(200, "<code>"+slug+".lua</code>", "Make it")
		for _, bad := range []string{"../out.lua", ".hidden.lua", "a/b.lua", "x_test.lua", ""} {
			post("write", bad).want(422)
		}
		post("write", slug+".lua").want(303)
		m.loaded(t, slug, "0.1.0")
		post("write", slug+".lua").want(412, "already")
		post("write", "other.lua").want(422, slug+".lua already")
	}
	if left, _ := filepath.Glob(filepath.Join(m.dir, "*")); len(left) != 2 {
		t.Errorf("the folder holds %q", left)
	}
}

func TestEditingAShippedPlugin(t *testing.T) {
	t.Parallel()
	m := newMonitor(t)
	admin := m.visitors(t)[access.Admin]
	entry, err := m.engine.Plugins.Plugin("http")
	if err != nil || !entry.Shipped {
		t.Fatalf("%+v %v", entry, err)
	}
	s, err := m.engine.Plugins.PluginSource("http")
	if err != nil {
		t.Fatal(err)
	}
	base := admin.get("/plugin-editor/http").want(200, "comes with Moonwatch").base()
	changed := s.Files[""] + "\n-- ours\n"
	admin.post("/plugin-editor/http", "do", "save", "base", base, "file.0", "", "text.0", changed).want(200, "takes its place", "-- ours")
	admin.post("/plugin-editor/http", "do", "write", "base", base, "file.0", "", "text.0", changed).want(303)
	if e, err := m.engine.Plugins.Plugin("http"); err != nil || !e.Replaces || m.read(t, "http.lua") != changed {
		t.Errorf("the copy is not in force: %+v %v", e, err)
	}
	admin.get("/plugins/http").want(200, "in place of the one that comes with Moonwatch")
}

// TestSourceIsText shows a source full of markup on every page that shows one.
func TestSourceIsText(t *testing.T) {
	const bad = `</textarea></pre><script>alert("x")</script>'"&{{.}}`
	m := newMonitor(t)
	text := strings.Replace(doorPlugin, "return Door\n", "-- "+bad+"\nreturn Door\n", 1)
	m.save(t, "door.lua", text)
	m.loaded(t, "door", "0.1")
	admin := m.visitors(t)[access.Admin]
	draft := strings.Replace(text, "return Door\n", "-- again "+bad+"\nreturn Door\n", 1)
	s := admin.get("/plugin-editor/door")
	versions, _ := m.engine.Plugins.PluginVersions(t.Context(), "door.lua")
	for name, page := range map[string]seen{
		"editor":  s,
		"source":  admin.get("/plugin-source/door"),
		"version": admin.get("/plugin-versions/door/" + strings.TrimPrefix(versions[0].ID, "door.lua/")),
		"save":    admin.post("/plugin-editor/door", "do", "save", "base", s.base(), "file.0", "", "text.0", draft),
		"stale":   admin.post("/plugin-editor/door", "do", "save", "base", bad, "file.0", bad, "text.0", draft),
		"path":    admin.post("/plugin-editor", "do", "check", "base", bad, "path", bad, "file.0", bad, "text.0", bad, "add", bad),
	} {
		if strings.Contains(page.text, "<script>alert") || !strings.Contains(page.text, "&lt;script&gt;alert") {
			t.Errorf("%s: %d, markup of the source is in the page: %s", name, page.status, page.text)
		}
	}
}

func TestTryingADraft(t *testing.T) {
	t.Parallel()
	d, m := newDoor(t), newMonitor(t)
	m.save(t, "door.lua", doorPlugin)
	m.save(t, "bell.lua", bellPlugin)
	m.loaded(t, "door", "0.1")
	m.loaded(t, "bell", "0.1")
	check := m.doorCheck(t, d.url)
	other := m.otherCheck(t, "tcp")
	admin := m.visitors(t)[access.Admin]
	draft := strings.Replace(doorPlugin, "the door is shut", "the draft runs", 1)
	try := func(slug, text string, more ...string) seen {
		return admin.post("/plugin-editor/"+slug, append([]string{"do", "try", "file.0", "", "text.0", text}, more...)...)
	}
	try("door", draft, "try_check", check).want(200, "the draft runs", "with the settings of Front door", "GET "+d.url, "instructions, held ", "KiB of memory at most")
	try("door", draft, "config.address", d.url, "config.kind", "plain", "drawn", "address", "drawn", "kind").want(200, "the draft runs").without("with the settings of")
	try("door", draft).want(422, "not tried", "required")
	try("door", draft, "try_check", other).want(404)
	try("door", draft, "try_check", "nosuch").want(404)
	try("bell", bellPlugin).want(422, "Alert plugins are tried by a test alert")
	if got := m.message(t, check); got != "the door is shut" || m.read(t, "door.lua") != doorPlugin {
		t.Errorf("after the tries the check says %q", got)
	}
}
