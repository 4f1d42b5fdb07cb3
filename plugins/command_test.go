package plugins_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// newCommand allows one program: a shell script with this text.
func newCommand(t *testing.T, script string) (b *bench, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "mend")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	o := host.DefaultOptions()
	o.AllowExec = []string{path}
	network, err := host.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { network.Close() })
	return newBench(t, network), path
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	b, path := newCommand(t, `{ for word; do printf '[%s]' "$word"; done; echo; cat; env | sort; } >`+out+`; echo restarted`)
	a := alert{event: firing(), service: map[string]any{"command": path, "arguments": `--service {service} '{status} of {kind}' {other} "$HOME"`}}
	a.event.Name = "Shop '$(id)' {status}"
	report, _ := b.send("command", a)
	if report.Outcome != engine.OutcomeSent || len(report.Log) != 1 || report.Log[0].Message != "restarted\n" && report.Log[0].Message != "restarted" {
		t.Fatalf("got %+v", report)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{
		"[--service][Shop '$(id)' {status}][CRITICAL of firing][{other}][$HOME]\n",
		"\nService Shop '$(id)' {status} reporting CRITICAL status: https://moon.example/services/s1. Checks failing: front & page (Wrong code: got 500 (expected 200))\n",
		"\nALERT_KIND=firing\n", "\nSERVICE_ID=s1\n", "\nSERVICE_NAME=Shop '$(id)' {status}\n", "\nSERVICE_ADDRESS=https://shop.example\n",
		"\nOVERALL_STATUS=CRITICAL\n", "\nOLD_OVERALL_STATUS=PASSING\n", "\nINCIDENT_KEY=inc-7\n", "\nDELIVERY_ID=d-1\n", "\nFAILING_CHECKS=front & page\n", "\nPAGE_URL=https://moon.example/services/s1\n",
	} {
		if !strings.Contains("\n"+text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestCommandKinds(t *testing.T) {
	b, path := newCommand(t, "exit 0")
	for _, tt := range []struct {
		event   engine.AlertSnapshot
		service map[string]any
		want    engine.AlertOutcome
	}{
		{of(engine.AlertFiring, engine.StatusCritical), nil, engine.OutcomeSent},
		{of(engine.AlertEscalation, engine.StatusCritical), nil, engine.OutcomeSent},
		{of(engine.AlertTest, engine.StatusPassing), map[string]any{"least": "CRITICAL"}, engine.OutcomeSent},
		{of(engine.AlertRepeat, engine.StatusCritical), nil, engine.OutcomeSkipped},
		{of(engine.AlertAcknowledged, engine.StatusCritical), nil, engine.OutcomeSkipped},
		{recovery(), nil, engine.OutcomeSkipped},
		{recovery(), map[string]any{"kinds": []any{"recovery"}}, engine.OutcomeSent},
		{of(engine.AlertAcknowledged, engine.StatusCritical), map[string]any{"kinds": []any{"acknowledged"}}, engine.OutcomeSent},
		{of(engine.AlertFiring, engine.StatusCritical), map[string]any{"kinds": []any{}}, engine.OutcomeSkipped},
	} {
		a := alert{event: tt.event, update: isUpdate(tt.event.Kind), service: with(map[string]any{"command": path}, tt.service)}
		if got, _ := b.send("command", a); got.Outcome != tt.want {
			t.Errorf("%s with %v: got %+v, want %s", tt.event.Kind, tt.service, got, tt.want)
		}
	}
	event := of(engine.AlertFiring, engine.StatusWarning)
	event.WorstStatus = engine.StatusWarning
	if got, _ := b.send("command", alert{event: event, service: map[string]any{"command": path, "least": "ERROR"}}); got.Outcome != engine.OutcomeSkipped || got.Why != "the incident is not at ERROR" {
		t.Errorf("got %+v", got)
	}
}

func TestCommandFaults(t *testing.T) {
	for _, tt := range []struct {
		script  string
		service map[string]any
		why     string
		retry   bool
	}{
		{script: "echo first >&2; echo 'no such unit' >&2; exit 5", why: "PATH exited with code 5: no such unit"},
		{script: "echo out; exit 1", why: "PATH exited with code 1: out"},
		{script: "exit 3", service: map[string]any{"again": true}, why: "PATH exited with code 3", retry: true},
		{script: "kill -9 $$", why: "PATH was ended by "},
		{script: "sleep 20", service: map[string]any{"time_limit": "1s"}, why: "PATH could not be run: "},
		{script: "exit 0", service: map[string]any{"command": "/usr/bin/false"}, why: "/usr/bin/false is not allowed: the operator must start Moonwatch with --allow-exec /usr/bin/false"},
	} {
		t.Run(tt.script, func(t *testing.T) {
			b, path := newCommand(t, tt.script)
			got, _ := b.send("command", alert{event: firing(), service: with(map[string]any{"command": path}, tt.service)})
			if why := strings.ReplaceAll(tt.why, "PATH", path); got.Outcome != engine.OutcomeFailed || !strings.HasPrefix(got.Why, why) || got.NoRetry == tt.retry || got.RetryAfter != 0 {
				t.Errorf("got %+v, want %q, to be tried again: %v", got, why, tt.retry)
			}
		})
	}
	b, _ := newCommand(t, "exit 0")
	if got, _ := b.send("command", alert{event: firing()}); got.Outcome != engine.OutcomeFailed || got.Why != "This service has no command" {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []map[string]any{{}, {"command": "ls"}, {"command": "/bin/ls", "arguments": "'open"}, {"command": "/bin/ls", "time_limit": "5m"}, {"command": "/bin/ls", "kinds": []any{"test"}}} {
		if _, errs := b.clean("command", engine.ServiceConfigForm, "s1", bad); len(errs) != 1 {
			t.Errorf("%v: got %+v, want one complaint", fmt.Sprint(bad), errs)
		}
	}
}
