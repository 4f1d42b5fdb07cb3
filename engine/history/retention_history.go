package history

import (
	"context"
	"encoding/json"
	"errors"
	"moonwatch/engine"
	"moonwatch/engine/state"
	"strings"
	"time"
)

// dropIncidents deletes incidents that closed before an instant, with their
// events and deliveries, unless one of these is still to be made.
func (e *History) dropIncidents(ctx context.Context, before time.Time) error {
	d := e.newEraser()
	for after := ""; ; {
		var old []string
		last, n, bad := "", 0, error(nil)
		err := e.Store.Scan(ctx, engine.KindIncident, engine.Query{After: after, Limit: eraseBatch}, func(r engine.Record) bool {
			var in struct {
				Closed *time.Time `json:"closed"`
			}
			if bad = json.Unmarshal(r.Data, &in); bad != nil {
				return false
			}
			if r.ID >= timeID(before) { // opened since
				return false
			}
			if last, n = r.ID, n+1; in.Closed != nil && in.Closed.Before(before) && !e.alive(r.ID) {
				old = append(old, r.ID)
			}
			return true
		})
		if err = errors.Join(err, bad); err != nil {
			return err
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
	events, err := e.recordIDs(ctx, engine.KindIncidentEvent, id+"/", id+"/", 0)
	if err != nil {
		return err
	}
	var deliveries []string
	err = e.Store.Scan(ctx, engine.KindDelivery, engine.Query{Term: state.IncidentTerm(id)}, func(r engine.Record) bool {
		deliveries = append(deliveries, r.ID)
		return true
	})
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
		err := e.Store.Scan(ctx, kind, engine.Query{Term: term, After: after, Limit: eraseBatch}, func(r engine.Record) bool {
			if r.ID >= timeID(before) {
				return false
			}
			if n, after = n+1, r.ID; old(r) {
				ids = append(ids, r.ID)
			}
			return true
		})
		if err == nil {
			err = d.add(ctx, kind, ids...)
		}
		if err != nil || n < eraseBatch {
			return errors.Join(err, d.flush(ctx))
		}
	}
}

// dropTransitions deletes changes of status before an instant, but for the last
// one of each object: it says how the object stood then.
func (e *History) dropTransitions(ctx context.Context, before time.Time) error {
	d, began := e.newEraser(), e.Now()
	for at, n := "", 1; ; n++ {
		ids, err := e.recordIDs(ctx, engine.KindTransition, "", at, 1)
		if err != nil || len(ids) == 0 {
			return errors.Join(err, d.flush(ctx))
		}
		of, _, _ := strings.Cut(ids[0], "/")
		if err := e.dropTransitionsOf(ctx, d, of, before); err != nil {
			return err
		}
		if at = max(of+"/"+lastInID, ids[0]); n%eraseBatch == 0 {
			if err := e.pace(ctx, began); err != nil {
				return err
			}
			began = e.Now()
		}
	}
}

func (e *History) dropTransitionsOf(ctx context.Context, d *eraser, of string, before time.Time) error {
	held, gone := "", false // the newest one so far, and whether it is a deletion
	for after := of + "/"; ; {
		var ids []string
		n, bad := 0, error(nil)
		err := e.Store.Scan(ctx, engine.KindTransition, engine.Query{After: after, Limit: eraseBatch}, func(r engine.Record) bool {
			var t state.Transition
			if !strings.HasPrefix(r.ID, of+"/") || r.ID >= of+"/"+timeID(before) {
				return false
			}
			if bad = json.Unmarshal(r.Data, &t); bad != nil || !t.At.Before(before) {
				return false
			}
			if held != "" {
				ids = append(ids, held)
			}
			held, gone, after, n = r.ID, t.To == "", r.ID, n+1
			return true
		})
		if err = errors.Join(err, bad, d.add(ctx, engine.KindTransition, ids...)); err != nil {
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
	err := e.endedMaintenance(ctx, func(id string, ended endedMaintenance) {
		if ended.Ended.Before(before) {
			old = append(old, id)
		}
	})
	return errors.Join(err, d.add(ctx, engine.KindMark, old...), d.flush(ctx))
}
