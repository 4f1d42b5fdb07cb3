package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"moonwatch/engine/access"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// event is one server-sent event.
type event struct {
	name, id string
	data     m
	comment  string
}

// listen opens a stream and returns its events; the channel is closed when the
// stream ends.
func (h *house) listen(token, query string, headers ...string) (<-chan event, context.CancelFunc) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", h.web.URL+rest.Root+"/events"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		h.t.Fatalf("answered %d %v", res.StatusCode, res.Header)
	}
	out := make(chan event, 1000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var e event
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				json.Unmarshal([]byte(value), &e.data)
			case "":
				if lines.Text() == "" {
					out <- e
					e = event{}
				} else {
					e.comment = value
				}
			}
		}
	}()
	h.t.Cleanup(cancel)
	if e := <-out; e.comment != "connected" {
		h.t.Fatalf("the stream begins with %v", e)
	}
	return out, cancel
}

// next returns the next event that is no comment.
func next(t *testing.T, events <-chan event) event {
	t.Helper()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the stream ended")
			}
			if e.name != "" {
				return e
			}
		case <-time.After(5 * time.Second):
			t.Fatal("no event within 5 s")
		}
	}
}

// silent makes sure that nothing more comes for a while.
func silent(t *testing.T, events <-chan event) {
	t.Helper()
	select {
	case e, ok := <-events:
		if ok && e.name != "" {
			t.Errorf("there is a further event %v", e)
		}
	case <-time.After(400 * time.Millisecond):
	}
}

func TestEventsTellOfChanges(t *testing.T) {
	t.Parallel()
	h := populated(t)
	events, _ := h.listen(h.tokens[access.Viewer], "?types=service,result")
	made := h.admin(201, "POST", "/services", m{"name": "s"})
	e := next(t, events)
	if e.name != "service" || e.data["id"] != made.id() || e.data["overall_status"] != "PASSING" || e.id == "" {
		t.Errorf("the event is %v", e)
	}
	// Many changes between two updates are one event with the latest state.
	for i := range 10 {
		h.admin(200, "PATCH", "/services/"+made.id(), m{"name": fmt.Sprintf("s%d", i)})
	}
	last := event{}
	for n := 0; last.data["name"] != "s9"; n++ {
		if last = next(t, events); n > 5 {
			t.Fatal("each change is an event of its own")
		}
	}
	check := h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "interval": "1h"})
	if e := next(t, events); e.name != "result" || e.data["check"] != check.id() || e.data["succeeded"] != true {
		t.Errorf("the result is %v", e)
	}
	h.admin(204, "DELETE", "/services/"+made.id(), nil)
	if e := next(t, events); e.name != "service" || e.data["deleted"] != true || e.data["id"] != made.id() {
		t.Errorf("the deletion is %v", e)
	}
}

// TestEventsAreFewPerSecond changes one object all the time: a stream tells of it
// four times a second at most, and of its last state.
func TestEventsAreFewPerSecond(t *testing.T) {
	t.Parallel()
	h := populated(t)
	id := h.admin(201, "POST", "/services", m{"name": "s"}).id()
	events, _ := h.listen(h.tokens[access.Viewer], "?types=service")
	last := ""
	began := time.Now()
	for i := 0; time.Since(began) < 1500*time.Millisecond; i++ {
		last = fmt.Sprintf("s%d", i)
		h.admin(200, "PATCH", "/services/"+id, m{"name": last})
	}
	took, told := time.Since(began), 1
	for next(t, events).data["name"] != last {
		told++
	}
	if most := int(took/(250*time.Millisecond)) + 2; told > most || told < 3 {
		t.Errorf("%d updates in %s, want at most %d", told, took, most)
	}
	silent(t, events)
}

func TestEventsResume(t *testing.T) {
	h := populated(t)
	events, stop := h.listen(h.tokens[access.Viewer], "?types=instance")
	h.admin(201, "POST", "/instances", m{"name": "a"})
	seen := next(t, events)
	stop()
	h.admin(201, "POST", "/instances", m{"name": "b"})
	h.admin(201, "POST", "/instances", m{"name": "c"})
	again, _ := h.listen(h.tokens[access.Viewer], "?types=instance", "Last-Event-ID", seen.id)
	for _, want := range []string{"b", "c"} {
		if e := next(t, again); e.data["name"] != want {
			t.Errorf("after the resume comes %v, want %s", e, want)
		}
	}
	for _, id := range []string{"1", "99999999999999999", "nonsense"} {
		events, stop := h.listen(h.tokens[access.Viewer], "?types=instance", "Last-Event-ID", id)
		if e := next(t, events); e.name != "resync" || e.id == "" {
			t.Errorf("Last-Event-ID %s gives %v", id, e)
		}
		stop()
	}
}

// One stream serves many topics: it names those that a change touches, and goes on
// from where another one ended.
func TestEventsOfTopics(t *testing.T) {
	t.Parallel()
	h := populated(t)
	mine := h.admin(201, "POST", "/services", m{"name": "mine"}).id()
	topics := "?topic=types%3Dinstance&topic=" + url.QueryEscape("types=service&service="+mine) + "&topic=types%3Dservice%2Cinstance"
	events, stop := h.listen(h.tokens[access.Viewer], topics)
	first := next(t, events)
	if first.name != "touched" || first.id == "" || len(first.data) != 0 {
		t.Errorf("the stream begins with %v", first)
	}
	want := func(events <-chan event, what string, want m) (id string) {
		t.Helper()
		e := next(t, events)
		got, _ := json.Marshal(e.data)
		if text, _ := json.Marshal(want); e.name != "touched" || string(got) != string(text) {
			t.Errorf("%s: %s %s, want %s", what, e.name, got, text)
		}
		return e.id
	}
	h.admin(201, "POST", "/instances", m{"name": "i"})
	want(events, "an instance", m{"0": []string{"instance"}, "2": []string{"instance"}})
	h.admin(200, "PATCH", "/services/"+mine, m{"name": "still mine"})
	last := want(events, "the service", m{"1": []string{"service"}, "2": []string{"service"}})
	h.admin(201, "POST", "/checks", m{"name": "c", "plugin": "probe", "config": m{"host": "a"}, "active": false})
	silent(t, events)
	stop()
	h.admin(201, "POST", "/instances", m{"name": "j"})
	again, _ := h.listen(h.tokens[access.Viewer], "?topic=types%3Dinstance&after="+last)
	want(again, "what was missed", m{"0": []string{"instance"}})
	silent(t, again)
	for _, bad := range []string{"?topic=types%3Dnonsense", "?topic=%25zz", "?" + strings.Repeat("topic=&", 101)} {
		if r := h.do(h.tokens[access.Viewer], "GET", rest.Root+"/events"+bad, nil); r.status != 422 && r.status != 400 {
			t.Errorf("%.30s answers %d", bad, r.status)
		}
	}
}

// TestEventsOfOneCommit makes sure that no event of a commit is lost to a
// client that comes back in the middle of it.
func TestEventsOfOneCommit(t *testing.T) {
	h := populated(t)
	instance := h.admin(201, "POST", "/instances", m{"name": "i"})
	h.admin(201, "POST", "/services", m{"name": "s", "instances": []string{instance.id()}})
	events, stop := h.listen(h.tokens[access.Viewer], "?types=instance,service")
	h.admin(204, "DELETE", "/instances/"+instance.id(), nil) // unlinks it from the service
	first := next(t, events)
	second := next(t, events)
	if first.id >= second.id || first.name == second.name {
		t.Fatalf("the events are %v and %v", first, second)
	}
	stop()
	again, _ := h.listen(h.tokens[access.Viewer], "?types=instance,service", "Last-Event-ID", first.id)
	next(t, again)
	if e := next(t, again); e.id != second.id || e.name != second.name {
		t.Errorf("after the resume comes %v, want %v", e, second)
	}
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	h := populated(t)
	ours := h.admin(201, "POST", "/checks", m{"name": "ours", "plugin": "probe", "config": m{"host": "a"}, "active": false}).id()
	other := h.admin(201, "POST", "/checks", m{"name": "other", "plugin": "probe", "config": m{"host": "a"}, "active": false}).id()
	service := h.admin(201, "POST", "/services", m{"name": "s", "status_checks": []string{ours}}).id()
	for _, id := range []string{ours, other} { // which is a change of its own
		until(t, "a description", func() bool { return h.admin(200, "GET", "/checks/"+id, nil).body["description"] == "asks" })
	}
	viewer, _ := h.listen(h.tokens[access.Viewer], "")
	admin, _ := h.listen(h.tokens[access.Admin], "?types=settings,token")
	ofService, _ := h.listen(h.tokens[access.Viewer], "?service="+service)
	ofCheck, _ := h.listen(h.tokens[access.Viewer], "?check="+other)
	h.admin(200, "PUT", "/settings", m{"pause_alerts": true})
	h.admin(201, "POST", "/tokens", m{"name": "secret"})
	for range 2 {
		if e := next(t, admin); e.name != "settings" && (e.name != "token" || e.data["hash"] != nil) {
			t.Errorf("the admin gets %v", e)
		}
	}
	h.admin(200, "PATCH", "/checks/"+other, m{"debounce": 1})
	if e := next(t, viewer); e.name != "check" || e.data["id"] != other {
		t.Errorf("the viewer gets %v", e)
	}
	if e := next(t, ofCheck); e.data["id"] != other {
		t.Errorf("the check's stream has %v", e)
	}
	silent(t, ofService)
	h.admin(200, "PATCH", "/checks/"+ours, m{"debounce": 1})
	if e := next(t, ofService); e.data["id"] != ours {
		t.Errorf("the service's stream has %v", e)
	}
	silent(t, ofCheck)
	h.as(access.Viewer, "GET", "/events?types=nosuch", nil).wantErrors(t, "types invalid")
}

// TestEventsOfOneService: a stream of one service or check is told of all that
// concerns it, of what does no longer, and of nothing else.
func TestEventsOfOneService(t *testing.T) {
	t.Parallel()
	h := populated(t)
	viewer := h.users[access.Viewer].ID
	create := func(path string, body m) string {
		t.Helper()
		return h.admin(201, "POST", path, body).id()
	}
	check := create("/checks", m{"name": "ours", "plugin": "probe", "config": m{"host": "a"}, "active": false, "tags": []string{"blue"}})
	until(t, "a description", func() bool { return h.admin(200, "GET", "/checks/"+check, nil).body["description"] == "asks" })
	swap := []m{{"user": viewer, "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}
	rota, instance, parent := create("/rotas", m{"name": "r", "overrides": swap}), create("/instances", m{"name": "i"}), create("/services", m{"name": "parent"})
	service := create("/services", m{"name": "s", "status_checks": []string{check}, "instances": []string{instance}, "rotas": []string{rota}, "depends_on": []m{{"service": parent}}})
	ofService, _ := h.listen(h.tokens[access.Admin], "?types=service,instance,check,rota,silence,settings,token&service="+service)
	ofCheck, stop := h.listen(h.tokens[access.Admin], "?types=service,instance,check,silence,settings,plugin&check="+check)
	seen := ""
	want := func(what, name, id string, ofService, ofCheck <-chan event) {
		t.Helper()
		for which, events := range map[string]<-chan event{"service": ofService, "check": ofCheck} {
			if events == nil {
				continue
			}
			e := next(t, events)
			if e.name != name || id != "" && e.data["id"] != id {
				t.Errorf("%s: the stream of the %s has %v", what, which, e)
			}
			if which == "check" {
				seen = e.id
			}
		}
	}
	when := func(more m) m {
		body := m{"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	// Of others nothing comes: the next event of each stream is the one after.
	create("/rotas", m{"name": "other", "overrides": swap})
	create("/silences", when(m{"tags": []string{"red"}}))
	create("/instances", m{"name": "other"})
	create("/services", m{"name": "other"})
	byTag := create("/silences", when(m{"tags": []string{"blue"}}))
	want("a silence of the check's tag", "silence", byTag, ofService, ofCheck)
	ofAll := create("/silences", when(m{"services": []string{service}}))
	want("a silence of the service", "silence", ofAll, ofService, nil)
	h.admin(200, "PATCH", "/silences/"+ofAll, m{"services": []string{parent}})
	want("a silence of another now", "silence", ofAll, ofService, nil)
	h.admin(200, "PATCH", "/silences/"+ofAll, m{"comment": "still another's"})
	h.admin(200, "PATCH", "/rotas/"+rota, m{"name": "renamed"})
	want("its rota", "rota", rota, ofService, nil)
	h.admin(200, "PATCH", "/instances/"+instance, m{"address": "b"})
	want("its instance", "instance", instance, ofService, nil)
	h.admin(200, "PATCH", "/services/"+parent, m{"tags": []string{"x"}})
	want("what it depends on", "service", parent, ofService, nil)
	h.admin(200, "PUT", "/settings", m{"pause_alerts": true})
	want("the settings", "settings", "", ofService, ofCheck)
	h.admin(200, "PATCH", "/services/"+service, m{"status_checks": []string{}})
	want("the check leaves the service", "service", service, ofService, ofCheck)
	h.admin(204, "DELETE", "/silences/"+byTag, nil)
	want("a silence ends", "silence", byTag, nil, ofCheck)
	silent(t, ofService)
	silent(t, ofCheck)
	// What was deleted meanwhile is told to a client that comes back.
	gone := create("/silences", when(m{"checks": []string{check}}))
	want("another silence", "silence", gone, nil, ofCheck)
	stop()
	h.admin(204, "DELETE", "/silences/"+gone, nil)
	create("/instances", m{"name": "a third"})
	again, _ := h.listen(h.tokens[access.Admin], "?types=silence,instance&check="+check, "Last-Event-ID", seen)
	if e := next(t, again); e.name != "silence" || e.data["id"] != gone || e.data["deleted"] != true {
		t.Errorf("after the resume comes %v", e)
	}
	silent(t, again)
}

func TestEventsEnd(t *testing.T) {
	h := populated(t, func(o *Options) { o.pace.Comment = 50 * time.Millisecond })
	if r := h.admin(200, "HEAD", "/events", nil); r.text != "" {
		t.Errorf("HEAD answers %q", r.text)
	}
	events, _ := h.listen(h.tokens[access.Viewer], "?types=service")
	until(t, "a sign of life", func() bool { return (<-events).comment == "alive" })
	h.admin(204, "DELETE", "/users/"+h.users[access.Viewer].ID, nil)
	ended(t, events, "its user was deleted")
	events, _ = h.listen(h.tokens[access.Admin], "?types=service")
	h.engine.Stop()
	ended(t, events, "the engine stopped")
	until(t, "no stream is left", func() bool { return h.server.streams.Count() == 0 })
}

func ended(t *testing.T, events <-chan event, why string) {
	t.Helper()
	for end := time.After(5 * time.Second); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatalf("the stream goes on though %s", why)
		}
	}
}

// stuck is a client that takes nothing.
type stuck struct {
	header   http.Header
	deadline time.Time
}

func (w *stuck) Header() http.Header { return w.header }

func (w *stuck) WriteHeader(int) {}

func (w *stuck) SetWriteDeadline(at time.Time) error { w.deadline = at; return nil }

func (w *stuck) Flush() {}

func (w *stuck) Write(b []byte) (int, error) {
	time.Sleep(time.Until(w.deadline))
	return 0, fmt.Errorf("write: deadline exceeded")
}

func TestStreamThatBlocksIsClosed(t *testing.T) {
	h := populated(t, func(o *Options) { o.pace.Blocked = 50 * time.Millisecond })
	done := make(chan struct{})
	go func() {
		defer close(done)
		req, _ := http.NewRequestWithContext(t.Context(), "GET", rest.Root+"/events", nil)
		req.Header.Set("Authorization", "Bearer "+h.tokens[access.Viewer])
		h.server.Handler().ServeHTTP(&stuck{header: http.Header{}}, req)
	}()
	until(t, "the stream is open", func() bool { return h.server.streams.Count() == 1 })
	h.admin(201, "POST", "/services", m{"name": "s"})
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the stream is still open")
	}
}

// TestStreamsAreBounded: one user does not take all of them.
func TestStreamsAreBounded(t *testing.T) {
	h := populated(t)
	for range rest.MaxUserStreams {
		h.listen(h.tokens[access.Viewer], "")
	}
	if r := h.as(access.Viewer, "GET", "/events", nil); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("one stream more is answered %d", r.status)
	}
	_, cancel := h.listen(h.tokens[access.Admin], "")
	cancel()
	until(t, "the admin's has ended", func() bool { return h.server.streams.Count() == rest.MaxUserStreams })
}

// TestStreamsEndWithTheirCaller: who may no longer listen is told nothing more.
func TestStreamsEndWithTheirCaller(t *testing.T) {
	for name, end := range map[string]func(h *house, id, token, session string){
		"deactivated":   func(h *house, id, _, _ string) { h.admin(200, "PATCH", "/users/"+id, m{"active": false}) },
		"deleted":       func(h *house, id, _, _ string) { h.admin(204, "DELETE", "/users/"+id, nil) },
		"token revoked": func(h *house, _, token, _ string) { h.admin(204, "DELETE", "/tokens/"+token, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := populated(t, func(o *Options) { o.pace.Comment, o.pace.Asked = time.Hour, time.Hour }) // the change itself ends it
			id := h.users[access.Viewer].ID
			events, _ := h.listen(h.tokens[access.Viewer], "?types=service")
			end(h, id, h.as(access.Viewer, "GET", "/tokens", nil).items()[0]["id"].(string), "")
			h.admin(201, "POST", "/services", m{"name": "made after that"})
			select {
			case e, open := <-events:
				if open {
					t.Errorf("the stream goes on with %v", e)
				}
			case <-time.After(5 * time.Second):
				t.Error("the stream is open")
			}
		})
	}
	t.Run("logged out", func(t *testing.T) {
		h := populated(t, func(o *Options) { o.pace.Comment, o.pace.Asked = time.Hour, 20*time.Millisecond })
		id := h.users[access.Viewer].ID
		secret, session, err := h.engine.Sessions.OpenSession(t.Context(), id, "", "")
		if err != nil {
			t.Fatal(err)
		}
		events, _ := h.listen("", "", "Cookie", auth.CookieName+"="+secret)
		if err := h.engine.Sessions.CloseSession(t.Context(), session.ID); err != nil {
			t.Fatal(err)
		}
		select {
		case <-events:
		case <-time.After(5 * time.Second):
			t.Error("the stream is open")
		}
	})
}
