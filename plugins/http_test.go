package plugins_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestHTTP(t *testing.T) {
	var last *http.Request
	var sent string
	mux := http.NewServeMux()
	page := func(path string, status int, answer string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			last, sent = r, string(body)
			w.WriteHeader(status)
			fmt.Fprint(w, answer)
		})
	}
	page("/ok", 200, "all is well")
	page("/created", 201, "made")
	page("/broken", 500, "out of order")
	page("/json", 200, `{"data":{"items":[{"state":"up","n":3,"ok":true,"gone":null,"list":[1]}]}}`)
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(60 * time.Millisecond)
		fmt.Fprint(w, "at last")
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.Handle("/moved", http.RedirectHandler("/ok", http.StatusFound))
	server := httptest.NewServer(mux)
	defer server.Close()
	b := newBench(t, nil)

	for _, tt := range []struct {
		name, path string
		config     map[string]any
		err        string // "" passes
		severity   engine.Status
		raw        string
	}{
		{name: "passes", path: "/ok"},
		{name: "wrong code", path: "/broken", err: "Wrong code: got 500 (expected 200)", raw: "out of order"},
		{name: "class", path: "/created", config: map[string]any{"status_code": "2xx"}},
		{name: "list", path: "/created", config: map[string]any{"status_code": "200, 201"}},
		{name: "list with a class", path: "/broken", config: map[string]any{"status_code": "404,5XX"}},
		{name: "not in the list", path: "/broken", config: map[string]any{"status_code": "200,4xx"}, err: "Wrong code: got 500 (expected 200,4xx)", raw: "out of order"},
		{name: "text", path: "/ok", config: map[string]any{"text_match": "^all .* well$"}},
		{name: "no text", path: "/ok", config: map[string]any{"text_match": "ill"}, err: "Failed to find match regex /ill/ in response body", raw: "all is well"},
		{name: "absent", path: "/ok", config: map[string]any{"text_absent": "ill"}},
		{name: "not absent", path: "/ok", config: map[string]any{"text_absent": "w.ll"}, err: "Found match regex /w.ll/ in response body", raw: "all is well"},
		{name: "code before text", path: "/broken", config: map[string]any{"text_match": "ill"}, err: "Wrong code: got 500 (expected 200)", raw: "out of order"},
		{name: "JSON there", path: "/json", config: map[string]any{"json_path": "data.items[0].state"}},
		{name: "JSON text", path: "/json", config: map[string]any{"json_path": "data.items[0].state", "json_value": "up"}},
		{name: "JSON number", path: "/json", config: map[string]any{"json_path": "data.items[0].n", "json_value": "3.0"}},
		{name: "JSON boolean", path: "/json", config: map[string]any{"json_path": "data.items[0].ok", "json_value": "true"}},
		{name: "JSON null", path: "/json", config: map[string]any{"json_path": "data.items[0].gone", "json_value": "null"}},
		{name: "JSON list", path: "/json", config: map[string]any{"json_path": "data.items[0].list", "json_value": "[1]"}},
		{name: "JSON wrong", path: "/json", config: map[string]any{"json_path": "data.items[0].state", "json_value": "down"},
			err: "Wrong value at JSON path data.items[0].state: got up (expected down)", raw: `{"data"`},
		{name: "JSON missing", path: "/json", config: map[string]any{"json_path": "data.nothing"}, err: "Failed to find JSON path data.nothing in response body", raw: `{"data"`},
		{name: "no JSON", path: "/ok", config: map[string]any{"json_path": "a"}, err: "Response body is not JSON: ", raw: "all is well"},
		{name: "slow", path: "/slow", config: map[string]any{"warn_after": "10ms"}, err: "Response took 0.0", severity: engine.StatusWarning, raw: "at last"},
		{name: "too slow", path: "/slow", config: map[string]any{"warn_after": "1ms", "fail_after": "10ms"}, err: "Response took 0.0", raw: "at last"},
		{name: "quick enough", path: "/ok", config: map[string]any{"warn_after": "2s", "fail_after": "3s"}},
		{name: "redirect", path: "/moved"},
		{name: "redirect kept", path: "/moved", config: map[string]any{"follow_redirects": false}, err: "Wrong code: got 302 (expected 200)", raw: "<a href"},
		{name: "no certificate to warn of", path: "/ok", config: map[string]any{"certificate_days": 30}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.run("http", check{config: with(map[string]any{"endpoint": server.URL + tt.path}, tt.config)})
			if got.Unknown || got.Succeeded != (tt.err == "") || !strings.HasPrefix(got.Error, tt.err) || got.Severity != tt.severity {
				t.Errorf("got %+v, want error %q, severity %q", got, tt.err, tt.severity)
			}
			if !strings.HasPrefix(got.RawData, tt.raw) || tt.raw == "" && got.RawData != "" {
				t.Errorf("got raw data %q, want %q", got.RawData, tt.raw)
			}
			if m, ok := metric(got, "total"); !ok || m.Unit != "s" || m.Value <= 0 {
				t.Errorf("got metric total %+v, want some seconds", m)
			}
		})
	}

	t.Run("request", func(t *testing.T) {
		b := newBench(t, nil) // settings from the environment are kept for a while
		b.env["HTTP_USER_AGENT"] = "env agent"
		got := b.run("http", check{config: map[string]any{
			"endpoint": server.URL + "/ok", "method": "POST", "body": "ping=1", "username": "ada", "password": "enigma",
			"headers": "X-One: 1\nx-two: 2",
		}})
		user, password, _ := last.BasicAuth()
		if !got.Succeeded || last.Method != "POST" || sent != "ping=1" || user != "ada" || password != "enigma" ||
			last.Header.Get("X-One") != "1" || last.Header.Get("X-Two") != "2" || last.UserAgent() != "env agent" {
			t.Errorf("got %+v for %s %q %v", got, last.Method, sent, last.Header)
		}
		b.run("http", check{config: map[string]any{"endpoint": server.URL + "/ok", "headers": "user-agent: mine"}})
		if last.UserAgent() != "mine" {
			t.Errorf("got user agent %q, want that of the check", last.UserAgent())
		}
		b.run("http", check{config: map[string]any{"endpoint": server.URL + "/ok"}, settings: map[string]any{"user_agent": "set agent"}})
		if last.UserAgent() != "set agent" {
			t.Errorf("got user agent %q, want that of the settings", last.UserAgent())
		}
	})

	t.Run("thresholds", func(t *testing.T) {
		got := b.run("http", check{config: map[string]any{"endpoint": server.URL + "/ok", "warn_after": "1s", "fail_after": "2s"}})
		if m, _ := metric(got, "total"); m.Warn == nil || *m.Warn != 1 || m.Fail == nil || *m.Fail != 2 {
			t.Errorf("got metric %+v, want thresholds 1 and 2", m)
		}
	})

	t.Run("refused", func(t *testing.T) {
		got := b.run("http", check{config: map[string]any{"endpoint": fmt.Sprintf("http://127.0.0.1:%d/", closedPort(t))}})
		if got.Succeeded || got.Unknown || !strings.HasPrefix(got.Error, "Request error occurred: connection refused") {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("hangs", func(t *testing.T) {
		start := time.Now()
		got := b.run("http", check{config: map[string]any{"endpoint": server.URL + "/hang"}, timeout: time.Second})
		if got.Succeeded || got.Unknown || !strings.HasPrefix(got.Error, "Request error occurred: timed out") || time.Since(start) > 2*time.Second {
			t.Errorf("got %+v after %v", got, time.Since(start))
		}
	})
}

func TestHTTPCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	b := newBench(t, nil)
	config := map[string]any{"endpoint": server.URL}
	if got := b.run("http", check{config: config}); got.Succeeded || !strings.Contains(got.Error, "unknown authority") {
		t.Errorf("got %+v, want a certificate that is not trusted", got)
	}
	config["verify_ssl_certificate"] = false
	if got := b.run("http", check{config: config}); !got.Succeeded {
		t.Errorf("got %+v, want a pass", got)
	}
	config["certificate_days"] = 30
	expires := server.Certificate().NotAfter
	b.now = expires.Add(-40 * 24 * time.Hour)
	if got := b.run("http", check{config: config}); !got.Succeeded {
		t.Errorf("got %+v, want a pass 40 days before", got)
	}
	b.now = expires.Add(-20*24*time.Hour - time.Hour)
	if got := b.run("http", check{config: config}); got.Error != "Certificate expires in 20 days (fewer than 30)" || got.Severity != engine.StatusWarning {
		t.Errorf("got %+v, want a warning 20 days before", got)
	}
	b.now = expires.Add(time.Hour)
	if got := b.run("http", check{config: config}); got.Error != "Certificate has expired" || got.Severity != engine.StatusWarning {
		t.Errorf("got %+v, want a warning after", got)
	}
}

func TestHTTPConfig(t *testing.T) {
	b := newBench(t, nil)
	good := map[string]any{"endpoint": "https://example.org/"}
	for _, tt := range []struct {
		change map[string]any
		at     string // location of the complaint; "" is none
	}{
		{nil, ""},
		{map[string]any{"endpoint": nil}, "endpoint"},
		{map[string]any{"endpoint": "example"}, "endpoint"},
		{map[string]any{"method": "FETCH"}, "method"},
		{map[string]any{"status_code": "2xx, 404"}, ""},
		{map[string]any{"status_code": "600"}, "status_code"},
		{map[string]any{"status_code": "200;404"}, "status_code"},
		{map[string]any{"text_match": "("}, "text_match"},
		{map[string]any{"warn_after": "soon"}, "warn_after"},
		{map[string]any{"certificate_days": 0}, "certificate_days"},
		{map[string]any{"headers": "no colon"}, "headers"},
	} {
		_, errs := b.clean("http", engine.ConfigForm, "c1", with(good, tt.change))
		if tt.at == "" && len(errs) > 0 || tt.at != "" && (len(errs) != 1 || errs[0].Location != tt.at) {
			t.Errorf("%v: got %+v, want a complaint at %q", tt.change, errs, tt.at)
		}
	}
	values := b.mustClean("http", engine.ConfigForm, "c1", good)
	if values["status_code"] != "200" || values["method"] != "GET" || values["verify_ssl_certificate"] != true || values["follow_redirects"] != true {
		t.Errorf("got defaults %+v", values)
	}
	text, err := b.plugin("http").Describe(t.Context(), b.checkRun("http", check{config: good}))
	if err != nil || text != "Status Code 200 from https://example.org/" {
		t.Errorf("got description %q, %v", text, err)
	}
}

func TestHTTPLargeBody(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for range 40 { // 2.5 MiB
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer site.Close()
	b := newBench(t, nil)
	if r := b.run("http", check{config: map[string]any{"endpoint": site.URL}}); !r.Succeeded {
		t.Errorf("of any length when nobody asks for it: %+v", r.Error)
	}
	if r := b.run("http", check{config: map[string]any{"endpoint": site.URL, "text_absent": "x"}}); r.Succeeded || r.Error != "Response body is larger than 1 MiB" {
		t.Errorf("larger than allowed: %+v", r.Error)
	}
	if r := b.run("http", check{config: map[string]any{"endpoint": site.URL, "text_absent": "x", "max_size": 4}}); !r.Succeeded {
		t.Errorf("as large as allowed: %+v", r.Error)
	}
}
