package server

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
)

func TestReport(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	h.admin(201, "POST", "/services", m{"name": "=HYPERLINK(\"x\")", "status_checks": []string{check.id()}})
	until(t, "an incident", func() bool { return h.admin(200, "GET", "/report", nil).items()[0]["incidents"] == 1.0 })
	rows := h.admin(200, "GET", "/report", nil).items()
	if len(rows) != 1 || rows[0]["incidents"] != 1.0 || rows[0]["name"] != "=HYPERLINK(\"x\")" || rows[0]["uptime"].(m)["total"].(float64) < 29*86400 {
		t.Errorf("the report is %v", rows)
	}
	for _, r := range []reply{
		h.admin(200, "GET", "/report?format=csv", nil),
		h.admin(200, "GET", "/report", nil, "Accept", "text/csv"),
		h.admin(200, "GET", "/report", nil, "Accept", "application/json;q=0.5, text/csv;q=0.9"),
	} {
		table, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
		if err != nil || len(table) != 2 || table[0][2] != "name" || table[1][2] != "'=HYPERLINK(\"x\")" || table[1][0] != "service" {
			t.Errorf("%v %v %s", table, err, r.text)
		}
		if kind := r.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") {
			t.Errorf("the type is %s", kind)
		}
	}
	for _, accept := range []string{"", "*/*", "application/json, text/csv", "text/csv;q=0", "nonsense/;;"} {
		if r := h.admin(200, "GET", "/report", nil, "Accept", accept); r.header.Get("Content-Type") != "application/json" {
			t.Errorf("Accept %q answers %s", accept, r.header.Get("Content-Type"))
		}
	}
	h.as(access.Admin, "GET", "/report?format=xml", nil).wantErrors(t, "format invalid")
	h.as(access.Admin, "GET", "/report?from=yesterday", nil).wantErrors(t, "from invalid")
	h.as(access.Admin, "GET", "/report?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", nil).wantErrors(t, "from max")
}

func TestSummary(t *testing.T) {
	h := populated(t)
	id := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "interval": "1h"}).id()
	until(t, "a result", func() bool { return len(h.admin(200, "GET", "/checks/"+id+"/results", nil).items()) > 0 })
	h.admin(200, "POST", "/checks/"+id+"/run", nil)
	from := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	points := h.admin(200, "GET", "/checks/"+id+"/summary?step=1h&from="+from, nil).items()
	count := 0.0
	for _, p := range points {
		count += p["count"].(float64)
	}
	if count != 2 || points[len(points)-1]["metrics"].([]any)[0].(m)["avg"] != 3.0 {
		t.Errorf("the summary is %v", points)
	}
	for query, want := range map[string]string{"step=soon": "step invalid", "step=0s": "step min", "step=90m": "step invalid", "step=1s": "step min",
		"from=never": "from invalid"} {
		h.as(access.Viewer, "GET", "/checks/"+id+"/summary?"+query, nil).wantErrors(t, want)
	}
	wantStatus(t, "no such check", h.as(access.Viewer, "GET", "/checks/nosuch/summary", nil), 404)
}

func TestWhyOverTheAPI(t *testing.T) {
	h := populated(t)
	told, other := h.users[access.Admin].ID, h.users[access.Viewer].ID
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check.id()}, "alerts": []m{{"plugin": "pager", "settings": m{}}},
		"users_to_notify": []string{told}})
	until(t, "a dead delivery", func() bool { return len(h.admin(200, "GET", "/deliveries?state=dead", nil).items()) > 0 })
	incident := h.admin(200, "GET", "/incidents", nil).items()[0]["id"].(string)
	ask := func(query string) m {
		t.Helper()
		items := h.admin(200, "GET", "/incidents/"+incident+"/why?"+query, nil).items()
		if len(items) != 1 {
			t.Fatalf("%s answers %v", query, items)
		}
		return items[0]
	}
	for query, want := range map[string]string{"": "dead", "user=" + told: "dead", "user=" + other: "not_asked", "plugin=nosuch": "nobody",
		"user=" + told + "&plugin=pager": "dead"} {
		if got := ask(query); got["answer"] != want || got["reason"] == "" {
			t.Errorf("%s answers %v: %v, want %s", query, got["answer"], got["reason"], want)
		}
	}
	event := ask("")["event"].(string)
	ask("event=" + event)
	wantStatus(t, "no such event", h.as(access.Viewer, "GET", "/incidents/"+incident+"/why?event=nosuch", nil), 404)
	wantStatus(t, "no such incident", h.as(access.Viewer, "GET", "/incidents/nosuch/why", nil), 404)
}
