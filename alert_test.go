package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"moonwatch/internal/programtest"
)

// pager is an alert plugin as an author would write it.
const pager = `local forms, http = require "forms", require "http"
local Pager = {
  name = "Pager", slug = "pager", version = "1.0", channel = "chat",
  settings_form = { forms.URLField{ "address" } },
  user_config_form = { forms.CharField{ "nick", required = false } },
}
function Pager:send_alert(service, users, duty_officers)
  local nicks = {}
  for i, u in ipairs(users) do nicks[i] = u.pager_settings.nick end
  local response, problem = http.post(self.settings.address, { json = { kind = service.alert_kind, delivery_id = service.delivery_id,
    incident_key = service.incident_key, attempt = service.attempt, alert_number = service.alert_number,
    message = service:get_status_message(), nicks = nicks } })
  if not response then return false, problem end
  return response.status == 200, "the pager answered " .. response.status
end
return Pager
`

// told is what both plugins post of an event.
type told struct {
	at       time.Time
	Kind     string   `json:"kind"`
	Delivery string   `json:"delivery_id"`
	Incident string   `json:"incident_key"`
	Number   int      `json:"alert_number"`
	Message  string   `json:"message"`
	Nicks    []string `json:"nicks"`
}

// events are what came on a path, in the order of arrival.
func events(r *programtest.Receiver, t testing.TB, path string) []told {
	t.Helper()
	var out []told
	for _, a := range r.At(path) {
		e := told{at: a.At}
		if err := json.Unmarshal([]byte(a.Body), &e); err != nil {
			t.Fatalf("%v in %s", err, a.Body)
		}
		out = append(out, e)
	}
	return out
}

func kinds(events []told) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

// delivery is a delivery as the API gives it.
type delivery struct {
	ID, Plugin, Kind, State, Why string
	Attempts                     []struct{ Error, Outcome string }
}

func deliveries(m *programtest.Program, service string) []delivery {
	m.T.Helper()
	var page struct{ Items []delivery }
	m.API("GET", "/deliveries?limit=500&service="+service, nil, &page)
	slices.Reverse(page.Items) // the oldest first
	return page.Items
}

// watched is a service with two HTTP checks of a target: one at WARNING, one at
// CRITICAL. It alerts through webhook and the hand-written pager.
type watched struct {
	*programtest.Program
	target, receiver *programtest.Receiver
	service          string
	weak, strong     string
}

// newWatched alerts to a receiver of its own unless hooks is a URL.
func newWatched(t *testing.T, hooks, repeat string) *watched {
	t.Helper()
	w := &watched{Program: programtest.New(t), target: programtest.NewReceiver(t), receiver: programtest.NewReceiver(t)}
	if hooks == "" {
		hooks = w.receiver.URL
	}
	w.Save("pager.lua", pager)
	w.Admin()
	w.Start()
	w.API("PUT", "/plugins/pager/settings", programtest.Object{"address": hooks + "/pager"}, nil)
	var user programtest.Made
	w.API("POST", "/users", programtest.Object{"username": "ada", "password": "a long enough password", "role": "viewer",
		"settings": programtest.Object{"pager": programtest.Object{"nick": "countess"}}}, &user)
	w.weak = w.Program.Check("weak", "http", programtest.Object{"endpoint": w.target.URL + "/weak"}, programtest.Object{"importance": "WARNING"})
	w.strong = w.Program.Check("strong", "http", programtest.Object{"endpoint": w.target.URL + "/strong"}, programtest.Object{"importance": "CRITICAL"})
	w.service = w.Program.Service("Shop", []string{w.weak, w.strong}, programtest.Object{"users_to_notify": []string{user.ID},
		"alerts":          []programtest.Object{{"plugin": "webhook", "settings": programtest.Object{"url": hooks + "/hook"}}, {"plugin": "pager", "settings": programtest.Object{}}},
		"repeat_interval": programtest.Object{"WARNING": repeat, "CRITICAL": repeat}})
	w.await("PASSING")
	return w
}

func (w *watched) await(status string) {
	w.T.Helper()
	programtest.Until(w.T, "the service is "+status, 10*time.Second, func() bool {
		var s programtest.Made
		w.API("GET", "/services/"+w.service, nil, &s)
		return s.OverallStatus == status
	})
}

// failing makes the target fail on the paths.
func (w *watched) failing(paths ...string) {
	w.target.Answering(func(rw http.ResponseWriter, r *http.Request) {
		if slices.Contains(paths, r.URL.Path) {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
}

// TestAlerts follows an incident: firing, repeats, escalation, one recovery per plugin.
func TestAlerts(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "", "1s")
	paths := []string{"/hook", "/pager"}
	has := func(path, kind string, n int) func() bool {
		return func() bool {
			return len(slices.DeleteFunc(kinds(events(w.receiver, t, path)), func(k string) bool { return k != kind })) >= n
		}
	}
	w.failing("/weak")
	for _, path := range paths {
		programtest.Until(t, "firing at "+path, 4*time.Second, has(path, "firing", 1))
		programtest.Until(t, "repeats at "+path, 6*time.Second, has(path, "repeat", 2))
	}
	w.failing("/weak", "/strong")
	for _, path := range paths {
		programtest.Until(t, "escalation at "+path, 4*time.Second, has(path, "escalation", 1))
	}
	w.failing()
	for _, path := range paths {
		programtest.Until(t, "recovery at "+path, 6*time.Second, has(path, "recovery", 1))
	}
	w.await("PASSING")
	time.Sleep(1500 * time.Millisecond) // nothing may follow
	for _, path := range paths {
		events := events(w.receiver, t, path)
		got := kinds(events)
		if got[0] != "firing" || got[len(got)-1] != "recovery" {
			t.Errorf("%s was told %v", path, got)
		}
		if n := len(slices.DeleteFunc(slices.Clone(got), func(k string) bool { return k == "repeat" || k == "deescalation" || k == "update" })); n != 3 {
			t.Errorf("%s was told %v, want one firing, escalation and recovery", path, got)
		}
		seen := map[string]bool{}
		for i, e := range events {
			if seen[e.Delivery] || e.Incident != events[0].Incident || i > 0 && e.Number <= events[i-1].Number {
				t.Errorf("%s: event %d is %+v after %+v", path, i, e, events[max(i-1, 0)])
			}
			seen[e.Delivery] = true
			if e.Kind == "repeat" && i > 0 {
				if gap := e.at.Sub(events[i-1].at); gap < 700*time.Millisecond {
					t.Errorf("%s: a repeat %v after the event before it", path, gap)
				}
			}
		}
		if want := "Service Shop reporting WARNING status: http"; !strings.HasPrefix(events[0].Message, want) ||
			!strings.HasSuffix(events[0].Message, "Checks failing: weak (Wrong code: got 500 (expected 200))") {
			t.Errorf("%s: firing says %q", path, events[0].Message)
		}
	}
	if first := events(w.receiver, t, "/pager")[0]; !slices.Equal(first.Nicks, []string{"countess"}) {
		t.Errorf("the pager was told of %v", first.Nicks)
	}
	for _, d := range deliveries(w.Program, w.service) {
		if d.State != "sent" && d.State != "superseded" || d.State == "sent" && len(d.Attempts) != 1 {
			t.Errorf("delivery %+v", d)
		}
	}
}

// TestKillWhileSending kills the monitor while receivers hold its requests, and
// while they refuse them. No told event may be lost, and what comes twice has
// the same delivery id.
func TestKillWhileSending(t *testing.T) {
	t.Parallel()
	w := newWatched(t, "", "1h") // repeats would take the firing's place
	release := make(chan struct{})
	defer close(release)
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	arrived := func(n int) func() bool {
		return func() bool {
			return len(w.receiver.At("/hook")) >= n && len(w.receiver.At("/pager")) >= n
		}
	}
	w.receiver.Answering(hang)
	w.failing("/strong")
	programtest.Until(t, "firing on its way", 5*time.Second, arrived(1))
	w.End(syscall.SIGKILL)
	w.Start() // it hangs again, and is killed again
	programtest.Until(t, "firing on its way again", 10*time.Second, arrived(2))
	w.End(syscall.SIGKILL)
	w.receiver.Status(http.StatusServiceUnavailable)
	w.Start()
	programtest.Until(t, "a refusal", 10*time.Second, arrived(3))
	w.End(syscall.SIGKILL)
	w.receiver.Answering(nil)
	w.Start()
	programtest.Until(t, "told", 10*time.Second, arrived(4))
	// And once more, in the middle of the recovery.
	w.receiver.Answering(hang)
	w.failing()
	count := func(path, kind string) int {
		return len(slices.DeleteFunc(kinds(events(w.receiver, t, path)), func(k string) bool { return k != kind }))
	}
	both := func(kind string, n int) func() bool {
		return func() bool { return count("/hook", kind) >= n && count("/pager", kind) >= n }
	}
	w.await("PASSING")
	time.Sleep(300 * time.Millisecond)
	w.End(syscall.SIGKILL)
	w.receiver.Answering(nil)
	w.Start()
	programtest.Until(t, "recovery", 15*time.Second, both("recovery", 1))
	programtest.Until(t, "an empty outbox", 10*time.Second, func() bool {
		return !slices.ContainsFunc(deliveries(w.Program, w.service), func(d delivery) bool { return d.State == "pending" || d.State == "failed" })
	})
	for _, path := range []string{"/hook", "/pager"} {
		events := events(w.receiver, t, path)
		byID := map[string]told{}
		recoveries := map[string]bool{}
		for i, e := range events {
			if first, twice := byID[e.Delivery]; twice && (first.Incident != e.Incident || first.Number != e.Number || first.Kind != e.Kind) {
				t.Errorf("%s: %+v and %+v have one delivery id", path, first, e)
			}
			byID[e.Delivery] = e
			if e.Kind == "recovery" {
				recoveries[e.Delivery] = true
				if rest := kinds(events[i:]); slices.ContainsFunc(rest, func(k string) bool { return k != "recovery" }) {
					t.Errorf("%s: after the recovery came %v", path, rest)
				}
			}
		}
		if events[0].Kind != "firing" || len(recoveries) != 1 || count(path, "firing") < 2 {
			t.Errorf("%s was told %v, want a firing twice or more, and one recovery event", path, kinds(events))
		}
		if events[0].Delivery != events[1].Delivery {
			t.Errorf("%s: the doubled firing has the ids %s and %s", path, events[0].Delivery, events[1].Delivery)
		}
		for _, d := range deliveries(w.Program, w.service) {
			if d.State == "sent" && "/"+strings.Replace(d.Plugin, "webhook", "hook", 1) == path && byID[d.ID].Delivery == "" {
				t.Errorf("%s: delivery %s (%s) counts as sent and never arrived", path, d.ID, d.Kind)
			}
		}
	}
}

// TestSuperseded holds that a firing which could not be delivered before the
// service recovered is given up, and that nothing is sent.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	address := programtest.FreeAddress(t) // nobody listens there yet
	w := newWatched(t, "http://"+address, "1s")
	w.failing("/strong")
	programtest.Until(t, "refused attempts are shown", 8*time.Second, func() bool {
		all := deliveries(w.Program, w.service)
		return len(all) >= 2 && !slices.ContainsFunc(all, func(d delivery) bool {
			return d.State != "superseded" && (len(d.Attempts) == 0 || d.Attempts[0].Error == "")
		})
	})
	w.failing()
	w.await("PASSING")
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("the address was taken meanwhile: %v", err)
	}
	late := programtest.NewReceiverOn(t, l)
	programtest.Until(t, "superseded", 5*time.Second, func() bool {
		return !slices.ContainsFunc(deliveries(w.Program, w.service), func(d delivery) bool { return d.State != "superseded" })
	})
	time.Sleep(3 * time.Second) // the next attempt would have been made by now
	// The monitor's own service may tell that the plugins could not send.
	got := slices.DeleteFunc(append(late.At("/hook"), late.At("/pager")...), func(a programtest.Arrival) bool { return !strings.Contains(a.Body, "Service Shop ") })
	if len(got) > 0 {
		t.Errorf("after the recovery came %+v", got)
	}
	for _, d := range deliveries(w.Program, w.service) {
		if d.State != "superseded" || d.Why == "" || d.Kind == "recovery" {
			t.Errorf("delivery %+v, want superseded with its reason", d)
		}
	}
}

// TestMailServerDown holds that what a dead mail server does not take is tried
// again, shown, and delivered once it is back.
func TestMailServerDown(t *testing.T) {
	t.Parallel()
	m := programtest.Serving(t)
	target := programtest.NewReceiver(t)
	address := programtest.FreeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	m.API("PUT", "/plugins/email/settings", programtest.Object{"host": host, "port": port, "security": "none", "from": "moon@example.org"}, nil)
	var user programtest.Made
	m.API("POST", "/users", programtest.Object{"username": "ada", "email": "ada@example.org", "password": "a long enough password", "role": "viewer"}, &user)
	check := m.Check("page", "http", programtest.Object{"endpoint": target.URL}, nil)
	service := m.Service("Site", []string{check}, programtest.Object{"users_to_notify": []string{user.ID}, "alerts": []programtest.Object{{"plugin": "email", "settings": programtest.Object{}}}})
	target.Status(http.StatusBadGateway)
	programtest.Until(t, "two refused attempts", 10*time.Second, func() bool {
		all := deliveries(m, service)
		return len(all) == 1 && len(all[0].Attempts) >= 2
	})
	if d := deliveries(m, service)[0]; d.State != "failed" || !strings.Contains(d.Attempts[0].Error, "refused") {
		t.Errorf("delivery %+v, want failed and what the server did", d)
	}
	mails := serveMail(t, address)
	programtest.Until(t, "the mail", 10*time.Second, func() bool { return len(mails.all()) == 1 })
	if text := mails.all()[0]; !strings.Contains(text, "ERROR status for service: Site") || !strings.Contains(text, "ada@example.org") {
		t.Errorf("the mail is %s", text)
	}
	programtest.Until(t, "sent", 3*time.Second, func() bool { return deliveries(m, service)[0].State == "sent" })
	time.Sleep(200 * time.Millisecond)
	if n := len(mails.all()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

// mailbox is an SMTP server that keeps what it is given.
type mailbox struct {
	mu    sync.Mutex // guards mails
	mails []string
}

func (b *mailbox) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

func serveMail(t testing.TB, address string) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b := &mailbox{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.take(c)
		}
	}()
	return b
}

func (b *mailbox) take(c net.Conn) {
	defer c.Close()
	r := bufio.NewScanner(c)
	fmt.Fprint(c, "220 test ESMTP\r\n")
	var text []string
	for data := false; r.Scan(); {
		switch line := r.Text(); {
		case data && line == ".":
			data = false
			b.mu.Lock()
			b.mails = append(b.mails, strings.Join(text, "\n"))
			b.mu.Unlock()
			fmt.Fprint(c, "250 taken\r\n")
		case data:
			text = append(text, line)
		case line == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}
