package state

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"moonwatch/engine"
)

// TermOpen is the term that open incidents bear.
const TermOpen = "open"

// Term is the term that the incidents and deliveries of a subject bear.
func Term(r engine.Ref) string { return r.Key() }

// IncidentTerm is the term that the deliveries of an incident bear.
func IncidentTerm(id string) string { return "incident:" + id }

// Records ranges over the records that q selects. Their data is valid during one
// turn of the loop alone; the loop may use the store, but for closing it. An
// error, of the disk or the context, comes last and with an empty record.
func Records(ctx context.Context, store engine.Store, kind engine.Kind, q engine.Query) iter.Seq2[engine.Record, error] {
	return func(yield func(engine.Record, error) bool) {
		left := false
		err := store.Scan(ctx, kind, q, func(r engine.Record) bool {
			left = !yield(r, nil)
			return !left
		})
		if err != nil && !left {
			yield(engine.Record{}, err)
		}
	}
}

// Scan ranges over the objects that q selects. An error, also of a record that
// cannot be decoded, comes last and with nil; it names the kind.
func Scan[T any](ctx context.Context, store engine.Store, kind engine.Kind, q engine.Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for r, err := range Records(ctx, store, kind, q) {
			if err != nil {
				yield(nil, fmt.Errorf("read %s: %w", kind, err))
				return
			}
			v := new(T)
			if err := json.Unmarshal(r.Data, v); err != nil {
				yield(nil, fmt.Errorf("read %s %s: %w", kind, r.ID, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}
