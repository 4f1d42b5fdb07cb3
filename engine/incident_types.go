package engine

import (
	"maps"
	"slices"
	"time"

	"moonwatch/engine/form"
)

// Incident is the time in which a service or instance was not PASSING, with
// what alerting needs to know of it.
type Incident struct {
	ID          string     `json:"id"`
	Key         string     `json:"key"` // [A-Za-z0-9-]+, what receivers thread by
	Subject     Ref        `json:"subject"`
	SubjectName string     `json:"subject_name"`
	Opened      time.Time  `json:"opened"`
	Closed      *time.Time `json:"closed"`
	Severity    Status     `json:"severity"` // the worst so far
	Status      Status     `json:"status"`   // the overall status now
	Reason      string     `json:"reason"`   // why it closed, when not by passing results
	Notes       []Note     `json:"notes"`
	// Maintenance says that all of it so far lay in maintenance; Unplanned is when
	// an incident that began so went beyond it.
	Maintenance bool       `json:"maintenance,omitempty"`
	Unplanned   *time.Time `json:"unplanned,omitempty"`

	Alerting       Status               `json:"alerting"` // the alerting status that was last acted upon
	Failing        []FailingCheck       `json:"failing"`  // as last acted upon, in order of id
	Number         int                  `json:"number"`   // events so far
	LastEvent      time.Time            `json:"last_event"`
	Gather         *Gather              `json:"gather,omitempty"`
	Ack            *Acknowledgement     `json:"acknowledgement,omitempty"`
	Notified       map[string]*Notified `json:"told,omitempty"`       // by plugin
	Unsent         map[string]*Unsent   `json:"unsent,omitempty"`     // by plugin; replaced, never changed
	LastSent       *time.Time           `json:"last_sent"`            // when a delivery first succeeded last
	Plugins        []string             `json:"plugins"`              // alert plugins as last acted upon
	Enabled        bool                 `json:"enabled"`              // alerts_enabled as last acted upon
	Fired          bool                 `json:"fired"`                // a firing was sent off
	NotifiedStatus Status               `json:"told_status"`          // the status that was told of last, "" without
	Covered        []string             `json:"covered,omitempty"`    // checks under a silence, as last acted upon
	Suppressed     *Suppression         `json:"suppressed,omitempty"` // waiting for, or held back by, what it depends on
	Steps          int                  `json:"steps"`                // escalation steps taken
	Fallback       bool                 `json:"fallback,omitempty"`   // and the fallback was told after them
	Pending        []PendingRecipient   `json:"held_back,omitempty"`  // who is to be told when their window opens
	HeldBy         string               `json:"held_by,omitempty"`    // the last recorded reason why nothing was sent

	Failures     []Failure        `json:"failures,omitempty"`      // what failed in it, in order of time, within bounds
	MoreFailures int              `json:"more_failures,omitempty"` // the most at one time that were not kept
	LastAck      *Acknowledgement `json:"last_ack,omitempty"`      // the last acknowledgement, kept when it ends
}

// Failure is a time in which one check failed at one severity within an incident.
type Failure struct {
	Check    string     `json:"check"` // id
	Name     string     `json:"name"`  // of the check at that time
	Severity Status     `json:"severity"`
	Error    string     `json:"error"`
	Since    time.Time  `json:"since"`
	Until    *time.Time `json:"until"` // nil while it fails
}

// Suppression is how an incident stands to what its subject depends on.
type Suppression struct {
	Until   time.Time       `json:"until"`          // the parents' results are awaited until then
	Awaited map[string]bool `json:"awaited"`        // parents' checks whose results are awaited
	By      *Ref            `json:"by,omitempty"`   // the parent that suppresses it
	Free    *time.Time      `json:"free,omitempty"` // since when nothing suppresses it
}

// PendingRecipient is somebody whom one plugin is to tell later.
type PendingRecipient struct {
	User   string    `json:"user"`
	Plugin string    `json:"plugin"`
	Until  time.Time `json:"until"`
	List   List      `json:"list"`
}

// Note is a remark that a person added to an incident.
type Note struct {
	At     time.Time `json:"at"`
	User   string    `json:"user"`
	Text   string    `json:"text"`
	Public bool      `json:"public"` // shown to everybody where the subject is public
}

// Gather collects further failing checks for one message.
type Gather struct {
	Until  time.Time `json:"until"`
	Checks []string  `json:"checks"`
}

// Acknowledgement says that somebody takes care of an incident.
type Acknowledgement struct {
	User     string     `json:"user"` // user id
	Username string     `json:"username"`
	Comment  string     `json:"comment"`
	Severity Status     `json:"severity"`
	At       time.Time  `json:"at"`
	Expires  *time.Time `json:"expires_at"` // nil: until recovery
}

// Notified is whom one plugin reached in an incident.
type Notified struct {
	At       time.Time       `json:"at"`
	Users    map[string]List `json:"users"`              // user id → the list they were told in
	Settings form.Values     `json:"settings,omitempty"` // of the subject, that it was last told with; secrets sealed
}

// List names the list in which a person was told.
type List string

// The lists of send_alert.
const (
	ListUsers List = "users"
	ListDuty  List = "duty_officers"
)

// IncidentEvent is one entry of an incident's timeline.
type IncidentEvent struct {
	ID         string     `json:"id"`
	Incident   string     `json:"incident"`
	At         time.Time  `json:"at"`
	Kind       AlertKind  `json:"kind"`
	Status     Status     `json:"status"`
	Detail     string     `json:"detail"`
	Step       int        `json:"step,omitempty"` // the escalation step, from 1; -1 is the fallback
	Checks     []string   `json:"checks"`         // ids of those that the event is about, where it is about some
	By         string     `json:"by"`             // the username of who did it, "" for the monitor
	Decisions  []Decision `json:"decisions"`
	Deliveries []string   `json:"deliveries"`
}

// Decision is one step of why an event was sent or not sent.
type Decision struct {
	Step    string `json:"step"`
	Outcome string `json:"outcome"` // sent, held, skipped, …
	Detail  string `json:"detail"`
}

func (in *Incident) Copy() *Incident {
	c := *in
	c.Failing = slices.Clone(in.Failing)
	c.Plugins = slices.Clone(in.Plugins)
	c.Notes = slices.Clone(in.Notes)
	c.Pending = slices.Clone(in.Pending)
	c.Failures = slices.Clone(in.Failures)
	if in.Suppressed != nil {
		p := *in.Suppressed
		p.Awaited = maps.Clone(p.Awaited)
		c.Suppressed = &p
	}
	if in.Gather != nil {
		g := *in.Gather
		g.Checks = slices.Clone(g.Checks)
		c.Gather = &g
	}
	c.Notified = make(map[string]*Notified, len(in.Notified))
	for plugin, notified := range in.Notified {
		c.Notified[plugin] = notified // replaced, never changed
	}
	return &c
}

func (in *Incident) Terms() []string {
	terms := []string{in.Subject.Key()}
	if in.Closed == nil {
		terms = append(terms, "open")
	}
	return terms
}

// AckOptions say how an incident is acknowledged.
type AckOptions struct {
	Comment string
	// ExpiresIn is how long it lasts; 0 is until recovery, nil is 20 minutes.
	ExpiresIn *time.Duration
	// IncidentKey, when not empty, must be the key of the open incident.
	IncidentKey string
}

// Unsent is the first failed attempt to send a firing of an incident through one
// plugin, while nothing of the incident was told there since.
type Unsent struct {
	At       time.Time `json:"at"`
	Why      string    `json:"why"`
	Delivery string    `json:"delivery"`
}
