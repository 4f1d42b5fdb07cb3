package monitor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// incident writes an incident; closed at 0 is open.
func (p *past) incident(ref engine.Ref, opened, closed float64) {
	in := engine.Incident{ID: p.idAt(hour(opened)), Subject: ref, Opened: hour(opened), Status: engine.StatusError, Severity: engine.StatusError}
	terms := []string{state.Term(ref), "open"}
	if closed != 0 {
		at := hour(closed)
		in.Closed, terms = &at, terms[:1]
	}
	p.put(engine.KindIncident, in.ID, 0, hour(opened), in, terms...)
}

func TestReport(t *testing.T) {
	p := newPast(t)
	service := func(id string) engine.Ref { return engine.Ref{Kind: engine.KindService, ID: id} }
	host := engine.Ref{Kind: engine.KindInstance, ID: "h"}
	for _, id := range []string{"b", "a", "gone", "older"} {
		p.service(id, 1, -9, nil)
		p.went("service:"+id, -9, ">PASSING")
	}
	i := engine.NewInstance()
	i.ID, i.Name, i.Revision, i.Created = "h", "host", 1, hour(-9)
	p.put(engine.KindInstance, "h", 1, hour(-9), i)
	p.went("instance:h", -9, ">PASSING")

	p.incident(service("a"), -5, -4) // before the span
	p.incident(service("a"), -2, 1)  // into it
	p.went("service:a", -2, "PASSING>ERROR")
	p.went("service:a", 1, "ERROR>PASSING")
	p.incident(service("a"), 4, 5)
	p.went("service:a", 4, "PASSING>CRITICAL")
	p.went("service:a", 5, "CRITICAL>PASSING")
	p.incident(service("a"), 8, 12) // over its end
	p.went("service:a", 8, "PASSING>WARNING")
	p.incident(service("a"), 14, 15) // after it
	p.incident(host, -3, 0)          // all the time
	p.went("instance:h", -3, "PASSING>ERROR")
	p.went("service:gone", 5, "PASSING>")
	p.delete(engine.KindService, "gone", 5)
	p.went("service:older", -1, "PASSING>")
	p.delete(engine.KindService, "older", -1)

	rows, err := p.load(20).History.Report(t.Context(), hour(0), hour(10))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rows {
		text := fmt.Sprintf("%s %s: %s; %d, longest %g", r.Subject.Kind, r.Name, account(r.Uptime), r.Incidents, r.Longest/3600)
		if r.Recovery != nil {
			text += fmt.Sprintf(", recovery %g", *r.Recovery/3600)
		}
		if r.Deleted {
			text += ", deleted"
		}
		got = append(got, text)
	}
	want := []string{
		"service a: p6 w2 e1 c1 = 60; 3, longest 2, recovery 2",
		"service b: p10 = 100; 0, longest 0",
		"service gone: p5 i5 = 100; 0, longest 0, deleted",
		"instance host: e10 = 0; 1, longest 10",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := p.e.History.Report(t.Context(), hour(3), hour(3)); engine.KindOf(err) != engine.Invalid {
		t.Errorf("a span without time: %v", err)
	}
	if rows, err := p.e.History.Report(t.Context(), time.Time{}, hour(10)); err != nil || len(rows) != 5 {
		t.Errorf("from the beginning: %d rows, %v", len(rows), err)
	}
}
