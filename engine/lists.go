package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// BareChecks returns all checks in no order, without what costs time to find
// out: Config, NextRun, PingURL, Services, InstanceIDs and Suspended are empty.
// It is for choosing among many checks; Check gives the rest.
func (e *Engine) BareChecks() []CheckView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]CheckView, 0, len(e.tables.checks))
	for _, c := range e.tables.checks {
		out = append(out, e.bareCheck(c))
	}
	return out
}

// LatestResult returns the last result of a check, nil when it has none. It is
// shared and must not be changed.
func (e *Engine) LatestResult(check string) *Result {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.latest[check]
}

// SubjectName returns the name of a service or instance, "" when it is not there.
func (e *Engine) SubjectName(ref Ref) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.tables.services[ref.ID]; s != nil && ref.Kind == KindService {
		return s.Name
	}
	if i := e.tables.instances[ref.ID]; i != nil && ref.Kind == KindInstance {
		return i.Name
	}
	return ""
}

// Terms by which lists are narrowed, see Scanning.
const (
	// TermOpen is borne by open incidents.
	TermOpen = "open"
)

// Term is the term that the incidents and deliveries of a subject bear.
func (r Ref) Term() string { return r.key() }

// IncidentTerm is the term that the deliveries of an incident bear.
func IncidentTerm(id string) string { return "incident:" + id }

// ScanIncidents calls fn for incidents without their timelines, in order of
// their opening (or the newest first), until fn returns false. It blocks on the disk.
func (e *Engine) ScanIncidents(ctx context.Context, q Query, fn func(IncidentView) bool) error {
	return scan(ctx, e, KindIncident, q, func(in *Incident) bool { return fn(in.view()) })
}

// IncidentEvents returns the timeline of an incident. It blocks on the disk.
func (e *Engine) IncidentEvents(ctx context.Context, id string) ([]IncidentEvent, error) {
	return e.incidentEvents(ctx, id)
}

// ScanDeliveries calls fn for deliveries in order of their creation (or the
// newest first) until fn returns false. It blocks on the disk.
func (e *Engine) ScanDeliveries(ctx context.Context, q Query, fn func(Delivery) bool) error {
	return scan(ctx, e, KindDelivery, q, func(d *Delivery) bool { return fn(e.deliveryView(*d)) })
}

// ScanAudit calls fn for the entries of the audit log, oldest first (or the
// newest first), until fn returns false. Entries of one object bear the term
// "kind:id". It blocks on the disk.
func (e *Engine) ScanAudit(ctx context.Context, q Query, fn func(AuditEntry) bool) error {
	return scan(ctx, e, KindAudit, q, func(a *AuditEntry) bool { return fn(*a) })
}

// scan decodes the records that q selects.
func scan[T any](ctx context.Context, e *Engine, kind Kind, q Query, fn func(*T) bool) error {
	var bad error
	err := e.store.Scan(ctx, kind, q, func(r Record) bool {
		v := new(T)
		if bad = json.Unmarshal(r.Data, v); bad != nil {
			return false
		}
		return fn(v)
	})
	if err = errors.Join(err, bad); err != nil {
		return fmt.Errorf("read %s: %w", kind, err)
	}
	return nil
}
