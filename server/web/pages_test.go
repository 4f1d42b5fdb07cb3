package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/webform"
)

func newDiscard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// addresses are pages with the role that they need.
func (h *house) addresses() map[string]access.Role {
	c, s, i := h.engine.Checks.Checks()[0].ID, h.engine.Targets.Services()[0].ID, h.engine.Targets.Instances()[0].ID
	incidents, _ := h.engine.Incidents.Incidents(h.t.Context(), alert.IncidentQuery{})
	deliveries, _ := h.engine.Incidents.Deliveries(h.t.Context(), alert.DeliveryQuery{})
	rota, silence := h.engine.OnCall.Rotas()[0].ID, h.engine.Silences.Silences()[0].ID
	return map[string]access.Role{
		"/incidents/" + incidents[0].ID + "/why": access.Viewer, "/incidents/" + incidents[0].ID + "/why?user=&plugin=pager": access.Viewer,
		"/silences": access.Viewer, "/silences/new": access.Operator, "/silences/new?service=" + s: access.Operator, "/silences/" + silence: access.Viewer,
		"/silences/" + silence + "/edit": access.Operator, "/silences/" + silence + "/delete": access.Operator,
		"/rotas": access.Viewer, "/rotas/new": access.Editor, "/rotas/" + rota: access.Viewer, "/rotas/" + rota + "/edit": access.Editor, "/rotas/" + rota + "/delete": access.Editor,
		"/subscriptions": access.Viewer, "/report": access.Viewer, "/report?span=last-month": access.Viewer, "/audit": access.Admin, "/audit?object=service:" + s: access.Admin,
		"/revisions/service/" + s: access.Viewer, "/revisions/check/" + c: access.Viewer, "/revisions/rota/" + rota: access.Viewer, "/revisions/silence/" + silence: access.Viewer,
		"/revisions/user/" + h.users[access.Admin].ID: access.Admin,
		"/": access.Viewer, "/checks": access.Viewer, "/checks?status=FAILING&q=x&plugin=probe&page=99": access.Viewer, "/checks/" + c: access.Viewer,
		"/checks/" + c + "?range=7d&before=99": access.Viewer, "/checks/" + c + "?range=1y": access.Viewer, "/checks/new": access.Editor, "/checks/new?plugin=probe": access.Editor,
		"/checks/" + c + "/edit": access.Editor, "/checks/" + c + "/duplicate": access.Editor, "/checks/" + c + "/delete": access.Editor,
		"/services": access.Viewer, "/services/new": access.Editor, "/services/new?check=" + c: access.Editor, "/services/" + s: access.Viewer, "/services/" + s + "/edit": access.Editor,
		"/services/" + s + "/duplicate": access.Editor, "/services/" + s + "/delete": access.Editor,
		"/instances": access.Viewer, "/instances/new": access.Editor, "/instances/" + i: access.Viewer, "/instances/" + i + "/edit": access.Editor,
		"/instances/" + i + "/duplicate": access.Editor, "/instances/" + i + "/delete": access.Editor,
		"/incidents": access.Viewer, "/incidents?show=open": access.Viewer, "/incidents/" + incidents[0].ID: access.Viewer,
		"/deliveries": access.Viewer, "/deliveries?state=dead": access.Viewer, "/deliveries/" + deliveries[0].ID: access.Viewer,
		"/plugins": access.Viewer, "/plugins/probe": access.Viewer, "/plugins/broken": access.Viewer, "/plugins/pager": access.Viewer,
		"/users": access.Admin, "/users/new": access.Admin, "/users/" + h.users[access.Admin].ID: access.Admin,
		"/users/" + h.users[access.Admin].ID + "/alerts/pager": access.Admin, "/users/" + h.users[access.Viewer].ID + "/delete": access.Admin,
		"/tokens": access.Viewer, "/settings": access.Admin,
	}
}

// A page that follows gets its live parts alone, and nothing while they are the same.
func TestLiveParts(t *testing.T) {
	h := furnished(t)
	ask := func(tag string) reply {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/services", nil)
		r.Header.Set("Moonwatch-Part", "live")
		r.Header.Set("If-None-Match", tag)
		return h.send(access.Viewer, r)
	}
	whole, part := h.get(access.Viewer, "/services"), ask("")
	tag := part.header.Get("ETag")
	if part.status != http.StatusOK || tag == "" || len(part.text) > len(whole.text)*2/3 {
		t.Errorf("answered %d, tag %q, %d bytes of %d", part.status, tag, len(part.text), len(whole.text))
	}
	part.without(t, "<nav")
	for _, id := range regexp.MustCompile(`id="([^"]*)"[^>]* data-live`).FindAllStringSubmatch(whole.text, -1) {
		part.want(t, http.StatusOK, `id="`+id[1]+`"`)
	}
	if same := ask(tag); same.status != http.StatusNotModified || same.text != "" {
		t.Errorf("the same again answers %d: %s", same.status, same.text)
	}
	stored, err := h.engine.Targets.StoredService(h.engine.Targets.Services()[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.Name = "Renamed meanwhile"
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), stored); err != nil {
		t.Fatal(err)
	}
	ask(tag).want(t, http.StatusOK, "Renamed meanwhile")
}

func TestEveryPageForEachRole(t *testing.T) {
	h := furnished(t)
	for path, need := range h.addresses() {
		for _, role := range access.Roles() {
			want := http.StatusOK
			if !role.Can(need) {
				want = http.StatusForbidden
			}
			r := h.get(role, path)
			if r.status != want {
				t.Errorf("%s as %s = %d, want %d: %s", path, role, r.status, want, mainOf(r.text))
			}
			if want == http.StatusForbidden && !strings.Contains(r.text, `href="/"`) {
				t.Errorf("%s as %s: the refusal does not lead back", path, role)
			}
		}
		if r := h.get("", path); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/login") {
			t.Errorf("%s for nobody = %d to %q, want the login page", path, r.status, r.header.Get("Location"))
		}
	}
}

func TestAViewerSeesNoButtonsToEdit(t *testing.T) {
	h := furnished(t)
	for path, need := range h.addresses() {
		if need != access.Viewer {
			continue
		}
		page := mainOf(h.get(access.Viewer, path).text)
		for _, text := range []string{"/edit", "/delete\"", "/duplicate", "/new", "/run\"", "/retry\"", "/link\"", "/acknowledge", "/test-alert", "/notes\"", "/silences/quick", "/refresh", "/feed", "/revert", "/end\""} {
			if strings.Contains(page, text) && !strings.HasPrefix(path, "/tokens") {
				t.Errorf("%s shows a viewer something with %q", path, text)
			}
		}
	}
}

func TestWritesNeedTheirRole(t *testing.T) {
	h := furnished(t)
	c, s, viewer := h.engine.Checks.Checks()[0].ID, h.engine.Targets.Services()[0].ID, h.users[access.Viewer].ID
	deliveries, _ := h.engine.Incidents.Deliveries(t.Context(), alert.DeliveryQuery{})
	incidents, _ := h.engine.Incidents.Incidents(t.Context(), alert.IncidentQuery{})
	rota, silence, admin := h.engine.OnCall.Rotas()[0].ID, h.engine.Silences.Silences()[0].ID, h.users[access.Admin].ID
	for path, need := range map[string]access.Role{
		"/services/" + s + "/acknowledge": access.Operator, "/services/" + s + "/unacknowledge": access.Operator, "/services/" + s + "/test-alert": access.Operator,
		"/incidents/" + incidents[0].ID + "/notes": access.Operator, "/silences/new": access.Operator, "/silences/quick": access.Operator, "/silences/" + silence + "/edit": access.Operator,
		"/silences/" + silence + "/end": access.Operator, "/silences/" + silence + "/delete": access.Operator, "/rotas/new": access.Editor, "/rotas/" + rota + "/edit": access.Editor,
		"/rotas/" + rota + "/delete": access.Editor, "/rotas/" + rota + "/refresh": access.Operator, "/rotas/" + rota + "/feed": access.Editor, "/rotas/" + rota + "/feed/revoke": access.Editor,
		"/subscriptions": access.Editor, "/users/" + admin + "/feed": access.Admin, "/users/" + admin + "/feed/revoke": access.Admin, "/users/" + admin + "/sessions": access.Admin,
		"/revisions/service/" + s + "/1/revert": access.Editor, "/revisions/check/" + c + "/1/revert": access.Editor, "/revisions/silence/" + silence + "/1/revert": access.Operator,
		"/revisions/rota/" + rota + "/1/revert": access.Editor, "/revisions/user/" + admin + "/1/revert": access.Admin, "/revisions/settings/site/1/revert": access.Admin,
		"/revisions/plugin_settings/probe/1/revert": access.Admin,
		"/checks/new": access.Editor, "/checks/" + c + "/edit": access.Editor, "/checks/" + c + "/delete": access.Editor, "/checks/" + c + "/run": access.Operator,
		"/checks/" + c + "/link": access.Editor, "/services/new": access.Editor, "/services/" + s + "/edit": access.Editor, "/services/" + s + "/delete": access.Editor,
		"/services/" + s + "/run": access.Operator, "/instances/new": access.Editor, "/deliveries/" + deliveries[0].ID + "/retry": access.Operator,
		"/plugins/probe": access.Admin, "/users/new": access.Admin, "/users/" + h.users[access.Admin].ID: access.Admin, "/users/" + viewer + "/delete": access.Admin,
		"/users/" + h.users[access.Admin].ID + "/alerts/pager": access.Admin, "/settings": access.Admin,
	} {
		for _, role := range access.Roles() {
			if role.Can(need) {
				continue
			}
			h.post(role, path, "name", "x").want(t, http.StatusForbidden)
		}
		if r := h.post("", path); r.status != http.StatusSeeOther {
			t.Errorf("POST %s by nobody = %d, want a redirect", path, r.status)
		}
	}
	check, err := h.engine.Checks.Check(c)
	service, _ := h.engine.Targets.Service(s)
	if err != nil || check.Revision != 1 || service.Revision != 2 || len(h.engine.Users.Users()) != len(access.Roles()) || len(h.engine.Checks.Checks()) != 3 || h.engine.Settings().Revision != 0 ||
		len(h.engine.Silences.Silences()) != 3 || len(h.engine.OnCall.Rotas()) != 1 {
		t.Error("a refused write changed something")
	}
}

var (
	inlineScript = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<[a-z][^>]*\son[a-z]+\s*=\s*"|(?:href|src|action)="javascript:`)
	inlineStyle  = regexp.MustCompile(`(?i)<style|<[a-z][^>]*\sstyle\s*=\s*"`)
)

// TestNothingFromOutsideBecomesMarkup fills every text that somebody else
// supplies with markup, and looks at every page.
func TestNothingFromOutsideBecomesMarkup(t *testing.T) {
	h := furnished(t)
	paths := h.addresses()
	for _, c := range h.engine.Checks.Checks() {
		paths["/checks/"+c.ID] = access.Viewer
		paths["/checks/"+c.ID+"/edit"] = access.Editor
		h.engine.Checks.ResultsBefore(t.Context(), c.ID, c.Created.Add(-1), 0, func(r *engine.Result) bool {
			paths["/checks/"+c.ID+"/results/"+webform.Display(float64(r.Seq))] = access.Viewer
			return true
		})
	}
	shown := 0
	for path := range paths {
		r := h.get(access.Admin, path)
		if r.status != http.StatusOK {
			t.Errorf("%s = %d", path, r.status)
		}
		shown += strings.Count(r.text, "&lt;script&gt;alert(")
		r.without(t, "<script>alert", "hush-hush", "sealed:", "value of the environment")
		if found := inlineScript.FindString(r.text); found != "" {
			t.Errorf("%s holds a script: %q", path, found)
		}
		if found := inlineStyle.FindString(r.text); found != "" {
			t.Errorf("%s holds a style: %q", path, found)
		}
		if got := r.header.Get("Content-Security-Policy"); got != frame.ContentPolicy {
			t.Errorf("%s has the policy %q", path, got)
		}
		checkMarkup(t, path, r.text)
	}
	if shown < 100 {
		t.Errorf("the markup was shown as text %d times: the test does not look where it should", shown)
	}
}

// checkMarkup holds a page against what browsers and those who hear it need:
// unique ids, labels for inputs, explanations that are there.
func checkMarkup(t *testing.T, path, text string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, named, wanted := map[string]bool{}, map[string]bool{}, map[string]string{}
	var inputs []string
	var walk func(n *html.Node, inLabel bool)
	walk = func(n *html.Node, inLabel bool) {
		a := map[string]string{}
		for _, one := range n.Attr {
			a[one.Key] = one.Val
		}
		if n.Type == html.ElementNode {
			if id := a["id"]; id != "" {
				if ids[id] {
					t.Errorf("%s: the id %q is there twice", path, id)
				}
				ids[id] = true
			}
			if n.Data == "label" {
				named[a["for"]] = true
			}
			for _, id := range strings.Fields(a["aria-describedby"] + " " + a["aria-labelledby"]) {
				wanted[id] = n.Data
			}
			if (n.Data == "input" && a["type"] != "hidden" || n.Data == "select" || n.Data == "textarea") && a["aria-label"] == "" {
				inputs = append(inputs, a["id"])
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, inLabel || n.Data == "label")
		}
	}
	walk(doc, false)
	for _, id := range inputs {
		if !named[id] {
			t.Errorf("%s: the input %q has no label", path, id)
		}
	}
	for id, by := range wanted {
		if !ids[id] {
			t.Errorf("%s: a %s is explained by %q, which is not there", path, by, id)
		}
	}
}

// TestLinksLeadSomewhere follows every link from the dashboard on.
func TestLinksLeadSomewhere(t *testing.T) {
	h := furnished(t)
	seen := map[string]bool{"/": true}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		r := h.get(access.Admin, path)
		if r.status != http.StatusOK && r.status != http.StatusSeeOther {
			t.Errorf("%s = %d", path, r.status)
		}
		base, _, _ := strings.Cut(path, "?")
		for _, m := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(r.text, -1) {
			to, _, _ := strings.Cut(html.UnescapeString(m[1]), "#")
			switch {
			case strings.HasPrefix(to, "?"):
				to = base + to
			case !strings.HasPrefix(to, "/"), strings.HasPrefix(to, "/api/"), to == "/status": // served beside the pages
				continue
			}
			if !seen[to] && len(seen) < 600 {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	if len(seen) < 120 {
		t.Errorf("only %d pages were found", len(seen))
	}
}

func TestErrorPages(t *testing.T) {
	h := furnished(t)
	for _, path := range []string{"/nowhere", "/checks/none", "/services/none", "/instances/none/edit", "/incidents/none", "/deliveries/none", "/plugins/none", "/users/none",
		"/checks/new?plugin=none", "/checks/new?plugin=pager", "/checks/" + h.engine.Checks.Checks()[0].ID + "/results/7", "/checks/%00/edit", "/users/none/alerts/pager"} {
		h.get(access.Admin, path).want(t, http.StatusNotFound, "To the dashboard")
	}
	r := httpRequest(t, "PUT", "/checks")
	h.send(access.Admin, r).want(t, http.StatusMethodNotAllowed, "To the dashboard")
	h.post(access.Admin, "/checks/new", "plugin", strings.Repeat("x", frame.MaxForm+1)).want(t, http.StatusRequestEntityTooLarge, "Nothing was saved")
	h.get("", "/nowhere").want(t, http.StatusNotFound).without(t, "Log out")
}

func TestAPanicIsAPage(t *testing.T) {
	h := peopled(t)
	h.router.HandleFunc("/panics", h.web.Need(access.Viewer, func(*frame.Request) error { panic("secret detail") }))
	h.get(access.Viewer, "/panics").want(t, http.StatusInternalServerError, "To the dashboard").without(t, "secret detail")
}

func TestEmptyPagesSayWhatToDo(t *testing.T) {
	h := peopled(t)
	for path, text := range map[string]string{
		"/": "Make the first check", "/checks": "There are no checks yet", "/services": "There are no services yet", "/instances": "There are no instances yet",
		"/incidents": "There were no incidents yet", "/deliveries": "Nothing was sent yet", "/tokens": "There are none yet", "/incidents?show=open": "No incident is open",
		"/silences": "There are no silences yet", "/rotas": "There are no rotas yet", "/subscriptions": "There is nothing to subscribe to yet", "/report": "No service or instance was there",
		"/audit":        "created the user",
		"/services/new": "There is nothing to choose from yet", "/checks/new": "/plugins",
	} {
		h.get(access.Admin, path).want(t, http.StatusOK, text)
	}
	h.get(access.Viewer, "/").want(t, http.StatusOK, "role editor").without(t, "Make the first check")
	h.plugins.Clear()
	h.get(access.Admin, "/plugins").want(t, http.StatusOK, ".lua", "/plugins")
	h.get(access.Admin, "/checks/new").want(t, http.StatusOK, "No check plugin is loaded", ".lua")
}

func TestAssets(t *testing.T) {
	h := peopled(t)
	page := h.get("", "/login").want(t, http.StatusOK)
	for _, name := range []string{"tokens.css", "style.css", "pages.js", "geist.woff2", "manifest.webmanifest"} {
		url := h.web.Assets.URL(name)
		page.want(t, http.StatusOK, url)
		r := h.get("", url).want(t, http.StatusOK)
		if got := r.header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control is %q", url, got)
		}
	}
	for name, want := range map[string]string{"pages.js": "text/javascript; charset=utf-8", "geist-mono.woff2": "font/woff2",
		"manifest.webmanifest": "application/manifest+json", "OFL.txt": "text/plain; charset=utf-8"} {
		if got := h.get("", h.web.Assets.URL(name)).header.Get("Content-Type"); got != want {
			t.Errorf("%s is served as %q", name, got)
		}
	}
	own := 0 // what scripts and styles weigh, bounded for slow lines
	for _, name := range []string{"tokens.css", "style.css", "editor.css", "reference.css", "icons.svg", "pages.js", "live.js", "forms.js", "pops.js", "editor.js"} {
		own += len(h.get("", h.web.Assets.URL(name)).want(t, http.StatusOK).text)
	}
	if own > 200<<10 {
		t.Errorf("the assets weigh %d bytes", own)
	}
	if got := h.get("", "/assets/0123/style.css").want(t, http.StatusOK).header.Get("Cache-Control"); strings.Contains(got, "immutable") {
		t.Errorf("a stale address is kept: %q", got)
	}
	h.get("", "/assets/0123/none.css").want(t, http.StatusNotFound)
	h.get("", "/assets/../web.go").want(t, http.StatusMovedPermanently)
}

// TestMoonAndTheme: a page tells in its head how the site stands, and is drawn by
// day or night as was chosen in the browser.
func TestMoonAndTheme(t *testing.T) {
	h := furnished(t)
	_, moon, _ := strings.Cut(h.get(access.Viewer, "/").want(t, http.StatusOK, `class="moon"`, `class="shadow`).text, `href="/moon/`)
	moon, _, _ = strings.Cut(moon, `"`)
	if moon == "0.svg" {
		t.Error("the moon is full, though something fails")
	}
	icon := h.get("", "/moon/"+moon).want(t, http.StatusOK, "<svg")
	if kind, kept := icon.header.Get("Content-Type"), icon.header.Get("Cache-Control"); kind != "image/svg+xml" || !strings.Contains(kept, "immutable") {
		t.Errorf("the icon is %q, kept %q", kind, kept)
	}
	h.get("", "/moon/17.svg").want(t, http.StatusNotFound)
	h.get("", "/login").want(t, http.StatusOK, `href="/moon/0.svg"`, `<html lang="en">`)

	for _, c := range []struct{ theme, back, to, want string }{
		{"night", "/checks?q=1", "/checks?q=1", `<html lang="en" data-theme="night">`},
		{"day", "//elsewhere.example", "/", `<html lang="en" data-theme="day">`},
		{"auto", "/", "/", `<html lang="en">`}, {`x"><script>`, "/", "/", `<html lang="en">`},
	} {
		r := h.post("", "/theme", "theme", c.theme, "back", c.back).want(t, http.StatusSeeOther)
		if r.header.Get("Location") != c.to {
			t.Errorf("%s leads to %q", c.theme, r.header.Get("Location"))
		}
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/login", nil)
		set := (&http.Response{Header: r.header}).Cookies()[0]
		request.AddCookie(set)
		h.send("", request).want(t, http.StatusOK, c.want)
	}
}
