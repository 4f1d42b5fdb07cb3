package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// TestRolesOfRoutes holds who may do what against the rule, route by route: what
// reads is for viewers, and what changes something for the role that it says.
func TestRolesOfRoutes(t *testing.T) {
	h := newHouse(t)
	anybody := []string{"POST /session", "POST /setup"}
	own := map[string]bool{ // the handler looks whose it is
		"PATCH /users/{id}": true, "POST /users/{id}/revisions/{n}/revert": true, "POST /users/{id}/feed": true, "DELETE /users/{id}/feed": true,
		"DELETE /session": true}
	collections := map[string]access.Role{"services": access.Editor, "instances": access.Editor, "checks": access.Editor, "rotas": access.Editor,
		"silences": access.Operator, "incidents": access.Operator, "deliveries": access.Operator, "users": access.Admin, "plugins": access.Admin,
		"settings": access.Admin, "import": access.Admin, "tokens": access.Viewer}
	actions := map[string]access.Role{"run": access.Operator, "acknowledgement": access.Operator, "test-alert": access.Operator, "notes": access.Operator,
		"refresh": access.Operator, "retry": access.Operator}
	secretive := map[string]bool{"GET /settings": true, "GET /audit": true, "GET /export": true, "GET /backup": true, "GET /plugins/{slug}/settings": true,
		"GET /plugins/{slug}/source": true, "GET /plugins/{slug}/versions": true, "GET /plugins/{slug}/versions/{id}": true}
	each(t, h, func(t *testing.T, rt *rest.Route) {
		name := rt.Method + " " + rt.Path
		parts := strings.Split(rt.Path, "/")
		want, known := access.Viewer, true
		switch {
		case slices.Contains(anybody, name):
			want = ""
		case secretive[name]:
			want = access.Admin
		case name == "GET /rotas/{id}/feed": // its address is a secret
			want = access.Editor
		case name == "PATCH /rotas/{id}": // the engine looks whose shifts are swapped
			want = access.Operator
		case rt.Method == "GET" || own[name]:
		default:
			if want, known = actions[parts[len(parts)-1]]; !known {
				want, known = collections[parts[1]]
			}
		}
		if !known || rt.Role != want {
			t.Errorf("it needs the role %q, want %q: say in this test whom a new route is for", rt.Role, want)
		}
	})
}

// TestRoutesOfOnePath: a path refuses every method that it does not have, and
// says which it has; and what can be changed under If-Match shows its ETag.
func TestRoutesOfOnePath(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	methods := map[string][]string{}
	for _, rt := range h.server.Routes() {
		methods[rt.Path] = append(methods[rt.Path], rt.Method)
	}
	each(t, h, func(t *testing.T, rt *rest.Route) {
		path := address(rt, idFor(ids, rt))
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"} {
			if slices.Contains(methods[rt.Path], method) {
				continue
			}
			r := h.do(h.tokens[access.Admin], method, path, "{}")
			wantStatus(t, method, r, http.StatusMethodNotAllowed)
			for _, has := range methods[rt.Path] {
				if !strings.Contains(r.header.Get("Allow"), has) {
					t.Errorf("%s says that it has %q, not %s", method, r.header.Get("Allow"), has)
				}
			}
		}
		if rt.Tagged && rt.Method == "GET" {
			if r := h.do(h.tokens[access.Admin], "GET", path, nil); r.status != 200 || len(r.header.Get("ETag")) < 3 {
				t.Errorf("answers %d with the ETag %q", r.status, r.header.Get("ETag"))
			}
		} else if rt.Method == "GET" && slices.Contains(methods[rt.Path], "PATCH") {
			t.Error("it has no ETag")
		}
	})
}

// TestRoutesRefuseValues walks the table with what is missing, too long and stale.
func TestRoutesRefuseValues(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	failing := h.admin(201, "POST", "/checks", m{"name": "d", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"}).id()
	h.admin(201, "POST", "/services", m{"name": "t", "status_checks": []string{failing}})
	until(t, "an incident", func() bool { return len(h.admin(200, "GET", "/incidents", nil).items()) > 0 })
	ids["incidents"] = h.admin(200, "GET", "/incidents", nil).items()[0]["id"].(string)
	before := h.settled()
	token := h.tokens[access.Admin]
	each(t, h, func(t *testing.T, rt *rest.Route) {
		if rt.Path == "/setup" { // answers 404 once there is a user: TestSetUp
			return
		}
		path := address(rt, idFor(ids, rt))
		if len(rt.Required) > 0 {
			got := h.do(token, rt.Method, path, m{})
			for _, name := range rt.Required {
				if got.status != 422 || !slices.Contains(got.errors(), name+" required") {
					t.Errorf("without %s: %d %v", name, got.status, got.errors())
				}
			}
		} else if rt.Method == "POST" && rt.Input != nil && strings.Count(rt.Path, "/") == 1 {
			t.Error("what creates something requires nothing")
		}
		if rt.Input != nil {
			refuseLongTexts(t, h, rt, path)
		}
		if rt.Tagged && rt.Method != "GET" && (rt.Method != "POST" || strings.HasSuffix(rt.Path, "/revert")) {
			body := any(m{})
			if strings.HasSuffix(rt.Path, "/revert") {
				body = nil
			}
			wantStatus(t, "with a stale revision", h.do(token, rt.Method, path, body, "If-Match", `"999"`), http.StatusPreconditionFailed)
		} else if rt.Method == "PATCH" || rt.Method == "DELETE" && strings.Count(rt.Path, "/") == 2 {
			t.Error("it knows no revisions")
		}
	})
	if after := h.store.Applied(); after != before {
		t.Errorf("%d batches were written", after-before)
	}
}

// refuseLongTexts sends texts that are longer than any may be, in each field
// that takes text, by itself and in lists.
func refuseLongTexts(t *testing.T, h *house, rt *rest.Route, path string) {
	long := strings.Repeat("x", 300_000)
	for _, f := range rt.Input.Fields {
		if f.Fixed || rt.Ignored[f.Name] {
			continue
		}
		var value any
		switch {
		case f.Shape.Kind == rest.TextShape:
			value = long
		case f.Shape.Kind == rest.ListShape && f.Shape.Elem.Kind == rest.TextShape:
			value = []string{long}
		case f.Shape.Kind == rest.DurationShape, f.Shape.Kind == rest.InstantShape:
			value = strings.Repeat("1", 300_000) + "s"
		default:
			continue
		}
		body := m{}
		for _, name := range rt.Required {
			body[name] = "x"
		}
		body[f.Name] = value
		r := h.do(h.tokens[access.Admin], rt.Method, path, body)
		named := slices.ContainsFunc(r.errors(), func(e string) bool { return strings.HasPrefix(e, f.Name+" ") || strings.HasPrefix(e, f.Name+"[0] ") })
		if strings.HasSuffix(rt.Path, "/try") && f.Name == "plugin" { // the name of something in the draft, which there is not
			named = true
		}
		if r.status < 400 || r.status == 422 && !named || r.status >= 500 || len(r.text) > 20_000 {
			t.Errorf("a long %s answers %d %.200v (%d bytes)", f.Name, r.status, r.errors(), len(r.text))
		}
	}
}
