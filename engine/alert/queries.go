package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// IncidentView is an incident with its timeline.
type IncidentView struct {
	ID          string        `json:"id"`
	Subject     engine.Ref    `json:"subject"`
	SubjectName string        `json:"subject_name"`
	Key         string        `json:"key"`
	Opened      time.Time     `json:"opened"`
	Closed      *time.Time    `json:"closed"`
	Severity    engine.Status `json:"severity"`
	Status      engine.Status `json:"status"`
	Reason      string        `json:"reason"`
	Notes       []engine.Note `json:"notes"`
	Maintenance bool          `json:"maintenance"` // all of it so far lay in maintenance
	Unplanned   *time.Time    `json:"unplanned"`   // when it went beyond the maintenance in which it began
	// Acknowledged is the last acknowledgement: kept when it ran out and when the
	// incident is over.
	Acknowledged *engine.Acknowledgement `json:"acknowledged"`
	Failures     []engine.Failure        `json:"failures"`      // what failed in it, in order of time
	MoreFailures int                     `json:"more_failures"` // the most at one time that were not kept
	Events       []engine.IncidentEvent  `json:"events"`
}

// IncidentQuery selects incidents, the newest first.
type IncidentQuery struct {
	Subject *engine.Ref
	Open    *bool
	Before  string // only ids below it; "" is from the newest
	Limit   int
	Events  bool // with their timelines
}

// Incidents returns incidents, the newest first.
func (inc *Incidents) Incidents(ctx context.Context, q IncidentQuery) ([]IncidentView, error) {
	term := ""
	switch {
	case q.Subject != nil:
		term = q.Subject.Key()
	case q.Open != nil && *q.Open:
		term = "open"
	}
	out := []IncidentView{}
	for in, err := range state.Scan[engine.Incident](ctx, inc.Store, engine.KindIncident, engine.Query{
		Term:    term,
		After:   q.Before,
		Reverse: true,
	}) {
		if err != nil {
			return nil, err
		}
		if q.Open == nil || *q.Open == (in.Closed == nil) {
			out = append(out, view(in))
		}
		if q.Limit > 0 && len(out) >= q.Limit {
			break
		}
	}
	if q.Events {
		for i := range out {
			var err error
			if out[i].Events, err = inc.incidentEvents(ctx, out[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Incident returns one incident with its timeline.
func (inc *Incidents) Incident(ctx context.Context, id string) (IncidentView, error) {
	in, err := inc.incident(ctx, id)
	if err != nil {
		return IncidentView{}, err
	}
	v := view(in)
	v.Events, err = inc.incidentEvents(ctx, id)
	return v, err
}

func (inc *Incidents) incident(ctx context.Context, id string) (*engine.Incident, error) {
	in := new(engine.Incident)
	if err := ReadRecord(inc.State, ctx, engine.KindIncident, id, in); err != nil {
		return nil, err
	}
	return in, nil
}

// ReadRecord decodes one record of the store.
func ReadRecord(e *state.State, ctx context.Context, kind engine.Kind, id string, into any) error {
	if id == "" || len(id) > engine.MaxID || strings.ContainsRune(id, 0) {
		return engine.Missing(kind)
	}
	r, err := e.Store.Get(ctx, kind, id)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Missing(kind)
	}
	if err == nil {
		err = json.Unmarshal(r.Data, into)
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return nil
}

func view(in *engine.Incident) IncidentView {
	return IncidentView{
		ID:          in.ID,
		Subject:     in.Subject,
		SubjectName: in.SubjectName,
		Key:         in.Key,
		Opened:      in.Opened,
		Closed:      in.Closed,
		Severity:    in.Severity,
		Status:      in.Status,
		Reason:      in.Reason,
		Notes:       engine.OrEmpty(in.Notes),
		Maintenance: in.Maintenance,
		Unplanned:   in.Unplanned,

		Acknowledged: in.LastAck,
		Failures:     engine.OrEmpty(in.Failures),
		MoreFailures: in.MoreFailures,
		Events:       []engine.IncidentEvent{},
	}
}

func (inc *Incidents) incidentEvents(ctx context.Context, id string) ([]engine.IncidentEvent, error) {
	out := []engine.IncidentEvent{}
	for v, err := range state.Scan[engine.IncidentEvent](ctx, inc.Store, engine.KindIncidentEvent, engine.Query{Term: state.IncidentTerm(id)}) {
		if err != nil {
			return nil, fmt.Errorf("the timeline of incident %s: %w", id, err)
		}
		out = append(out, *v)
	}
	return out, nil
}

// DeliveryQuery selects deliveries, the newest first.
type DeliveryQuery struct {
	Incident string
	Plugin   string
	State    engine.DeliveryState
	Subject  *engine.Ref
	Before   string // only ids below it; "" is from the newest
	Limit    int
}

// Deliveries returns deliveries, the newest first.
func (inc *Incidents) Deliveries(ctx context.Context, q DeliveryQuery) ([]engine.Delivery, error) {
	term := ""
	switch { // the narrowest first
	case q.Incident != "":
		term = "incident:" + q.Incident
	case q.Subject != nil:
		term = q.Subject.Key()
	case q.State != "":
		term = "state:" + string(q.State)
	case q.Plugin != "":
		term = "plugin:" + q.Plugin
	}
	out := []engine.Delivery{}
	for d, err := range state.Scan[engine.Delivery](ctx, inc.Store, engine.KindDelivery, engine.Query{
		Term:    term,
		After:   q.Before,
		Reverse: true,
	}) {
		if err != nil {
			return nil, err
		}
		if (q.Incident == "" || d.Incident == q.Incident) && (q.Subject == nil || d.Subject == *q.Subject) &&
			(q.State == "" || d.State == q.State) && (q.Plugin == "" || d.Plugin == q.Plugin) {
			out = append(out, deliveryView(inc.State, *d))
		}
		if q.Limit > 0 && len(out) >= q.Limit {
			break
		}
	}
	return out, nil
}

// Delivery returns one delivery.
func (inc *Incidents) Delivery(ctx context.Context, id string) (engine.Delivery, error) {
	var d engine.Delivery
	if err := ReadRecord(inc.State, ctx, engine.KindDelivery, id, &d); err != nil {
		return engine.Delivery{}, err
	}
	return deliveryView(inc.State, d), nil
}

// deliveryView leaves out what is sealed.
func deliveryView(e *state.State, d engine.Delivery) engine.Delivery {
	d.Snapshot.Settings = e.Public(d.Plugin, engine.ServiceConfigForm, d.Snapshot.Settings)
	return d
}

// RetryDelivery tries a failed or dead delivery again at once.
func (inc *Incidents) RetryDelivery(ctx context.Context, by engine.Actor, id string) (*engine.Delivery, error) {
	stored := new(engine.Delivery)
	if err := ReadRecord(inc.State, ctx, engine.KindDelivery, id, stored); err != nil {
		return nil, err
	}
	var in *engine.Incident
	if stored.Incident != "" {
		var err error
		if in, err = inc.incident(ctx, stored.Incident); err != nil {
			return nil, err
		}
	}
	var out engine.Delivery
	err := inc.Submit(ctx, by, func(x *state.Tx) error {
		d := x.Deliveries.Get(id)
		if d == nil {
			d = stored
		}
		if d.State != engine.DeliveryFailed && d.State != engine.DeliveryDead || d.UnderWay() {
			return engine.Conflictf("a delivery that is %s cannot be tried again", d.State)
		}
		if in != nil && x.Incidents.Get(in.ID) == nil {
			x.Incidents.Put(in.ID, in)
		}
		if now := x.Incidents.Get(d.Incident); now != nil && now.Closed != nil && d.Kind != engine.AlertRecovery && d.Kind != engine.AlertTest {
			return engine.Conflictf("the incident is over: there is nothing to tell any more")
		}
		next := x.Now
		c := d.Copy()
		c.State, c.Why, c.NextAttempt, c.RetryFrom = engine.DeliveryPending, "", &next, x.Now
		if s, ok := x.Target(d.Subject); ok { // with its settings of now: they may be what was mended
			for _, choice := range s.Alerts {
				if choice.Plugin == d.Plugin {
					c.Snapshot.Settings = choice.Settings
				}
			}
		}
		putDelivery(x, c)
		x.Audit("retry", engine.KindDelivery, id, string(c.Kind)+" through "+c.Plugin, nil, nil)
		out = deliveryView(inc.State, *c)
		return nil
	})
	return &out, err
}

// ScanIncidents ranges over incidents without their timelines, in order of their
// opening (or the newest first). It blocks on the disk.
func (inc *Incidents) ScanIncidents(ctx context.Context, q engine.Query) iter.Seq2[IncidentView, error] {
	return func(yield func(IncidentView, error) bool) {
		for in, err := range state.Scan[engine.Incident](ctx, inc.Store, engine.KindIncident, q) {
			if err != nil {
				yield(IncidentView{}, err)
				return
			}
			if !yield(view(in), nil) {
				return
			}
		}
	}
}

// IncidentEvents returns the timeline of an incident. It blocks on the disk.
func (inc *Incidents) IncidentEvents(ctx context.Context, id string) ([]engine.IncidentEvent, error) {
	return inc.incidentEvents(ctx, id)
}

// ScanDeliveries ranges over deliveries in order of their creation (or the newest
// first). It blocks on the disk.
func (inc *Incidents) ScanDeliveries(ctx context.Context, q engine.Query) iter.Seq2[engine.Delivery, error] {
	return func(yield func(engine.Delivery, error) bool) {
		for d, err := range state.Scan[engine.Delivery](ctx, inc.Store, engine.KindDelivery, q) {
			if err != nil {
				yield(engine.Delivery{}, err)
				return
			}
			if !yield(deliveryView(inc.State, *d), nil) {
				return
			}
		}
	}
}

// Incidents knows incidents and deliveries, and takes what people do about them.
type Incidents struct{ *state.State }
