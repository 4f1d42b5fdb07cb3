package plugins_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
)

func (b *bench) ping(slug string, c check, p engine.Ping) engine.RunReport {
	b.t.Helper()
	in := b.checkRun(slug, c)
	ctx, cancel := context.WithTimeout(context.Background(), in.Check.Timeout.Std())
	defer cancel()
	p.At = b.now
	return b.plugin(slug).Ping(ctx, in, &p)
}

// TestHeartbeat goes through the life of a job that runs every hour.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	hourly := check{config: map[string]any{"period": "1h", "grace": "10m"}}
	type step struct {
		after time.Duration
		ping  *engine.Ping // nil: the check's own run
		none  bool         // no result
		want  verdict
		took  float64 // seconds of the metric duration; 0 is none
	}
	run := func(after time.Duration) step { return step{after: after, none: true} }
	late := func(after time.Duration, err string) step { return step{after: after, want: verdict{err: err}} }
	begin := func(after time.Duration, id string) step {
		return step{after: after, ping: &engine.Ping{Kind: "start", RunID: id}, none: true}
	}
	end := func(after time.Duration, id string, took float64) step {
		return step{after: after, ping: &engine.Ping{Kind: "success", RunID: id}, took: took}
	}
	const m = time.Minute
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"in time", []step{run(0), end(5*m, "", 0), run(6 * m), run(74 * m), run(75 * m), end(76*m, "", 0), run(80 * m)}},
		{"late and back", []step{end(0, "", 0), run(70 * m), late(71*m, "No ping for 1h 11m (expected every 1h)"), late(72*m, "No ping for 1h 12m (expected every 1h)"), end(80*m, "", 0), run(81 * m)}},
		{"never heard of", []step{run(0), run(70 * m), late(71*m, "No ping yet, for 1h 11m (expected every 1h)"), end(72*m, "", 0), run(73 * m)}},
		{"duration", []step{begin(0, ""), end(m, "", 60), end(2*m, "", 0)}},
		{"runs that overlap", []step{begin(0, "a"), begin(m, "b"), end(3*m, "a", 180), end(4*m, "b", 180)}},
		{"hangs", []step{end(0, "", 0), begin(60*m, ""), run(70 * m), late(71*m, "No ping for 1h 11m (expected every 1h); the run that began 11m ago has not ended")}},
		{"a start puts nothing off", []step{begin(0, ""), run(0), begin(60*m, ""), late(71*m, "No ping yet, for 1h 11m (expected every 1h); the run that began 11m ago has not ended")}},
		{"fails", []step{
			{after: 0, ping: &engine.Ping{Kind: "fail", Body: "disk full"}, want: verdict{err: "The job reported a failure", raw: "disk full"}},
			run(m), // the failure stands
			{after: 2 * m, ping: &engine.Ping{Kind: "exit", Code: 3, Body: "oops"}, want: verdict{err: "The job ended with exit code 3", raw: "oops"}},
			{after: 3 * m, ping: &engine.Ping{Kind: "exit"}, want: verdict{message: "The job reported that it ran"}},
		}},
		{"a failure is a sign of life", []step{{after: 0, ping: &engine.Ping{Kind: "fail"}, want: verdict{err: "The job reported a failure"}}, run(60 * m), late(71*m, "No ping for 1h 11m")}},
		{"log", []step{{after: 0, ping: &engine.Ping{Kind: "log", Body: "halfway"}, none: true}, run(0), late(71*m, "No ping yet")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			for _, s := range tt.steps {
				b.now = start.Add(s.after)
				var got engine.RunReport
				if s.ping == nil {
					got = b.run("heartbeat", hourly)
				} else {
					got = b.ping("heartbeat", hourly, *s.ping)
				}
				if s.none || got.None {
					if got.None != s.none || got.Error != "" {
						t.Errorf("after %v: got %+v, want no result: %v", s.after, got, s.none)
					}
					continue
				}
				s.want.compare(t, got)
				if d, ok := metric(got, "duration"); ok != (s.took > 0) || d.Value != s.took {
					t.Errorf("after %v: got duration %+v, want %v", s.after, d, s.took)
				}
			}
		})
	}

	t.Run("messages", func(t *testing.T) {
		b := newBench(t, nil)
		b.now = start
		b.ping("heartbeat", hourly, engine.Ping{Kind: "start"})
		b.now = start.Add(90 * time.Second)
		got := b.ping("heartbeat", hourly, engine.Ping{Kind: "success", Body: "42 files"})
		if got.Message != "The job ended after 1m 30s" || got.RawData != "42 files" || len(got.Log) != 1 || !strings.Contains(got.Log[0].Message, "42 files") {
			t.Errorf("got %+v", got)
		}
	})
}

func TestHeartbeatConfig(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	good := map[string]any{"period": "1d12h"}
	values := b.checkConfig(t, "heartbeat", good, complaint{nil, ""}, complaint{map[string]any{"period": nil}, "period"}, complaint{map[string]any{"period": "0s"}, "period"},
		complaint{map[string]any{"period": "often"}, "period"}, complaint{map[string]any{"grace": "-1m"}, "grace"})
	if values["grace"] != "1m" {
		t.Errorf("got defaults %v", values)
	}
	if got := b.description(t, "heartbeat", good); got != "A ping every 1d 12h, at most 1m late" {
		t.Errorf("got description %q", got)
	}
	if !b.plugin("heartbeat").Meta().HasPing {
		t.Error("the plugin takes no pings")
	}
}
