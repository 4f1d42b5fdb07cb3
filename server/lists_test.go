package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/server/rest"
)

// names reads a whole list, page by page.
func (h *house) names(query string) (names []string, pages int) {
	h.t.Helper()
	next := ""
	for {
		r := h.admin(200, "GET", "/checks?"+query+next, nil)
		pages++
		for _, item := range r.items() {
			names = append(names, item["name"].(string))
		}
		cursor, more := r.body["next"].(string)
		if !more {
			return names, pages
		}
		next = "&cursor=" + url.QueryEscape(cursor)
	}
}

func TestListPages(t *testing.T) {
	h := populated(t)
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("check %02d", i)
		want = append(want, name)
		h.admin(201, "POST", "/checks", m{"name": name, "plugin": "probe", "config": m{"host": "a"}, "active": i%2 == 0,
			"importance": []string{"CRITICAL", "WARNING", "ERROR"}[i%3], "tags": []string{"even", "odd"}[i%2 : i%2+1], "interval": "1h"})
	}
	got, pages := h.names("limit=7")
	if !slices.Equal(got, want) || pages != 4 {
		t.Errorf("%d pages: %v", pages, got)
	}
	backwards := slices.Clone(want)
	slices.Reverse(backwards)
	if got, _ := h.names("limit=7&ordering=-name"); !slices.Equal(got, backwards) {
		t.Errorf("backwards: %v", got)
	}
	if got, _ := h.names("limit=4&ordering=importance"); len(got) != 25 || got[0] != "check 01" || got[24] != "check 24" {
		t.Errorf("by importance: %v", got)
	}
	for query, want := range map[string]int{
		"active=true": 13, "active=false": 12, "tags=odd": 12, "tags=odd&tags=even": 25, "tags=none": 0, "importance=ERROR": 8,
		"importance=ERROR&importance=WARNING&active=true": 8, "plugin=probe": 25, "plugin=x": 0, "interval=60m": 25, "name=check+03": 1,
		"status=PASSING&status=PENDING": 25, "debounce=0": 25, "next_run=": 12, "ordering=next_run": 25, "service=nosuch": 0, "limit=3&tags=odd": 12,
	} {
		if got, _ := h.names(query); len(got) != want {
			t.Errorf("%s gives %d checks, want %d", query, len(got), want)
		}
	}
	for query, want := range map[string]string{
		"limit=0": "limit min", "limit=1001": "limit max", "limit=x": "limit type", "ordering=config": "ordering invalid", "ordering=": "ordering invalid",
		"cursor=xx": "cursor invalid", "active=yes": "active invalid", "importance=BAD": "importance invalid", "interval=5": "interval invalid",
		"nme=x": "nme unknown", "name=%00": "name invalid", "name=%ff": "name invalid", "service=" + strings.Repeat("x", 5000): "service invalid",
		"cursor=" + *rest.Cursor{Order: "name", ID: "\x00"}.Encode(): "cursor invalid",
	} {
		h.as(access.Admin, "GET", "/checks?"+query, nil).wantErrors(t, want)
	}
}

func TestListIsStableWhileItChanges(t *testing.T) {
	h := populated(t)
	for _, name := range []string{"a", "b", "d", "e"} {
		h.admin(201, "POST", "/instances", m{"name": name})
	}
	first := h.admin(200, "GET", "/instances?limit=2", nil)
	h.admin(204, "DELETE", "/instances/"+first.items()[1]["id"].(string), nil)
	h.admin(201, "POST", "/instances", m{"name": "c"})
	rest := h.admin(200, "GET", "/instances?limit=2&cursor="+first.body["next"].(string), nil)
	if items := rest.items(); len(items) != 2 || items[0]["name"] != "c" || items[1]["name"] != "d" {
		t.Errorf("the second page is %s", rest.text)
	}
}

func TestResultPages(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := &engine.Batch{ID: "x"}
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Minute)
		b.Results = append(b.Results, engine.Result{Check: made.id(), Seq: uint64(at.UnixMicro()), Started: at, Succeeded: i%2 == 0, Took: 0.5})
	}
	if err := h.store.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	path := "/checks/" + made.id() + "/results"
	minutes := func(query string) (out []int) {
		next := ""
		for {
			r := h.admin(200, "GET", path+"?"+query+next, nil)
			for _, item := range r.items() {
				at, _ := time.Parse(time.RFC3339, item["started"].(string))
				out = append(out, int(at.Sub(start)/time.Minute))
				if item["metrics"] == nil || item["log"] == nil || item["took"] != 0.5 {
					t.Errorf("an item is %v", item)
				}
			}
			cursor, more := r.body["next"].(string)
			if !more {
				return out
			}
			next = "&cursor=" + cursor
		}
	}
	for query, want := range map[string][]int{
		"limit=3":                   {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
		"limit=2&succeeded=false":   {9, 7, 5, 3, 1},
		"from=2026-01-01T00:08:00Z": {9, 8},
		"limit=1&from=2026-01-01T00:02:00Z&to=2026-01-01T00:05:00Z": {4, 3, 2},
		"from=2026-01-01T01:03:00%2B01:00&to=2026-01-01T00:04:00Z":  {3},
		"to=1960-01-01T00:00:00Z":                                   nil,
	} {
		if got := minutes(query); !slices.Equal(got, want) {
			t.Errorf("%s gives %v, want %v", query, got, want)
		}
	}
	h.as(access.Viewer, "GET", path+"?from=yesterday", nil).wantErrors(t, "from invalid")
	for _, order := range []string{"took", "started"} {
		h.as(access.Viewer, "GET", path+"?ordering="+order, nil).wantErrors(t, "ordering invalid")
	}
}

// TestListOfManyIsQuick holds a page of 10,000 checks to a bound that leaves a
// loaded machine room: it takes a few milliseconds.
func TestListOfManyIsQuick(t *testing.T) {
	h := populated(t)
	by := engine.Actor{Name: "test", Role: access.Admin}
	for i := range 2000 {
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Config, c.Active = fmt.Sprintf("check %d", i), "probe", form.Values{"host": "a"}, false
		if _, err := h.engine.Checks.SaveCheck(t.Context(), by, c); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	r := h.admin(200, "GET", "/checks?status=PENDING", nil)
	if took := time.Since(start); took > 500*time.Millisecond || len(r.items()) != 100 {
		t.Errorf("%d items took %s", len(r.items()), took)
	}
	if config := r.items()[0]["config"].(m); config["count"] != 3.0 {
		t.Errorf("an item of a page is not whole: %v", config)
	}
}

func TestIncidentsAndDeliveries(t *testing.T) {
	h := populated(t)
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "down"}, "interval": "1h"})
	service := h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{check.id()},
		"users_to_notify": []string{h.users[access.Admin].ID}, "alerts": []m{{"plugin": "pager", "settings": m{"room": "ops"}}}})
	until(t, "a dead delivery", func() bool { return len(h.admin(200, "GET", "/deliveries?state=dead", nil).items()) == 1 })
	d := h.admin(200, "GET", "/deliveries?service="+service.id(), nil).items()[0]
	if d["plugin"] != "pager" || d["kind"] != "firing" || d["state"] != "dead" || len(d["attempts"].([]any)) != 1 ||
		d["subject"].(m)["service"] != service.id() || d["snapshot"] != nil {
		t.Errorf("the delivery is %v", d)
	}
	in := h.admin(200, "GET", "/incidents?open=true&service="+service.id(), nil).items()
	if len(in) != 1 || in[0]["id"] != d["incident"] || in[0]["closed"] != nil || len(in[0]["events"].([]any)) == 0 {
		t.Fatalf("incidents are %v", in)
	}
	event := in[0]["events"].([]any)[0].(m)
	if event["kind"] != "firing" || len(event["decisions"].([]any)) == 0 || event["deliveries"].([]any)[0] != d["id"] {
		t.Errorf("the event is %v", event)
	}
	if one := h.admin(200, "GET", "/incidents/"+in[0]["id"].(string), nil); one.body["key"] != in[0]["key"] {
		t.Errorf("alone it is %s", one.text)
	}
	for query, want := range map[string]int{
		"/incidents?open=false": 0, "/incidents?severity=ERROR": 1, "/incidents?severity=WARNING": 0, "/incidents?instance=x": 0,
		"/incidents?ordering=opened": 1, "/deliveries?incident=" + in[0]["id"].(string): 1, "/deliveries?incident=x": 0,
		"/deliveries?plugin=pager&kind=firing": 1, "/deliveries?state=sent": 0, "/audit?kind=check&object=" + check.id(): 1, "/audit?limit=1000": 10,
	} {
		if got := len(h.admin(200, "GET", query, nil).items()); got != want {
			t.Errorf("%s gives %d, want %d", query, got, want)
		}
	}
	h.as(access.Admin, "GET", "/incidents?open=maybe", nil).wantErrors(t, "open invalid")
	h.as(access.Admin, "GET", "/incidents?service=a&instance=b", nil).wantErrors(t, "instance invalid")
	h.as(access.Admin, "GET", "/deliveries?ordering=plugin", nil).wantErrors(t, "ordering invalid")
	retried := h.as(access.Operator, "POST", "/deliveries/"+d["id"].(string)+"/retry", nil)
	if retried.status != 200 || retried.body["state"] != "pending" {
		t.Errorf("retry answers %d %s", retried.status, retried.text)
	}
	until(t, "a second attempt", func() bool {
		return len(h.admin(200, "GET", "/deliveries/"+d["id"].(string), nil).body["attempts"].([]any)) == 2
	})
	for _, path := range []string{"/checks/" + check.id(), "/services/" + service.id()} {
		r := h.as(access.Operator, "POST", path+"/run", nil)
		if r.status != 200 || !strings.Contains(r.text, "is down") {
			t.Errorf("run answers %d %s", r.status, r.text)
		}
	}
	wantStatus(t, "run as viewer", h.as(access.Viewer, "POST", "/checks/"+check.id()+"/run", nil), 403)
}

func TestAuditPages(t *testing.T) {
	h := populated(t)
	seen, next := map[string]bool{}, ""
	for {
		r := h.admin(200, "GET", "/audit?limit=3"+next, nil)
		for _, item := range r.items() {
			seen[item["id"].(string)] = true
		}
		cursor, more := r.body["next"].(string)
		if !more {
			break
		}
		next = "&cursor=" + cursor
	}
	if len(seen) != 8 { // four users, four tokens
		t.Errorf("%d entries, want 8", len(seen))
	}
}
