package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// IncidentView is an incident with its timeline.
type IncidentView struct {
	ID          string          `json:"id"`
	Subject     Ref             `json:"subject"`
	SubjectName string          `json:"subject_name"`
	Key         string          `json:"key"`
	Opened      time.Time       `json:"opened"`
	Closed      *time.Time      `json:"closed"`
	Severity    Status          `json:"severity"`
	Status      Status          `json:"status"`
	Reason      string          `json:"reason"`
	Notes       []Note          `json:"notes"`
	Maintenance bool            `json:"maintenance"` // all of it so far lay in maintenance
	Unplanned   *time.Time      `json:"unplanned"`   // when it went beyond the maintenance in which it began
	Events      []IncidentEvent `json:"events"`
}

// IncidentQuery selects incidents, the newest first.
type IncidentQuery struct {
	Subject *Ref
	Open    *bool
	Before  string // only ids below it; "" is from the newest
	Limit   int
	Events  bool // with their timelines
}

// Incidents returns incidents, the newest first.
func (e *incidentService) Incidents(ctx context.Context, q IncidentQuery) ([]IncidentView, error) {
	term := ""
	switch {
	case q.Subject != nil:
		term = q.Subject.key()
	case q.Open != nil && *q.Open:
		term = "open"
	}
	out := []IncidentView{}
	var bad error
	err := e.store.Scan(ctx, KindIncident, Query{Term: term, After: q.Before, Reverse: true}, func(r Record) bool {
		var in Incident
		if bad = json.Unmarshal(r.Data, &in); bad != nil {
			return false
		}
		if q.Open == nil || *q.Open == (in.Closed == nil) {
			out = append(out, in.view())
		}
		return q.Limit <= 0 || len(out) < q.Limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	if q.Events {
		for i := range out {
			if out[i].Events, err = e.incidentEvents(ctx, out[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Incident returns one incident with its timeline.
func (e *incidentService) Incident(ctx context.Context, id string) (IncidentView, error) {
	in, err := e.incident(ctx, id)
	if err != nil {
		return IncidentView{}, err
	}
	v := in.view()
	v.Events, err = e.incidentEvents(ctx, id)
	return v, err
}

func (e *incidentService) incident(ctx context.Context, id string) (*Incident, error) {
	in := new(Incident)
	if err := e.read(ctx, KindIncident, id, in); err != nil {
		return nil, err
	}
	return in, nil
}

// read decodes one record of the store.
func (e *State) read(ctx context.Context, kind Kind, id string, into any) error {
	if id == "" || len(id) > MaxID || strings.ContainsRune(id, 0) {
		return missing(kind)
	}
	r, err := e.store.Get(ctx, kind, id)
	if errors.Is(err, ErrNotFound) {
		return missing(kind)
	}
	if err == nil {
		err = json.Unmarshal(r.Data, into)
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return nil
}

func (in *Incident) view() IncidentView {
	return IncidentView{ID: in.ID, Subject: in.Subject, SubjectName: in.SubjectName, Key: in.Key, Opened: in.Opened, Closed: in.Closed,
		Severity: in.Severity, Status: in.Status, Reason: in.Reason, Notes: orEmpty(in.Notes), Maintenance: in.Maintenance, Unplanned: in.Unplanned, Events: []IncidentEvent{}}
}

func (e *incidentService) incidentEvents(ctx context.Context, id string) ([]IncidentEvent, error) {
	out := []IncidentEvent{}
	var bad error
	err := e.store.Scan(ctx, KindIncidentEvent, Query{Term: "incident:" + id}, func(r Record) bool {
		var v IncidentEvent
		if bad = json.Unmarshal(r.Data, &v); bad != nil {
			return false
		}
		out = append(out, v)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read the timeline of incident %s: %w", id, err)
	}
	return out, nil
}

// DeliveryQuery selects deliveries, the newest first.
type DeliveryQuery struct {
	Incident string
	Plugin   string
	State    DeliveryState
	Subject  *Ref
	Before   string // only ids below it; "" is from the newest
	Limit    int
}

// Deliveries returns deliveries, the newest first.
func (e *incidentService) Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) {
	term := ""
	switch { // the narrowest first
	case q.Incident != "":
		term = "incident:" + q.Incident
	case q.Subject != nil:
		term = q.Subject.key()
	case q.State != "":
		term = "state:" + string(q.State)
	case q.Plugin != "":
		term = "plugin:" + q.Plugin
	}
	out := []Delivery{}
	var bad error
	err := e.store.Scan(ctx, KindDelivery, Query{Term: term, After: q.Before, Reverse: true}, func(r Record) bool {
		var d Delivery
		if bad = json.Unmarshal(r.Data, &d); bad != nil {
			return false
		}
		if (q.Incident == "" || d.Incident == q.Incident) && (q.Subject == nil || d.Subject == *q.Subject) &&
			(q.State == "" || d.State == q.State) && (q.Plugin == "" || d.Plugin == q.Plugin) {
			out = append(out, e.deliveryView(d))
		}
		return q.Limit <= 0 || len(out) < q.Limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return out, nil
}

// Delivery returns one delivery.
func (e *incidentService) Delivery(ctx context.Context, id string) (Delivery, error) {
	var d Delivery
	if err := e.read(ctx, KindDelivery, id, &d); err != nil {
		return Delivery{}, err
	}
	return e.deliveryView(d), nil
}

// deliveryView leaves out what is sealed.
func (e *State) deliveryView(d Delivery) Delivery {
	d.Snapshot.Settings = e.Public(d.Plugin, ServiceConfigForm, d.Snapshot.Settings)
	return d
}

// RetryDelivery tries a failed or dead delivery again at once.
func (e *incidentService) RetryDelivery(ctx context.Context, by Actor, id string) (*Delivery, error) {
	stored := new(Delivery)
	if err := e.read(ctx, KindDelivery, id, stored); err != nil {
		return nil, err
	}
	var in *Incident
	if stored.Incident != "" {
		var err error
		if in, err = e.incident(ctx, stored.Incident); err != nil {
			return nil, err
		}
	}
	var out Delivery
	err := e.do(ctx, by, func(x *tx) error {
		d := x.deliveries.get(id)
		if d == nil {
			d = stored
		}
		if d.State != DeliveryFailed && d.State != DeliveryDead || d.UnderWay() {
			return conflictf("a delivery that is %s cannot be tried again", d.State)
		}
		if in != nil && x.incidents.get(in.ID) == nil {
			x.incidents.put(in.ID, in)
		}
		if now := x.incidents.get(d.Incident); now != nil && now.Closed != nil && d.Kind != AlertRecovery && d.Kind != AlertTest {
			return conflictf("the incident is over: there is nothing to tell any more")
		}
		next := x.now
		c := d.copy()
		c.State, c.Why, c.NextAttempt, c.RetryFrom = DeliveryPending, "", &next, x.now
		if s, ok := x.subject(d.Subject); ok { // with its settings of now: they may be what was mended
			for _, choice := range s.Alerts {
				if choice.Plugin == d.Plugin {
					c.Snapshot.Settings = choice.Settings
				}
			}
		}
		x.putDelivery(c)
		x.audit("retry", KindDelivery, id, string(c.Kind)+" through "+c.Plugin, nil, nil)
		out = e.deliveryView(*c)
		return nil
	})
	return &out, err
}

// ScanIncidents calls fn for incidents without their timelines, in order of
// their opening (or the newest first), until fn returns false. It blocks on the disk.
func (e *incidentService) ScanIncidents(ctx context.Context, q Query, fn func(IncidentView) bool) error {
	return scan(ctx, e.State, KindIncident, q, func(in *Incident) bool { return fn(in.view()) })
}

// IncidentEvents returns the timeline of an incident. It blocks on the disk.
func (e *incidentService) IncidentEvents(ctx context.Context, id string) ([]IncidentEvent, error) {
	return e.incidentEvents(ctx, id)
}

// ScanDeliveries calls fn for deliveries in order of their creation (or the
// newest first) until fn returns false. It blocks on the disk.
func (e *incidentService) ScanDeliveries(ctx context.Context, q Query, fn func(Delivery) bool) error {
	return scan(ctx, e.State, KindDelivery, q, func(d *Delivery) bool { return fn(e.deliveryView(*d)) })
}

// incidentService knows incidents and deliveries, and takes what people do about them.
type incidentService struct{ *State }
