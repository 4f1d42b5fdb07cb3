package engine

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// dropIncidents deletes incidents that closed before an instant, with their
// events and deliveries, unless one of these is still to be made.
func (e *historyService) dropIncidents(ctx context.Context, before time.Time) error {
	d := e.newEraser()
	for after := ""; ; {
		var old []string
		last, n, bad := "", 0, error(nil)
		err := e.store.Scan(ctx, KindIncident, Query{After: after, Limit: eraseBatch}, func(r Record) bool {
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
func (e *historyService) alive(incident string) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.incidents[incident] != nil || len(e.tables.waiting[incident]) > 0
}

// dropIncident deletes an incident, itself last: so that what a crash leaves
// is found again.
func (e *historyService) dropIncident(ctx context.Context, d *eraser, id string) error {
	events, err := e.recordIDs(ctx, KindIncidentEvent, id+"/", id+"/", 0)
	if err != nil {
		return err
	}
	var deliveries []string
	err = e.store.Scan(ctx, KindDelivery, Query{Term: IncidentTerm(id)}, func(r Record) bool {
		deliveries = append(deliveries, r.ID)
		return true
	})
	if err != nil {
		return err
	}
	return errors.Join(d.add(ctx, KindIncidentEvent, events...), d.add(ctx, KindDelivery, deliveries...), d.add(ctx, KindIncident, id))
}

// dropTests deletes the deliveries of tests, which belong to no incident.
func (e *historyService) dropTests(ctx context.Context, before time.Time) error {
	return e.dropByTime(ctx, KindDelivery, IncidentTerm(""), before, func(r Record) bool {
		var d Delivery
		return json.Unmarshal(r.Data, &d) == nil && d.Incident == "" && !d.Active()
	})
}

func (e *historyService) dropAudit(ctx context.Context, before time.Time) error {
	return e.dropByTime(ctx, KindAudit, "", before, func(Record) bool { return true })
}

// dropByTime deletes records whose ids are of their time, as far as old says so.
func (e *historyService) dropByTime(ctx context.Context, kind Kind, term string, before time.Time, old func(Record) bool) error {
	d := e.newEraser()
	for after := ""; ; {
		var ids []string
		n := 0
		err := e.store.Scan(ctx, kind, Query{Term: term, After: after, Limit: eraseBatch}, func(r Record) bool {
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
func (e *historyService) dropTransitions(ctx context.Context, before time.Time) error {
	d, began := e.newEraser(), e.now()
	for at, n := "", 1; ; n++ {
		ids, err := e.recordIDs(ctx, KindTransition, "", at, 1)
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
			began = e.now()
		}
	}
}

func (e *historyService) dropTransitionsOf(ctx context.Context, d *eraser, of string, before time.Time) error {
	held, gone := "", false // the newest one so far, and whether it is a deletion
	for after := of + "/"; ; {
		var ids []string
		n, bad := 0, error(nil)
		err := e.store.Scan(ctx, KindTransition, Query{After: after, Limit: eraseBatch}, func(r Record) bool {
			var t Transition
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
		if err = errors.Join(err, bad, d.add(ctx, KindTransition, ids...)); err != nil {
			return err
		}
		if n < eraseBatch {
			break
		}
	}
	if gone {
		return d.add(ctx, KindTransition, held)
	}
	return nil
}

// dropMaintenance forgets deleted silences.
func (e *historyService) dropMaintenance(ctx context.Context, before time.Time) error {
	d := e.newEraser()
	var old []string
	err := e.endedMaintenance(ctx, func(id string, ended endedMaintenance) {
		if ended.Ended.Before(before) {
			old = append(old, id)
		}
	})
	return errors.Join(err, d.add(ctx, KindMark, old...), d.flush(ctx))
}
