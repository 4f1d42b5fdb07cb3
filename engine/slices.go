package engine

import (
	"slices"
)

// OrEmpty is the list, an empty one for nil: JSON has [] of it.
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// Kept are the items for which is holds.
func Kept[T any](items []T, is func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(v T) bool { return !is(v) })
}

// CopyOf is a shallow copy, nil of nil. What the state holds is shared and never
// changed: callers who may change what they are given get a copy.
func CopyOf[T any](v *T) *T {
	if v == nil {
		return nil
	}
	c := *v
	return &c
}
