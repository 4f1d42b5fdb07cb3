package web

import (
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/history"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/webform"
)

func TestRevisionsAreShownAndBroughtBack(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0]
	stored, err := h.engine.Targets.StoredService(s.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored.Name, stored.UsersToNotify = "Renamed", []string{h.users[access.Editor].ID}
	if _, err := h.engine.Targets.SaveService(t.Context(), testAdmin(), stored); err != nil {
		t.Fatal(err)
	}
	path := "/revisions/service/" + s.ID
	h.get(access.Viewer, path).want(t, http.StatusOK, "Revision 3", "<ins>Renamed</ins>", "<del>the-admin</del>", "<ins>the-editor</ins>", "as it is now").without(t, "/revert")
	h.get(access.Editor, path).want(t, http.StatusOK, path+"/2/revert").without(t, path+"/3/revert")
	h.post(access.Editor, path+"/2/revert", "revision", "1").want(t, http.StatusPreconditionFailed)
	h.post(access.Editor, path+"/9/revert", "revision", "3").want(t, http.StatusNotFound)
	h.post(access.Editor, path+"/2/revert", "revision", "3").want(t, http.StatusSeeOther)
	now, err := h.engine.Targets.StoredService(s.ID)
	if err != nil || now.Name != s.Name || now.Revision != 4 || !slices.Equal(now.UsersToNotify, s.UsersToNotify) {
		t.Errorf("brought back %+v: %v", now, err)
	}
	if code := now.Alerts[0].Settings["code"]; code != stored.Alerts[0].Settings["code"] {
		t.Error("a secret was lost")
	}
	if err := h.engine.Targets.DeleteService(t.Context(), testAdmin(), s.ID, nil); err != nil {
		t.Fatal(err)
	}
	h.get(access.Viewer, path).want(t, http.StatusOK, "deleted").without(t, "/revert")
	h.get(access.Editor, path).want(t, http.StatusOK, "deleted", path+"/4/revert")
	h.post(access.Viewer, path+"/4/revert", "revision", "0").want(t, http.StatusForbidden)
	h.post(access.Editor, path+"/4/revert", "revision", "0").want(t, http.StatusSeeOther)
	if again, err := h.engine.Targets.StoredService(s.ID); err != nil || again.Name != s.Name || again.Revision != 6 || again.Alerts[0].Settings["code"] != stored.Alerts[0].Settings["code"] {
		t.Errorf("after its deletion it came back as %+v: %v", again, err)
	}
	for _, bad := range []string{"/revisions/service/none", "/revisions/token/x", "/revisions/settings/site"} {
		h.get(access.Admin, bad).want(t, http.StatusNotFound)
	}
}

// TestADeletionLeadsToTheWayBack deletes one of each kind on the pages, and
// follows the link that is offered.
func TestADeletionLeadsToTheWayBack(t *testing.T) {
	h := furnished(t)
	for _, c := range []struct {
		path string
		role access.Role
	}{
		{"/silences/" + h.engine.Silences.Silences()[0].ID, access.Operator}, // first: it goes with the last thing that it silences
		{"/rotas/" + h.engine.OnCall.Rotas()[0].ID, access.Editor},
		{"/services/" + h.engine.Targets.Services()[0].ID, access.Editor},
		{"/instances/" + h.engine.Targets.Instances()[0].ID, access.Editor},
		{"/checks/" + h.engine.Checks.Checks()[0].ID, access.Editor},
		{"/users/" + h.users[access.Viewer].ID, access.Admin},
	} {
		path, role := c.path, c.role
		h.get(role, path+"/delete").want(t, http.StatusOK, "can be brought back")
		to := h.post(role, path+"/delete").want(t, http.StatusSeeOther).header.Get("Location")
		kind, id, _ := strings.Cut(path[1:], "s/")
		history := "/revisions/" + kind + "/" + id
		h.get(role, to).want(t, http.StatusOK, "Deleted.", `href="`+history+`"`, "Bring it back")
		page := h.get(role, history).want(t, http.StatusOK, "has to be linked again").text
		_, rest, found := strings.Cut(page, `action="`+history+"/")
		number, _, _ := strings.Cut(rest, "/")
		if !found {
			t.Errorf("%s: nothing can be brought back", path)
			continue
		}
		h.get(role, path).want(t, http.StatusNotFound)
		h.post(role, history+"/"+number+"/revert", "revision", "0").want(t, http.StatusSeeOther)
		h.get(role, path).want(t, http.StatusOK)
	}
	for _, bad := range []string{"nosuch/x", "check/", "token/x", "settings/site", "//evil.example"} {
		h.get(access.Viewer, "/checks?done=deleted&was="+bad).want(t, http.StatusOK, "Deleted.").without(t, "Bring it back")
	}
}

func TestRevisionsOfEveryKindAreBroughtBack(t *testing.T) {
	h := newHouse(t)
	h.people("a long password")
	h.furnish()
	by := testAdmin()
	check, instance, rota, silence := h.engine.Checks.Checks()[0].ID, h.engine.Targets.Instances()[0].ID, h.engine.OnCall.Rotas()[0].ID, h.engine.Silences.Silences()[0].ID
	viewer := h.users[access.Viewer].ID
	c, _ := h.engine.Checks.StoredCheck(check)
	c.Debounce = 7
	i, _ := h.engine.Targets.StoredInstance(instance)
	i.Address = "elsewhere"
	r, _ := h.engine.OnCall.StoredRota(rota)
	r.TimeZone = "Europe/Paris"
	v, _ := h.engine.Silences.Silence(silence)
	v.Silence.Comment = "other"
	u, _ := h.engine.Users.StoredUser(viewer)
	u.Email = "viewer@example.org"
	site := h.engine.Settings()
	site.PublicURL = "https://one.example.org"
	saved, err := h.engine.Site.SaveSettings(t.Context(), by, site)
	if err != nil {
		t.Fatal(err)
	}
	saved.PublicURL = "https://two.example.org"
	steps := []error{}
	note := func(err error) { steps = append(steps, err) }
	_, err = h.engine.Checks.SaveCheck(t.Context(), by, c)
	note(err)
	_, err = h.engine.Targets.SaveInstance(t.Context(), by, i)
	note(err)
	_, err = h.engine.Rotas.SaveRota(t.Context(), by, r)
	note(err)
	_, err = h.engine.Silences.SaveSilence(t.Context(), by, v.Silence)
	note(err)
	_, err = h.engine.Users.SaveUser(t.Context(), by, u, "", "")
	note(err)
	_, err = h.engine.Site.SaveSettings(t.Context(), by, *saved)
	note(err)
	for _, key := range []string{"first key", "second key"} {
		note(h.engine.Site.SavePluginSettings(t.Context(), by, "probe", map[string]any{"do": key, "key": "hush-hush"}, nil))
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, texts := range map[string][2]string{
		"check/" + check: {"<ins>7</ins>", "debounce"}, "instance/" + instance: {"<ins>elsewhere</ins>", "address"}, "rota/" + rota: {"<ins>Europe/Paris</ins>", "time_zone"},
		"silence/" + silence: {"<ins>other</ins>", "comment"}, "user/" + viewer: {"<ins>viewer@example.org</ins>", "email"}, "settings/site": {"<ins>https://two.example.org</ins>", "public_url"},
		"plugin_settings/probe": {"second key", "values"},
	} {
		h.get(access.Admin, "/revisions/"+path).want(t, http.StatusOK, texts[0], texts[1], "Bring this back").without(t, "hush-hush", "sealed:", "$2", "argon")
		h.post(access.Admin, "/revisions/"+path+"/1/revert", "revision", "2").want(t, http.StatusSeeOther)
		h.get(access.Admin, "/revisions/"+path).want(t, http.StatusOK, "Revision 3")
	}
	if c, _ := h.engine.Checks.StoredCheck(check); c.Debounce == 7 || c.Config["secret"] == nil {
		t.Errorf("the check is %+v", c)
	}
	if u, _ := h.engine.Users.StoredUser(viewer); u.Email != "" || u.PasswordHash == "" {
		t.Errorf("the user's e-mail address is %q", u.Email)
	}
	if got := h.engine.Settings().PublicURL; got != "https://one.example.org" {
		t.Errorf("the public address is %q", got)
	}
}

// TestUsersDoNotRaiseThemselves: a user's own revision does not bring a role back.
func TestUsersDoNotRaiseThemselves(t *testing.T) {
	h := peopled(t)
	u, err := h.engine.Users.StoredUser(h.users[access.Editor].ID)
	if err != nil {
		t.Fatal(err)
	}
	u.Role = access.Viewer
	if _, err := h.engine.Users.SaveUser(t.Context(), testAdmin(), u, "", ""); err != nil {
		t.Fatal(err)
	}
	path := "/revisions/user/" + u.ID
	h.post(access.Editor, path+"/1/revert", "revision", "2").want(t, http.StatusSeeOther)
	if now, _ := h.engine.Users.StoredUser(u.ID); now.Role != access.Viewer {
		t.Errorf("the user made themselves %s", now.Role)
	}
	h.get(access.Viewer, path).want(t, http.StatusForbidden)
}

func TestUptimeAndReport(t *testing.T) {
	h := furnished(t)
	s, c := h.engine.Targets.Services()[0], h.engine.Checks.Checks()[0]
	for _, path := range []string{"/services/" + s.ID, "/checks/" + c.ID, "/instances/" + h.engine.Targets.Instances()[0].ID} {
		page := h.get(access.Viewer, path).want(t, http.StatusOK, "Uptime is the time that passed", "90 days", "maintenance").text
		_, bar, _ := strings.Cut(page, `class="strip uptime"`)
		bar, _, _ = strings.Cut(bar, "</svg>")
		if n := strings.Count(bar, "<path"); n != drawing.UptimeDays {
			t.Errorf("%s: %d days are drawn", path, n)
		}
	}
	h.get(access.Viewer, "/report?span=7d").want(t, http.StatusOK, "Shop &lt;script&gt;", "instance", "format=csv", `href="?span=7d" aria-current="true"`)
}

func TestUptimeFigures(t *testing.T) {
	share := func(v float64) *float64 { return &v }
	for got, want := range map[string]string{drawing.Percent(nil): "", drawing.Percent(share(100)): "100 %", drawing.Percent(share(99.999)): "99.99 %", drawing.Percent(share(0)): "0.00 %"} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	sum := drawing.SumUptime([]history.Uptime{{Passing: 3600, Critical: 1200, Total: 4800}, {Unknown: 600, Maintenance: 60, Inactive: 10, Total: 670}, {}})
	if sum.Percent == nil || *sum.Percent != 75 || sum.Total != 5470 {
		t.Errorf("the sum is %+v", sum)
	}
	if got, want := drawing.Accounted(sum), "critical 20 min, unknown 10 min, maintenance 1 min, not watched 10 s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, one := range []struct {
		of   history.Uptime
		want string
	}{{history.Uptime{Passing: 9, Warning: 2}, "warning"}, {history.Uptime{Passing: 9, Failing: 2, Warning: 2}, "error"}, {history.Uptime{Passing: 9}, "passing"}, {history.Uptime{Unknown: 9, Maintenance: 2}, "maintenance"}, {history.Uptime{Inactive: 5}, "none"}} {
		if got := string(drawing.KindOf(one.of)); got != one.want {
			t.Errorf("classOf(%+v) = %s, want %s", one.of, got, one.want)
		}
	}
}

func TestLongRangesAreDrawnFromSums(t *testing.T) {
	s := drawing.NewSteps(time.Unix(0, 0), time.Unix(40*3600, 0), 10*time.Hour, 4)
	s.Sum(&history.SummaryPoint{At: time.Unix(36000, 0), Count: 10, Failures: 2, Unknown: 1, Took: &history.TookSummary{Min: 1, Avg: 2, Max: 4}, Metrics: []history.MetricSummary{{Name: "size", Unit: "B", Count: 10, Min: 5, Avg: 6, Max: 7}}})
	s.Sum(&history.SummaryPoint{At: time.Unix(-36000, 0), Count: 1})
	s.Sum(&history.SummaryPoint{At: time.Unix(400*3600, 0), Count: 1})
	if c := s.Time.Columns[1]; c.N != 9 || c.Min != 1 || c.Max != 4 || c.Sum != 18 || s.Failed[1] != 2 || s.Unknown[1] != 1 {
		t.Errorf("the column is %+v, %d failed", c, s.Failed[1])
	}
	drawn := s.Took()
	if drawn.Empty || drawn.Last != "2.00 s" || len(s.Metrics()) != 1 {
		t.Errorf("drawn: %+v", drawn.Summary)
	}
}

func TestTheFormsHoldEverything(t *testing.T) {
	h := furnished(t)
	s := h.engine.Targets.Services()[0]
	page := h.get(access.Editor, "/services/"+s.ID+"/edit").want(t, http.StatusOK, `name="rotas"`, `name="is_public" value="true" checked`, `name="status_rule"`, `name="escalation.0.after" value="15m"`, "If nobody acknowledges").text
	if !strings.Contains(page, `value="add:escalation"`) {
		t.Error("no step can be added")
	}
	rota, editor := h.engine.OnCall.Rotas()[0].ID, h.users[access.Editor].ID
	good := []string{"revision", "2", "name", "Shop", "alerts_enabled", "true", "rotas", rota, "is_public", "true", "repeat_interval.CRITICAL", "5m",
		"escalation.0", "1", "escalation.0.after", "15m", "escalation.0.users", editor, "escalation.3.after", "1h", "escalation.3.rotas", rota}
	h.post(access.Editor, "/services/"+s.ID+"/edit", append(good, webform.RowsButton, "add:escalation")...).want(t, http.StatusOK, `name="escalation.2.after"`)
	h.post(access.Editor, "/services/"+s.ID+"/edit", with(good, "escalation.3.after", "soon")...).want(t, http.StatusUnprocessableEntity, `href="#f-escalation.1.after"`)
	h.post(access.Editor, "/services/"+s.ID+"/edit", with(good, "escalation.0.users", "")...).want(t, http.StatusUnprocessableEntity, "Name users, rotas or plugins")
	h.post(access.Editor, "/services/"+s.ID+"/edit", good...).want(t, http.StatusSeeOther)
	got := h.service(s.ID)
	if len(got.Escalation) != 2 || got.Escalation[1].After.Std() != time.Hour || !slices.Equal(got.Rotas, []string{rota}) || !got.IsPublic || got.RepeatInterval["CRITICAL"].Std() != 5*time.Minute {
		t.Errorf("saved %+v", got.Alerting)
	}
	h.get(access.Viewer, "/services/"+s.ID).want(t, http.StatusOK, "after 15m: "+html.EscapeString(nasty), "On duty now", "/status")

	good = goodCheck("schedule.cron", "30 8 * * 1-5", "schedule.active_hours", "mon-fri 08:00-18:00", "schedule.time_zone", "Europe/Berlin")
	h.post(access.Editor, "/checks/new", with(good, "schedule.cron", "often")...).want(t, http.StatusUnprocessableEntity, `href="#f-schedule.cron"`)
	path, _, _ := strings.Cut(h.post(access.Editor, "/checks/new", good...).want(t, http.StatusSeeOther).header.Get("Location"), "?")
	h.get(access.Viewer, path).want(t, http.StatusOK, "30 8 * * 1-5", "by the clock of Europe/Berlin", "within mon-fri 08:00-18:00")
	h.get(access.Editor, path+"/edit").want(t, http.StatusOK, `value="30 8 * * 1-5"`)

	h.post(access.Admin, "/settings", "default_rota", "none", "repeat_interval.WARNING", "2h", "repeat_interval.ERROR", "1h", "repeat_interval.CRITICAL", "10m", "retention", "30d", "sum_retention", "730d", "history_retention", "730d").want(t, http.StatusUnprocessableEntity, `href="#f-default_rota"`)
	h.post(access.Admin, "/settings", "default_rota", rota, "revision", "0", "repeat_interval.WARNING", "2h", "repeat_interval.ERROR", "1h", "repeat_interval.CRITICAL", "10m", "retention", "30d", "sum_retention", "730d", "history_retention", "730d").want(t, http.StatusSeeOther)
	if h.engine.Settings().DefaultRota != rota {
		t.Error("the default rota was not saved")
	}
}
