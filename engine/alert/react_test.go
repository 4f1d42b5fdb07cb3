package alert

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/judge"
)

// drama plays an incident step by step.
type drama struct {
	flapping string // the check that flaps
	t        *testing.T
	in       *engine.Incident
	now      time.Time
	s        Conditions
	checks   map[string]engine.Status
	heard    []string // kinds since the last look
	reasons  []string

	silenced bool // a silence covers all
}

func newDrama(t *testing.T) *drama {
	d := &drama{t: t, now: epoch, checks: map[string]engine.Status{}}
	d.in = Open("i1", "mw-i1", engine.Ref{Kind: engine.KindService, ID: "s1"}, "Shop", epoch)
	d.in.Enabled, d.in.Plugins = true, []string{"mail"}
	d.s = Conditions{Enabled: true, Plugins: []string{"mail"}, Repeat: func(s engine.Status) time.Duration { return engine.DefaultRepeat()[s].Std() }}
	return d
}

// set makes checks fail ("a=ERROR") or pass ("a=").
func (d *drama) set(changes ...string) *drama {
	for _, c := range changes {
		id, severity, _ := strings.Cut(c, "=")
		if severity == "" {
			delete(d.checks, id)
		} else {
			d.checks[id] = engine.Status(severity)
		}
	}
	return d.react()
}

func (d *drama) wait(by time.Duration) *drama {
	d.now = d.now.Add(by)
	return d.react()
}

func (d *drama) react() *drama {
	d.s.Failing = nil
	for _, id := range []string{"a", "b", "c"} {
		if s, ok := d.checks[id]; ok {
			d.s.Failing = append(d.s.Failing, engine.FailingCheck{ID: id, Severity: s, Flapping: id == d.flapping})
		}
	}
	d.s.Overall = judge.Overall(d.s.Failing)
	d.s.Alerting, d.s.Covered, d.s.Silence = d.s.Overall, nil, ""
	if d.silenced {
		d.s.Alerting, d.s.Silence = engine.StatusPassing, "silenced"
		for _, f := range d.s.Failing {
			d.s.Covered = append(d.s.Covered, f.ID)
		}
	}
	before := fmt.Sprintf("%+v", *d.in)
	next, events := React(d.in, d.s, d.now)
	if fmt.Sprintf("%+v", *d.in) != before {
		d.t.Fatal("React changed the incident it was given")
	}
	d.in = next
	for _, h := range events {
		kind := string(h.Kind)
		if h.Held != "" {
			kind += "(held)"
		}
		if h.UpdatersOnly {
			kind += "(updaters)"
		}
		if h.Plugins != nil {
			kind += fmt.Sprint(h.Plugins)
		}
		d.heard = append(d.heard, kind)
		d.reasons = append(d.reasons, h.Detail)
	}
	return d
}

func (d *drama) want(kinds string) *drama {
	d.t.Helper()
	if got := strings.Join(d.heard, " "); got != kinds {
		d.t.Errorf("heard %q, want %q", got, kinds)
	}
	d.heard = nil
	return d
}

func (d *drama) acknowledge(expires time.Duration) *drama {
	d.in = d.in.Copy()
	d.in.Ack = &engine.Acknowledgement{User: "u", Severity: d.in.Status, At: d.now}
	if expires > 0 {
		at := d.now.Add(expires)
		d.in.Ack.Expires = &at
	}
	return d
}

// TestReact holds each row of the table "From statuses to alerts".
func TestReact(t *testing.T) {
	t.Run("opens: at once, firing", func(t *testing.T) {
		newDrama(t).set("a=ERROR").want("firing").react().want("")
	})
	t.Run("severity rises: at once, escalation", func(t *testing.T) {
		newDrama(t).set("a=WARNING").want("firing").set("b=ERROR").want("escalation").set("a=CRITICAL").want("escalation")
	})
	t.Run("severity rises: also while acknowledged, and ends the acknowledgement", func(t *testing.T) {
		d := newDrama(t).set("a=WARNING").want("firing").acknowledge(0).set("a=ERROR").want("escalation")
		if d.in.Ack != nil {
			t.Error("the acknowledgement lives on")
		}
	})
	t.Run("severity falls: at once, deescalation", func(t *testing.T) {
		newDrama(t).set("a=CRITICAL").want("firing").set("a=WARNING").want("deescalation")
	})
	t.Run("another check fails: gathered for 30 s, one message", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR").want("firing").set("b=ERROR").want("")
		d.wait(10 * time.Second).set("c=WARNING").want("")
		d.wait(19 * time.Second).want("").wait(time.Second).want("update").wait(time.Minute).want("")
	})
	t.Run("a failing check begins to flap: said once", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR").want("firing")
		d.flapping = "a"
		d.react().want("").wait(30 * time.Second).want("update").wait(time.Minute).want("")
	})
	t.Run("gathered: folded in when severity rises", func(t *testing.T) {
		newDrama(t).set("a=WARNING").want("firing").set("b=WARNING").want("").set("c=ERROR").want("escalation").wait(time.Minute).want("")
	})
	t.Run("gathered: folded in when the incident closes", func(t *testing.T) {
		newDrama(t).set("a=ERROR").want("firing").set("b=ERROR").want("").set("a=", "b=").want("recovery")
	})
	t.Run("a check recovers while others fail: by itself only to updaters", func(t *testing.T) {
		newDrama(t).set("a=ERROR", "b=ERROR").want("firing").set("b=").want("update(updaters)")
	})
	t.Run("a check recovers while a message is gathered: in that message", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR", "b=ERROR").want("firing").set("c=ERROR").want("").set("b=").want("")
		d.wait(30 * time.Second).want("update")
	})
	for severity, every := range map[string]time.Duration{"CRITICAL": 10 * time.Minute, "ERROR": time.Hour, "WARNING": 2 * time.Hour} {
		t.Run("still failing at "+severity+": repeat", func(t *testing.T) {
			d := newDrama(t).set("a=" + severity).want("firing")
			d.wait(every - time.Second).want("").wait(time.Second).want("repeat").wait(every).want("repeat")
		})
	}
	t.Run("repeat: timed from the last event", func(t *testing.T) {
		d := newDrama(t).set("a=WARNING").want("firing").wait(90 * time.Minute).set("a=ERROR").want("escalation")
		d.wait(59 * time.Minute).want("").wait(time.Minute).want("repeat")
	})
	t.Run("repeat: never faster than a second", func(t *testing.T) {
		d := newDrama(t)
		d.s.Repeat = func(engine.Status) time.Duration { return time.Millisecond }
		d.set("a=ERROR").want("firing").wait(999 * time.Millisecond).want("").wait(time.Millisecond).want("repeat")
	})
	t.Run("acknowledged: repeats stop", func(t *testing.T) {
		newDrama(t).set("a=ERROR").want("firing").acknowledge(0).wait(3 * time.Hour).want("")
	})
	t.Run("acknowledgement ends by time: a repeat that is overdue goes at once", func(t *testing.T) {
		d := newDrama(t).set("a=CRITICAL").want("firing").acknowledge(20 * time.Minute)
		d.wait(19 * time.Minute).want("").wait(time.Minute).want("unacknowledged repeat")
	})
	t.Run("acknowledgement ends by time: one that is not waits", func(t *testing.T) {
		newDrama(t).set("a=ERROR").want("firing").acknowledge(20 * time.Minute).wait(20 * time.Minute).want("unacknowledged")
	})
	t.Run("closes: recovery, and the acknowledgement goes with it", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR").want("firing").acknowledge(0).set("a=").want("recovery")
		if d.in.Closed == nil || d.in.Ack != nil || d.in.Severity != engine.StatusError {
			t.Errorf("closed as %+v", d.in)
		}
	})
	t.Run("last failing check deleted: recovery naming that reason", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR").want("firing")
		d.s.Reason = "the check a was deleted"
		d.set("a=").want("recovery")
		if d.in.Reason != "the check a was deleted" || d.reasons[1] != d.in.Reason {
			t.Errorf("reason %q", d.in.Reason)
		}
	})
	t.Run("plugin added during an incident: firing through it", func(t *testing.T) {
		d := newDrama(t).set("a=ERROR").want("firing")
		d.s.Plugins = []string{"mail", "chat"}
		d.react().want("firing[chat]").react().want("")
	})
	t.Run("alerts turned on during an incident: firing", func(t *testing.T) {
		d := newDrama(t)
		d.s.Enabled, d.in.Enabled = false, false
		d.set("a=ERROR").want("firing") // recorded, and held back by Route
		d.s.Enabled = true
		d.react().want("firing")
	})
	t.Run("silenced from the start: nothing until the silence ends", func(t *testing.T) {
		d := newDrama(t)
		d.s = Conditions{Overall: engine.StatusError, Alerting: engine.StatusPassing, Enabled: true, Plugins: []string{"mail"}}
		in, events := React(d.in, d.s, d.now)
		if len(events) != 0 {
			t.Fatalf("silenced: %v", events)
		}
		d.s.Alerting = engine.StatusError
		if _, events = React(in, d.s, d.now); len(events) != 1 || events[0].Kind != engine.AlertFiring {
			t.Errorf("after the silence: %v", events)
		}
	})
}

func TestReactDue(t *testing.T) {
	d := newDrama(t).set("a=ERROR")
	if at, ok := ReactDue(d.in, d.s); !ok || !at.Equal(epoch.Add(time.Hour)) {
		t.Errorf("the repeat is due at %v %v", at, ok)
	}
	d.set("b=ERROR")
	if at, _ := ReactDue(d.in, d.s); !at.Equal(epoch.Add(gatherTime)) {
		t.Errorf("the gathered message is due at %v", at)
	}
	d.acknowledge(10 * time.Second)
	if at, _ := ReactDue(d.in, d.s); !at.Equal(epoch.Add(10 * time.Second)) {
		t.Errorf("the acknowledgement ends at %v", at)
	}
	d.acknowledge(0)
	d.in.Gather = nil
	if at, ok := ReactDue(d.in, d.s); ok {
		t.Errorf("acknowledged until recovery: nothing is due, got %v", at)
	}
}

func TestRoute(t *testing.T) {
	ada, ben := Person{"ada", "ada", true}, Person{"ben", "ben", true}
	gone := Person{"cyd", "cyd", false}
	known := map[string]engine.PluginRoute{"mail": {Channel: "email"}, "chat": {HasUpdate: true, Channel: "chat"}, "phone": {Channel: "phone"}, "sms": {Channel: "sms"}}
	subject := []string{"mail", "chat", "phone"}
	base := Routing{Subject: subject, Known: known, Enabled: true, Users: []Person{ada, gone, ada}, Duty: []Person{ben, ada}}
	show := func(plan []Planned) string {
		var out []string
		for _, p := range plan {
			update := ""
			if p.Update {
				update = "!"
			}
			out = append(out, fmt.Sprintf("%s%s:%s/%s", p.Plugin, update, strings.Join(p.Users, ","), strings.Join(p.DutyOfficers, ",")))
		}
		return strings.Join(out, " ")
	}
	told := func(in *engine.Incident) *engine.Incident {
		recordNotified(in, "mail", map[string]engine.List{"ada": engine.ListUsers, "ben": engine.ListDuty}, nil, epoch)
		return in
	}
	acked := func(in *engine.Incident) *engine.Incident {
		in.Ack = &engine.Acknowledgement{}
		return in
	}
	waiting := []*engine.Delivery{
		{ID: "d1", Plugin: "mail", State: engine.DeliveryFailed},
		{ID: "d2", Plugin: "chat", State: engine.DeliveryPending, Attempts: []engine.Attempt{{}}}, // under way
	}
	tests := []struct {
		name       string
		in         func(*engine.Incident) *engine.Incident
		h          Event
		change     func(*Routing)
		want       string
		superseded string
	}{
		{name: "firing goes through all, each person once a list, nobody inactive", h: Event{Kind: engine.AlertFiring}, want: "mail:ada/ben,ada chat:ada/ben,ada phone:ada/ben,ada"},
		{name: "alerts turned off", h: Event{Kind: engine.AlertFiring}, change: func(r *Routing) { r.Enabled = false }, want: ""},
		{name: "through one plugin alone", h: Event{Kind: engine.AlertFiring, Plugins: []string{"chat"}}, want: "chat:ada/ben,ada"},
		{name: "deescalation: send_alert_update where there is one, no officers by phone", h: Event{Kind: engine.AlertDeescalation}, want: "mail:ada/ben,ada chat!:ada/ben,ada phone:ada/"},
		{name: "update: no officers by sms", h: Event{Kind: engine.AlertUpdate, Plugins: []string{"sms", "phone", "mail"}}, want: "sms:ada/ phone:ada/ mail:ada/ben,ada"},
		{name: "repeat: officers by sms", h: Event{Kind: engine.AlertRepeat, Plugins: []string{"sms"}}, want: "sms:ada/ben,ada"},
		{name: "update while acknowledged goes to updaters alone", in: acked, h: Event{Kind: engine.AlertUpdate}, want: "chat!:ada/ben,ada"},
		{name: "a lone recovery goes to updaters alone", h: Event{Kind: engine.AlertUpdate, UpdatersOnly: true}, want: "chat!:ada/ben,ada"},
		{name: "acknowledged goes to updaters alone", h: Event{Kind: engine.AlertAcknowledged}, want: "chat!:ada/ben,ada"},
		{name: "unacknowledged goes to updaters alone", h: Event{Kind: engine.AlertUnacknowledged}, want: "chat!:ada/ben,ada"},
		{name: "a plugin that is not loaded is queued all the same", h: Event{Kind: engine.AlertFiring}, change: func(r *Routing) { r.Subject = []string{"later"} }, want: "later:ada/ben,ada"},
		{name: "a newer event supersedes one that waits, not one under way", h: Event{Kind: engine.AlertRepeat}, change: func(r *Routing) { r.Waiting = waiting }, want: "mail:ada/ben,ada chat:ada/ben,ada phone:ada/ben,ada", superseded: "d1"},
		{name: "the end of an acknowledgement is told though a repeat comes with it", in: told, h: Event{Kind: engine.AlertRepeat}, change: func(r *Routing) {
			r.Waiting = []*engine.Delivery{{ID: "d3", Plugin: "mail", Kind: engine.AlertUnacknowledged, State: engine.DeliveryPending}}
		}, want: "mail:ada/ben,ada chat:ada/ben,ada phone:ada/ben,ada"},
		{name: "but not when telling it failed already", in: told, h: Event{Kind: engine.AlertRepeat}, change: func(r *Routing) {
			r.Waiting = []*engine.Delivery{{ID: "d3", Plugin: "mail", Kind: engine.AlertUnacknowledged, State: engine.DeliveryFailed, Attempts: []engine.Attempt{{Outcome: string(engine.OutcomeFailed)}}}}
		}, want: "mail:ada/ben,ada chat:ada/ben,ada phone:ada/ben,ada", superseded: "d3"},
		{name: "recovery: nobody was told", h: Event{Kind: engine.AlertRecovery}, want: ""},
		{name: "recovery: to those who were told, each in their list", in: told, h: Event{Kind: engine.AlertRecovery}, want: "mail:ada/ben"},
		{name: "recovery: stopped neither by alerts_enabled nor by a plugin removed", in: told, h: Event{Kind: engine.AlertRecovery}, change: func(r *Routing) { r.Enabled, r.Subject = false, nil }, want: "mail:ada/ben"},
		{name: "recovery: what waits is superseded, what is under way is waited for", h: Event{Kind: engine.AlertRecovery}, change: func(r *Routing) { r.Waiting = waiting }, want: "chat:/", superseded: "d1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Open("i1", "mw-i1", engine.Ref{Kind: engine.KindService, ID: "s1"}, "Shop", epoch)
			if tt.in != nil {
				in = tt.in(in)
			}
			r := base
			if tt.change != nil {
				tt.change(&r)
			}
			plan, superseded, why := Route(in, tt.h, r)
			if got := show(plan); got != tt.want {
				t.Errorf("planned %q, want %q", got, tt.want)
			}
			var ids []string
			for id := range superseded {
				ids = append(ids, id)
			}
			if got := strings.Join(ids, " "); got != tt.superseded {
				t.Errorf("superseded %q, want %q", got, tt.superseded)
			}
			if len(why) == 0 {
				t.Error("no decision was recorded")
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
		128 * time.Second, 256 * time.Second, 5 * time.Minute, 5 * time.Minute}
	for i, w := range want {
		if got := backoff(i + 1); got != w {
			t.Errorf("after attempt %d: %s, want %s", i+1, got, w)
		}
	}
}
