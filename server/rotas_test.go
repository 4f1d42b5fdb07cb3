package server

import (
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
)

func TestRotas(t *testing.T) {
	h := populated(t)
	viewer, editor := h.users[access.Viewer].ID, h.users[access.Editor].ID
	starts := time.Now().UTC().AddDate(0, 0, -8).Format("2006-01-02T15:04")
	r := h.as(access.Editor, "POST", "/rotas", m{"name": "hands", "time_zone": "Europe/Berlin", "fallback_user": editor,
		"rotation": m{"members": []string{viewer, editor}, "every": "1w", "starts": starts}})
	if r.status != 201 || r.body["feed_url"] != "" || r.body["problems"] == nil {
		t.Fatalf("POST answers %d %s", r.status, r.text)
	}
	id := r.id()
	shifts := h.admin(200, "GET", "/rotas/"+id+"/shifts", nil).items()
	if len(shifts) < 4 || shifts[0]["user"] != editor || shifts[1]["user"] != viewer {
		t.Errorf("the shifts are %v", shifts)
	}
	if got := h.admin(200, "GET", "/rotas/"+id+"/shifts?limit=1", nil); len(got.items()) != 1 || got.body["next"] == nil {
		t.Errorf("a page of shifts is %s", got.text)
	}
	duty := h.admin(200, "GET", "/oncall", nil).items()
	if len(duty) != 1 || duty[0]["rota"] != id || duty[0]["user"] != editor || duty[0]["fallback"] != false || duty[0]["until"] == nil {
		t.Errorf("on call: %v", duty)
	}
	// An override takes the place of whoever has the shift.
	now := time.Now().UTC().Truncate(time.Second)
	override := m{"user": viewer, "start": now.Add(-time.Hour).Format(time.RFC3339), "end": now.Add(time.Hour).Format(time.RFC3339)}
	h.admin(200, "PATCH", "/rotas/"+id, m{"overrides": []m{override}})
	if duty := h.admin(200, "GET", "/oncall", nil).items(); len(duty) != 1 || duty[0]["user"] != viewer {
		t.Errorf("on call under an override: %v", duty)
	}
	wantStatus(t, "refresh without a feed", h.as(access.Admin, "POST", "/rotas/"+id+"/refresh", nil), 409)
	h.as(access.Admin, "POST", "/rotas", m{"name": "hands"}).wantErrors(t, "ical_url required", "name unique")
	h.as(access.Admin, "POST", "/rotas", m{"name": "x", "time_zone": "Mars/Olympus", "rotation": m{"members": []string{"nosuch"}, "every": "1h", "starts": "soon"}}).
		wantErrors(t, "time_zone invalid", "rotation.members[0] not_found", "rotation.every invalid", "rotation.starts invalid")
	if got := h.admin(200, "GET", "/rotas/"+id+"/revisions", nil).items(); len(got) != 2 || got[0]["object"].(m)["feed_token"] != nil {
		t.Errorf("the revisions are %v", got)
	}
	h.admin(200, "POST", "/rotas/"+id+"/revisions/1/revert", nil)
	if duty := h.admin(200, "GET", "/oncall", nil).items(); len(duty) != 1 || duty[0]["user"] != editor {
		t.Errorf("on call after the revert: %v", duty)
	}
	h.admin(204, "DELETE", "/rotas/"+id, nil)
	wantStatus(t, "a deleted rota", h.as(access.Admin, "GET", "/rotas/"+id+"/shifts", nil), 404)
}

func TestRotaThatCannotBeRead(t *testing.T) {
	h := populated(t)
	id := h.admin(201, "POST", "/rotas", m{"name": "r", "ical_url": h.calendar()}).id()
	until(t, "the calendar read", func() bool { return h.admin(200, "GET", "/rotas/"+id, nil).body["read_at"] != nil })
	before := len(h.admin(200, "GET", "/rotas/"+id+"/shifts", nil).items())
	h.admin(200, "PATCH", "/rotas/"+id, m{"ical_url": "https://calendar.example.org/down"})
	r := h.admin(200, "POST", "/rotas/"+id+"/refresh", nil)
	problems, _ := r.body["problems"].([]any)
	if r.body["stale"] != true || len(problems) == 0 || before != 1 {
		t.Errorf("%d shifts, then %s", before, r.text)
	}
}

func TestFeeds(t *testing.T) {
	h := populated(t)
	id := h.admin(201, "POST", "/rotas", m{"name": "r", "ical_url": h.calendar(), "fallback_user": h.users[access.Admin].ID}).id()
	until(t, "the calendar read", func() bool { return h.admin(200, "GET", "/rotas/"+id, nil).body["read_at"] != nil })
	viewer := h.users[access.Viewer].ID
	for _, of := range []string{"/rotas/" + id, "/users/" + viewer} {
		if r := h.admin(200, "GET", of+"/feed", nil); r.body["feed_url"] != "" {
			t.Errorf("%s has the feed %v", of, r.body)
		}
		first := h.admin(200, "POST", of+"/feed", nil).body["feed_url"].(string)
		at := first[strings.Index(first, "/feeds/"):]
		r := h.do("", "GET", at, nil)
		if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/calendar") || strings.Count(r.text, "BEGIN:VEVENT") != 1 ||
			!strings.Contains(r.text, "UID:") {
			t.Errorf("%s is %d %v %s", at, r.status, r.header, r.text)
		}
		second := h.admin(200, "POST", of+"/feed", nil).body["feed_url"].(string)
		if second == first || h.do("", "GET", at, nil).status != 404 {
			t.Error("the address given before is still good")
		}
		h.admin(204, "DELETE", of+"/feed", nil)
		if h.do("", "GET", second[strings.Index(second, "/feeds/"):], nil).status != 404 {
			t.Error("a revoked address is still good")
		}
	}
	for _, path := range []string{"/feeds/.ics", "/feeds/x.ics", "/feeds/x", "/feeds/a/b.ics"} {
		if r := h.do("", "GET", path, nil); r.status != 404 {
			t.Errorf("%s answers %d", path, r.status)
		}
	}
	// A user has their own feed, an admin anybody's; a viewer sees no rota's.
	for _, c := range []struct {
		role         access.Role
		method, path string
		want         int
	}{
		{access.Viewer, "POST", "/users/" + viewer + "/feed", 200},
		{access.Editor, "POST", "/users/" + viewer + "/feed", 403},
		{access.Editor, "GET", "/users/" + viewer + "/feed", 403},
		{access.Viewer, "GET", "/rotas/" + id + "/feed", 403},
		{access.Editor, "POST", "/rotas/" + id + "/feed", 200},
	} {
		if r := h.as(c.role, c.method, c.path, nil); r.status != c.want {
			t.Errorf("%s %s as %s = %d, want %d", c.method, c.path, c.role, r.status, c.want)
		}
	}
	if url := h.as(access.Viewer, "GET", "/rotas/"+id, nil).body["feed_url"]; url != "" {
		t.Errorf("a viewer sees the address %v", url)
	}
	if url := h.as(access.Editor, "GET", "/rotas/"+id, nil).body["feed_url"]; url == "" {
		t.Error("an editor sees no address")
	}
}

// TestAddressOfAFeedIsForEditors: whoever knows it can read the calendar.
func TestAddressOfAFeedIsForEditors(t *testing.T) {
	h := populated(t)
	viewer, _ := h.listen(h.tokens[access.Viewer], "?types=rota")
	editor, _ := h.listen(h.tokens[access.Editor], "?types=rota")
	const address = "https://calendar.example.org/private-1234/down"
	id := h.as(access.Editor, "POST", "/rotas", m{"name": "r", "ical_url": address}).id()
	for _, path := range []string{"/rotas", "/rotas?ical_url=" + address, "/rotas/" + id, "/rotas/" + id + "/revisions", "/rotas/" + id + "/shifts", "/oncall"} {
		for _, role := range []access.Role{access.Viewer, access.Operator} {
			if r := h.as(role, "GET", path, nil); r.status != 200 || strings.Contains(r.text, "1234") {
				t.Errorf("%s as %s: %d %s", path, role, r.status, r.text)
			}
		}
	}
	if r := h.as(access.Operator, "POST", "/rotas/"+id+"/refresh", nil); r.status != 200 || strings.Contains(r.text, "1234") || r.body["stale"] != true {
		t.Errorf("read again: %d %s", r.status, r.text)
	}
	if e := next(t, viewer); e.data["id"] != id || e.data["ical_url"] != "" {
		t.Errorf("a viewer's event is %v", e)
	}
	if e := next(t, editor); e.data["ical_url"] != address {
		t.Errorf("an editor's event is %v", e)
	}
	for _, path := range []string{"/rotas/" + id, "/rotas/" + id + "/revisions"} {
		if r := h.as(access.Editor, "GET", path, nil); !strings.Contains(r.text, address) {
			t.Errorf("%s as an editor: %s", path, r.text)
		}
	}
}

func TestRotaEvents(t *testing.T) {
	h := populated(t)
	events, _ := h.listen(h.tokens[access.Viewer], "?types=rota")
	id := h.admin(201, "POST", "/rotas", m{"name": "r", "overrides": []m{{"user": h.users[access.Viewer].ID, "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}}).id()
	if e := next(t, events); e.name != "rota" || e.data["id"] != id || e.data["feed_url"] != "" {
		t.Errorf("the event is %v", e)
	}
	h.admin(204, "DELETE", "/rotas/"+id, nil)
	until(t, "told of the deletion", func() bool { return next(t, events).data["deleted"] == true })
}
