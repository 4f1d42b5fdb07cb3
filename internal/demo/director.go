package demo

import (
	"context"
	"log/slog"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/monitor"
)

// deed is something that somebody does in the rehearsed outage.
type deed struct {
	after   time.Duration // since it began
	by      string
	service string
	ack     string // the comment of an acknowledgement; "" is a note
	note    remark
}

func deeds() []deed {
	return []deed{
		{after: at(190), by: "nora", service: "Payments", note: remark{text: "Card payments at counters and online fail at the moment. We are on it.", public: true}},
		{after: rehearsalAcked, by: Operator, service: "Main database", ack: "A report query holds locks. Ending it."},
		{after: rehearsalAcked + 20*time.Second, by: Operator, service: "Main database", note: remark{text: "Started by the monthly statistics at the hour."}},
		{after: at(265), by: "nora", service: "Payments", ack: "Waits for the main database: Omar is on it."},
		{after: at(350), by: Operator, service: "Main database", note: remark{text: "Query ended, connections fall."}},
	}
}

// Direct lets people of the city do their part in the rehearsed outage, until ctx
// ends. It blocks; the monitor must run.
func (c *City) Direct(ctx context.Context, m *monitor.Monitor, log *slog.Logger) {
	if c.outage.First.IsZero() {
		return
	}
	for first := c.outage.First; ; first = first.Add(c.outage.Every) {
		for _, d := range deeds() {
			if !waitUntil(ctx, m.Now, first.Add(d.after)) {
				return
			}
			if err := d.do(ctx, m); err != nil && ctx.Err() == nil {
				log.Warn("somebody of the demo could not do their part", "service", d.service, "error", err)
			}
		}
		if c.outage.Every <= 0 {
			return
		}
	}
}

// waitUntil waits for an instant, and reports false when ctx ended before.
func waitUntil(ctx context.Context, now func() time.Time, at time.Time) bool {
	timer := time.NewTimer(at.Sub(now()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// do does it, unless a visitor was quicker or deleted what it is about.
func (d deed) do(ctx context.Context, m *monitor.Monitor) error {
	ref, u := find(m, d.service, d.by)
	if u == nil || ref.ID == "" {
		return nil
	}
	if d.ack == "" {
		return note(ctx, m.Incidents, actorOf(u), openIncident(m.State, ref), d.note)
	}
	_, err := m.Incidents.Acknowledge(ctx, actorOf(u), ref, engine.AckOptions{Comment: d.ack, ExpiresIn: new(time.Duration)})
	return unlessOver(err)
}

func find(m *monitor.Monitor, service, username string) (ref engine.Ref, u *engine.User) {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	for id, s := range m.Tables.Services {
		if s.Name == service {
			ref = engine.Ref{Kind: engine.KindService, ID: id}
		}
	}
	return ref, m.Tables.UserNamed(username)
}
