package alerting

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

var began = time.Date(2031, 3, 1, 20, 14, 0, 0, time.UTC)

func at(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }

func until(minutes int) *time.Time { t := at(minutes); return &t }

// TestMoments reads a timeline as people do.
func TestMoments(t *testing.T) {
	t.Parallel()
	in := alert.IncidentView{ID: "i", Opened: began, Status: engine.StatusError, Failures: []engine.Failure{
		{Check: "c1", Name: "health", Severity: engine.StatusWarning, Error: "slow", Since: began, Until: until(2)},
		{Check: "c1", Name: "health", Severity: engine.StatusError, Error: "503", Since: at(2)},
		{Check: "c2", Name: "latency", Severity: engine.StatusWarning, Error: "0.125 s > 0.12 s", Since: at(3), Until: until(9)},
	}, Notes: []engine.Note{{At: at(4), User: "priya", Text: "rolling back"}}, Events: []engine.IncidentEvent{
		{ID: "e1", At: began, Kind: engine.AlertFiring, Status: engine.StatusWarning, Deliveries: []string{"d1", "d2"}},
		{ID: "e2", At: at(2), Kind: engine.AlertEscalation, Status: engine.StatusError, Decisions: []engine.Decision{{Step: "hold", Outcome: "held", Detail: "in planned maintenance"}}},
		{ID: "e3", At: at(5), Kind: engine.AlertEscalation, Status: engine.StatusError, Step: 1, Detail: "nobody acknowledged: step 1", Deliveries: []string{"d3", "d4"}},
		{ID: "e4", At: at(6), Kind: engine.AlertAcknowledged, Status: engine.StatusError, Detail: "on it", By: "jonas", Decisions: []engine.Decision{{Step: "plugin slack", Outcome: "not called", Detail: "it has no send_alert_update"}}},
		{ID: "e5", At: at(7), Kind: engine.AlertUpdate, Status: engine.StatusError, Checks: []string{"c2"}, Deliveries: []string{"d5"}},
		{ID: "e6", At: at(9), Kind: engine.AlertUpdate, Status: engine.StatusError, Checks: []string{"c2"}, Detail: "a check recovered", Decisions: []engine.Decision{{Step: "plugin slack", Outcome: "not called"}}},
		{ID: "e7", At: at(10), Kind: engine.AlertEscalation, Status: engine.StatusError},
	}}
	sent := func(id, plugin string, state engine.DeliveryState, why string, users ...string) engine.Delivery {
		return engine.Delivery{ID: id, Plugin: plugin, State: state, Why: why, Users: users}
	}
	deliveries := []engine.Delivery{sent("d1", "slack", engine.DeliverySent, "", "u1"), sent("d2", "mail", engine.DeliverySent, "", "u1"),
		sent("d3", "slack", engine.DeliverySent, "", "u2"), sent("d4", "webhook", engine.DeliveryDead, "500"), sent("d5", "slack", engine.DeliverySent, "", "u1", "u2")}
	deliveries[2].Deferred = []engine.Held{{User: "u3", Why: "quiet hours until 07:00"}}
	tell := telling{people: lookup.PeopleOf([]engine.User{{Meta: engine.Meta{ID: "u1"}, Username: "wen", FirstName: "Wen", LastName: "Li"},
		{Meta: engine.Meta{ID: "u2"}, Username: "jonas", FirstName: "Jonas", LastName: "Beck"}, {Meta: engine.Meta{ID: "u3"}, Username: "diego"}}),
		plugin: func(slug string) string { return strings.ToUpper(slug[:1]) + slug[1:] }}
	var got []string
	moments := tell.moments(&in, deliveries, &frame.Page{Now: at(20), Zone: time.UTC})
	for _, m := range slices.Backward(moments) {
		line := strings.TrimSpace(m.At.Format("15:04 ")+strings.TrimSpace(m.Who+" "+m.Text)) + frame.After(": ", m.Error)
		if m.Note != nil {
			line += ": " + m.Note.Text
		}
		for _, s := range m.Sent {
			line += fmt.Sprintf(" | %s to %q %s", s.Plugin, s.People, s.Text)
			for _, also := range s.Also {
				line += "+ " + also.Plugin
			}
		}
		got = append(got, strings.TrimSpace(line+frame.After(" | ", strings.Join(m.Asides, " | "))))
	}
	want := []string{
		`20:14 health failed: slow`,
		`20:14 | Slack to "Wen Li" + Mail`,
		`20:16 health got worse: 503`,
		`20:16 It got worse: Error | Nobody was told: in planned maintenance`,
		`20:17 latency joined: 0.125 s > 0.12 s`,
		`20:18 priya: rolling back`,
		`20:19 5 min unacknowledged | Slack to "Jonas Beck"  | Webhook to "" failed: 500, given up | diego was not told by Slack: quiet hours until 07:00`,
		`20:20 Jonas Beck acknowledged: on it`,
		`20:21 About latency | Slack to "Wen Li and Jonas Beck"`,
		`20:23 latency recovered after 6 min`,
		`20:24 Told again at the same severity`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFoldFlaps(t *testing.T) {
	t.Parallel()
	one := func(id, of string, opened int, lasted time.Duration) alert.IncidentView {
		in := alert.IncidentView{ID: id, Subject: engine.Ref{Kind: engine.KindService, ID: of}, Opened: at(opened)}
		if lasted > 0 {
			end := in.Opened.Add(lasted)
			in.Closed = &end
		}
		return in
	}
	rows := foldFlaps([]alert.IncidentView{one("open", "a", 90, 0), one("short", "a", 80, 9*time.Second), one("other", "b", 70, time.Hour), one("shorter", "a", 60, time.Second),
		one("long", "a", 50, time.Hour), one("before", "a", 40, time.Second)}, lookup.PeopleOf(nil))
	var got []string
	for _, r := range rows {
		line := r.ID
		for _, f := range r.Flaps {
			line += "+" + f.ID
		}
		got = append(got, line)
	}
	if want := []string{"open", "short+shorter", "other", "long", "before"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestToldByEach(t *testing.T) {
	t.Parallel()
	told := []alert.Told{{Plugin: "a", At: began}, {Plugin: "b", At: began.Add(time.Second)}, {Plugin: "c", At: at(5)}}
	got := fmt.Sprint(toldByEach(told, strings.ToUpper))
	if want := fmt.Sprint([]toldBy{{"A and B", began.Add(time.Second)}, {"C", at(5)}}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
