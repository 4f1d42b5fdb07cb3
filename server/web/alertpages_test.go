package web

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/server/web/frame"
)

func TestAcknowledgeOnThePages(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0]
	path := "/services/" + s.ID
	for _, page := range []string{path, "/incidents/" + *s.Incident} {
		h.get(access.Operator, page).want(t, http.StatusOK, path+"/acknowledge")
	}
	h.get(access.Operator, "/").want(t, http.StatusOK, `name="of" value="service/`+s.ID, "<strong>Acknowledge Shop ")
	h.post(access.Operator, path+"/acknowledge", "for", "soon").want(t, http.StatusUnprocessableEntity, "how long")
	h.post(access.Operator, path+"/acknowledge", "key", "another").want(t, http.StatusConflict, "Another incident")
	r := h.post(access.Operator, path+"/acknowledge", "for", "1h", "comment", "on it "+nasty, "back", "/incidents/"+*s.Incident).want(t, http.StatusSeeOther)
	if got := r.header.Get("Location"); got != "/incidents/"+*s.Incident+"?done=acknowledged" {
		t.Errorf("leads to %s", got)
	}
	ack := h.service(s.ID).Acknowledgement
	if ack == nil || ack.Username != "the-operator" || ack.Expires == nil || ack.Expires.Sub(ack.At) != time.Hour {
		t.Fatalf("the acknowledgement is %+v", ack)
	}
	h.get(access.Operator, "/").want(t, http.StatusOK, "acknowledged until ", "by the-operator", "on it &lt;script&gt;", path+"/unacknowledge")
	for page, name := range map[string]string{path: "the-operator", "/incidents/" + *s.Incident: html.EscapeString(nasty)} {
		h.get(access.Operator, page).want(t, http.StatusOK, "Acknowledged by <strong>"+name+"</strong>", "on it &lt;script&gt;", path+"/unacknowledge")
	}
	h.get(access.Viewer, path).want(t, http.StatusOK, "Acknowledged by").without(t, "/unacknowledge")
	h.post(access.Operator, path+"/unacknowledge", "back", "//evil.example/").want(t, http.StatusSeeOther)
	if h.service(s.ID).Acknowledgement != nil {
		t.Error("the acknowledgement was not ended")
	}
	for posted, want := range map[string]time.Duration{"": 20 * time.Minute, "4h": 4 * time.Hour, "recovery": 0} {
		h.post(access.Operator, path+"/acknowledge", "for", posted).want(t, http.StatusSeeOther)
		ack := h.service(s.ID).Acknowledgement
		if want == 0 && ack.Expires != nil || want != 0 && (ack.Expires == nil || ack.Expires.Sub(ack.At) != want) {
			t.Errorf("for %q it lasts until %v", posted, ack.Expires)
		}
	}
}

func (h *house) service(id string) edit.ServiceView {
	h.t.Helper()
	s, err := h.engine.Targets.Service(id)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestNotesAndTests(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0]
	incident := "/incidents/" + *s.Incident
	h.post(access.Operator, incident+"/notes", "text", "  ").want(t, http.StatusUnprocessableEntity, "Text: This field is required.")
	h.post(access.Operator, incident+"/notes", "text", "it was the disk").want(t, http.StatusSeeOther)
	h.get(access.Viewer, incident).want(t, http.StatusOK, "it was the disk", "<strong>"+html.EscapeString(nasty)+"</strong>")
	h.post(access.Operator, "/incidents/none/notes", "text", "x").want(t, http.StatusNotFound)

	r := h.post(access.Operator, "/services/"+s.ID+"/test-alert", "plugin", "pager").want(t, http.StatusSeeOther)
	delivery := strings.TrimSuffix(r.header.Get("Location"), "?done=tested")
	h.get(access.Operator, delivery).want(t, http.StatusOK, "A test")
	d, err := h.engine.Incidents.Delivery(t.Context(), strings.TrimPrefix(delivery, "/deliveries/"))
	if err != nil || !slices.Equal(d.Users, []string{h.users[access.Operator].ID}) {
		t.Errorf("the test went to %v: %v", d.Users, err)
	}
	h.post(access.Operator, "/services/"+s.ID+"/test-alert", "plugin", "probe").want(t, http.StatusUnprocessableEntity, "not an alert plugin")
}

// TestTheIncidentSaysWhatIsBroken looks for what fails, who is told and what comes
// next at the head of an incident, in the lists, and before the tables of a service.
func TestTheIncidentSaysWhatIsBroken(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0]
	incident, path := "/incidents/"+*s.Incident, "/services/"+s.ID
	down, admin := h.engine.Checks.Checks()[0], h.users[access.Admin].ID
	for _, c := range h.engine.Checks.Checks() {
		if strings.HasPrefix(c.Name, "down") {
			down = c
		}
	}
	escaped := html.EscapeString(nasty)
	h.get(access.Operator, incident).want(t, http.StatusOK, `href="/checks/`+down.ID+`">down `+escaped, "is down "+escaped, "Latest results:", `href="https://runbook.example.org/"`,
		"is on call (<a href=\"/rotas/", "not acknowledged for", "next: <strong>", "in 14 min", escaped+" failed: nobody answers", "failed: <span class=\"error-text\">is down").
		without(t, "Something changed", "held<", "queued", "0 duty officers")
	for query, found := range map[string]bool{"": true, "?show=open": true, "?show=over": false, "?q=IS+DOWN": true, "?q=nothing": false, "?subject=shop": true, "?subject=" + s.ID: true, "?subject=box": false,
		"?tag=" + url.QueryEscape(nasty): true, "?tag=x": false, "?from=2020-01-01&to=2090-01-01": true, "?to=2020-01-01": false, "?from=2090-01-01&show=over": false} {
		r := h.get(access.Viewer, "/incidents"+query).want(t, http.StatusOK)
		if got := strings.Contains(r.text, `id="i-`+*s.Incident); got != found {
			t.Errorf("/incidents%s: found %t", query, got)
		}
	}
	h.get(access.Viewer, "/incidents").want(t, http.StatusOK, "<strong>down "+escaped+"</strong>", "is down "+escaped)
	for query, found := range map[string]bool{"": true, "?state=failures": true, "?state=dead": true, "?state=sent": false, "?plugin=pager": true, "?plugin=probe": false,
		"?user=" + admin: true, "?user=" + h.users[access.Viewer].ID: false, "?state=failures&plugin=pager&user=" + admin: true} {
		r := h.get(access.Viewer, "/deliveries"+query).want(t, http.StatusOK)
		if got := strings.Contains(r.text, `id="d-`); got != found {
			t.Errorf("/deliveries%s: found %t", query, got)
		}
	}
	sent, err := h.engine.Incidents.Deliveries(t.Context(), alert.DeliveryQuery{Incident: *s.Incident})
	if err != nil || len(sent) == 0 || !strings.HasSuffix(sent[0].Snapshot.IncidentURL, incident) || !strings.HasSuffix(sent[0].Snapshot.PageURL, path) {
		t.Errorf("an alert does not lead to the incident: %+v %v", sent, err)
	}
	h.get(access.Viewer, "/deliveries/"+sent[0].ID).want(t, http.StatusOK, "What was sent", "<strong>title "+escaped, "the door is shut "+escaped)
	page := h.get(access.Admin, path).want(t, http.StatusOK, "What fails", "Latest results:").text
	order := []string{`class="button primary"><svg class="icon " aria-hidden="true" focusable="false"><use href="/assets/`, "Acknowledge</summary>", "Silence</summary>", "Run all checks", "Delete</a>", "What fails", "is down", `id="checks"`}
	for last := 0; len(order) > 0; order = order[1:] {
		next := strings.Index(page[last:], order[0])
		if next < 0 {
			t.Fatalf("%q does not come in its place", order[0])
		}
		last += next
	}
	// When it is over, what failed and how long is there still.
	c, err := h.engine.Checks.StoredCheck(down.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.Config["host"] = "up"
	if _, err := h.engine.Checks.SaveCheck(t.Context(), testAdmin(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := h.engine.RunCheck(t.Context(), down.ID); err != nil {
		t.Fatal(err)
	}
	h.until("the incident is over", func() bool { return h.service(s.ID).Incident == nil })
	h.get(access.Viewer, incident).want(t, http.StatusOK, "it lasted", "is down "+escaped, "Back to normal after").without(t, "next: <strong>", "not acknowledged for")
	h.get(access.Viewer, path).without(t, "What fails")
}

func TestWhyOfDelivery(t *testing.T) {
	refused, underWay := engine.Attempt{Error: "ntfy answered 501"}, engine.Attempt{}
	for want, d := range map[string]engine.Delivery{
		"ntfy answered 501": {State: engine.DeliveryFailed, Attempts: []engine.Attempt{{Error: "timed out"}, refused, underWay}},
		"given up":          {State: engine.DeliveryDead, Why: "given up", Attempts: []engine.Attempt{refused}},
		"":                  {State: engine.DeliverySent, Attempts: []engine.Attempt{refused, underWay}},
	} {
		if got := frame.WhyOf(d); got != want {
			t.Errorf("%s: got %q, want %q", d.State, got, want)
		}
	}
}

func TestNewUserTellsOfPlugins(t *testing.T) {
	h := furnished(t)
	h.get(access.Admin, "/users/new").want(t, http.StatusOK, "is asked once the user is there")
	h.get(access.Admin, "/users/"+h.users[access.Admin].ID).without(t, "is asked once the user is there")
}

func TestWhyPage(t *testing.T) {
	h := furnished(t)
	path := "/incidents/" + *h.engine.Targets.Services()[0].Incident + "/why"
	h.get(access.Admin, path).want(t, http.StatusOK, "the-admin (you)", "Given up", "It broke")
	h.get(access.Viewer, path).want(t, http.StatusOK, "Not asked", "neither a user to notify nor on duty")
	h.get(access.Viewer, path+"?user="+h.users[access.Admin].ID+"&plugin=pager").want(t, http.StatusOK, "Given up", `value="pager" selected`)
	h.get(access.Viewer, "/incidents/none/why").want(t, http.StatusNotFound)
}

func TestSilenceForm(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0].ID
	h.get(access.Operator, "/silences/new?service="+s).want(t, http.StatusOK, `type="datetime-local"`, `value="`+s+`" checked`, "Every day")
	good := []string{"comment", "night work", "starts_at", "2031-03-01T22:00", "ends_at", "2031-03-02T04:00", "time_zone", "Europe/Berlin", "repeat", "FREQ=WEEKLY", "services", s, "tags", "a, b", "maintenance", "true"}
	for _, bad := range []struct {
		change []string
		want   string
	}{
		{[]string{"starts_at", ""}, `href="#f-starts_at"`}, {[]string{"starts_at", "tomorrow"}, "write a date and time"}, {[]string{"ends_at", "2031-03-01T21:00"}, "the end must be after the start"},
		{[]string{"time_zone", "Mars/North"}, "IANA"}, {[]string{"repeat", "custom", "rrule", ""}, `href="#f-rrule"`}, {[]string{"repeat", "custom", "rrule", "FREQ=HOURLY"}, "RFC 5545"},
		{[]string{"services", "", "tags", ""}, "name at least one"}, {[]string{"services", "none"}, `href="#f-services"`},
	} {
		r := h.post(access.Operator, "/silences/new", with(good, bad.change...)...).want(t, http.StatusUnprocessableEntity, "night work")
		if !strings.Contains(strings.ToLower(r.text), strings.ToLower(bad.want)) {
			t.Errorf("with %v the page does not hold %q", bad.change, bad.want)
		}
	}
	if n := len(h.engine.Silences.Silences()); n != 3 {
		t.Fatalf("%d silences after bad forms", n)
	}
	path := strings.TrimSuffix(h.post(access.Operator, "/silences/new", good...).want(t, http.StatusSeeOther).header.Get("Location"), "?done=made")
	v, err := h.engine.Silences.Silence(strings.TrimPrefix(path, "/silences/"))
	if err != nil || v.RRule != "FREQ=WEEKLY" || !v.Maintenance || v.Author != "the-operator" || !slices.Equal(v.Tags, []string{"a", "b"}) || v.StartsAt.Format(time.RFC3339) != "2031-03-01T21:00:00Z" {
		t.Fatalf("saved %+v: %v", v.Silence, err)
	}
	h.get(access.Viewer, path).want(t, http.StatusOK, "Coming", "every week on that day", "Europe/Berlin", "left out of the figures")
	h.get(access.Operator, path+"/edit").want(t, http.StatusOK, `value="2031-03-01T22:00"`, `value="FREQ=WEEKLY" selected`)
	h.post(access.Operator, path+"/edit", with(good, "comment", "changed", "revision", "9")...).want(t, http.StatusPreconditionFailed, "Somebody else saved")
	h.post(access.Operator, path+"/edit", with(good, "comment", "changed", "revision", "1", "repeat", "custom", "rrule", "FREQ=MONTHLY;BYDAY=2TU")...).want(t, http.StatusSeeOther)
	h.get(access.Operator, path+"/edit").want(t, http.StatusOK, `value="custom" selected`, "FREQ=MONTHLY;BYDAY=2TU")
	h.post(access.Operator, path+"/end").want(t, http.StatusConflict)
	h.post(access.Operator, path+"/delete").want(t, http.StatusSeeOther)
	h.get(access.Operator, path).want(t, http.StatusNotFound)
}

func TestQuickSilence(t *testing.T) {
	h := furnished(t)
	s, c := h.engine.Targets.Services()[0].ID, h.engine.Checks.Checks()[0].ID
	h.post(access.Operator, "/silences/quick", "for", "never").want(t, http.StatusUnprocessableEntity)
	h.post(access.Operator, "/silences/quick", "for", "1h").want(t, http.StatusUnprocessableEntity, "name at least one")
	for field, id := range map[string]string{"service": s, "check": c} {
		r := h.post(access.Operator, "/silences/quick", field, id, "for", "1h", "comment", "hush now", "back", "/"+field+"s/"+id).want(t, http.StatusSeeOther)
		if got := r.header.Get("Location"); got != "/"+field+"s/"+id+"?done=silenced" {
			t.Errorf("leads to %s", got)
		}
		h.get(access.Viewer, "/"+field+"s/"+id).want(t, http.StatusOK, "Silenced by the-operator: hush now")
	}
	list := h.engine.Silences.Silences()
	last := list[len(list)-1]
	if !last.Active || last.EndsAt.Sub(last.StartsAt) != time.Hour {
		t.Fatalf("the silence is %+v", last)
	}
	h.get(access.Operator, "/silences").want(t, http.StatusOK, "Holding now", "hush now", "Coming", "Over")
	h.post(access.Operator, "/silences/"+last.ID+"/end").want(t, http.StatusSeeOther)
	if v, err := h.engine.Silences.Silence(last.ID); err != nil || v.Active {
		t.Errorf("the silence was not ended: %+v %v", v, err)
	}
}

func TestPausedAlertsAreSaidEverywhere(t *testing.T) {
	h := furnished(t)
	s := h.engine.Settings()
	s.PauseAlerts = true
	if _, err := h.engine.Site.SaveSettings(t.Context(), testAdmin(), s); err != nil {
		t.Fatal(err)
	}
	for path, need := range h.addresses() {
		h.get(access.Admin, path).want(t, http.StatusOK, "All alerts are paused")
		if need == access.Viewer {
			h.get(access.Viewer, path).without(t, `href="/settings"`)
		}
	}
}
