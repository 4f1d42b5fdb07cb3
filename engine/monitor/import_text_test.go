package monitor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"moonwatch/engine/config/importer"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
)

// A number or true where a field takes text is that text, as it is written; what
// a variable holds stands for it; what looks like a shell's variable is noted.
func TestTextsOfADocument(t *testing.T) {
	b := newConfigBench(t)
	defer b.e.Stop()
	const text = "moonwatch: 1\nchecks:\n- name: 7\n  plugin: rich\n  config:\n    endpoint: %s\n    count: {env: COUNT}\n    verify: {env: VERIFY}\n" +
		"    wait: 30s\n    headers: {X-Version: 1.10, X-Debug: true}\n    many: [1]\n    mode: no\n    json: {a: 1.50, b: true}\n    password: {env: PASS}\n" +
		"    rows:\n    - host: 007\n      key: 0123\n"
	variables := map[string]string{"COUNT": "12", "VERIFY": "false", "PASS": "007", "URL": "https://moon.example"}
	for yaml, want := range map[string]string{"200": "200", "1.10": "1.10", "0123": "0123", "1e3": "1e3", "-5": "-5", "true": "true", "{env: URL}": "https://moon.example", "0x1F": "0x1F", "1_000": "1_000"} {
		report := importInto(t, b, fmt.Appendf(nil, text, yaml), importer.ImportOptions{Variables: variables})
		var c edit.CheckView
		for _, one := range b.e.Checks.Checks() {
			if one.Name == "7" {
				c = one
			}
		}
		stored, err := b.e.Checks.StoredCheck(c.ID)
		if err != nil {
			t.Fatal(err, report)
		}
		got := stored.Config
		if got["endpoint"] != want || got["count"] != 12.0 || got["verify"] != false || got["headers"] != "X-Debug: true\nX-Version: 1.10" || fmt.Sprint(got["json"]) != "map[a:1.5 b:true]" || fmt.Sprint(got["many"]) != "[1]" {
			t.Errorf("%s: stored %v", yaml, got)
		}
		row := got["rows"].([]any)[0].(map[string]any)
		if plain, err := (lockedSealer{}).Open(c.ID, "password", got["password"].(form.Sealed)); err != nil || string(plain) != "007" {
			t.Errorf("the password is %q, %v", plain, err)
		}
		if plain, err := (lockedSealer{}).Open(c.ID, "rows.key", row["key"].(form.Sealed)); err != nil || row["host"] != "007" || string(plain) != "0123" {
			t.Errorf("the row is %v, its key %q, %v", row, plain, err)
		}
	}

	report, err := b.e.Config.Import(t.Context(), admin, fmt.Appendf(nil, text, "a"), importer.ImportOptions{})
	if err == nil || len(report.Problems) == 0 || !strings.Contains(report.Problems[0].Message, "COUNT is not set") || report.Problems[0].Line != 7 {
		t.Errorf("variables that are not set: %v, %+v", err, report)
	}
	report = importInto(t, b, []byte("moonwatch: 1\nchecks:\n- name: shell\n  plugin: probe\n  config: {target: x, password: \"${HTTP_PASS}\"}\n"), importer.ImportOptions{DryRun: true})
	if !slices.ContainsFunc(report.Notes, func(n importer.ImportProblem) bool {
		return n.Location == `checks["shell"].config.password` && n.Line == 5 && strings.Contains(n.Message, "{env: HTTP_PASS}")
	}) {
		t.Errorf("notes %+v", report.Notes)
	}
}
