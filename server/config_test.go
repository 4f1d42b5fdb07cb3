package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"moonwatch/engine/access"
	"moonwatch/engine/enginetest"
	"moonwatch/server/api"
	"moonwatch/server/rest"
)

const asYAML = "application/yaml"

func TestExportAndImport(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "web", "plugin": "probe", "config": m{"host": "a", "password": "hunter2"}, "active": false})
	h.admin(201, "POST", "/services", m{"name": "Shop", "status_checks": []string{check.id()}})
	out := h.admin(200, "GET", "/export", nil)
	if kind := out.header.Get("Content-Type"); kind != "application/yaml; charset=utf-8" || !strings.Contains(out.text, "name: Shop") {
		t.Fatalf("exported %s: %s", kind, out.text)
	}
	if strings.Contains(out.text, "hunter2") || strings.Contains(out.text, "sealed:") {
		t.Error("the export tells a secret")
	}
	r := h.admin(200, "POST", "/import", out.text, "Content-Type", asYAML)
	if r.body["created"] != 0.0 || r.body["updated"] != 0.0 || r.body["deleted"] != 0.0 || r.body["unchanged"] == 0.0 {
		t.Errorf("its own export changes something: %s", r.text)
	}
	edited := strings.Replace(strings.Replace(out.text, "name: Shop", "name: Store", 1), "debounce: 0", "debounce: 2", 1)
	r = h.admin(200, "POST", "/import?dry_run=true&prune=true", edited, "Content-Type", "application/yaml; charset=utf-8")
	if r.body["dry_run"] != true || r.body["created"] != 1.0 || r.body["updated"] != 1.0 || r.body["deleted"] != 1.0 {
		t.Errorf("the difference is %s", r.text)
	}
	if again := h.admin(200, "GET", "/export", nil); again.text != out.text {
		t.Error("a dry run changed something")
	}
	h.admin(200, "POST", "/import?prune=true", edited, "Content-Type", "text/yaml")
	if again := h.admin(200, "GET", "/export", nil); !strings.Contains(again.text, "name: Store") || strings.Contains(again.text, "name: Shop") {
		t.Errorf("the import left %s", again.text)
	}
	if got := h.admin(200, "GET", "/checks/"+check.id(), nil).body; got["debounce"] != 2.0 || got["config"].(m)["password"].(m)["set"] != true {
		t.Errorf("the check is %v", got)
	}
}

func TestExportWithPassphrase(t *testing.T) {
	t.Parallel()
	h := populated(t)
	h.admin(201, "POST", "/checks", m{"name": "web", "plugin": "probe", "config": m{"host": "a", "password": "hunter2"}, "active": false})
	out := h.admin(200, "GET", "/export", nil, api.PassphraseHeader, "over the moon")
	if !strings.Contains(out.text, "encrypted") || strings.Contains(out.text, "hunter2") {
		t.Fatalf("exported %s", out.text)
	}
	h.as(access.Admin, "POST", "/import", out.text, "Content-Type", asYAML).wantErrors(t, "encryption invalid")
	h.as(access.Admin, "POST", "/import", out.text, "Content-Type", asYAML, api.PassphraseHeader, "under it").wantErrors(t, "encryption invalid")
	if r := h.admin(200, "POST", "/import", out.text, "Content-Type", asYAML, api.PassphraseHeader, "over the moon"); r.body["updated"] != 0.0 {
		t.Errorf("the same secrets count as changed: %s", r.text)
	}
	h.as(access.Admin, "GET", "/export", nil, api.PassphraseHeader, strings.Repeat("x", api.MaxPassphrase+1)).wantErrors(t, api.PassphraseHeader+" invalid")
	// Into another monitor, the secret comes along.
	other := populated(t)
	other.admin(200, "POST", "/import", out.text, "Content-Type", asYAML, api.PassphraseHeader, "over the moon")
	id := other.admin(200, "GET", "/checks?name=web", nil).items()[0]["id"].(string)
	stored, err := other.engine.Checks.StoredCheck(id)
	if err != nil || stored.Config["password"] == nil {
		t.Fatalf("%v %v", stored.Config, err)
	}
	sealed, _ := enginetest.PlainSealer{}.Seal("", "", []byte("hunter2"))
	if stored.Config["password"] != sealed {
		t.Errorf("the secret is %v", stored.Config["password"])
	}
}

func TestExportWithoutAKey(t *testing.T) {
	h := populated(t, func(o *Options) { o.Open = nil })
	h.admin(200, "GET", "/export", nil)
	wantStatus(t, "a passphrase where nothing opens secrets", h.as(access.Admin, "GET", "/export", nil, api.PassphraseHeader, "x"), 503)
}

func TestImportThatIsRefusedChangesNothing(t *testing.T) {
	h := populated(t)
	before := h.admin(200, "GET", "/export", nil).text
	bad := "moonwatch: 1\nchecks:\n  - name: a\n    plugin: probe\n    config: {host: x}\n  - name: b\n    plugin: probe\n    config: {host: x}\n    debounce: many\n"
	r := h.as(access.Admin, "POST", "/import", bad, "Content-Type", asYAML)
	r.wantErrors(t, `checks["b"].debounce type`)
	if !strings.Contains(r.text, "line 9: ") {
		t.Errorf("no line in %s", r.text)
	}
	if after := h.admin(200, "GET", "/export", nil).text; after != before {
		t.Errorf("it changed something:\n%s", after)
	}
}

func TestBackup(t *testing.T) {
	h := populated(t)
	r := h.admin(200, "GET", "/backup", nil)
	if r.text != "all of it" || r.header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(r.header.Get("Content-Disposition"), ".backup") {
		t.Errorf("%v %q", r.header, r.text)
	}
	if r := h.admin(200, "HEAD", "/backup", nil); r.text != "" {
		t.Errorf("HEAD answers %q", r.text)
	}
	none := populated(t, func(o *Options) { o.Backup = nil })
	wantStatus(t, "no backup", none.as(access.Admin, "GET", "/backup", nil), 503)

	// One that fails at once says why.
	damaged := populated(t, func(o *Options) {
		o.Backup = func(context.Context, io.Writer) error { return errors.New("000001.sst is damaged") }
	})
	if r := damaged.as(access.Admin, "GET", "/backup", nil); r.status != 500 || !strings.Contains(r.text, "000001.sst is damaged") || r.header.Get("Content-Disposition") != "" {
		t.Errorf("a backup that failed at once: %d %s %v", r.status, r.text, r.header)
	}

	// One that fails half-way is no whole answer.
	broken := populated(t, func(o *Options) {
		o.Backup = func(_ context.Context, w io.Writer) error {
			fmt.Fprint(w, strings.Repeat("x", 100_000))
			return errors.New("the disk is gone")
		}
	})
	req, err := http.NewRequest("GET", broken.web.URL+rest.Root+"/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+broken.tokens[access.Admin])
	res, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("a backup that failed reads as whole")
	}
}
