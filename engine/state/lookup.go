package state

import (
	"maps"
	"slices"

	"moonwatch/engine"
)

// OneView returns the view of one object of a table.
func OneView[T, V any](e *State, kind engine.Kind, table map[string]*T, id string, view func(*T) V) (V, error) {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	if v := table[id]; v != nil {
		return view(v), nil
	}
	var none V
	return none, engine.Missing(kind)
}

// AllViews returns the views of all objects of a table in order of id.
func AllViews[T, V any](e *State, table map[string]*T, view func(*T) V) []V {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	out := make([]V, 0, len(table))
	for _, id := range slices.Sorted(maps.Keys(table)) {
		out = append(out, view(table[id]))
	}
	return out
}

// AsStored is the view that leaves nothing out.
func AsStored[T any](v *T) T { return *v }
