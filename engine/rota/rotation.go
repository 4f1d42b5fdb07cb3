package rota

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rotation is a rota made by hand: its members take turns, each for the same
// number of days, handing over at the same time on the clock of the rota's zone
// whatever clock changes come between.
type Rotation struct {
	Members []string `json:"members"` // in the order of their turns; one may have several
	Every   string   `json:"every"`   // length of a turn in whole days or weeks: 1d, 1w, 1w3d
	Starts  string   `json:"starts"`  // wall time of the first handover: 2026-01-05T09:00
}

// StartsLayout is the form of Rotation.Starts for time.Parse.
const StartsLayout = "2006-01-02T15:04"

// The bounds of a rotation.
const (
	MaxMembers  = 500
	MaxTurnDays = 366
)

// RotationUID is the UID of a rotation's shifts.
const RotationUID = "rotation"

var (
	errNoTurn   = errors.New("a turn is in whole days or weeks, such as 1d or 1w")
	errLongTurn = fmt.Errorf("a turn is at most %d days", MaxTurnDays)
)

// ParseEvery reads the length of a turn as a number of days, 1 to MaxTurnDays.
func ParseEvery(every string) (days int, err error) {
	rest := strings.ToLower(strings.TrimSpace(every))
	for rest != "" {
		n := strings.IndexAny(rest, "dw")
		if n < 0 {
			return 0, errNoTurn
		}
		count, ok := digits(rest[:n])
		if !ok {
			return 0, errNoTurn
		}
		if rest[n] == 'w' {
			count *= 7
		}
		if days += count; days > MaxTurnDays {
			return 0, errLongTurn
		}
		rest = rest[n+1:]
	}
	if days == 0 {
		return 0, errNoTurn
	}
	return days, nil
}

// Shifts returns the turns that overlap [from, to), whole, in order; there are
// none before Starts. zone is an IANA name, "" is UTC. An error is a rotation
// or a zone that Validate or LoadZone would refuse.
func (r Rotation) Shifts(zone string, from, to time.Time) ([]Shift, error) {
	clock := time.UTC
	if zone != "" {
		var err error
		if clock, err = LoadZone(zone); err != nil {
			return nil, err
		}
	}
	days, err := ParseEvery(r.Every)
	if err != nil {
		return nil, err
	}
	first, err := time.Parse(StartsLayout, r.Starts)
	if err != nil {
		return nil, fmt.Errorf("%s is not a wall time", quote(r.Starts))
	}
	if len(r.Members) == 0 || !from.Before(to) {
		return nil, nil
	}
	start, turn := wall(first.Unix()), wall(days)*secondsPerDay
	n := max(0, int((wallOf(from, clock)-start)/turn)-1)
	var shifts []Shift
	for ; ; n++ {
		at := start + wall(n)*turn
		begin, end := at.in(clock), (at + turn).in(clock)
		if !begin.Before(to) {
			return shifts, nil
		}
		if end.After(from) {
			shifts = append(shifts, Shift{Start: begin, End: end, User: r.Members[n%len(r.Members)], UID: RotationUID})
		}
	}
}
