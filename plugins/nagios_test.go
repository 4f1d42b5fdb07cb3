package plugins_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// allowing is a bench on which these programs may be run.
func allowing(t *testing.T, programs ...string) *bench {
	t.Helper()
	options := host.DefaultOptions()
	options.AllowExec = programs
	h, err := host.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return newBench(t, h)
}

// script writes a program that prints its arguments' doing.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "check_it")
	syscall.ForkLock.RLock() // a program cannot be run while a process that was just begun has it open
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNagios(t *testing.T) {
	t.Parallel()
	path := script(t, `out=$1 code=$2; printf "$out"; [ -n "$3" ] && echo "$3" >&2; [ "$code" = kill ] && kill -9 $$; [ "$code" = hang ] && sleep 60; exit $code`)
	b := allowing(t, path)
	limit := func(v float64) *float64 { return &v }
	for _, tt := range []struct {
		name, arguments string
		want            verdict
		metrics         []engine.Metric
	}{
		{name: "passes", arguments: `"DISK OK - free space: / 3326 MB (56%%)" 0`, want: verdict{message: "DISK OK - free space: / 3326 MB (56%)"}},
		{name: "warns", arguments: `"DISK WARNING" 1`, want: verdict{err: "DISK WARNING", severity: engine.StatusWarning, raw: "DISK WARNING"}},
		{name: "critical", arguments: `"DISK CRITICAL\nmore of it" 2 "and a word"`, want: verdict{err: "DISK CRITICAL", severity: engine.StatusCritical, raw: "more of it\nand a word"}},
		{name: "unknown", arguments: `"DISK UNKNOWN" 3`, want: verdict{unknown: true, err: "DISK UNKNOWN"}},
		{name: "other code", arguments: `"what" 64`, want: verdict{unknown: true, err: "Exit code 64: what"}},
		{name: "prints nothing", arguments: `"" 2`, want: verdict{err: "check_it printed nothing", severity: engine.StatusCritical}},
		{name: "complains", arguments: `"" 3 "check_it: no such option"`, want: verdict{unknown: true, err: "check_it: no such option", raw: "no such option"}},
		{name: "killed", arguments: `"OK" kill`, want: verdict{unknown: true, err: "check_it was ended by SIGKILL"}},
		{name: "hangs", arguments: `"OK" hang`, want: verdict{err: path + " did not end in time", raw: "OK"}},
		{name: "perfdata", arguments: `"OK|/=2643MB;5948;5958;0;5968 'free space'=56.5%%;~:80;@90:95;0;100 users=3;10:;20: 'it''s'=1" 0`, want: verdict{message: "OK"}, metrics: []engine.Metric{
			{Name: "/", Value: 2643, Unit: "MB", Warn: limit(5948), Fail: limit(5958), Min: limit(0), Max: limit(5968)},
			{Name: "free space", Value: 56.5, Unit: "%", Warn: limit(80), Fail: limit(95), Min: limit(0), Max: limit(100)},
			{Name: "users", Value: 3, Warn: limit(10), Fail: limit(20)},
			{Name: "it's", Value: 1},
		}},
		{name: "perfdata on later lines", arguments: `"OK | a=1\nlong text\nmore | b=2s\nc=3c;;;;" 0`, want: verdict{message: "OK"}, metrics: []engine.Metric{
			{Name: "a", Value: 1}, {Name: "b", Value: 2, Unit: "s"}, {Name: "c", Value: 3, Unit: "c"}}},
		{name: "no value", arguments: `"OK|a=U b= c=x d=-1.5e3ms e=1,5" 0`, want: verdict{message: "OK"}, metrics: []engine.Metric{{Name: "d", Value: -1500, Unit: "ms"}, {Name: "e", Value: 1.5}}},
		{name: "garbage", arguments: `"\\377\\000|=\\001;;;=\n||'" 0`, want: verdict{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.waiting(t)
			got := b.run("nagios", check{timeout: tt.want.patience(), config: map[string]any{"command": path, "arguments": tt.arguments}})
			tt.want.compare(t, got)
			if fmt.Sprint(shown(got.Metrics)) != fmt.Sprint(shown(tt.metrics)) {
				t.Errorf("got metrics %v, want %v", shown(got.Metrics), shown(tt.metrics))
			}
		})
	}
	verdict{unknown: true, err: "/bin/true is not allowed: start moonwatch with --allow-exec /bin/true"}.compare(t, b.run("nagios", check{config: map[string]any{"command": "/bin/true"}}))
	gone := filepath.Join(t.TempDir(), "check_gone")
	verdict{unknown: true, err: "no such program: " + gone}.compare(t, allowing(t, gone).run("nagios", check{config: map[string]any{"command": gone}}))
}

func shown(metrics []engine.Metric) []string {
	var out []string
	for _, m := range metrics {
		text := fmt.Sprintf("%s=%v%s", m.Name, m.Value, m.Unit)
		for _, limit := range []*float64{m.Warn, m.Fail, m.Min, m.Max} {
			text += ";"
			if limit != nil {
				text += fmt.Sprint(*limit)
			}
		}
		out = append(out, text)
	}
	return out
}

// TestNagiosPrograms runs programs of Debian's monitoring-plugins.
func TestNagiosPrograms(t *testing.T) {
	at := func(name string) string { return program(t, name, "/usr/lib/nagios/plugins/"+name) }
	dummy, tcp, web, users, load := at("check_dummy"), at("check_tcp"), at("check_http"), at("check_users"), at("check_load")
	b := allowing(t, dummy, tcp, web, users, load)
	run := func(command, arguments string) engine.RunReport {
		return b.run("nagios", check{timeout: 10 * time.Second, config: map[string]any{"command": command, "arguments": arguments}})
	}
	for code, want := range map[string]verdict{
		"0": {message: "OK: it is fine"}, "1": {err: "WARNING: it is fine", severity: engine.StatusWarning},
		"2": {err: "CRITICAL: it is fine", severity: engine.StatusCritical}, "3": {unknown: true, err: "UNKNOWN: it is fine"},
	} {
		want.compare(t, run(dummy, code+" 'it is fine'"))
	}

	port := listen(t, func(c net.Conn) { fmt.Fprint(c, "220 ready\r\n"); _, _ = c.Read(make([]byte, 10)) })
	got := run(tcp, fmt.Sprintf("-H 127.0.0.1 -p %d -e 220 -w 5 -c 8", port))
	verdict{message: "TCP OK"}.compare(t, got)
	if m, ok := metric(got, "time"); !ok || m.Unit != "s" || m.Warn == nil || *m.Warn != 5 || m.Fail == nil || *m.Fail != 8 {
		t.Errorf("got metrics %v", shown(got.Metrics))
	}
	verdict{err: "connect to address 127.0.0.1 and port", severity: engine.StatusCritical}.compare(t, run(tcp, fmt.Sprintf("-H 127.0.0.1 -p %d", refusedPort(t))))

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }))
	defer server.Close()
	_, webPort, _ := strings.Cut(server.Listener.Addr().String(), ":")
	got = run(web, "-I 127.0.0.1 -p "+webPort)
	verdict{err: "HTTP CRITICAL: HTTP/1.0 503 Service Unavailable", severity: engine.StatusCritical}.compare(t, got)
	if m, ok := metric(got, "size"); !ok || m.Unit != "B" || m.Value <= 0 {
		t.Errorf("got metrics %v", shown(got.Metrics))
	}

	got = run(load, "-w 1000,1000,1000 -c 2000,2000,2000")
	verdict{message: "LOAD OK"}.compare(t, got)
	if m, ok := metric(got, "load1"); !ok || m.Warn == nil || *m.Warn != 1000 || m.Min == nil {
		t.Errorf("got metrics %v", shown(got.Metrics))
	}
	if got = run(users, "--no-such-option"); !got.Unknown || got.Error == "" || got.RawData == "" {
		t.Errorf("got %+v, want unknown with what the program printed", got)
	}
}

func TestNagiosConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"command": "/usr/lib/nagios/plugins/check_load", "arguments": "-w '5, 4'"}
	b.checkConfig(t, "nagios", good, complaint{nil, ""}, complaint{map[string]any{"command": nil}, "command"}, complaint{map[string]any{"command": "check_load"}, "command"},
		complaint{map[string]any{"arguments": "-w '5"}, "arguments"}, complaint{map[string]any{"arguments": nil}, ""})
	if got := b.description(t, "nagios", good); got != "check_load -w '5, 4'" {
		t.Errorf("got description %q", got)
	}
}
