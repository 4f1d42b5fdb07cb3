package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/server/web/webform"
)

func TestRotaForm(t *testing.T) {
	h := peopled(t)
	admin, editor := h.users[access.Admin].ID, h.users[access.Editor].ID
	h.get(access.Editor, "/rotas/new").want(t, http.StatusOK, `name="rotation.members.0.user"`, `type="datetime-local"`, `value="add:overrides"`)
	good := []string{"name", "Nights", "time_zone", "Europe/Berlin", "source", "rotation", "rotation.members.0.user", admin, "rotation.members.4.user", editor, "rotation.every", "1w",
		"rotation.starts", "2026-01-05T09:00", "overrides.0.user", editor, "overrides.0.start", "2026-07-01T09:00", "overrides.0.end", "2026-07-02T09:00"}
	for _, bad := range []struct {
		change []string
		want   string
	}{
		{[]string{"name", ""}, `href="#f-name"`}, {[]string{"time_zone", "Mars/North"}, "iana"}, {[]string{"rotation.every", "soon"}, `href="#f-rotation.every"`}, {[]string{"rotation.starts", ""}, `href="#f-rotation.starts"`},
		{[]string{"overrides.0.end", "2026-06-01T09:00"}, `href="#f-overrides.0.end"`}, {[]string{"overrides.0.start", "x"}, "write a date and time"}, {[]string{"overrides.0.user", ""}, `href="#f-overrides.0.user"`},
		{[]string{"source", "feed", "ical_url", ""}, `href="#f-ical_url"`}, {[]string{"source", "feed", "ical_url", "webcal"}, `href="#f-ical_url"`}, {[]string{"rotation.members.0.user", "", "rotation.members.4.user", ""}, `href="#f-rotation.members"`},
		{[]string{"source", "none", "overrides.0.user", "", "overrides.0.start", "", "overrides.0.end", ""}, "give an ical feed"},
	} {
		r := h.post(access.Editor, "/rotas/new", with(good, bad.change...)...).want(t, http.StatusUnprocessableEntity)
		if !strings.Contains(strings.ToLower(r.text), bad.want) {
			t.Errorf("with %v the page does not hold %q: %s", bad.change, bad.want, mainOf(r.text)[:1500])
		}
	}
	h.post(access.Editor, "/rotas/new", append(good, webform.RowsButton, "add:rotation.members")...).want(t, http.StatusOK, `name="rotation.members.2.user"`)
	h.post(access.Editor, "/rotas/new", append(good, webform.RowsButton, "remove:overrides.0")...).want(t, http.StatusOK).without(t, `name="overrides.0.user"`)
	if len(h.engine.OnCall.Rotas()) != 0 {
		t.Fatal("a bad form made a rota")
	}
	path := strings.TrimSuffix(h.post(access.Editor, "/rotas/new", good...).want(t, http.StatusSeeOther).header.Get("Location"), "?done=made")
	r := h.engine.OnCall.Rotas()[0]
	if !slices.Equal(r.Rotation.Members, []string{admin, editor}) || r.Rotation.Starts != "2026-01-05T09:00" || len(r.Overrides) != 1 || !r.Overrides[0].Start.Equal(time.Date(2026, 7, 1, 7, 0, 0, 0, time.UTC)) {
		t.Fatalf("saved %+v %+v", r.Rotation, r.Overrides)
	}
	page := h.get(access.Editor, path).want(t, http.StatusOK, "this week", "the-admin", "the-editor", "On duty now", `class="weekstrip"`).text
	if n := strings.Count(page, `class="weekstrip"`); n != 4 {
		t.Errorf("%d weeks are drawn", n)
	}
	h.get(access.Editor, path+"/edit").want(t, http.StatusOK, `value="2026-07-01T09:00"`, `value="2026-01-05T09:00"`, `value="rotation" checked`)
	h.post(access.Editor, path+"/edit", with(good, "revision", "7")...).want(t, http.StatusPreconditionFailed)
	h.post(access.Editor, path+"/edit", with(good, "revision", "1", "source", "feed", "ical_url", "https://calendar.example.org/x.ics")...).want(t, http.StatusSeeOther)
	if r := h.engine.OnCall.Rotas()[0]; r.Rotation != nil || r.ICalURL == "" {
		t.Errorf("saved %+v", r.Rota)
	}
	h.get(access.Viewer, path).want(t, http.StatusOK, "a calendar feed").without(t, "calendar.example.org")
	h.get(access.Viewer, "/rotas").want(t, http.StatusOK, "Nights")
	h.get(access.Viewer, "/revisions/rota/"+r.ID).want(t, http.StatusOK, "(secret)").without(t, "calendar.example.org")
	h.get(access.Editor, "/revisions/rota/"+r.ID).want(t, http.StatusOK, "calendar.example.org")
	h.post(access.Editor, path+"/delete").want(t, http.StatusSeeOther)
	h.get(access.Editor, path).want(t, http.StatusNotFound)
}

// TestProblemsOfARota: what is wrong with a feed is on the page, by name and
// line, and in the list; a feed that fails keeps the shifts that were there.
func TestProblemsOfARota(t *testing.T) {
	h := peopled(t)
	day := time.Now().UTC().AddDate(0, 0, -1).Format("20060102")
	event := func(uid, title, more string) string {
		return "BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTART:" + day + "T000000Z\r\nDURATION:P3D\r\nSUMMARY:" + title + "\r\n" + more + "END:VEVENT\r\n"
	}
	whole := func(events string) string { return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + events + "END:VCALENDAR\r\n" }
	h.feed.set(whole(event("a", "the-viewer", "") + event("b", "Nobody "+nasty, "") + event("c", "the-editor", "RRULE:FREQ=HOURLY\r\n")))
	r := engine.NewRota()
	r.Name, r.ICalURL = "Nights", "https://calendar.example.org/x.ics"
	saved, err := h.engine.Rotas.SaveRota(t.Context(), testAdmin(), r)
	if err != nil {
		t.Fatal(err)
	}
	path := "/rotas/" + saved.ID
	read := func() {
		t.Helper()
		h.post(access.Operator, path+"/refresh").want(t, http.StatusSeeOther)
	}
	read()
	h.get(access.Viewer, path).want(t, http.StatusOK, "obody is on duty from", "In “Nobody", "In “the-editor”, line", "more often than daily", "the-viewer").without(t, "calendar.example.org", nasty)
	h.get(access.Viewer, "/rotas").want(t, http.StatusOK, "the-viewer")
	for name, text := range map[string]string{"does not answer": "", "cut short": whole(event("a", "the-editor", ""))[:120], "empty": whole(""), "no calendar": "<html>"} {
		h.feed.set(text)
		read()
		page := h.get(access.Viewer, path).want(t, http.StatusOK, "which cannot be read now", "he feed could not be read, its last shifts are kept", "the-viewer").text
		if !strings.Contains(page, "On duty now") {
			t.Errorf("%s: the page is %s", name, mainOf(page))
		}
		h.get(access.Viewer, "/rotas").want(t, http.StatusOK, "not readable now")
		if calls := h.engine.OnCall.OnCall(); len(calls) != 1 || calls[0].Username != "the-viewer" {
			t.Errorf("%s: on duty %v", name, calls)
		}
	}
	h.feed.set(whole(event("a", "the-editor", "")))
	read()
	h.get(access.Viewer, path).want(t, http.StatusOK, "the-editor").without(t, "cannot be read now", "last shifts are kept")
}

// TestNamesStayInHistory: who and what is gone is still called by name in what
// has happened.
func TestNamesStayInHistory(t *testing.T) {
	h := furnished(t)
	shop := engine.Ref{Kind: engine.KindService, ID: h.engine.Targets.Services()[0].ID}
	in, err := h.engine.Incidents.Incidents(t.Context(), alert.IncidentQuery{Subject: &shop, Limit: 1})
	if err != nil || len(in) == 0 {
		t.Fatal(in, err)
	}
	by := engine.Actor{User: h.users[access.Editor].ID, Name: "the-editor", Role: access.Admin, Via: "page"}
	if _, err := h.engine.Incidents.AddNote(t.Context(), by, in[0].ID, "seen by me"); err != nil {
		t.Fatal(err)
	}
	check := h.engine.Checks.Checks()[0]
	if err := h.engine.Checks.DeleteCheck(t.Context(), by, check.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.engine.Targets.DeleteService(t.Context(), by, shop.ID, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.engine.Users.DeleteUser(t.Context(), testAdmin(), by.User, nil); err != nil {
		t.Fatal(err)
	}
	name := strings.Fields(in[0].SubjectName)[0]
	h.get(access.Viewer, "/incidents").want(t, http.StatusOK, name)
	h.get(access.Viewer, "/incidents/"+in[0].ID).want(t, http.StatusOK, name, "the-editor", "seen by me")
	h.get(access.Viewer, "/deliveries").want(t, http.StatusOK, name)
	h.get(access.Admin, "/audit").want(t, http.StatusOK, "the-editor", strings.Fields(check.Name)[0], name)
}

func TestFeedsOut(t *testing.T) {
	h := furnished(t)
	for kind, id := range map[engine.Kind]string{engine.KindRota: h.engine.OnCall.Rotas()[0].ID, engine.KindUser: h.users[access.Editor].ID} {
		path := "/" + string(kind) + "s/" + id
		if r := h.post(access.Editor, path+"/feed").want(t, http.StatusSeeOther); r.header.Get("Location") != path+"?done=feed#feed" {
			t.Errorf("leads to %s", r.header.Get("Location"))
		}
		url, err := h.engine.OnCall.FeedURL(kind, id)
		if err != nil || url == "" {
			t.Fatal("no address was made", err)
		}
		h.get(access.Editor, path).want(t, http.StatusOK, url, path+"/feed/revoke")
		if kind == engine.KindRota {
			h.get(access.Operator, path).want(t, http.StatusOK).without(t, "/feeds/")
		}
		h.post(access.Editor, path+"/feed/revoke").want(t, http.StatusSeeOther)
		if url, _ := h.engine.OnCall.FeedURL(kind, id); url != "" {
			t.Error("the address was not revoked")
		}
	}
	h.post(access.Editor, "/users/"+h.users[access.Viewer].ID+"/feed").want(t, http.StatusForbidden)
	h.post(access.Admin, "/users/"+h.users[access.Viewer].ID+"/feed").want(t, http.StatusSeeOther)
}

func TestSubscriptions(t *testing.T) {
	h := furnished(t)
	s, i := h.engine.Targets.Services()[0], h.engine.Targets.Instances()[0]
	viewer, editor := h.users[access.Viewer].ID, h.users[access.Editor].ID
	h.get(access.Viewer, "/subscriptions").want(t, http.StatusOK, "the-admin", "on duty now", "role editor").without(t, `type="checkbox"`)
	h.get(access.Editor, "/subscriptions").want(t, http.StatusOK, `name="service.`+s.ID+`" value="`+viewer+`"`)
	rev := func(n uint64) string { return webform.PlainNumber(float64(n)) }
	h.post(access.Editor, "/subscriptions", "service."+s.ID+".revision", rev(s.Revision), "service."+s.ID, viewer, "service."+s.ID, editor, "instance."+i.ID+".revision", rev(i.Revision)).want(t, http.StatusSeeOther)
	if got := h.service(s.ID); !slices.Equal(got.UsersToNotify, []string{viewer, editor}) || got.Revision != s.Revision+1 {
		t.Errorf("told are %v at revision %d", got.UsersToNotify, got.Revision)
	}
	if got, _ := h.engine.Targets.Instance(i.ID); got.Revision != i.Revision {
		t.Error("a row without a change was saved")
	}
	h.post(access.Editor, "/subscriptions", "service."+s.ID+".revision", rev(s.Revision)).want(t, http.StatusPreconditionFailed, "changed Shop")
	if got := h.service(s.ID); len(got.UsersToNotify) != 2 {
		t.Errorf("a stale form was saved: %v", got.UsersToNotify)
	}
	if a := s.Alerts; len(h.service(s.ID).Alerts) != len(a) {
		t.Error("the alerts were lost")
	}
}

func TestContactOfAUser(t *testing.T) {
	h := peopled(t)
	path := "/users/" + h.users[access.Viewer].ID
	good := []string{"revision", "1", "time_zone", "UTC", "quiet_hours.0.days", "mon", "quiet_hours.0.days", "sun", "quiet_hours.0.start", "22:00", "quiet_hours.0.end", "07:00", "quiet_critical", "true",
		"contact_rules.0.channel", "phone", "contact_rules.0.severity", "CRITICAL", "contact_rules.3.channel", "sms", "contact_rules.3.severity", ""}
	h.get(access.Viewer, path).want(t, http.StatusOK, `type="time"`, "Only when critical")
	h.post(access.Viewer, path, append(good, webform.RowsButton, "add:quiet_hours")...).want(t, http.StatusOK, `name="quiet_hours.1.start"`)
	h.post(access.Viewer, path, with(good, "quiet_hours.0.start", "late")...).want(t, http.StatusUnprocessableEntity, `href="#f-quiet_hours.0.start"`)
	h.post(access.Viewer, path, with(good, "contact_rules.3.channel", "phone")...).want(t, http.StatusUnprocessableEntity, "has a rule already")
	h.post(access.Viewer, path, good...).want(t, http.StatusSeeOther)
	u, err := h.engine.Users.User(h.users[access.Viewer].ID)
	if err != nil || len(u.QuietHours) != 1 || !slices.Equal(u.QuietHours[0].Days, []string{"mon", "sun"}) || !u.QuietCritical || len(u.ContactRules) != 2 || u.ContactRules[1] != (engine.ContactRule{Channel: "sms"}) {
		t.Fatalf("saved %+v: %v", u, err)
	}
	h.get(access.Viewer, path).want(t, http.StatusOK, `value="22:00"`, `value="mon" checked`)
}

func TestSessionsCanBeEnded(t *testing.T) {
	h := peopled(t)
	viewer := h.users[access.Viewer].ID
	_, s, err := h.engine.Sessions.OpenSession(t.Context(), viewer, "192.0.2.1", "Agent "+nasty)
	if err != nil {
		t.Fatal(err)
	}
	h.get(access.Admin, "/users/"+viewer).want(t, http.StatusOK, "192.0.2.1", s.ID)
	h.post(access.Operator, "/users/"+viewer+"/sessions", "session", s.ID).want(t, http.StatusForbidden)
	h.post(access.Admin, "/users/"+h.users[access.Editor].ID+"/sessions", "session", s.ID).want(t, http.StatusSeeOther)
	if len(h.engine.Sessions.Sessions(viewer)) != 1 {
		t.Fatal("a session was ended under another user's name")
	}
	h.post(access.Admin, "/users/"+viewer+"/sessions", "session", s.ID).want(t, http.StatusSeeOther)
	if len(h.engine.Sessions.Sessions(viewer)) != 0 {
		t.Error("the session was not ended")
	}
}

// TestSwapPage hands over a shift on the rota's page, which shows all of it on
// the rota's own clock.
func TestSwapPage(t *testing.T) {
	h := peopled(t)
	operator, editor := h.users[access.Operator].ID, h.users[access.Editor].ID
	r := engine.NewRota()
	r.Name, r.TimeZone = "Nights", "Asia/Tokyo"
	r.Rotation = &engine.RotaRotation{Members: []string{operator, editor}, Every: "1w", Starts: "2026-01-05T09:00"}
	saved, err := h.engine.Rotas.SaveRota(t.Context(), engine.Actor{Name: "test", Role: access.Admin}, r)
	if err != nil {
		t.Fatal(err)
	}
	path := "/rotas/" + saved.ID
	h.get(access.Operator, path).want(t, http.StatusOK, "by the clock of Asia/Tokyo", "Times in Asia/Tokyo", path+"/swap", "Hand over or take over")
	h.get(access.Viewer, path).want(t, http.StatusOK).without(t, path+"/swap")
	h.post(access.Viewer, path+"/swap", "user", operator, "start", "2036-01-05T09:00", "end", "2036-01-05T10:00").want(t, http.StatusForbidden)
	h.post(access.Operator, path+"/swap", "user", operator, "start", "soon", "end", "").want(t, http.StatusUnprocessableEntity, "from when until when")
	h.post(access.Operator, path+"/swap", "user", editor, "start", "2036-01-05T09:00", "end", "2036-01-05T10:00").want(t, http.StatusForbidden, "other people")
	h.post(access.Operator, path+"/swap", "user", operator, "start", "2036-01-05T09:00", "end", "2036-01-05T10:00").want(t, http.StatusSeeOther)
	h.get(access.Operator, path+"?done=swapped").want(t, http.StatusOK, "Swapped")
	if now, err := h.engine.OnCall.StoredRota(saved.ID); err != nil || len(now.Overrides) != 1 || !now.Overrides[0].Start.Equal(time.Date(2036, 1, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v %v", now.Overrides, err)
	}
}
