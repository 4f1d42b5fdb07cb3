package server

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// TestOthersAreIdAndNames: by no way does who is no admin learn of other people
// more than their id, username and names.
func TestOthersAreIdAndNames(t *testing.T) {
	h := populated(t)
	pager := h.plugins.plugin("pager")
	const mail, number = "victim@example.org", "+15550001111"
	pager.OnAlert = func(context.Context, *engine.AlertCall) engine.AlertReport {
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: mail + " was refused: " + number, NoRetry: true,
			Log: []engine.LogLine{{Level: "info", Message: "calling " + number}}}
	}
	victim := h.admin(201, "POST", "/users", m{"username": "victim", "first_name": "Vic", "last_name": "Tim", "email": mail, "role": "operator",
		"time_zone": "Europe/Berlin", "settings": m{"pager": m{"number": number, "pin": "1234"}}, "quiet_hours": []m{{"start": "00:00", "end": "23:59"}}}).id()
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "importance": "CRITICAL"}).id()
	service := h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check}, "users_to_notify": []string{victim}, "alerts": []m{{"plugin": "pager", "settings": m{}}}}).id()
	var delivery, incident string
	until(t, "a delivery has failed", func() bool {
		for _, d := range h.admin(200, "GET", "/deliveries?service="+service, nil).items() {
			delivery, incident = d["id"].(string), d["incident"].(string)
			return d["state"] == "dead" || d["state"] == "failed"
		}
		return false
	})
	if text := h.admin(200, "GET", "/deliveries/"+delivery, nil).text; !strings.Contains(text, mail) || !strings.Contains(text, number) {
		t.Fatalf("an admin is not told what failed: %s", text)
	}
	secrets := []string{mail, number, "Berlin", "23:59", "quiet_hours\":[{"}
	instant := regexp.MustCompile(`\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`) // may hold the hour by chance
	clean := func(what, text string) {
		t.Helper()
		text = instant.ReplaceAllString(text, "")
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q: %.300s", what, secret, text)
			}
		}
	}
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Editor} {
		events, _ := h.listen(h.tokens[role], "")
		limited := h.admin(201, "POST", "/tokens", m{"name": "l", "user": h.users[access.Admin].ID, "role": role}).body["token"].(string)
		for _, token := range []string{h.tokens[role], limited} {
			for _, path := range []string{"/users", "/users/" + victim, "/users?username=victim", "/users?ordering=-email", "/deliveries", "/deliveries/" + delivery,
				"/incidents", "/incidents/" + incident, "/incidents/" + incident + "/why", "/incidents/" + incident + "/why?user=" + victim,
				"/services", "/services/" + service, "/services/" + service + "/revisions", "/users/" + victim + "/revisions", "/audit", "/audit?kind=user",
				"/export", "/oncall", "/rotas", "/plugins/pager", "/tokens", "/report", "/settings"} {
				clean(fmt.Sprintf("%s to %s", path, role), h.do(token, "GET", rest.Root+path, nil).text)
			}
			one := h.do(token, "GET", rest.Root+"/users/"+victim, nil)
			if len(one.body) != 4 || one.body["username"] != "victim" || one.body["first_name"] != "Vic" || one.body["last_name"] != "Tim" || one.body["id"] != victim {
				t.Errorf("of another person %s sees %s", role, one.text)
			}
			for _, filter := range []string{"email=" + mail, "time_zone=Europe%2FBerlin", "role=operator&username=victim"} {
				if n := len(h.do(token, "GET", rest.Root+"/users?"+filter, nil).items()); filter != "" && n != 0 {
					t.Errorf("the filter %s finds what is hidden from %s", filter, role)
				}
			}
		}
		self := h.as(role, "GET", "/users/"+h.users[role].ID, nil)
		if self.body["role"] != string(role) || self.body["time_zone"] != "UTC" {
			t.Errorf("of themselves %s sees %s", role, self.text)
		}
		h.admin(200, "PATCH", "/users/"+victim, m{"first_name": "Vic", "last_name": "Tim"})
		h.admin(200, "PATCH", "/users/"+victim, m{"quiet_critical": role == access.Operator})
		for e := range events {
			if e.name == "user" && e.data["id"] == victim {
				if clean("an event", fmt.Sprint(e.data)); len(e.data) != 4 {
					t.Errorf("an event tells %s %v", role, e.data)
				}
				break
			}
		}
	}
}
