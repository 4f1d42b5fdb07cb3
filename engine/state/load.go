package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"moonwatch/engine"
)

// Load reads configuration and state into memory.
func (st *State) Load(ctx context.Context) error {
	t := st.Tables
	x := st.Begin(st.Now())
	for _, k := range kinds {
		if err := k.load(ctx, st.Store, x); err != nil {
			return err
		}
	}
	for _, d := range x.Deliveries.Puts { // closed incidents with deliveries to make
		if d.Incident != "" && x.Incidents.Get(d.Incident) == nil {
			r, err := st.Store.Get(ctx, engine.KindIncident, d.Incident)
			if err != nil {
				return fmt.Errorf("read the incident of delivery %s: %w", d.ID, err)
			}
			in := new(engine.Incident)
			if err := json.Unmarshal(r.Data, in); err != nil {
				return fmt.Errorf("read incident %s: %w", r.ID, err)
			}
			x.Incidents.Put(in.ID, in)
		}
	}
	x.merge()
	switch _, err := st.Store.Get(ctx, engine.KindMark, welcomeMark); {
	case err == nil:
		st.Marked.Store(true)
	case !errors.Is(err, engine.ErrNotFound):
		return err
	}
	return st.Store.LatestResults(ctx, func(r *engine.Result) bool {
		if t.Checks[r.Check] != nil {
			c := *r
			t.Latest[r.Check] = &c
			if s := t.States[r.Check]; s != nil && s.Seq < r.Seq {
				s.Seq = r.Seq
			}
		}
		return true
	})
}
