package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// eraseBatch is how many records are deleted at once.
const eraseBatch = 256

// lastInID sorts above all that follows the slash in the ids of aggregates,
// transitions and events.
const lastInID = "~"

// retain deletes what is older than the settings say. Limits move in steps of a
// thirtieth of the time kept, an hour to a day: so most calls do nothing.
func (hist *History) retain(ctx context.Context) error {
	h, s, now := &hist.Progress, hist.Settings(), hist.Now().UTC()
	h.mu.Lock()
	summed, dropped := h.summed, h.dropped
	h.mu.Unlock()
	// Results stay until they are summed up, with the hour that is summed up twice.
	if before := Earlier(keptFrom(now, s.Retention), summed.Add(-2*time.Hour)); !summed.IsZero() && before.After(dropped) {
		if err := hist.dropResults(ctx, before); err != nil {
			return fmt.Errorf("delete old results: %w", err)
		}
	}
	if before := aggregatesFrom(now, s.SumRetention); before.After(h.aggregatesBefore) {
		if err := hist.dropAggregates(ctx, before); err != nil {
			return fmt.Errorf("delete old aggregates: %w", err)
		}
		h.aggregatesBefore = before
	}
	var errs []error
	before := keptFrom(now, s.HistoryKept)
	if !before.After(h.partsBefore) {
		return nil
	}
	for _, part := range []struct {
		name string
		drop func(context.Context, time.Time) error
	}{
		{"incidents", hist.dropIncidents}, {"test deliveries", hist.dropTests}, {"entries of the audit log", hist.dropAudit},
		{"changes of status", hist.dropTransitions}, {"maintenance", hist.dropMaintenance},
	} {
		if err := part.drop(ctx, before); err != nil {
			errs = append(errs, fmt.Errorf("delete old %s: %w", part.name, err))
		}
	}
	if len(errs) == 0 {
		h.partsBefore = before
	}
	return errors.Join(errs...)
}

// keptFrom is the instant before which nothing has to be kept, in steps.
func keptFrom(now time.Time, kept engine.Duration) time.Time {
	step := min(max((kept.Std()/30).Truncate(time.Hour), time.Hour), day)
	return now.Add(-kept.Std()).Truncate(step)
}

// aggregatesFrom is the day from which on aggregates are kept.
func aggregatesFrom(now time.Time, kept engine.Duration) time.Time {
	return now.Add(-kept.Std()).Truncate(day)
}

// dropResults deletes the results of all checks before an hour.
func (hist *History) dropResults(ctx context.Context, before time.Time) error {
	h := &hist.Progress
	mark := func(dropped time.Time) error {
		return hist.Proceed(ctx, func(x *state.Tx) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.rawFrom, h.dropped = before, dropped
			x.Write(engine.KindMark, rawMark, rawKept{before, dropped})
			return nil
		})
	}
	// Nobody may rely on results from here on, though it takes a while to drop them.
	h.mu.Lock()
	dropped := h.dropped
	h.mu.Unlock()
	if err := mark(dropped); err != nil {
		return err
	}
	var checks []string // those deleted among them, should a crash have left results
	if err := hist.Store.LatestResults(ctx, func(r *engine.Result) bool { checks = append(checks, r.Check); return true }); err != nil {
		return err
	}
	began := hist.Now()
	for i, id := range checks {
		seq := uint64(before.UnixMicro())
		if hist.CheckNow(id) == nil {
			seq = 0
		}
		if hist.MemoryOnly.Load() { // their aggregates may be there alone
			return errNotStored
		}
		if err := hist.Store.DropResults(ctx, id, seq); err != nil {
			return err
		}
		if i%64 == 63 {
			if err := hist.throttle(ctx, began); err != nil {
				return err
			}
			began = hist.Now()
		}
	}
	return mark(before)
}

// eraser deletes records in small batches.
type eraser struct {
	e     *History
	keys  []engine.Key
	began time.Time
}

func (hist *History) newEraser() *eraser { return &eraser{e: hist, began: hist.Now()} }

func (d *eraser) add(ctx context.Context, kind engine.Kind, ids ...string) error {
	for _, id := range ids {
		if d.keys = append(d.keys, engine.Key{Kind: kind, ID: id}); len(d.keys) >= eraseBatch {
			if err := d.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *eraser) flush(ctx context.Context) error {
	if len(d.keys) == 0 {
		return nil
	}
	keys := d.keys
	d.keys = nil
	err := d.e.Proceed(ctx, func(x *state.Tx) error {
		for _, k := range keys {
			// something may have come to life since it was looked at
			if k.Kind == engine.KindDelivery && x.Deliveries.Get(k.ID) != nil || k.Kind == engine.KindIncident && x.Incidents.Get(k.ID) != nil {
				continue
			}
			x.Erase(k.Kind, k.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = d.e.throttle(ctx, d.began)
	d.began = d.e.Now()
	return err
}

// recordIDs returns the ids of the records that q selects.
func (hist *History) recordIDs(ctx context.Context, kind engine.Kind, q engine.Query) ([]string, error) {
	var ids []string
	for r, err := range engine.Records(ctx, hist.Store, kind, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// dropAggregates deletes the aggregates of days that ended at or before an instant, and all
// aggregates of checks that are no more. It goes from check to check, without reading
// the aggregates that stay.
func (hist *History) dropAggregates(ctx context.Context, before time.Time) error {
	d, began := hist.newEraser(), hist.Now()
	for at, n := "", 1; ; n++ {
		ids, err := hist.recordIDs(ctx, engine.KindAggregate, engine.Query{After: at, Limit: 1})
		if err != nil || len(ids) == 0 {
			return errors.Join(err, d.flush(ctx))
		}
		check, _, _ := dayOf(ids[0])
		at = max(check+"/"+lastInID, ids[0])
		if err := hist.dropAggregatesOf(ctx, d, check, ids[0], before); err != nil {
			return err
		}
		if n%eraseBatch == 0 {
			if err := hist.throttle(ctx, began); err != nil {
				return err
			}
			began = hist.Now()
		}
	}
}

// dropAggregatesOf deletes old aggregates of one check, from the first one on.
func (hist *History) dropAggregatesOf(ctx context.Context, d *eraser, check, first string, before time.Time) error {
	gone := hist.CheckNow(check) == nil
	for ids := []string{first}; len(ids) > 0; {
		for _, id := range ids {
			if _, start, ok := dayOf(id); ok && !gone && start.Add(day).After(before) {
				return nil
			}
			if err := d.add(ctx, engine.KindAggregate, id); err != nil {
				return err
			}
		}
		var err error
		if ids, err = hist.recordIDs(ctx, engine.KindAggregate, engine.Query{Prefix: check + "/", After: ids[len(ids)-1], Limit: eraseBatch}); err != nil {
			return err
		}
	}
	return nil
}
