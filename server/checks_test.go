package server

import (
	"net/http"
	"testing"

	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

func TestCheckLifecycle(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/checks", m{"name": "left leg", "plugin": "probe", "config": m{"host": "a", "password": "s3cret"}, "interval": "1h"})
	if got := made.header.Get("Location"); got != rest.Root+"/checks/"+made.id() {
		t.Errorf("Location is %q", got)
	}
	if made.header.Get("ETag") != `"1"` || made.body["interval"] != "1h" || made.body["timeout"] != "30s" || made.body["active"] != true {
		t.Errorf("created %v %v", made.header, made.body)
	}
	config := made.body["config"].(m)
	if config["count"] != 3.0 || config["password"].(m)["set"] != true {
		t.Errorf("config is %v", config)
	}
	at := "/checks/" + made.id()
	until(t, "a result", func() bool { return len(h.admin(200, "GET", at+"/results", nil).items()) > 0 })

	got := h.admin(200, "GET", at, nil)
	same := h.admin(200, "PATCH", at, got.body)
	if same.body["name"] != "left leg" || same.body["config"].(m)["password"].(m)["set"] != true {
		t.Errorf("sent back unchanged, it is %v", same.body)
	}
	changed := h.admin(200, "PATCH", at, m{"debounce": 2})
	if changed.body["debounce"] != 2.0 || changed.body["config"].(m)["host"] != "a" {
		t.Errorf("changed to %v", changed.body)
	}
	stored, err := h.engine.Checks.StoredCheck(made.id())
	if err != nil || stored.Config["password"] == nil {
		t.Errorf("the secret is gone: %v %v", stored.Config, err)
	}

	// config is replaced whole, but for secrets: these go when they are null.
	for _, c := range []struct {
		config m
		count  any
		set    bool
	}{
		{m{"host": "b", "count": 2}, 2.0, true}, {m{"host": "b"}, 3.0, true}, {m{"host": "b", "password": ""}, 3.0, true},
		{m{"host": "b", "password": m{"set": true}}, 3.0, true}, {m{"host": "b", "password": nil}, 3.0, false}, {m{"host": "a", "password": "new"}, 3.0, true},
	} {
		config := h.admin(200, "PATCH", at, m{"config": c.config}).body["config"].(m)
		secret, _ := config["password"].(m)
		if config["host"] != c.config["host"] || config["count"] != c.count || (secret["set"] == true) != c.set {
			t.Errorf("%v makes %v", c.config, config)
		}
	}
	changed = h.admin(200, "GET", at, nil)
	h.admin(412, "PATCH", at, m{"debounce": 3}, "If-Match", `"1"`)
	h.admin(412, "DELETE", at, nil, "If-Match", `"1"`)
	h.admin(200, "PATCH", at, m{"debounce": 3}, "If-Match", changed.header.Get("ETag"))
	if r := h.as(access.Admin, "DELETE", at, nil); r.status != http.StatusNoContent || r.text != "" {
		t.Errorf("DELETE = %d %q", r.status, r.text)
	}
	h.admin(404, "GET", at, nil)
	h.admin(404, "GET", at+"/results", nil)
}
