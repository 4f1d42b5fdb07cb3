package cli

import (
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// TestUndelete brings back a check that was deleted before a restart: it runs,
// with its secret, and its history goes on.
func TestUndelete(t *testing.T) {
	t.Parallel()
	m := programtest.Serving(t)
	m.Save("secretive.lua", `local forms = require "forms"
return { name = "Secretive", slug = "secretive", version = "1", config_form = { forms.CharField{ "password", widget = forms.PasswordInput } },
  run = function(self, check, result) result.succeeded = check.password == "sesame" return result end }`)
	m.AwaitPlugin("secretive", "1")
	check := m.Check("c", "secretive", programtest.Object{"password": "sesame"}, nil)
	programtest.Until(t, "results", 10*time.Second, func() bool { return len(m.Results(check, time.Time{})) >= 2 })
	m.API("DELETE", "/checks/"+check, nil, nil)
	if status, _, _ := m.Ask("GET", "/checks/"+check+"/results", nil); status != 404 {
		t.Errorf("the results of a deleted check answer %d", status)
	}
	m.End(syscall.SIGTERM)
	m.Start()
	back := time.Now()
	m.API("POST", "/checks/"+check+"/revisions/1/revert", nil, nil)
	programtest.Until(t, "it runs again", 10*time.Second, func() bool { return len(m.Results(check, time.Time{})) >= 2 })
	for _, r := range m.Results(check, time.Time{}) {
		if !r.Succeeded || r.Started.Before(back.Add(-time.Second)) {
			t.Errorf("a result after it came back: %+v", r)
		}
	}
	m.End(syscall.SIGKILL)
	m.Start()
	var list struct{ Items []struct{ Revision int } }
	m.API("GET", "/checks/"+check+"/revisions", nil, &list)
	if n := len(list.Items); n < 3 || list.Items[0].Revision != n {
		t.Errorf("its revisions are %+v", list.Items)
	}
	if len(m.Results(check, time.Time{})) < 2 {
		t.Error("its results are gone after a crash")
	}
}
