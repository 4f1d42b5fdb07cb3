package server

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/server/rest"
)

// address is the path of a route with variables filled in.
func address(rt *rest.Route, id string) string {
	return rest.Root + strings.NewReplacer("{id}", id, "{slug}", id, "{n}", "1").Replace(rt.Path)
}

// each calls fn for every route, as a test of its own.
func each(t *testing.T, h *house, fn func(t *testing.T, rt *rest.Route)) {
	for _, rt := range h.server.Routes() {
		t.Run(rt.Method+" "+rt.Path, func(t *testing.T) { fn(t, rt) })
	}
}

// objects makes one object of each kind, and returns their ids by collection.
func (h *house) objects() map[string]string {
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false})
	instance := h.admin(201, "POST", "/instances", m{"name": "i"})
	service := h.admin(201, "POST", "/services", m{"name": "s", "instances": []string{instance.id()}})
	token := h.admin(201, "POST", "/tokens", m{"name": "extra"})
	silence := h.admin(201, "POST", "/silences", m{"services": []string{service.id()}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"})
	rota := h.admin(201, "POST", "/rotas", m{"name": "r", "ical_url": h.calendar(), "fallback_user": h.users[access.Viewer].ID})
	until(h.t, "the calendar read", func() bool { return h.admin(200, "GET", "/rotas/"+rota.id(), nil).body["read_at"] != nil })
	return map[string]string{"checks": check.id(), "instances": instance.id(), "services": service.id(), "tokens": token.id(), "silences": silence.id(),
		"rotas": rota.id(),
		"users": h.users[access.Viewer].ID, "plugins": "probe"}
}

// settled waits until the engine writes nothing more of its own, and returns how
// many batches there were.
func (h *house) settled() int {
	n := h.store.Applied()
	for quiet := 0; quiet < 10; quiet++ {
		time.Sleep(20 * time.Millisecond)
		if now := h.store.Applied(); now != n {
			n, quiet = now, 0
		}
	}
	return n
}

// idFor is the id of an object that a route's path can name.
func idFor(ids map[string]string, rt *rest.Route) string {
	collection := strings.Split(rt.Path, "/")[1]
	if id := ids[collection]; id != "" {
		return id
	}
	return "nosuch"
}

// TestRoutesRefuse walks the table: nothing is let in, and nothing is written,
// that should not be.
func TestRoutesRefuse(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	before := h.settled()
	each(t, h, func(t *testing.T, rt *rest.Route) {
		path := address(rt, idFor(ids, rt))
		if rt.Role != "" {
			wantStatus(t, "without a token", h.do("", rt.Method, path, "{}"), http.StatusUnauthorized)
			wantStatus(t, "with a bad token", h.do("mw_bad", rt.Method, path, "{}"), http.StatusUnauthorized)
			for _, role := range access.Roles() {
				if !role.Can(rt.Role) {
					wantStatus(t, "as "+string(role), h.do(h.tokens[role], rt.Method, path, "{}"), http.StatusForbidden)
				}
			}
		}
		token := h.tokens[access.Admin]
		if !rt.Stream {
			wantStatus(t, "with an unknown parameter", h.do(token, rt.Method, path+"?nosuch=1", "{}"), http.StatusUnprocessableEntity)
			wantStatus(t, "with a malformed query", h.do(token, rt.Method, path+"?a=%zz", "{}"), http.StatusBadRequest)
		}
		switch {
		case rt.Input != nil:
			refuseBodies(t, h, rt, path)
		case rt.Takes != nil:
			refuseTexts(t, h, rt, path)
		}
		if strings.Contains(rt.Path, "{") {
			body := any(m{})
			if rt.Path == "/plugins/{slug}/settings" {
				body = m{"greeting": "x"}
			}
			wantStatus(t, "of an unknown id", h.do(token, rt.Method, address(rt, "nosuch"), body), http.StatusNotFound)
		}
	})
	if after := h.store.Applied(); after != before {
		t.Errorf("%d batches were written", after-before)
	}
}

func refuseBodies(t *testing.T, h *house, rt *rest.Route, path string) {
	token := h.tokens[access.Admin]
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		wantStatus(t, "with content type "+kind, h.do(token, rt.Method, path, "{}", "Content-Type", kind), http.StatusUnsupportedMediaType)
	}
	for _, body := range []string{"", "{", "{}}", `{"a":1,}`, `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, "{\"a\":\"\xff\"}", "nul",
		strings.Repeat("[", 100000), `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}"} {
		wantStatus(t, "with the body "+short(body), h.do(token, rt.Method, path, body), http.StatusBadRequest)
	}
	for _, body := range []string{"null", "[]", "1", `"x"`} {
		h.do(token, rt.Method, path, body).wantErrors(t, " type")
	}
	wantStatus(t, "with a large body", h.do(token, rt.Method, path, `{"a":"`+strings.Repeat("x", 1<<20)+`"}`), http.StatusRequestEntityTooLarge)
	if rt.Input.Kind != rest.ObjectShape {
		return
	}
	r := h.do(token, rt.Method, path, m{"nosuchfield": "hunter2"})
	if rt.Method != "POST" {
		r.wantErrors(t, "nosuchfield unknown")
	} else if r.status != 422 || !slices.Contains(r.errors(), "nosuchfield unknown") {
		t.Errorf("an unknown field answers %d %v", r.status, r.errors())
	}
	if strings.Contains(r.text, "hunter2") {
		t.Error("the value is echoed")
	}
	for _, f := range rt.Input.Fields {
		if !f.Fixed && !rt.Ignored[f.Name] {
			for location, bad := range misfits(f.Shape, f.Name) {
				r := h.do(token, rt.Method, path, m{f.Name: bad})
				if r.status != 422 || !slices.Contains(r.errors(), location+" type") {
					t.Errorf("%s = %v answers %d %v, want 422 %s type", f.Name, bad, r.status, r.errors(), location)
				}
			}
		}
	}
}

// refuseTexts is refuseBodies for routes that take another media type.
func refuseTexts(t *testing.T, h *house, rt *rest.Route, path string) {
	token := h.tokens[access.Admin]
	for _, kind := range []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x"} {
		wantStatus(t, "with content type "+kind, h.do(token, rt.Method, path, "{}", "Content-Type", kind), http.StatusUnsupportedMediaType)
	}
	for _, kind := range rt.Takes {
		wantStatus(t, "with an empty body", h.do(token, rt.Method, path, "", "Content-Type", kind), http.StatusBadRequest)
		wantStatus(t, "with a bad body", h.do(token, rt.Method, path, "version: [\x00", "Content-Type", kind), http.StatusUnprocessableEntity)
	}
	wantStatus(t, "with a large body", h.do(token, rt.Method, path, strings.Repeat("#", int(rt.MaxBody)+1), "Content-Type", rt.Takes[0]), http.StatusRequestEntityTooLarge)
	for _, p := range rt.Params {
		if p.Shape.Kind == rest.BoolShape {
			wantStatus(t, "with a bad "+p.Name, h.do(token, rt.Method, path+"?"+p.Name+"=maybe", "version: 1", "Content-Type", rt.Takes[0]), http.StatusUnprocessableEntity)
		}
	}
}

// misfits are values of the wrong type, by the location of the complaint.
func misfits(s *rest.Shape, at string) map[string]any {
	out := map[string]any{}
	if !s.Nullable {
		out[at] = nil
	}
	switch s.Kind {
	case rest.TextShape, rest.InstantShape, rest.DurationShape, rest.RefShape, rest.ListShape, rest.MapShape, rest.ObjectShape, rest.ValuesShape:
		out[at] = 12
	case rest.WholeShape:
		out[at] = 1.5
	case rest.NumberShape, rest.BoolShape:
		out[at] = "true"
	}
	switch s.Kind {
	case rest.ListShape:
		for location, v := range misfits(s.Elem, at+"[0]") {
			out[location] = []any{v}
		}
	case rest.MapShape:
		for location, v := range misfits(s.Elem, at+".WARNING") {
			out[location] = m{"WARNING": v}
		}
	case rest.ObjectShape:
		for _, f := range s.Fields {
			for location, v := range misfits(f.Shape, at+"."+f.Name) {
				out[location] = m{f.Name: v}
			}
		}
	}
	return out
}

func wantStatus(t *testing.T, what string, r reply, want int) {
	t.Helper()
	if r.status != want {
		t.Errorf("%s: answered %d, want %d: %.200s", what, r.status, want, r.text)
		return
	}
	if r.header.Get("Content-Type") != "application/problem+json" || r.body["status"] != float64(want) || r.body["title"] != http.StatusText(want) {
		t.Errorf("%s: the answer is no problem: %v %.200s", what, r.header, r.text)
	}
}

func short(s string) string {
	if len(s) > 30 {
		s = s[:30] + "…"
	}
	return strconv.Quote(s)
}

func TestMethodsAndAddresses(t *testing.T) {
	h := populated(t)
	r := h.admin(405, "PUT", "/checks", m{})
	if got := r.header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow is %q", got)
	}
	wantStatus(t, "PATCH of settings", h.as(access.Admin, "PATCH", "/settings", m{}), 405)
	for _, path := range []string{"/api/v1/nosuch", "/api/v1", "/api/v1/checks/", "/api/v2/checks", "/api/v1//checks", "/api/v1/checks/a/b/c"} {
		wantStatus(t, path, h.do(h.tokens[access.Admin], "GET", path, nil), 404)
	}
	if r := h.admin(200, "HEAD", "/checks", nil); r.text != "" || r.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD answers %q %v", r.text, r.header)
	}
	for _, id := range []string{"%00", strings.Repeat("x", 600), "%ff", "..", "%2e%2e", "a%20b"} {
		for _, path := range []string{"/checks/" + id, "/incidents/" + id, "/checks/" + id + "/revisions", "/checks/" + id + "/results", "/deliveries/" + id} {
			if r := h.as(access.Admin, "GET", path, nil); r.status != 404 {
				t.Errorf("GET %s = %d %s", path, r.status, r.text)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if r := h.do("", "POST", path, ""); r.status != 405 {
			t.Errorf("POST %s = %d", path, r.status)
		}
	}
}

func TestTooManyProblemsAndNamesAreCut(t *testing.T) {
	h := populated(t)
	body := m{}
	for i := range 300 {
		body["field"+strconv.Itoa(i)] = 1
	}
	r := h.as(access.Admin, "POST", "/checks", body)
	if n := len(r.errors()); r.status != 422 || n != rest.MaxErrors {
		t.Errorf("%d with %d errors", r.status, n)
	}
	r = h.as(access.Admin, "POST", "/checks", m{strings.Repeat("x", 1000) + "\n": 1})
	if len(r.text) > 500 || strings.Contains(r.text, `\n"`) {
		t.Errorf("the answer is %q", r.text)
	}
}

// TestDocument holds the OpenAPI document against the table and the answers.
func TestDocument(t *testing.T) {
	h := populated(t)
	doc := h.admin(200, "GET", "/openapi.json", nil).body
	if doc["openapi"] != "3.1.0" {
		t.Fatalf("openapi is %v", doc["openapi"])
	}
	paths := doc["paths"].(m)
	operations := 0
	for _, item := range paths {
		operations += len(item.(m))
	}
	if operations != len(h.server.Routes()) {
		t.Errorf("%d operations, %d routes", operations, len(h.server.Routes()))
	}
	ids := map[string]bool{}
	each(t, h, func(t *testing.T, rt *rest.Route) {
		op, ok := paths[rt.Path].(m)[strings.ToLower(rt.Method)].(m)
		if !ok {
			t.Fatal("it is not in the document")
		}
		id := op["operationId"].(string)
		if ids[id] {
			t.Errorf("operationId %s stands twice", id)
		}
		ids[id] = true
		if rt.Summary == "" || rt.Tag == "" || rt.Handle == nil {
			t.Error("the route is not whole")
		}
		if (op["requestBody"] != nil) != (rt.Input != nil || rt.Takes != nil) {
			t.Error("requestBody and input differ")
		}
	})
	resolve(t, doc, doc)
	text, _ := json.Marshal(doc)
	for _, word := range []string{"password_hash", `"hash"`, "ping_token", "feed_token"} {
		if strings.Contains(string(text), word) {
			t.Errorf("the document tells of %s", word)
		}
	}
	for _, code := range []string{form.CodeRequired, form.CodeUnknown, form.CodeType} {
		if !strings.Contains(string(text), code) {
			t.Errorf("the document does not name the code %s", code)
		}
	}
}

// resolve makes sure that every reference leads somewhere.
func resolve(t *testing.T, doc m, v any) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			if s, ok := doc["components"].(m)["schemas"].(m)[name].(m); !ok || len(s) == 0 {
				t.Errorf("%s leads nowhere", ref)
			}
		}
		for _, one := range v {
			resolve(t, doc, one)
		}
	case []any:
		for _, one := range v {
			resolve(t, doc, one)
		}
	}
}

// TestAnswersFitTheDocument validates what is served against its schema.
func TestAnswersFitTheDocument(t *testing.T) {
	h := populated(t)
	ids := h.objects()
	failing := h.admin(201, "POST", "/checks", m{"name": "d", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	h.admin(201, "POST", "/services", m{"name": "t", "status_checks": []string{failing.id()}, "alerts": []m{{"plugin": "pager", "settings": m{}}},
		"users_to_notify": []string{h.users[access.Admin].ID}, "depends_on": []m{{"service": ids["services"]}}})
	until(t, "a dead delivery", func() bool { return len(h.admin(200, "GET", "/deliveries?state=dead", nil).items()) > 0 })
	ids["checks"] = failing.id()
	ids["incidents"] = h.admin(200, "GET", "/incidents", nil).items()[0]["id"].(string)
	ids["deliveries"] = h.admin(200, "GET", "/deliveries", nil).items()[0]["id"].(string)
	doc := h.admin(200, "GET", "/openapi.json", nil).body
	seen := 0
	each(t, h, func(t *testing.T, rt *rest.Route) {
		if rt.Stream || rt.Method == "DELETE" || rt.Input != nil || rt.Takes != nil || strings.HasSuffix(rt.Path, "/revert") || strings.Contains(rt.Path, "/versions/") {
			return
		}
		r := h.do(h.tokens[access.Admin], rt.Method, address(rt, idFor(ids, rt)), nil)
		if r.status != rt.Status {
			t.Fatalf("answered %d: %s", r.status, r.text)
		}
		op := doc["paths"].(m)[rt.Path].(m)[strings.ToLower(rt.Method)].(m)
		content := op["responses"].(m)[strconv.Itoa(rt.Status)].(m)["content"].(m)
		if rt.Output == nil {
			kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
			if err != nil || content[kind] == nil || len(content) != len(rt.Gives) || r.text == "" {
				t.Errorf("%d bytes of %q, the document has %v", len(r.text), kind, content)
			}
			return
		}
		schema := content["application/json"].(m)["schema"].(m)
		var v any
		if err := json.Unmarshal([]byte(r.text), &v); err != nil {
			t.Fatal(err)
		}
		fit(t, doc, schema, v, "")
		seen++
	})
	if seen < 50 {
		t.Errorf("only %d answers were looked at", seen)
	}
}

// fit validates v against the subset of JSON Schema that the document uses.
func fit(t *testing.T, doc, schema m, v any, at string) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		fit(t, doc, doc["components"].(m)["schemas"].(m)[strings.TrimPrefix(ref, "#/components/schemas/")].(m), v, at)
		return
	}
	if list, ok := schema["anyOf"].([]any); ok {
		if v != nil {
			fit(t, doc, list[0].(m), v, at)
		}
		return
	}
	if list, ok := schema["oneOf"].([]any); ok {
		ref, _ := v.(m)
		if len(ref) != 1 || len(list) != 2 {
			t.Errorf("%s is %v, no reference", at, v)
		}
		return
	}
	var kinds []any
	switch kind := schema["type"].(type) {
	case string:
		kinds = []any{kind}
	case []any:
		kinds = kind
	default:
		return // anything
	}
	if !slices.Contains(kinds, any(kindOf(v))) && !(kindOf(v) == "integer" && slices.Contains(kinds, any("number"))) {
		t.Errorf("%s is %s, want %v", at, kindOf(v), kinds)
		return
	}
	if choices, ok := schema["enum"].([]any); ok && !slices.Contains(choices, v) {
		t.Errorf("%s is %v, want one of %v", at, v, choices)
	}
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			fit(t, doc, schema["items"].(m), one, at+"["+strconv.Itoa(i)+"]")
		}
	case map[string]any:
		fitObject(t, doc, schema, v, at)
	}
}

func fitObject(t *testing.T, doc, schema, v m, at string) {
	properties, closed := schema["properties"].(m)
	rest, _ := schema["additionalProperties"].(m)
	for name, one := range v {
		switch inner, ok := properties[name].(m); {
		case ok:
			fit(t, doc, inner, one, at+"."+name)
		case rest != nil:
			fit(t, doc, rest, one, at+"."+name)
		case closed:
			t.Errorf("%s.%s is not in the document", at, name)
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			t.Errorf("%s.%s is missing", at, name)
		}
	}
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	}
	return "object"
}
