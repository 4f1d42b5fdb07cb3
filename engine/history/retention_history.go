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
func (hist *History) dropIncidents(ctx context.Context, before time.Time) error {
	d := hist.newEraser()
	for after := ""; ; {
		var old []string
		last, n := "", 0
		for r, err := range engine.Records(ctx, hist.Store, engine.KindIncident, engine.Query{After: after, Limit: eraseBatch}) {
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
			if last, n = r.ID, n+1; in.Closed != nil && in.Closed.Before(before) && !hist.alive(r.ID) {
				old = append(old, r.ID)
			}
		}
		for _, id := range old {
			if err := hist.dropIncident(ctx, d, id); err != nil {
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
func (hist *History) alive(incident string) bool {
	hist.Mu.RLock()
	defer hist.Mu.RUnlock()
	return hist.Tables.Incidents[incident] != nil || len(hist.Tables.Waiting[incident]) > 0
}

// dropIncident deletes an incident, itself last: so that what a crash leaves
// is found again.
func (hist *History) dropIncident(ctx context.Context, d *eraser, id string) error {
	events, err := hist.recordIDs(ctx, engine.KindIncidentEvent, engine.Query{Prefix: id + "/"})
	if err != nil {
		return err
	}
	deliveries, err := hist.recordIDs(ctx, engine.KindDelivery, engine.Query{Term: state.IncidentTerm(id)})
	if err != nil {
		return err
	}
	return errors.Join(d.add(ctx, engine.KindIncidentEvent, events...), d.add(ctx, engine.KindDelivery, deliveries...), d.add(ctx, engine.KindIncident, id))
}

// dropTests deletes the deliveries of tests, which belong to no incident.
func (hist *History) dropTests(ctx context.Context, before time.Time) error {
	return hist.dropByTime(ctx, engine.KindDelivery, state.IncidentTerm(""), before, func(r engine.Record) bool {
		var d engine.Delivery
		return json.Unmarshal(r.Data, &d) == nil && d.Incident == "" && !d.Active()
	})
}

func (hist *History) dropAudit(ctx context.Context, before time.Time) error {
	return hist.dropByTime(ctx, engine.KindAudit, "", before, func(engine.Record) bool { return true })
}

// dropByTime deletes records whose ids are of their time, as far as old says so.
func (hist *History) dropByTime(ctx context.Context, kind engine.Kind, term string, before time.Time, old func(engine.Record) bool) error {
	d := hist.newEraser()
	for after := ""; ; {
		var ids []string
		n := 0
		for r, err := range engine.Records(ctx, hist.Store, kind, engine.Query{Term: term, After: after, Limit: eraseBatch}) {
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
func (hist *History) dropTransitions(ctx context.Context, before time.Time) error {
	d, began := hist.newEraser(), hist.Now()
	for at, n := "", 1; ; n++ {
		ids, err := hist.recordIDs(ctx, engine.KindTransition, engine.Query{After: at, Limit: 1})
		if err != nil || len(ids) == 0 {
			return errors.Join(err, d.flush(ctx))
		}
		of, _, _ := strings.Cut(ids[0], "/")
		if err := hist.dropTransitionsOf(ctx, d, of, before); err != nil {
			return err
		}
		if at = max(of+"/"+lastInID, ids[0]); n%eraseBatch == 0 {
			if err := hist.throttle(ctx, began); err != nil {
				return err
			}
			began = hist.Now()
		}
	}
}

func (hist *History) dropTransitionsOf(ctx context.Context, d *eraser, of string, before time.Time) error {
	held, gone := "", false // the newest one so far, and whether it is a deletion
	for after := ""; ; {
		var ids []string
		n := 0
		for r, err := range engine.Records(ctx, hist.Store, engine.KindTransition, engine.Query{Prefix: of + "/", After: after, Limit: eraseBatch}) {
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
func (hist *History) dropMaintenance(ctx context.Context, before time.Time) error {
	d := hist.newEraser()
	var old []string
	for ended, err := range hist.endedMaintenance(ctx) {
		if err != nil {
			return err
		}
		if ended.Ended.Before(before) {
			old = append(old, endedPrefix+ended.Silence.ID)
		}
	}
	return errors.Join(d.add(ctx, engine.KindMark, old...), d.flush(ctx))
}
