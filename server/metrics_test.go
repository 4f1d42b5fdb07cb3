package server

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

func fixedStats() engine.RunStats {
	return engine.RunStats{Executing: 2, Plugins: map[string]engine.PluginStats{"probe": {Runs: 7, Limits: 1, Memory: 4096}}}
}

func TestMetrics(t *testing.T) {
	h := populated(t, func(o *Options) { o.Runs = fixedStats })
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check.id()}})
	until(t, "an incident", func() bool { return h.engine.Stats().OpenIncidents == 1 })
	r := h.do(h.tokens[access.Viewer], "GET", "/metrics", nil)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(r.text))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`moonwatch_checks{status="FAILING"} 1`, `moonwatch_checks{status="PASSING"} 0`, `moonwatch_subjects{status="ERROR"} 1`,
		`moonwatch_subject_status{kind="service",name="s"} 2`, `moonwatch_plugins{state="active"} 2`, `moonwatch_plugins{state="failed"} 1`,
		`moonwatch_open_incidents 1`, `moonwatch_runs_under_way 0`, `moonwatch_slots_skipped_total 0`, `moonwatch_runs_started_total 1`, `moonwatch_lag_seconds_count 1`, `moonwatch_info{version="1.2.3"} 1`,
		`moonwatch_plugin_runs_total{plugin="probe"} 7`, `moonwatch_plugin_run_memory_bytes{plugin="probe"} 4096`, `moonwatch_plugin_runs_executing 2`, `moonwatch_store_refuses_writes 0`,
		`moonwatch_http_request_seconds_count{method="POST",route="/api/v1/checks",status="201"} 1`, "go_goroutines ",
	} {
		if !strings.Contains(r.text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	if families["moonwatch_lag_seconds"] == nil || strings.Contains(r.text, check.id()) {
		t.Error("the lag is missing, or routes are counted by id")
	}
}

// TestMetricsNeedALogin: they name every service, so from wherever a request
// comes, and whatever headers a proxy left out, only viewers read them.
func TestMetricsNeedALogin(t *testing.T) {
	t.Parallel()
	h := populated(t)
	secret, _, err := h.engine.Sessions.OpenSession(t.Context(), h.users[access.Viewer].ID, "", "")
	if err != nil {
		t.Fatal(err)
	}
	open, err := New(Options{Engine: h.engine, Logger: quiet, MetricsOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, remote := range []string{"127.0.0.1:1", "[::1]:1", "192.0.2.1:1", "@"} {
		for _, host := range []string{"localhost:8420", "127.0.0.1", "[::1]:8420", "moon.example", ""} {
			for _, tt := range []struct {
				name, header, value string
				handler             http.Handler
				want                int
			}{
				{"nobody", "", "", h.server.Handler(), 401}, {"a proxy's client", "X-Forwarded-For", "192.0.2.1", h.server.Handler(), 401},
				{"a bad token", "Authorization", "Bearer mw_bad", h.server.Handler(), 401},
				{"a token", "Authorization", "Bearer " + h.tokens[access.Viewer], h.server.Handler(), 200},
				{"a session", "Cookie", auth.CookieName + "=" + secret, h.server.Handler(), 200},
				{"nobody, where it is open", "", "", open.Handler(), 200}, {"nobody, over the socket", "", "", h.server.SocketHandler(), 200},
			} {
				req := httptest.NewRequest("GET", "/metrics", nil)
				req.RemoteAddr, req.Host = remote, host
				req.Header.Set(cmp.Or(tt.header, "X-None"), tt.value)
				w := httptest.NewRecorder()
				if tt.handler.ServeHTTP(w, req); w.Code != tt.want {
					t.Errorf("%s from %s at %q is answered %d, want %d", tt.name, remote, host, w.Code, tt.want)
				}
			}
		}
	}
}

func TestHealth(t *testing.T) {
	h := populated(t)
	if r := h.do("", "GET", "/healthz", nil); r.status != 200 || r.text != "ok\n" || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("healthz answers %d %q %v", r.status, r.text, r.header)
	}
	if r := h.do("", "GET", "/readyz", nil); r.status != 200 {
		t.Errorf("readyz answers %d %q", r.status, r.text)
	}
	h.engine.Stop()
	if r := h.do("", "GET", "/healthz", nil); r.status != 200 {
		t.Errorf("stopped, healthz answers %d", r.status)
	}
	if r := h.do("", "GET", "/readyz", nil); r.status != 503 || len(r.text) < 5 {
		t.Errorf("stopped, readyz answers %d %q", r.status, r.text)
	}
	wantStatus(t, "a write to a stopped engine", h.as(access.Admin, "POST", "/services", m{"name": "x"}), 503)
}

func TestPanicsAndErrorsSayNothing(t *testing.T) {
	var log strings.Builder
	h := populated(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, rt := range h.server.Routes() {
		switch rt.Path {
		case "/audit":
			rt.Handle = func(*rest.Call) (rest.Answer, error) { panic("the inside of it") }
		case "/incidents":
			rt.Handle = func(*rest.Call) (rest.Answer, error) { return rest.Answer{}, errors.New("the inside of it") }
		}
	}
	h.web.Close()
	h.web = httptest.NewServer(h.server.Handler())
	defer h.web.Close()
	for _, path := range []string{"/audit", "/incidents"} {
		r := h.as(access.Admin, "GET", path, nil)
		wantStatus(t, path, r, http.StatusInternalServerError)
		if strings.Contains(r.text, "inside") {
			t.Errorf("%s tells %s", path, r.text)
		}
	}
	h.as(access.Admin, "POST", "/session", m{"username": "ada", "password": "do-not-log-me"})
	if got := log.String(); strings.Count(got, "inside of it") != 2 || strings.Contains(got, "do-not-log-me") || strings.Contains(got, h.tokens[access.Admin]) ||
		!strings.Contains(got, "route=/api/v1/session status=401") {
		t.Errorf("the log is %s", got)
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "Engine is missing") {
		t.Errorf("New without an engine: %v", err)
	}
}
