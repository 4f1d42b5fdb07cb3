package alert

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

var updatePairs = flag.Bool("update-pairs", false, "write testdata/pairs.txt anew; read its difference before you keep it")

// pairActs are the rows of the table "From statuses to alerts", as things that
// happen to an incident that is open at ERROR by one check.
var pairActs = []struct {
	name string
	do   func(*drama)
}{
	{"severity rises", func(d *drama) { d.set("a=CRITICAL") }},
	{"severity falls", func(d *drama) { d.set("a=WARNING") }},
	{"another check fails", func(d *drama) { d.set("b=WARNING") }},
	{"a check recovers while others fail", func(d *drama) { d.set("b=WARNING").react(); d.in.Gather = nil; d.set("b=") }},
	{"half a minute passes", func(d *drama) { d.wait(gatherTime) }},
	{"the repeat is due", func(d *drama) { d.wait(2 * time.Hour) }},
	{"acknowledged for 20 min", func(d *drama) {
		at := d.now.Add(20 * time.Minute)
		d.apply(Acknowledge(d.in, engine.Acknowledgement{User: "u", At: d.now, Expires: &at}))
	}},
	{"acknowledged until recovery", func(d *drama) { d.apply(Acknowledge(d.in, engine.Acknowledgement{User: "u", At: d.now})) }},
	{"acknowledgement ended by hand", func(d *drama) {
		if d.in.Ack != nil {
			d.apply(Unacknowledge(d.in, "by hand"))
			d.react()
		}
	}},
	{"half an hour passes", func(d *drama) { d.wait(30 * time.Minute) }},
	{"a silence begins", func(d *drama) { d.silenced = true; d.react() }},
	{"the silence ends", func(d *drama) { d.silenced = false; d.react() }},
	{"a plugin is added", func(d *drama) { d.s.Plugins = append(d.s.Plugins, fmt.Sprint("p", len(d.s.Plugins))); d.react() }},
	{"alerts are turned off", func(d *drama) { d.s.Enabled = false; d.react() }},
	{"alerts are turned on", func(d *drama) { d.s.Enabled = true; d.react() }},
	{"closes", func(d *drama) { clear(d.checks); d.react() }},
	{"the last failing check is deleted", func(d *drama) { clear(d.checks); d.s.Reason = "deleted"; d.react() }},
}

// apply takes what an acknowledgement or its end gives.
func (d *drama) apply(in *engine.Incident, h Event) {
	d.in = in
	d.heard = append(d.heard, string(h.Kind))
}

// TestPairs holds every row followed by every other, as testdata/pairs.txt says.
func TestPairs(t *testing.T) {
	var b strings.Builder
	for _, first := range pairActs {
		for _, second := range pairActs {
			d := newDrama(t).set("a=ERROR")
			d.in.NotifiedStatus = engine.StatusError
			d.heard = nil
			first.do(d)
			before := strings.Join(d.heard, ", ")
			d.heard = nil
			if d.in.Closed == nil {
				if len(before) > 0 && !d.silenced { // it was delivered
					d.in.NotifiedStatus = d.in.Status
				}
				second.do(d)
			} else {
				d.heard = []string{"(closed)"}
			}
			fmt.Fprintf(&b, "%s [%s] -> %s: %s\n", first.name, before, second.name, strings.Join(d.heard, ", "))
		}
	}
	const file = "testdata/pairs.txt"
	if *updatePairs {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(lines) {
			w = lines[i]
		}
		if g != w {
			t.Errorf("got  %s\nwant %s", g, w)
		}
	}
}
