package rota

import (
	"cmp"
	"slices"
	"time"
)

// Shift is a span of time, from Start until before End, in which User is on
// call. Times are UTC.
type Shift struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	User  string    `json:"user"` // as Person.ID, Rotation.Members or Override.User have it
	UID   string    `json:"uid"`  // the event's; shifts of one series share it
	Title string    `json:"title,omitempty"`
}

// Span is a stretch of time, from Start until before End.
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// sorted puts shifts into the order of all results, by start first, and takes
// out doubles.
func sorted(shifts []Shift) []Shift {
	slices.SortFunc(shifts, func(a, b Shift) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End),
			cmp.Compare(a.User, b.User), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Title, b.Title))
	})
	return slices.CompactFunc(shifts, func(a, b Shift) bool {
		return a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.User == b.User && a.UID == b.UID && a.Title == b.Title
	})
}

// under reports whether s is under way at the instant.
func (s Shift) under(at time.Time) bool { return !at.Before(s.Start) && at.Before(s.End) }

// OnCall returns who is on call at an instant, each once, in the order in which
// their shifts began.
func OnCall(shifts []Shift, at time.Time) []string {
	var now []Shift
	for _, s := range shifts {
		if s.under(at) {
			now = append(now, s)
		}
	}
	var users []string
	for _, s := range sorted(now) {
		if !slices.Contains(users, s.User) {
			users = append(users, s.User)
		}
	}
	return users
}

// Until returns when a user who is on call at an instant goes off, counting
// shifts that follow without a break as one; false if they are not on call. It
// knows no more than the shifts do: their end may only be how far they look.
func Until(shifts []Shift, user string, at time.Time) (time.Time, bool) {
	var own []Shift
	for _, s := range shifts {
		if s.User == user {
			own = append(own, s)
		}
	}
	end, found := at, false
	for _, s := range sorted(own) {
		if !s.Start.After(end) && s.End.After(end) && (found || s.under(at)) {
			end, found = s.End, true
		}
	}
	return end, found
}

// Gaps returns the spans within [from, to) in which nobody is on call.
func Gaps(shifts []Shift, from, to time.Time) []Span {
	var gaps []Span
	covered := from
	for _, s := range sorted(slices.Clone(shifts)) {
		if !s.Start.Before(to) {
			break
		}
		if s.Start.After(covered) {
			gaps = append(gaps, Span{covered, s.Start})
		}
		if s.End.After(covered) {
			covered = s.End
		}
	}
	if covered.Before(to) {
		gaps = append(gaps, Span{covered, to})
	}
	return gaps
}
