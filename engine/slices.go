package engine

import (
	"slices"
)

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

func CopyOf[T any](v *T) *T { c := *v; return &c }
