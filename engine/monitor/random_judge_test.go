package monitor_test

import (
	"fmt"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/alert"
)

// judge holds the invariants and returns the events in order.
func (w *world) judge(seed uint64) []string {
	fail := func(format string, args ...any) {
		w.t.Errorf("sequence %d: %s\n%s\n%s", seed, fmt.Sprintf(format, args...), strings.Join(w.log, "\n"), w.callLines())
	}
	yes := true
	if open, err := w.e.Incidents.Incidents(w.t.Context(), alert.IncidentQuery{Open: &yes}); err != nil || len(open) != 0 {
		fail("incidents still open: %+v %v", open, err)
	}
	type lane struct{ key, plugin string }
	told, recovered := map[lane]bool{}, map[lane]map[string]bool{}
	sent := map[string]bool{}
	for _, c := range w.calls {
		l := lane{c.key, c.plugin}
		if c.kind == engine.AlertRecovery {
			if recovered[l] == nil {
				recovered[l] = map[string]bool{}
			}
			recovered[l][c.delivery] = true
		} else if c.outcome != engine.OutcomeFailed {
			told[l] = true
		}
		if c.silenced && c.kind != engine.AlertRecovery {
			fail("a %s was sent through %s while silenced", c.kind, c.plugin)
		}
		if recovered[l] != nil && c.kind != engine.AlertRecovery {
			fail("a %s came after the recovery", c.kind)
		}
		if sent[c.delivery] && c.life == w.life && w.life == 0 {
			fail("delivery %s was made again after it was sent", c.delivery)
		}
		sent[c.delivery] = sent[c.delivery] || c.outcome == engine.OutcomeSent
	}
	for l := range told {
		if n := len(recovered[l]); n != 1 {
			fail("%s told of %s and sent %d recovery events", l.plugin, l.key, n)
		}
	}
	for l := range recovered {
		if !told[l] {
			fail("%s told the recovery of %s, of which it had told nothing", l.plugin, l.key)
		}
	}
	return w.events(fail)
}

func (w *world) events(fail func(string, ...any)) []string {
	list, err := w.e.Incidents.Incidents(w.t.Context(), alert.IncidentQuery{Events: true})
	w.must(err)
	deliveries, err := w.e.Incidents.Deliveries(w.t.Context(), alert.DeliveryQuery{})
	w.must(err)
	for _, d := range deliveries {
		if d.Active() {
			fail("delivery %s (%s through %s) is still %s", d.ID, d.Kind, d.Plugin, d.State)
		}
	}
	var out []string
	for _, in := range list {
		for _, e := range in.Events {
			out = append(out, fmt.Sprintf("%s %s %s %s %d", e.At.Format("04:05.000"), in.SubjectName, e.Kind, e.Status, len(e.Deliveries)))
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) callLines() string {
	var b strings.Builder
	for _, c := range w.calls {
		fmt.Fprintf(&b, "%s life %d: %s %s of %s as %s: %s\n", c.at.Format("04:05.000"), c.life, c.plugin, c.kind, c.key, c.delivery, c.outcome)
	}
	return b.String()
}
