package cli

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

func TestVersionIsAFlag(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		if code, out, errs := command(arg); code != 0 || out != "moonwatch "+version+"\n" || errs != "" {
			t.Errorf("%s: exit %d, %q, %q", arg, code, out, errs)
		}
	}
}

// TestTypos: a word that is nearly a command or a flag is answered with that.
func TestTypos(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"serv", "did you mean serve?"}, {"doctr", "did you mean doctor?"}, {"plugin lnt", "lint"}, {"user ad", "add"}, {"serve --lisen 3", "--listen"},
		{"--lisen 3", "--listen"}, {"plugin run --jsn", "--json"}, {"quux", "unexpected argument quux\n"}, {"serve --quux", "unknown flag --quux\n"},
	} {
		if code, _, errs := command(strings.Fields(tt.args)...); code != usageError || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: exit %d, %q, want %q", tt.args, code, errs, tt.want)
		}
	}
}

func TestListenAddress(t *testing.T) {
	for text, want := range map[string]string{
		"8420": "127.0.0.1:8420", "0": "127.0.0.1:0", ":8420": ":8420", "127.0.0.1:1": "127.0.0.1:1", "[::1]:1": "[::1]:1", "localhost:http": "localhost:http",
		"70000": "", "nowhere": "", "": "", "::1": "", "http://x": "",
	} {
		got, err := listenAddress(text)
		if got != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestExposure: who listens to the network is told so, and what crosses it.
func TestExposure(t *testing.T) {
	address := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 8420} }
	for ip, want := range map[string]string{"127.0.0.1": "", "::1": "", "0.0.0.0": "every address", "::": "every address", "192.0.2.7": "192.0.2.7"} {
		plain, tls := (&serveCommand{}).exposure(address(ip)), (&serveCommand{TLSCert: "x"}).exposure(address(ip))
		if (plain == "") != (want == "") || !strings.Contains(plain, want) || strings.Contains(plain, "unencrypted") != (want != "") || strings.Contains(tls, "unencrypted") {
			t.Errorf("of %s it says %q, with TLS %q", ip, plain, tls)
		}
	}
}
