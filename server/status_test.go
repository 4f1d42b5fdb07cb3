package server

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/public"
)

const markup = `<script>alert(1)</script>"'&`

// publicHouse has a public service that fails, with a note, and a private one.
func publicHouse(t *testing.T) (h *house, public, private string) {
	h = populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "secret check", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	public = h.admin(201, "POST", "/services", m{"name": "Shop " + markup, "is_public": true, "status_checks": []string{check.id()}}).id()
	private = h.admin(201, "POST", "/services", m{"name": "Back office", "status_checks": []string{check.id()}}).id()
	h.admin(201, "POST", "/instances", m{"name": "db1", "is_public": true})
	until(t, "incidents", func() bool { return len(h.admin(200, "GET", "/incidents?open=true", nil).items()) == 2 })
	incident := h.admin(200, "GET", "/incidents?service="+public, nil).items()[0]["id"].(string)
	h.admin(201, "POST", "/incidents/"+incident+"/notes", m{"text": "We look into it " + markup, "public": true})
	h.admin(201, "POST", "/incidents/"+incident+"/notes", m{"text": "Bob unplugged it"})
	return h, public, private
}

func TestStatusPage(t *testing.T) {
	h, shown, _ := publicHouse(t)
	r := h.do("", "GET", "/status", nil)
	if r.status != 200 || r.header.Get("Content-Security-Policy") != public.StatusPolicy {
		t.Fatalf("%d %v", r.status, r.header)
	}
	for _, want := range []string{"Shop &lt;script", "error", "db1", "passing", "We look into it &lt;script", "/status.atom", "Something is wrong", "going on for"} {
		if !strings.Contains(r.text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(r.text, "<title>"); n-1 != 2*public.StatusDays {
		t.Errorf("%d bars, want %d", n, 2*public.StatusDays)
	}
	feed := h.do("", "GET", "/status.atom", nil)
	for name, text := range map[string]string{"page": r.text, "feed": feed.text} {
		for _, never := range []string{"is down", "secret check", "Back office", "Bob", "<script", "the-admin", shown} {
			if strings.Contains(text, never) {
				t.Errorf("the %s tells %q", name, never)
			}
		}
	}
	if css := h.do("", "GET", "/status.css", nil); css.status != 200 || !strings.HasPrefix(css.header.Get("Content-Type"), "text/css") {
		t.Errorf("the style is %d %v", css.status, css.header)
	}
	if r := h.do("", "POST", "/status", nil); r.status != 405 {
		t.Errorf("POST answers %d", r.status)
	}
}

func TestStatusPageFollowsWhatIsPublic(t *testing.T) {
	h, public, _ := publicHouse(t)
	if !strings.Contains(h.do("", "GET", "/status", nil).text, "Shop") {
		t.Fatal("the service is not there")
	}
	h.admin(200, "PATCH", "/services/"+public, m{"is_public": false})
	if text := h.do("", "GET", "/status", nil).text; strings.Contains(text, "Shop") || !strings.Contains(text, "Everything works") {
		t.Error("a service that is not public any more is still there")
	}
	empty := newHouse(t)
	if r := empty.do("", "GET", "/status", nil); r.status != 200 || !strings.Contains(r.text, "Nothing is public") {
		t.Errorf("an empty page is %d %s", r.status, r.text)
	}
}

func TestStatusFeed(t *testing.T) {
	h, _, _ := publicHouse(t)
	r := h.do("", "GET", "/status.atom", nil)
	if r.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Errorf("the type is %s", r.header.Get("Content-Type"))
	}
	var feed public.AtomFeed
	if err := xml.Unmarshal([]byte(r.text), &feed); err != nil {
		t.Fatal(err)
	}
	if len(feed.Entries) != 1 || feed.Entries[0].Title != "Shop "+markup+": error" || !strings.Contains(feed.Entries[0].Content.Text, "We look into it "+markup) ||
		!strings.HasPrefix(feed.Entries[0].ID, "urn:moonwatch:incident:") || feed.Updated != feed.Entries[0].Updated {
		t.Errorf("the feed is %+v", feed)
	}
}

func TestBadge(t *testing.T) {
	h, shown, private := publicHouse(t)
	wellFormed := func(text string) {
		t.Helper()
		var image struct {
			XMLName xml.Name `xml:"http://www.w3.org/2000/svg svg"`
			Title   string   `xml:"title"`
		}
		if err := xml.Unmarshal([]byte(text), &image); err != nil || image.Title == "" {
			t.Errorf("%v: %s", err, text)
		}
	}
	r := h.do("", "GET", "/badge/"+shown+".svg", nil)
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "image/svg+xml") || r.header.Get("Cache-Control") != "public, max-age=30" ||
		!strings.Contains(r.text, ">error<") || strings.Contains(r.text, "<script") {
		t.Errorf("%d %v %s", r.status, r.header, r.text)
	}
	wellFormed(r.text)
	if again := h.do("", "GET", "/badge/"+shown+".svg", nil, "If-None-Match", r.header.Get("ETag")); again.status != 304 || again.text != "" {
		t.Errorf("the same badge answers %d %q", again.status, again.text)
	}
	for path, token := range map[string]string{"/badge/" + private + ".svg": "", "/badge/Back%20office.svg": "", "/badge/nosuch.svg": "", "/badge/.svg": "",
		"/badge/" + shown: "", "/badge/a%00b.svg": ""} {
		if r := h.do(token, "GET", path, nil); r.status != 404 {
			t.Errorf("%s answers %d", path, r.status)
		}
	}
	if r := h.do(h.tokens[access.Viewer], "GET", "/badge/Back%20office.svg", nil); r.status != 200 || r.header.Get("Cache-Control") != "private, max-age=30" {
		t.Errorf("with a token: %d %v", r.status, r.header)
	}
	for _, name := range []string{"", "a/b", strings.Repeat("W", 300), "bad \x01\xff\uFFFE", "日本語"} {
		wellFormed(string(public.BadgeImage(name, public.LookOf(engine.StatusCritical))))
	}
	looks := map[string]bool{}
	for _, status := range engine.Statuses() {
		looks[public.LookOf(status).Path] = true
	}
	if len(looks) != 4 {
		t.Error("two statuses have one shape")
	}
}

func TestPercentRoundsDown(t *testing.T) {
	for p, want := range map[float64]string{100: "100 %", 100 - 1e-12: "100 %", 99.9999: "99.99 %", 0: "0.00 %", 50: "50.00 %"} {
		if got := public.Percent(&p); got != want {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
	if got := public.Percent(nil); got != "no data" {
		t.Errorf("nothing is %q", got)
	}
}

// TestMaintenanceIsPlanned: what fails in maintenance, however the silence names
// it, is shown as planned, with its end, and is no incident to anybody outside.
func TestMaintenanceIsPlanned(t *testing.T) {
	for name, covers := range map[string]func(service, check string) m{
		"the service": func(service, _ string) m { return m{"services": []string{service}} },
		"its tag":     func(_, _ string) m { return m{"tags": []string{"shop"}} },
		"its check":   func(_, check string) m { return m{"checks": []string{check}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := populated(t)
			check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "up"}, "interval": "1h"}).id()
			service := h.admin(201, "POST", "/services", m{"name": "Shop", "is_public": true, "tags": []string{"shop"}, "status_checks": []string{check}}).id()
			h.admin(201, "POST", "/services", m{"name": "Blog", "is_public": true})
			silence := covers(service, check)
			silence["starts_at"], silence["ends_at"], silence["maintenance"] = "2026-01-01T00:00:00Z", "2098-12-31T23:00:00Z", true
			id := h.admin(201, "POST", "/silences", silence).id()
			h.admin(200, "PATCH", "/checks/"+check, m{"config": m{"host": "down"}})
			until(t, "an incident in maintenance", func() bool {
				list := h.admin(200, "GET", "/incidents?service="+service, nil).items()
				return len(list) == 1 && list[0]["maintenance"] == true
			})
			page := h.do("", "GET", "/status", nil).text
			for _, want := range []string{"in maintenance", "31 December 2098, 23:00 UTC", "Planned maintenance is under way; everything else works", "There was no incident"} {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			badge := h.do("", "GET", "/badge/"+service+".svg", nil).text
			for what, text := range map[string]string{"page": page, "feed": h.do("", "GET", "/status.atom", nil).text, "badge": badge} {
				for _, never := range []string{"Something is wrong", ">error", ": error", "incident-"} {
					if strings.Contains(text, never) {
						t.Errorf("the %s tells %q", what, never)
					}
				}
			}
			if !strings.Contains(badge, ">in maintenance<") {
				t.Errorf("the badge is %s", badge)
			}
			// Beyond the maintenance it is an incident, from then on.
			ended := time.Now()
			h.admin(204, "DELETE", "/silences/"+id, nil)
			until(t, "the incident is no longer planned", func() bool {
				one := h.admin(200, "GET", "/incidents?service="+service, nil).items()[0]
				at, _ := time.Parse(time.RFC3339, fmt.Sprint(one["unplanned"]))
				return one["maintenance"] == false && !at.Before(ended.Truncate(time.Second))
			})
			if page := h.do("", "GET", "/status", nil).text; !strings.Contains(page, "Something is wrong: error") || !strings.Contains(page, "incident-") {
				t.Error("what goes on after the maintenance is not shown")
			}
		})
	}
}

// TestMaintenanceSaysUntil: the end is that of the maintenance without gaps.
func TestMaintenanceSaysUntil(t *testing.T) {
	h := populated(t)
	service := h.admin(201, "POST", "/services", m{"name": "Shop", "is_public": true}).id()
	now := time.Now().UTC().Truncate(time.Minute)
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	for _, span := range [][2]time.Duration{{-time.Hour, time.Hour}, {time.Hour, 3 * time.Hour}, {5 * time.Hour, 6 * time.Hour}} {
		h.admin(201, "POST", "/silences", m{"services": []string{service}, "starts_at": at(span[0]), "ends_at": at(span[1]), "maintenance": true})
	}
	h.admin(201, "POST", "/silences", m{"services": []string{service}, "starts_at": at(-time.Hour), "ends_at": at(4 * time.Hour)}) // no maintenance
	want := "until <time datetime=\"" + at(3*time.Hour)
	if page := h.do("", "GET", "/status", nil).text; !strings.Contains(page, want) {
		t.Errorf("the page lacks %s", want)
	}
}
