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

// DeliveryStates are all states of a delivery.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{
		DeliveryPending,
		DeliverySent,
		DeliverySkipped,
		DeliveryFailed,
		DeliverySuperseded,
		DeliveryDead,
	}
}

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
	Deferred     []Held        `json:"held"`
	Why          string        `json:"why"` // of skipped, superseded, dead
	NextAttempt  *time.Time    `json:"next_attempt"`
	Sent         []Message     `json:"sent"`    // what the last attempt that sent something wrote
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

// Message is what an attempt sent, as people read it.
type Message struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Held is somebody who was left out of a delivery, and why.
type Held struct {
	User string `json:"user"`
	Why  string `json:"why"`
}

const (
	RetryFirst = time.Second     // the wait after the first failed attempt; it doubles
	MaxRetry   = 5 * time.Minute // and grows no longer than this
	RetryFor   = 24 * time.Hour  // from the first attempt on; then the delivery is dead
	// AttemptTime is the deadline of send_alert, for the plugin and for who waits
	// for it.
	AttemptTime = 60 * time.Second
)

// Active reports whether the delivery is still to be (or being) made.
func (d *Delivery) Active() bool { return d.State == DeliveryPending || d.State == DeliveryFailed }

// UnderWay reports whether an attempt was begun and not ended.
func (d *Delivery) UnderWay() bool {
	n := len(d.Attempts)
	return d.Active() && n > 0 && d.Attempts[n-1].Outcome == ""
}

func (d *Delivery) Copy() *Delivery {
	c := *d
	c.Attempts = slices.Clone(d.Attempts)
	c.Reached = slices.Clone(d.Reached)
	return &c
}

func (d *Delivery) Terms() []string {
	terms := []string{"incident:" + d.Incident, d.Subject.Key(), "plugin:" + d.Plugin, "state:" + string(d.State)}
	if d.Active() {
		terms = append(terms, "active")
	} else if d.State == DeliverySent {
		terms = append(terms, SentTerm(d.Plugin))
	}
	return terms
}

func SentTerm(slug string) string { return "sent:" + slug }
