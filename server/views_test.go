package server

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// viewHouse is a house whose plugin "pager" has views; what each is told is
// left in told.
func viewHouse(t *testing.T, change ...func(*Options)) (h *house, told **engine.ViewCall) {
	h = populated(t, change...)
	told = new(*engine.ViewCall)
	pager := h.plugins.plugin("pager")
	pager.Routes = []engine.ViewRoute{
		{Path: "hook", Methods: []string{"POST"}, Public: true, Role: access.Viewer},
		{Path: "", Methods: []string{"GET"}, Role: access.Viewer},
		{Path: "a/b c", Methods: []string{"GET", "POST"}, Role: access.Editor},
		{Path: "broken", Methods: []string{"GET"}, Public: true, Role: access.Viewer},
	}
	pager.OnView = func(_ context.Context, in *engine.ViewCall) (engine.ViewAnswer, error) {
		*told = in
		if in.Request.Path == "broken" {
			return engine.ViewAnswer{}, &engine.ViewError{Message: "a secret detail"}
		}
		return engine.ViewAnswer{Status: http.StatusAccepted, Body: []byte("<b>hello</b>"),
			Headers: map[string][]string{"Content-Type": {"text/html; charset=utf-8"}, "X-Mine": {"1", "2"}}}, nil
	}
	return h, told
}

func TestViewsAreAdmitted(t *testing.T) {
	h, told := viewHouse(t)
	for _, tt := range []struct {
		name, token, method, path string
		headers                   []string
		want                      int
	}{
		{"public", "", "POST", "/plugins/pager/hook", nil, 202},
		{"public, from another site", "", "POST", "/plugins/pager/hook", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 202},
		{"public, another method", "", "GET", "/plugins/pager/hook", nil, 405},
		{"a longer path", "", "POST", "/plugins/pager/hook/", nil, 404},
		{"another path", "", "POST", "/plugins/pager/Hook", nil, 404},
		{"another plugin", "", "POST", "/plugins/probe/hook", nil, 404},
		{"no plugin", "", "POST", "/plugins/nosuch/hook", nil, 404},
		{"nobody", "", "GET", "/plugins/pager/", nil, 401},
		{"a browser", "", "GET", "/plugins/pager/", []string{"Accept", "text/html,*/*"}, 303},
		{"a bad token", "mw_bad", "GET", "/plugins/pager/", nil, 401},
		{"a viewer", h.tokens[access.Viewer], "GET", "/plugins/pager/", nil, 202},
		{"a viewer, head", h.tokens[access.Viewer], "HEAD", "/plugins/pager/", nil, 202},
		{"a role too low", h.tokens[access.Operator], "POST", "/plugins/pager/a/b%20c", nil, 403},
		{"the role", h.tokens[access.Editor], "POST", "/plugins/pager/a/b%20c", nil, 202},
		{"from another site", h.tokens[access.Editor], "POST", "/plugins/pager/a/b%20c", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"from another origin", h.tokens[access.Editor], "POST", "/plugins/pager/a/b%20c", []string{"Origin", "https://evil.example"}, 403},
		{"a read from another site", h.tokens[access.Editor], "GET", "/plugins/pager/a/b%20c", []string{"Sec-Fetch-Site", "cross-site"}, 202},
		{"a failure", "", "GET", "/plugins/pager/broken", nil, 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			*told = nil
			r := h.do(tt.token, tt.method, tt.path, nil, tt.headers...)
			if r.status != tt.want || (*told != nil) != (tt.want == 202 || tt.want == 500) {
				t.Errorf("answered %d %s, want %d; the view was told %v", r.status, r.text, tt.want, *told)
			}
		})
	}
	if r := h.do("", "GET", "/plugins/pager/hook", nil); r.header.Get("Allow") != "POST" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
	if r := h.do("", "GET", "/plugins/pager/broken", nil); r.text != "internal server error\n" {
		t.Errorf("a failure answers %q", r.text)
	}
	if got := h.engine.Plugins.PluginErrors("pager"); len(got) != 2 || got[0].Message != "a secret detail" || got[0].Where != "GET broken" {
		t.Errorf("the plugin's errors are %+v", got)
	}
	if r := h.do("", "GET", "/plugins/pager/?x=1", nil, "Accept", "text/html"); r.header.Get("Location") != "/login?next=%2Fplugins%2Fpager%2F%3Fx%3D1" {
		t.Errorf("a browser is sent to %q", r.header.Get("Location"))
	}
}

func TestViewsAnswer(t *testing.T) {
	h, _ := viewHouse(t)
	r := h.do("", "POST", "/plugins/pager/hook", "x")
	if r.text != "<b>hello</b>" || strings.Join(r.header.Values("X-Mine"), ",") != "1,2" || r.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %q with %v", r.text, r.header)
	}
	// A page of a plugin has the site's origin: it must not run scripts in it.
	policy := r.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %v", r.header)
	}
}

func TestViewsAreTold(t *testing.T) {
	h, told := viewHouse(t)
	r := h.do("", "POST", "/plugins/pager/hook?a=1&a=2", "raw \x00\xff body", "Content-Type", "application/x-www-form-urlencoded",
		"Cookie", auth.CookieName+"=secret; other=kept", "Authorization", "Bearer theirs", "X-Signature", "abc")
	if r.status != http.StatusAccepted {
		t.Fatalf("answered %d %s", r.status, r.text)
	}
	q := (*told).Request
	header := http.Header(q.Headers)
	if q.Method != "POST" || q.Path != "hook" || string(q.Body) != "raw \x00\xff body" || strings.Join(q.Query["a"], ",") != "1,2" ||
		q.URL != h.web.URL+"/plugins/pager/hook?a=1&a=2" || q.Address != "127.0.0.1" || q.User != nil {
		t.Errorf("got %+v", q)
	}
	if header.Get("Cookie") != "other=kept" || header.Get("Authorization") != "Bearer theirs" || header.Get("X-Signature") != "abc" {
		t.Errorf("got headers %v", header)
	}
	h.do(h.tokens[access.Admin], "POST", "/plugins/pager/hook", "x")
	if got := http.Header((*told).Request.Headers).Get("Authorization"); got != "" {
		t.Errorf("a public view is given the monitor's own token: %q", got)
	}
	h.do(h.tokens[access.Viewer], "GET", "/plugins/pager/", nil)
	q = (*told).Request
	if q.User == nil || q.User.Username != "the-viewer" || q.Role != access.Viewer || http.Header(q.Headers).Get("Authorization") != "" {
		t.Errorf("got %+v", q)
	}
	h.admin(200, "PUT", "/settings", m{"public_url": "https://moon.example/"})
	h.do("", "POST", "/plugins/pager/hook?a=1", "x")
	if got := (*told).Request.URL; got != "https://moon.example/plugins/pager/hook?a=1" || (*told).PublicURL == "" {
		t.Errorf("the address is %s", got)
	}
}

func TestViewsBoundBodies(t *testing.T) {
	h, told := viewHouse(t, func(o *Options) { o.MaxBody = 1000 })
	wantStatus(t, "a large body", h.do("", "POST", "/plugins/pager/hook", strings.Repeat("x", 1001)), http.StatusRequestEntityTooLarge)
	if *told != nil {
		t.Error("the view was called")
	}
	if r := h.do("", "POST", "/plugins/pager/hook", strings.Repeat("x", 1000)); r.status != http.StatusAccepted || *told == nil {
		t.Errorf("the largest body: answered %d %s", r.status, r.text)
	}
}

// TestViewsAreNotGivenTokens: however a token of the monitor is written, no plugin
// sees it; what is for the plugin reaches it as it is.
func TestViewsAreNotGivenTokens(t *testing.T) {
	h, told := viewHouse(t)
	own := h.tokens[access.Admin]
	for _, header := range []string{"Bearer " + own, "bearer " + own, "BEARER " + own, "Bearer  " + own, "Bearer\t" + own, " bearer " + own, own, "Token " + own} {
		h.do("", "POST", "/plugins/pager/hook", "x", "Authorization", header)
		for name, values := range (*told).Request.Headers {
			if strings.Contains(strings.Join(values, " "), own) {
				t.Errorf("%q reaches the plugin in %s", header, name)
			}
		}
	}
	for _, name := range []string{auth.CookieName, auth.SecureCookieName} {
		h.do("", "POST", "/plugins/pager/hook", "x", "Cookie", "a=b; "+name+"=secret")
		if got := http.Header((*told).Request.Headers).Get("Cookie"); got != "a=b" {
			t.Errorf("the plugin is given the cookies %q", got)
		}
	}
	for _, theirs := range []string{"Bearer theirs", "Basic bXdfYTpi", "bearer xmw_"} {
		h.do("", "POST", "/plugins/pager/hook", "x", "Authorization", theirs)
		if got := http.Header((*told).Request.Headers).Get("Authorization"); got != theirs {
			t.Errorf("of %q the plugin is given %q", theirs, got)
		}
	}
}

// TestBodiesOfVisitorsAreBounded: what visitors have the monitor hold is bounded
// for one address and for all, and is given back.
func TestBodiesOfVisitorsAreBounded(t *testing.T) {
	h, _ := viewHouse(t)
	hook := func() int { return h.do("", "POST", "/plugins/pager/hook", strings.Repeat("x", 100_000)).status }
	if got := hook(); got != http.StatusAccepted || h.options.bodies.Held() != 0 {
		t.Errorf("answered %d, held after that %d", got, h.options.bodies.Held())
	}
	if !h.options.bodies.Take("127.0.0.1", rest.MaxBodiesShare-50_000) {
		t.Fatal("there is no room")
	}
	if got := hook(); got != http.StatusServiceUnavailable {
		t.Errorf("beyond the share of an address it answers %d", got)
	}
	if r := h.do("", "POST", "/api/v1/session", m{"username": strings.Repeat("x", 60_000), "password": "x"}); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("a login answers %d", r.status)
	}
	h.options.bodies.Give("127.0.0.1", rest.MaxBodiesShare-50_000)
	for i := range rest.MaxBodies / rest.MaxBodiesShare {
		h.options.bodies.Take(strings.Repeat("x", i+1), rest.MaxBodiesShare)
	}
	if got := hook(); got != http.StatusServiceUnavailable {
		t.Errorf("beyond the bound of all it answers %d", got)
	}
}
