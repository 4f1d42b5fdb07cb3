package engine

import (
	"maps"
	"slices"
)

// oneView returns the view of one object of a table.
func oneView[T, V any](e *State, kind Kind, table map[string]*T, id string, view func(*T) V) (V, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if v := table[id]; v != nil {
		return view(v), nil
	}
	var none V
	return none, missing(kind)
}

// allViews returns the views of all objects of a table in order of id.
func allViews[T, V any](e *State, table map[string]*T, view func(*T) V) []V {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]V, 0, len(table))
	for _, id := range slices.Sorted(maps.Keys(table)) {
		out = append(out, view(table[id]))
	}
	return out
}

// asStored is the view that leaves nothing out.
func asStored[T any](v *T) T { return *v }
