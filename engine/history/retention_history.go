package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// dropIncidents deletes incidents that closed before an instant, with their
// events and deliveries, unless one of these is still to be made.
func (e *History) dropIncidents(ctx context.Context, before time.Time) error {
	d := e.newEraser()
	for after := ""; ; {
		var old []string
		last, n := "", 0
		for r, err := range state.Records(ctx, e.Store, engine.KindIncident, engine.Query{After: after, Limit: eraseBatch}) {
			if err != nil {
				return err
			}
			var in struct {
				Closed *time.Time `json:"closed"`
			}
			if err := json.Unmarshal(r.Data, &in); err != nil {
				return fmt.Errorf("read incident %s: %w", r.ID, err)
			}
			if r.ID >= timeID(before) { // opened since
				break
			}
			if last, n = r.ID, n+1; in.Closed != nil && in.Closed.Before(before) && !e.alive(r.ID) {
				old = append(old, r.ID)
			}
		}
		for _, id := range old {
			if err := e.dropIncident(ctx, d, id); err != nil {
				return err
			}
		}
		if n < eraseBatch {
			return d.flush(ctx)
		}
		after = last
	}
}

// alive reports whether an incident is open or has deliveries to make.
func (e *History) alive(incident string) bool {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	return e.Tables.Incidents[incident] != nil || len(e.Tables.Waiting[incident]) > 0
}

// dropIncident deletes an incident, itself last: so that what a crash leaves
// is found again.
func (e *History) dropIncident(ctx context.Context, d *eraser, id string) error {
	events, err := e.recordIDs(ctx, engine.KindIncidentEvent, engine.Query{Prefix: id + "/"})
	if err != nil {
		return err
	}
	deliveries, err := e.recordIDs(ctx, engine.KindDelivery, engine.Query{Term: state.IncidentTerm(id)})
	if err != nil {
		return err
	}
	return errors.Join(d.add(ctx, engine.KindIncidentEvent, events...), d.add(ctx, engine.KindDelivery, deliveries...), d.add(ctx, engine.KindIncident, id))
}

// dropTests deletes the deliveries of tests, which belong to no incident.
func (e *History) dropTests(ctx context.Context, before time.Time) error {
	return e.dropByTime(ctx, engine.KindDelivery, state.IncidentTerm(""), before, func(r engine.Record) bool {
		var d engine.Delivery
		return json.Unmarshal(r.Data, &d) == nil && d.Incident == "" && !d.Active()
	})
}

func (e *History) dropAudit(ctx context.Context, before time.Time) error {
	return e.dropByTime(ctx, engine.KindAudit, "", before, func(engine.Record) bool { return true })
}

// dropByTime deletes records whose ids are of their time, as far as old says so.
func (e *History) dropByTime(ctx context.Context, kind engine.Kind, term string, before time.Time, old func(engine.Record) bool) error {
	d := e.newEraser()
	for after := ""; ; {
		var ids []string
		n := 0
		for r, err := range state.Records(ctx, e.Store, kind, engine.Query{Term: term, After: after, Limit: eraseBatch}) {
			if err != nil {
				return errors.Join(err, d.flush(ctx))
			}
			if r.ID >= timeID(before) {
				break
			}
			if n, after = n+1, r.ID; old(r) {
				ids = append(ids, r.ID)
			}
		}
		if err := d.add(ctx, kind, ids...); err != nil || n < eraseBatch {
			return errors.Join(err, d.flush(ctx))
		}
	}
}

// dropTransitions deletes changes of status before an instant, but for the last
// one of each object: it says how the object stood then.
func (e *History) dropTransitions(ctx context.Context, before time.Time) error {
	d, began := e.newEraser(), e.Now()
	for at, n := "", 1; ; n++ {
		ids, err := e.recordIDs(ctx, engine.KindTransition, engine.Query{After: at, Limit: 1})
		if err != nil || len(ids) == 0 {
			return errors.Join(err, d.flush(ctx))
		}
		of, _, _ := strings.Cut(ids[0], "/")
		if err := e.dropTransitionsOf(ctx, d, of, before); err != nil {
			return err
		}
		if at = max(of+"/"+lastInID, ids[0]); n%eraseBatch == 0 {
			if err := e.throttle(ctx, began); err != nil {
				return err
			}
			began = e.Now()
		}
	}
}

func (e *History) dropTransitionsOf(ctx context.Context, d *eraser, of string, before time.Time) error {
	held, gone := "", false // the newest one so far, and whether it is a deletion
	for after := ""; ; {
		var ids []string
		n := 0
		for r, err := range state.Records(ctx, e.Store, engine.KindTransition, engine.Query{Prefix: of + "/", After: after, Limit: eraseBatch}) {
			if err != nil {
				return err
			}
			if r.ID >= of+"/"+timeID(before) {
				break
			}
			var t state.Transition
			if err := json.Unmarshal(r.Data, &t); err != nil {
				return fmt.Errorf("read transition %s: %w", r.ID, err)
			}
			if !t.At.Before(before) {
				break
			}
			if held != "" {
				ids = append(ids, held)
			}
			held, gone, after, n = r.ID, t.To == "", r.ID, n+1
		}
		if err := d.add(ctx, engine.KindTransition, ids...); err != nil {
			return err
		}
		if n < eraseBatch {
			break
		}
	}
	if gone {
		return d.add(ctx, engine.KindTransition, held)
	}
	return nil
}

// dropMaintenance forgets deleted silences.
func (e *History) dropMaintenance(ctx context.Context, before time.Time) error {
	d := e.newEraser()
	var old []string
	for ended, err := range e.endedMaintenance(ctx) {
		if err != nil {
			return err
		}
		if ended.Ended.Before(before) {
			old = append(old, endedPrefix+ended.Silence.ID)
		}
	}
	return errors.Join(d.add(ctx, engine.KindMark, old...), d.flush(ctx))
}
