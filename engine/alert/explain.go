package alert

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
)

// WhyQuery narrows the question "why was I (not) paged?"; an empty field does not.
type WhyQuery struct {
	User   string // id
	Plugin string // slug
	Event  string // id
	// Discreet hides what Discreet does from Viewer, the id of a user.
	Discreet bool
	Viewer   string
}

// Paged answers the question for one event or delivery.
type Paged string

// The answers, from the best to the worst.
const (
	PagedNotified   Paged = "told"       // an attempt succeeded, or ended in a way that may have reached somebody
	PagedWaiting    Paged = "waiting"    // to be tried, or tried again
	PagedDeferred   Paged = "held"       // left out on purpose; the reason says by what
	PagedSkipped    Paged = "skipped"    // the plugin had nothing to do
	PagedSuperseded Paged = "superseded" // a newer event took its place before it was told
	PagedDead       Paged = "dead"       // given up
	PagedNotAsked   Paged = "not_asked"  // not among the recipients
	PagedNobody     Paged = "nobody"     // the event was sent through nothing
)

// Why says of one event of an incident whether, and why or why not, it was sent
// to somebody, as it was recorded at the time.
type Why struct {
	Event      string            `json:"event"`
	At         time.Time         `json:"at"`
	Kind       engine.AlertKind  `json:"kind"`
	Status     engine.Status     `json:"status"`
	Detail     string            `json:"detail"`
	Step       int               `json:"step,omitempty"` // the escalation step, from 1; -1 is the fallback
	Answer     Paged             `json:"answer"`
	Reason     string            `json:"reason"` // a sentence without its full stop
	Decisions  []engine.Decision `json:"decisions"`
	Deliveries []WhyDelivery     `json:"deliveries"`
}

// WhyDelivery says it of one delivery of the event.
type WhyDelivery struct {
	ID     string               `json:"id"`
	Plugin string               `json:"plugin"`
	State  engine.DeliveryState `json:"state"`
	List   engine.List          `json:"list"` // in which the user was told; "" without a user, or in none
	Answer Paged                `json:"answer"`
	Reason string               `json:"reason"`
	At     *time.Time           `json:"at"` // of the attempt that told
}

// Why answers "why was I (not) paged?" for the events of an incident that q
// selects, in their order. It blocks on the disk and returns an *Error when
// there is no such incident, or no such event in it.
func (inc *Incidents) Why(ctx context.Context, incident string, q WhyQuery) ([]Why, error) {
	if _, err := inc.Incident(ctx, incident); err != nil {
		return nil, err
	}
	events, err := inc.IncidentEvents(ctx, incident)
	if err != nil {
		return nil, err
	}
	out := []Why{}
	for _, event := range events {
		if q.Event != "" && event.ID != q.Event {
			continue
		}
		var made []engine.Delivery
		for _, id := range event.Deliveries {
			d, err := inc.Delivery(ctx, id)
			switch {
			case err == nil:
				if q.Discreet {
					d = inc.Discreet(d, q.Viewer)
				}
				made = append(made, d)
			case engine.KindOf(err) != engine.NotFound && !errors.Is(err, engine.ErrNotFound): // else it is no longer kept
				return nil, err
			}
		}
		out = append(out, why(event, made, q))
	}
	if q.Event != "" && len(out) == 0 {
		return nil, &engine.Error{Kind: engine.NotFound, Message: "no such event in this incident"}
	}
	return out, nil
}

// why answers for one event and its deliveries. It is pure.
func why(event engine.IncidentEvent, made []engine.Delivery, q WhyQuery) Why {
	w := Why{Event: event.ID, At: event.At, Kind: event.Kind, Status: event.Status, Detail: event.Detail, Step: event.Step,
		Answer: PagedNobody, Decisions: []engine.Decision{}, Deliveries: []WhyDelivery{}}
	for _, d := range event.Decisions {
		slug, ofPlugin := strings.CutPrefix(d.Step, "plugin ")
		if !ofPlugin || q.Plugin == "" || slug == q.Plugin {
			w.Decisions = append(w.Decisions, d)
		}
	}
	for i := range made {
		if q.Plugin == "" || made[i].Plugin == q.Plugin {
			w.Deliveries = append(w.Deliveries, whyDelivery(&made[i], q.User))
		}
	}
	if len(w.Deliveries) == 0 {
		w.Reason = whyNothing(w.Decisions, q.Plugin)
		return w
	}
	best := slices.MinFunc(w.Deliveries, func(a, b WhyDelivery) int { return cmp.Compare(a.Answer.rank(), b.Answer.rank()) })
	w.Answer, w.Reason = best.Answer, best.Plugin+": "+best.Reason
	return w
}

func (p Paged) rank() int {
	return slices.Index([]Paged{PagedNotified, PagedWaiting, PagedDeferred, PagedSkipped, PagedSuperseded, PagedDead, PagedNotAsked, PagedNobody}, p)
}

// whyNothing says why an event has no delivery, by its last decision that held it.
func whyNothing(decisions []engine.Decision, plugin string) string {
	for _, d := range slices.Backward(decisions) {
		if d.Outcome != "queued" {
			return cmp.Or(d.Detail, d.Outcome)
		}
	}
	if plugin != "" {
		return "this event was not for " + plugin
	}
	return "nobody was to be told of this event"
}

// whyDelivery answers for one delivery: for a user, or for anybody when user is "".
func whyDelivery(d *engine.Delivery, user string) WhyDelivery {
	w := WhyDelivery{ID: d.ID, Plugin: d.Plugin, State: d.State}
	if user != "" {
		var reason string
		if w.List, reason = listOf(d, user); reason != "" {
			w.Answer, w.Reason = PagedDeferred, reason
			return w
		}
		if w.List == "" {
			w.Answer, w.Reason = PagedNotAsked, "neither a user to notify nor on duty for this event at that time"
			return w
		}
	}
	w.Answer, w.Reason = came(d, user)
	if w.Answer == PagedNotified {
		for i := range d.Attempts {
			if a := &d.Attempts[i]; a.Outcome == string(engine.OutcomeSent) || a.Outcome == string(engine.OutcomeUnknown) {
				w.At = &a.At
				break
			}
		}
	}
	return w
}

// listOf returns the list in which a user is told, or why they were left out.
func listOf(d *engine.Delivery, user string) (list engine.List, why string) {
	switch {
	case slices.Contains(d.DutyOfficers, user):
		return engine.ListDuty, ""
	case slices.Contains(d.Users, user):
		return engine.ListUsers, ""
	}
	for _, h := range slices.Backward(d.Deferred) {
		if h.User == user {
			return "", h.Why
		}
	}
	return "", ""
}

// came says what came of a delivery to a recipient (to any, when user is "").
func came(d *engine.Delivery, user string) (Paged, string) {
	for _, a := range d.Attempts {
		if a.Outcome == string(engine.OutcomeUnknown) && d.State != engine.DeliverySent {
			return PagedNotified, "an attempt ended in a way that may have reached them: " + cmp.Or(a.Error, "it was cut off")
		}
	}
	if user != "" && slices.Contains(d.Reached, user) {
		return PagedNotified, "the plugin reached them"
	}
	switch d.State {
	case engine.DeliverySent:
		if user == "" && len(d.Users)+len(d.DutyOfficers) == 0 && len(d.Deferred) > 0 {
			return PagedDeferred, "the plugin was called, with nobody to tell: " + d.Deferred[0].Why
		}
		return PagedNotified, "it was sent"
	case engine.DeliverySkipped:
		return PagedSkipped, cmp.Or(d.Why, "the plugin had nothing to do")
	case engine.DeliverySuperseded:
		return PagedSuperseded, d.Why
	case engine.DeliveryDead:
		return PagedDead, cmp.Or(d.Why, "it was given up")
	case engine.DeliveryFailed:
		reason := "it failed and is tried again"
		if n := len(d.Attempts); n > 0 && d.Attempts[n-1].Error != "" {
			reason += ": " + d.Attempts[n-1].Error
		}
		return PagedWaiting, reason
	}
	return PagedWaiting, "it waits for its turn"
}
