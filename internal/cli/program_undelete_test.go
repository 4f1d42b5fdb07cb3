package cli

import (
	"syscall"
	"testing"
	"time"
)

// TestUndelete brings back a check that was deleted before a restart: it runs,
// with its secret, and its history goes on.
func TestUndelete(t *testing.T) {
	t.Parallel()
	m := servingMonitor(t)
	m.save("secretive.lua", `local forms = require "forms"
return { name = "Secretive", slug = "secretive", version = "1", config_form = { forms.CharField{ "password", widget = forms.PasswordInput } },
  run = function(self, check, result) result.succeeded = check.password == "sesame" return result end }`)
	m.awaitPlugin("secretive", "1")
	check := m.check("c", "secretive", object{"password": "sesame"}, nil)
	until(t, "results", 10*time.Second, func() bool { return len(m.results(check, time.Time{})) >= 2 })
	m.api("DELETE", "/checks/"+check, nil, nil)
	if status, _, _ := m.ask("GET", "/checks/"+check+"/results", nil); status != 404 {
		t.Errorf("the results of a deleted check answer %d", status)
	}
	m.end(syscall.SIGTERM)
	m.start()
	back := time.Now()
	m.api("POST", "/checks/"+check+"/revisions/1/revert", nil, nil)
	until(t, "it runs again", 10*time.Second, func() bool { return len(m.results(check, time.Time{})) >= 2 })
	for _, r := range m.results(check, time.Time{}) {
		if !r.Succeeded || r.Started.Before(back.Add(-time.Second)) {
			t.Errorf("a result after it came back: %+v", r)
		}
	}
	m.end(syscall.SIGKILL)
	m.start()
	var list struct{ Items []struct{ Revision int } }
	m.api("GET", "/checks/"+check+"/revisions", nil, &list)
	if n := len(list.Items); n < 3 || list.Items[0].Revision != n {
		t.Errorf("its revisions are %+v", list.Items)
	}
	if len(m.results(check, time.Time{})) < 2 {
		t.Error("its results are gone after a crash")
	}
}
