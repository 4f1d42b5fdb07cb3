package alert

import (
	"testing"
	"time"

	"moonwatch/engine"
)

func TestAhead(t *testing.T) {
	t.Parallel()
	ack := func(d *drama, span time.Duration) {
		one := engine.Acknowledgement{User: "u", Username: "ada", At: d.now}
		if span > 0 {
			at := d.now.Add(span)
			one.Expires = &at
		}
		d.in, _ = Acknowledge(d.in, one)
	}
	for _, c := range []struct {
		name  string
		steps []time.Duration
		play  func(d *drama)
		want  Coming // At by its distance from the beginning
		in    time.Duration
		none  bool
	}{
		{name: "the first step", steps: []time.Duration{5 * time.Minute, 15 * time.Minute}, want: Coming{Kind: engine.AlertEscalation, Step: 1}, in: 5 * time.Minute},
		{name: "the second step", steps: []time.Duration{5 * time.Minute, 15 * time.Minute}, play: func(d *drama) { d.wait(6 * time.Minute) },
			want: Coming{Kind: engine.AlertEscalation, Step: 2}, in: 15 * time.Minute},
		{name: "after the steps, a repeat", steps: []time.Duration{5 * time.Minute}, play: func(d *drama) { d.wait(5 * time.Minute) },
			want: Coming{Kind: engine.AlertRepeat}, in: 5*time.Minute + engine.DefaultRepeat()[engine.StatusError].Std()},
		{name: "no steps", want: Coming{Kind: engine.AlertRepeat}, in: engine.DefaultRepeat()[engine.StatusError].Std()},
		{name: "the checks that are gathered", play: func(d *drama) { d.wait(time.Minute).set("b=ERROR") },
			want: Coming{Kind: engine.AlertUpdate}, in: time.Minute + gatherTime},
		{name: "an acknowledgement that ends after the step was due", steps: []time.Duration{5 * time.Minute}, play: func(d *drama) { ack(d, 20*time.Minute) },
			want: Coming{Kind: engine.AlertEscalation, Step: 1, AckEnds: true}, in: 20 * time.Minute},
		{name: "an acknowledgement until it recovers", steps: []time.Duration{5 * time.Minute}, play: func(d *drama) { ack(d, 0) }, none: true},
		{name: "all that fails is silenced", steps: []time.Duration{5 * time.Minute}, play: func(d *drama) { d.silenced = true; d.wait(time.Minute) }, none: true},
		{name: "somebody who was held back", steps: []time.Duration{15 * time.Minute}, play: func(d *drama) {
			d.in.Pending = []engine.PendingRecipient{{User: "u9", Plugin: "mail", Until: epoch.Add(7 * time.Minute)}}
		}, want: Coming{Kind: engine.AlertRepeat, User: "u9"}, in: 7 * time.Minute},
	} {
		d := newDrama(t)
		d.s.Steps = c.steps
		d.set("a=ERROR")
		if c.play != nil {
			c.play(d)
		}
		a := &engine.Alerting{AlertsEnabled: true}
		for _, after := range c.steps {
			a.Escalation = append(a.Escalation, engine.EscalationStep{After: engine.Duration(after)})
		}
		got, ok := Ahead(d.in, standing(d.in, engine.DefaultSettings(), a))
		c.want.At = epoch.Add(c.in)
		switch {
		case ok == c.none:
			t.Errorf("%s: got %+v, %t", c.name, got, ok)
		case ok && (!got.At.Equal(c.want.At) || got.Kind != c.want.Kind || got.Step != c.want.Step || got.AckEnds != c.want.AckEnds || got.User != c.want.User):
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		// It is what the incident really does.
		if ok && got.User == "" {
			if _, events := React(d.in, d.s, got.At.Add(-time.Second)); len(events) > 0 && c.name != "the checks that are gathered" {
				t.Errorf("%s: %v comes before it", c.name, events)
			}
			if _, events := React(d.in, d.s, got.At); len(events) == 0 {
				t.Errorf("%s: nothing comes then", c.name)
			}
		}
	}
}

func TestWorstFailure(t *testing.T) {
	t.Parallel()
	over := epoch.Add(time.Minute)
	for want, failures := range map[string][]engine.Failure{
		"goes on":  {{Name: "over", Severity: engine.StatusCritical, Until: &over}, {Name: "goes on", Severity: engine.StatusWarning}},
		"worse":    {{Name: "first", Severity: engine.StatusWarning, Since: epoch}, {Name: "worse", Severity: engine.StatusError, Since: over}},
		"the 1st":  {{Name: "later", Severity: engine.StatusError, Since: over}, {Name: "the 1st", Severity: engine.StatusError, Since: epoch}},
		"and over": {{Name: "and over", Severity: engine.StatusError, Since: epoch, Until: &over}},
	} {
		if got, ok := WorstFailure(failures); !ok || got.Name != want {
			t.Errorf("got %q, want %q", got.Name, want)
		}
	}
	if _, ok := WorstFailure(nil); ok {
		t.Error("one of none")
	}
}
