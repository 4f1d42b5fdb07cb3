package plugins_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// pinger is a host that answers pings from a table; everything else is absent.
type pinger struct {
	host.Host
	answers map[string]func(*host.PingRequest) (*host.PingAnswer, error)
}

func (p pinger) Ping(_ context.Context, req *host.PingRequest) (*host.PingAnswer, error) {
	return p.answers[req.Host](req)
}

func echoes(received int, avg time.Duration) func(*host.PingRequest) (*host.PingAnswer, error) {
	return func(req *host.PingRequest) (*host.PingAnswer, error) {
		a := &host.PingAnswer{Sent: req.Count, Received: received, Loss: 100 * float64(req.Count-received) / float64(req.Count)}
		if received > 0 {
			a.Min, a.Avg, a.Max = avg, avg, avg
		}
		return a, nil
	}
}

func noEcho(kind host.Kind, message string) func(*host.PingRequest) (*host.PingAnswer, error) {
	return func(*host.PingRequest) (*host.PingAnswer, error) {
		return nil, &host.Error{Kind: kind, Message: message}
	}
}

func TestICMP(t *testing.T) {
	b := newBench(t, pinger{answers: map[string]func(*host.PingRequest) (*host.PingAnswer, error){
		"10.0.0.1": echoes(3, 2*time.Millisecond),
		"10.0.0.2": echoes(2, 150*time.Millisecond),
		"10.0.0.3": echoes(0, 0),
		"nowhere":  noEcho(host.DNS, "no such host: nowhere"),
		"10.0.0.9": noEcho(host.Denied, "the system does not permit pings"),
	}})
	instance := func(name, address string) engine.InstanceSnapshot {
		return engine.InstanceSnapshot{ID: name, Name: name, Address: address}
	}
	web, db, dead := instance("web", "10.0.0.1"), instance("db", "10.0.0.2"), instance("dead", "10.0.0.3")
	for _, tt := range []struct {
		name      string
		instances []engine.InstanceSnapshot
		config    map[string]any
		err       string
		unknown   bool
	}{
		{name: "answers", instances: []engine.InstanceSnapshot{web}},
		{name: "none", err: "No instance with an address is linked to this check", unknown: true},
		{name: "without an address", instances: []engine.InstanceSnapshot{instance("x", "")}, err: "No instance with an address is linked to this check", unknown: true},
		{name: "one without an address", instances: []engine.InstanceSnapshot{instance("x", ""), web}},
		{name: "loses", instances: []engine.InstanceSnapshot{db, web}, err: "db (10.0.0.2): 33.3 % of 3 packets lost (more than 0 %)"},
		{name: "may lose", instances: []engine.InstanceSnapshot{db, web}, config: map[string]any{"max_loss": 50}},
		{name: "slow", instances: []engine.InstanceSnapshot{db}, config: map[string]any{"max_loss": 50, "max_rtt": "100ms"},
			err: "db (10.0.0.2): mean round trip 150 ms (more than 100 ms)"},
		{name: "dead", instances: []engine.InstanceSnapshot{web, dead}, err: "dead (10.0.0.3): no reply to 3 packets"},
		{name: "dead, whatever may be lost", instances: []engine.InstanceSnapshot{dead}, config: map[string]any{"max_loss": 100}, err: "dead (10.0.0.3): no reply to 3 packets"},
		{name: "two", instances: []engine.InstanceSnapshot{db, dead}, err: "db (10.0.0.2): 33.3 % of 3 packets lost (more than 0 %); dead (10.0.0.3): no reply to 3 packets"},
		{name: "unknown name", instances: []engine.InstanceSnapshot{instance("gone", "nowhere")}, err: "gone (nowhere): no such host: nowhere"},
		{name: "not permitted", instances: []engine.InstanceSnapshot{instance("x", "10.0.0.9")}, err: "x (10.0.0.9): the system does not permit pings", unknown: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.config == nil {
				tt.config = map[string]any{}
			}
			got := b.run("icmp", check{config: tt.config, instances: tt.instances})
			if got.Error != tt.err || got.Unknown != tt.unknown || got.Succeeded != (tt.err == "") {
				t.Errorf("got %+v, want error %q, unknown %v", got, tt.err, tt.unknown)
			}
		})
	}

	got := b.run("icmp", check{config: map[string]any{"max_rtt": "100ms"}, instances: []engine.InstanceSnapshot{web, dead}})
	if m, ok := metric(got, "web rtt"); !ok || m.Value != 0.002 || m.Unit != "s" || m.Fail == nil || *m.Fail != 0.1 {
		t.Errorf("got metric %+v", m)
	}
	if m, ok := metric(got, "dead loss"); !ok || m.Value != 100 || m.Unit != "%" {
		t.Errorf("got metric %+v", m)
	}
	if _, ok := metric(got, "dead rtt"); ok {
		t.Error("got a round trip from an instance that did not reply")
	}
	text, err := b.plugin("icmp").Describe(t.Context(), b.checkRun("icmp", check{instances: []engine.InstanceSnapshot{web, db}}))
	if err != nil || text != "ICMP check pointing towards 10.0.0.1, 10.0.0.2" {
		t.Errorf("got description %q, %v", text, err)
	}
}

// TestICMPTime holds that the packets of many a count fit into the check's timeout.
func TestICMPTime(t *testing.T) {
	b := newBench(t, pinger{answers: map[string]func(*host.PingRequest) (*host.PingAnswer, error){
		"h": func(req *host.PingRequest) (*host.PingAnswer, error) {
			if longest := time.Duration(req.Count-1)*req.Interval + req.Timeout; longest > 4*time.Second || req.Size != 100 {
				return nil, &host.Error{Kind: host.Invalid, Message: "would take " + longest.String()}
			}
			return echoes(req.Count, time.Millisecond)(req)
		},
	}})
	for _, count := range []int{1, 3, 20} {
		got := b.run("icmp", check{config: map[string]any{"count": count, "packet_size": 100}, instances: []engine.InstanceSnapshot{{Name: "h", Address: "h"}}})
		if !got.Succeeded {
			t.Errorf("%d packets: got %s", count, got.Error)
		}
	}
	if _, errs := b.clean("icmp", "config_form", "c1", map[string]any{"count": 0, "max_loss": 101}); len(errs) != 2 || !strings.Contains(errs[0].Location+errs[1].Location, "max_loss") {
		t.Errorf("got %+v, want two complaints", errs)
	}
}
