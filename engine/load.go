package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// load reads configuration and state into memory.
func (e *State) load(ctx context.Context) error {
	t := e.tables
	x := e.begin(e.now())
	for _, k := range kinds {
		if err := k.load(ctx, e.store, x); err != nil {
			return err
		}
	}
	for _, d := range x.deliveries.puts { // closed incidents with deliveries to make
		if d.Incident != "" && x.incidents.get(d.Incident) == nil {
			r, err := e.store.Get(ctx, KindIncident, d.Incident)
			if err != nil {
				return fmt.Errorf("read the incident of delivery %s: %w", d.ID, err)
			}
			in := new(Incident)
			if err := json.Unmarshal(r.Data, in); err != nil {
				return fmt.Errorf("read incident %s: %w", r.ID, err)
			}
			x.incidents.put(in.ID, in)
		}
	}
	x.merge()
	switch _, err := e.store.Get(ctx, KindMark, welcomeMark); {
	case err == nil:
		e.marked.Store(true)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return e.store.LatestResults(ctx, func(r *Result) bool {
		if t.checks[r.Check] != nil {
			c := *r
			t.latest[r.Check] = &c
			if s := t.states[r.Check]; s != nil && s.Seq < r.Seq {
				s.Seq = r.Seq
			}
		}
		return true
	})
}
