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

// Scan ranges over the objects that q selects. An error, also of a record that
// cannot be decoded, comes last and with nil; it names the kind.
func Scan[T any](ctx context.Context, store engine.Store, kind engine.Kind, q engine.Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for r, err := range engine.Records(ctx, store, kind, q) {
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
