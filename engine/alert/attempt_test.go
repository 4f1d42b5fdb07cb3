package alert

import (
	"slices"
	"testing"

	"moonwatch/engine"
)

func TestReaddress(t *testing.T) {
	told := &engine.Incident{Told: map[string]*engine.Told{"mail": {Users: map[string]engine.List{"bob": engine.ListUsers, "ada": engine.ListDuty}}}}
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
