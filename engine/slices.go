package engine

import (
	"slices"
)

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// kept are the items for which is holds.
func kept[T any](items []T, is func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(v T) bool { return !is(v) })
}

func copyOf[T any](v *T) *T { c := *v; return &c }
