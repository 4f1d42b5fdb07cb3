package alert

import (
	"maps"
	"slices"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestReaddress(t *testing.T) {
	told := &engine.Incident{Notified: map[string]*engine.Notified{"mail": {Users: map[string]engine.List{"bob": engine.ListUsers, "ada": engine.ListDuty}}}}
	for _, tt := range []struct {
		name      string
		in        *engine.Incident
		kind      engine.AlertKind
		want      engine.AlertKind
		users     []string
		duty      []string
		overtaken bool
	}{
		{"a test is as it is", nil, engine.AlertTest, engine.AlertTest, []string{"eve"}, nil, false},
		{"what is first told is a firing", &engine.Incident{}, engine.AlertRepeat, engine.AlertFiring, []string{"eve"}, nil, false},
		{"what follows is itself", told, engine.AlertRepeat, engine.AlertRepeat, []string{"eve"}, nil, false},
		{"a recovery goes to those who were told", told, engine.AlertRecovery, engine.AlertRecovery, []string{"bob"}, []string{"ada"}, false},
		{"a recovery of what nobody was told", &engine.Incident{}, engine.AlertRecovery, engine.AlertRecovery, []string{"eve"}, nil, true},
	} {
		d := &engine.Delivery{Kind: tt.kind, Plugin: "mail", Users: []string{"eve"}}
		got, kind, overtaken := readdress(d, tt.in)
		if kind != tt.want || !slices.Equal(got.Users, tt.users) || !slices.Equal(got.DutyOfficers, tt.duty) || (overtaken != "") != tt.overtaken {
			t.Errorf("%s: %s to %v and %v, overtaken %q", tt.name, kind, got.Users, got.DutyOfficers, overtaken)
		}
		if d.Kind != tt.kind || !slices.Equal(d.Users, []string{"eve"}) {
			t.Errorf("%s: the delivery given was changed", tt.name)
		}
	}
}

func TestDecide(t *testing.T) {
	now := time.Date(2026, 1, 5, 23, 0, 0, 0, time.UTC)
	users := map[string]*engine.User{
		"awake":  {},
		"asleep": {QuietHours: []engine.QuietHours{{Start: "22:00", End: "06:00"}}},
		"never":  {ContactRules: []engine.ContactRule{{Channel: "phone"}, {Channel: "email"}}},
		"called": {},
	}
	for _, u := range users {
		u.TimeZone = "UTC"
	}
	calls := []time.Time{now.Add(-9 * time.Minute), now.Add(-6 * time.Minute), now.Add(-3 * time.Minute)}
	who := func(id string) (*engine.User, *engine.Contact) {
		if id == "called" {
			return users[id], &engine.Contact{Sent: map[string][]time.Time{"phone": calls}}
		}
		return users[id], nil
	}
	phone, email := means{channel: "phone"}, means{channel: "email"}
	firing := engine.Delivery{Kind: engine.AlertFiring, Plugin: "p", Snapshot: engine.AlertSnapshot{OverallStatus: engine.StatusError}}
	told := &engine.Incident{Notified: map[string]*engine.Notified{"p": {Users: map[string]engine.List{"asleep": engine.ListUsers}}}}
	morning := time.Date(2026, 1, 6, 6, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		change   func(d *engine.Delivery)
		in       *engine.Incident
		through  means
		users    []string
		duty     []string
		want     []string // whom it is sent to, of both lists
		left     []string // whom it names as left out
		deferred map[string]time.Time
		drop     engine.DeliveryState
		missed   bool
	}{
		{name: "it is sent", in: told, through: phone, users: []string{"awake"}, want: []string{"awake"}},
		{name: "it is for no person", in: told, through: phone},
		{name: "one sleeps", in: told, through: phone, users: []string{"awake"}, duty: []string{"asleep"}, want: []string{"awake"},
			left: []string{"asleep"}, deferred: map[string]time.Time{"asleep": morning}},
		{name: "who never wants it is not told later", in: told, through: phone, users: []string{"awake", "never"}, want: []string{"awake"}, left: []string{"never"}},
		{name: "a flood ends when its first call is old", in: told, through: phone, users: []string{"awake", "called"}, want: []string{"awake"},
			left: []string{"called"}, deferred: map[string]time.Time{"called": now.Add(6 * time.Minute)}},
		{name: "a flood of calls is none of mails", in: told, through: email, users: []string{"called"}, want: []string{"called"}},
		{name: "nobody can be called", in: told, through: phone, users: []string{"asleep", "never"}, left: []string{"asleep", "never"},
			deferred: map[string]time.Time{"asleep": morning}, drop: engine.DeliverySkipped},
		{name: "a room hears of it all the same", in: told, through: email, users: []string{"asleep"}, left: []string{"asleep"},
			deferred: map[string]time.Time{"asleep": morning}},
		{name: "a step reaches nobody", change: func(d *engine.Delivery) { d.Step = 2 }, in: told, through: phone, users: []string{"never"},
			left: []string{"never"}, drop: engine.DeliverySkipped, missed: true},
		{name: "a step whose first attempt was made", change: func(d *engine.Delivery) { d.Step, d.Attempts = 2, make([]engine.Attempt, 1) }, in: told,
			through: phone, users: []string{"never"}, left: []string{"never"}, drop: engine.DeliverySkipped},
		{name: "who was reached stays", change: func(d *engine.Delivery) { d.Reached = []string{"asleep"} }, in: told, through: phone,
			users: []string{"asleep"}, want: []string{"asleep"}},
		{name: "who was deleted is left to the call", in: told, through: phone, users: []string{"gone"}, want: []string{"gone"}},
		{name: "a recovery is stopped by nothing", change: func(d *engine.Delivery) { d.Kind = engine.AlertRecovery }, in: told, through: phone,
			users: []string{"awake"}, want: []string{"asleep"}},
		{name: "a recovery of what nobody was told", change: func(d *engine.Delivery) { d.Kind = engine.AlertRecovery }, in: &engine.Incident{}, through: phone,
			users: []string{"awake"}, want: []string{"awake"}, drop: engine.DeliverySuperseded},
		{name: "a test wakes", change: func(d *engine.Delivery) { d.Kind = engine.AlertTest }, through: phone, users: []string{"asleep"}, want: []string{"asleep"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := firing
			d.Users, d.DutyOfficers = tt.users, tt.duty
			if tt.change != nil {
				tt.change(&d)
			}
			v := decide(&d, tt.in, tt.through, who, now)
			if got := slices.Concat(v.delivery.Users, v.delivery.DutyOfficers); !slices.Equal(got, tt.want) {
				t.Errorf("sent to %v, want %v", got, tt.want)
			}
			var left []string
			for _, h := range v.delivery.Deferred {
				if left = append(left, h.User); h.Why == "" {
					t.Errorf("%s is left out for no reason", h.User)
				}
			}
			if !slices.Equal(left, tt.left) {
				t.Errorf("left out %v, want %v", left, tt.left)
			}
			deferred := map[string]time.Time{}
			for _, p := range v.pending {
				if deferred[p.User] = p.Until; p.Plugin != "p" {
					t.Errorf("%s is told later through %s", p.User, p.Plugin)
				}
			}
			if !maps.Equal(deferred, tt.deferred) {
				t.Errorf("told later: %v, want %v", deferred, tt.deferred)
			}
			if v.drop != tt.drop || (v.why != "") != (tt.drop != "") || v.stepMissed != tt.missed {
				t.Errorf("dropped as %q because %q, step missed %t; want %q and %t", v.drop, v.why, v.stepMissed, tt.drop, tt.missed)
			}
			if !slices.Equal(d.Users, tt.users) || len(d.Deferred) > 0 {
				t.Error("the delivery given was changed")
			}
		})
	}
}
