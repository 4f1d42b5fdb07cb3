package main

import (
	"net"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

func TestHelpIsACommand(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"help", "plugin list"}, {"help plugin", "plugin list"}, {"help plugin send", "unacknowledged"},
	} {
		code, out, errs := command(strings.Fields(tt.args)...)
		if code != 0 || errs != "" || !strings.Contains(out, tt.want) {
			t.Errorf("%s: exit %d, %q, want %q in\n%s", tt.args, code, errs, tt.want, out)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	code, _, errs := command("serve", "--data", t.TempDir(), "--listen", l.Addr().String())
	if want := "listen on " + l.Addr().String() + ": the address is in use; choose another with --listen"; code != 1 || !strings.Contains(errs, want) {
		t.Errorf("exit %d, %q, want %q", code, errs, want)
	}
}

func TestMetricText(t *testing.T) {
	warn, fail := 50.0, 100.0
	for want, m := range map[string]engine.Metric{
		"depth = 7":                              {Name: "depth", Value: 7},
		"took = 0.25 s (warn 50)":                {Name: "took", Value: 0.25, Unit: "s", Warn: &warn},
		"depth = 7 (warn 50, fail 100, max 100)": {Name: "depth", Value: 7, Warn: &warn, Fail: &fail, Max: &fail},
	} {
		if got := metricText(m); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCauseText(t *testing.T) {
	for cause, want := range map[engine.Cause]string{
		engine.CausePlugin: "the plugin has no data", engine.CauseError: "mistake in the plugin", engine.CauseConfig: "config",
	} {
		if got := causeText(cause); got != want {
			t.Errorf("%s: got %q, want %q", cause, got, want)
		}
	}
}

// A URL that is a secret as a whole shows its host, where there is more to it.
func TestShownTarget(t *testing.T) {
	for _, tt := range []struct{ target, url, want string }{
		{"POST ***", "https://hooks.example/T1/secret", "POST https://hooks.example/***"},
		{"POST ***", "https://ada:pass@hooks.example:8443/?key=secret", "POST https://hooks.example:8443/***"},
		{"POST ***", "https://secret.example/", "POST ***"},
		{"POST ***/path", "https://secret.example/path", "POST ***/path"},
		{"GET https://a.example/?key=***", "https://a.example/?key=secret", "GET https://a.example/?key=***"},
	} {
		got := shownTarget(host.Call{Kind: "http", Target: tt.target, Asked: &host.HTTPRequest{URL: tt.url}})
		if got != tt.want {
			t.Errorf("%s of %s: got %q, want %q", tt.target, tt.url, got, tt.want)
		}
	}
	if got := shownTarget(host.Call{Kind: "exec", Target: "/bin/x ***"}); got != "/bin/x ***" {
		t.Errorf("got %q", got)
	}
}
