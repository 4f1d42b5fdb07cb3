package engine

import (
	"time"
)

// begin returns the delivery with a further attempt under way. It is stored
// before the plugin is called, so that a crash is known as an attempt that may
// have reached somebody.
func (d *Delivery) begin(kind AlertKind, version string, now time.Time) *Delivery {
	c := d.copy()
	c.Kind, c.Snapshot.Kind = kind, kind
	if kind != AlertUpdate && kind != AlertDeescalation && kind != AlertAcknowledged && kind != AlertUnacknowledged {
		c.Update = false
	}
	c.Version = version
	c.NextAttempt = nil
	c.Attempts = append(c.Attempts, Attempt{At: now, Log: []LogLine{}})
	return c
}

// end returns the delivery after the attempt under way ended with report.
func (d *Delivery) end(report AlertReport, now time.Time) *Delivery {
	c := d.copy()
	last := &c.Attempts[len(c.Attempts)-1]
	last.Took = now.Sub(last.At).Seconds()
	if report.Took > 0 {
		last.Took = report.Took.Seconds()
	}
	last.Outcome = string(report.Outcome)
	if len(report.Log) > 0 {
		last.Log = report.Log
	}
	switch report.Outcome {
	case OutcomeSent:
		c.State = DeliverySent
	case OutcomeSkipped:
		c.State, c.Why = DeliverySkipped, report.Why
		last.Error = report.Why
	default:
		last.Error = report.Why
		wait := backoff(len(c.Attempts))
		if report.RetryAfter > 0 {
			wait = report.RetryAfter
		}
		next := now.Add(wait)
		if report.NoRetry || next.After(c.RetryFrom.Add(retryFor)) {
			c.State, c.Why = DeliveryDead, report.Why
		} else {
			c.State, c.NextAttempt = DeliveryFailed, &next
		}
	}
	return c
}

// supersede returns the delivery given up in favour of a newer event.
func (d *Delivery) supersede(why string) *Delivery {
	c := d.copy()
	c.State, c.Why, c.NextAttempt = DeliverySuperseded, why, nil
	return c
}

// recipients returns whom the delivery is for, by list, less those it reached already.
func (d *Delivery) recipients() map[string]List {
	m := map[string]List{}
	for _, id := range d.DutyOfficers {
		m[id] = ListDuty
	}
	for _, id := range d.Users {
		m[id] = ListUsers
	}
	return m
}

// backoff is how long to wait after the n-th failed attempt: 1 s, doubling to 5 min.
func backoff(n int) time.Duration {
	wait := retryFirst
	for i := 1; i < n && wait < retryMost; i++ {
		wait *= 2
	}
	return min(wait, retryMost)
}
