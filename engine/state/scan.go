package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"moonwatch/engine"
)

// Terms by which lists are narrowed, see Scanning.
const (
	// TermOpen is borne by open incidents.
	TermOpen = "open"
)

// Term is the term that the incidents and deliveries of a subject bear.
func Term(r engine.Ref) string { return r.Key() }

// IncidentTerm is the term that the deliveries of an incident bear.
func IncidentTerm(id string) string { return "incident:" + id }

// Scan decodes the records that q selects.
func Scan[T any](ctx context.Context, e *State, kind engine.Kind, q engine.Query, fn func(*T) bool) error {
	var bad error
	err := e.Store.Scan(ctx, kind, q, func(r engine.Record) bool {
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
