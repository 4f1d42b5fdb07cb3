package engine

import (
	"slices"
	"time"
)

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending    DeliveryState = "pending"
	DeliverySent       DeliveryState = "sent"
	DeliverySkipped    DeliveryState = "skipped"
	DeliveryFailed     DeliveryState = "failed" // will be tried again
	DeliverySuperseded DeliveryState = "superseded"
	DeliveryDead       DeliveryState = "dead"
)

// Delivery is one event going through one alert plugin.
type Delivery struct {
	ID           string        `json:"id"`
	Incident     string        `json:"incident"` // "" for a test
	Event        string        `json:"event"`
	Subject      Ref           `json:"subject"`
	SubjectName  string        `json:"subject_name"`
	Plugin       string        `json:"plugin"`
	Version      string        `json:"plugin_version"` // of the plugin at the last attempt
	Kind         AlertKind     `json:"kind"`
	State        DeliveryState `json:"state"`
	Created      time.Time     `json:"created"`
	Attempts     []Attempt     `json:"attempts"`
	Users        []string      `json:"users"`         // user ids
	DutyOfficers []string      `json:"duty_officers"` // user ids
	Reached      []string      `json:"reached"`       // user ids that the plugin marked as reached
	Held         []Held        `json:"held"`
	Why          string        `json:"why"` // of skipped, superseded, dead
	NextAttempt  *time.Time    `json:"next_attempt"`
	Durable      bool          `json:"durable"` // false: sent from memory while the store refused writes

	Snapshot  AlertSnapshot `json:"snapshot"`
	Update    bool          `json:"update"`         // to be sent by send_alert_update
	RetryFrom time.Time     `json:"retry_from"`     // start of the 24 hours in which it is tried
	Step      int           `json:"step,omitempty"` // the escalation step that it is of, from 1; -1 is the fallback
}

// Attempt is one call of the plugin.
type Attempt struct {
	At      time.Time `json:"at"`
	Took    float64   `json:"took"` // seconds
	Error   string    `json:"error"`
	Outcome string    `json:"outcome"` // "" while under way
	Log     []LogLine `json:"log"`
}

// Held is somebody who was left out of a delivery, and why.
type Held struct {
	User string `json:"user"`
	Why  string `json:"why"`
}

const (
	retryFirst = time.Second
	retryMost  = 5 * time.Minute
	retryFor   = 24 * time.Hour
	// attemptTime is the deadline of send_alert.
	attemptTime = 60 * time.Second
)

// lane is what is ordered among itself: the deliveries of one incident through one plugin.
type lane struct{ incident, plugin string }

func (d *Delivery) lane() lane {
	if d.Incident == "" {
		return lane{d.ID, d.Plugin}
	}
	return lane{d.Incident, d.Plugin}
}

// Active reports whether the delivery is still to be (or being) made.
func (d *Delivery) Active() bool { return d.State == DeliveryPending || d.State == DeliveryFailed }

// UnderWay reports whether an attempt was begun and not ended.
func (d *Delivery) UnderWay() bool {
	n := len(d.Attempts)
	return d.Active() && n > 0 && d.Attempts[n-1].Outcome == ""
}

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

func (d *Delivery) copy() *Delivery {
	c := *d
	c.Attempts = slices.Clone(d.Attempts)
	c.Reached = slices.Clone(d.Reached)
	return &c
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
