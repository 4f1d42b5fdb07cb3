package rota

import (
	"slices"
	"time"
)

// Dealt is what edits of a rotation left as it was: before Until only Shifts
// count, from then on the rotation, with First saying whose turn it is.
type Dealt struct {
	Until  time.Time  `json:"until"`
	First  int        `json:"first"`  // which member has the turn that begins at Rotation.Starts
	Shifts []Override `json:"shifts"` // in order; of the last month, and the one that was under way
}

// KeptBehind is how long ago a shift may have ended that an edit keeps.
const KeptBehind = 32 * 24 * time.Hour

// maxAhead bounds how far an edit keeps shifts that are still to come.
const maxAhead = 366 * 24 * time.Hour

// DealtShifts returns the shifts of a rotation (nil is none) and of what was
// dealt before it (nil is nothing) that overlap [from, to), in order. It errs as
// Rotation.Shifts does.
func DealtShifts(r *Rotation, d *Dealt, zone string, from, to time.Time) ([]Shift, error) {
	var shifts []Shift
	begin := from
	if d != nil {
		for _, s := range d.Shifts {
			shifts = append(shifts, Shift{Start: s.Start.UTC(), End: s.End.UTC(), User: s.User, UID: RotationUID})
		}
		shifts = Within(shifts, from, to)
		if d.Until.After(begin) {
			begin = d.Until
		}
	}
	if r == nil || !begin.Before(to) {
		return shifts, nil
	}
	turns, err := r.turns(d, zone, begin, to)
	for _, s := range turns {
		if d != nil && s.Start.Before(d.Until) {
			s.Start = d.Until.UTC()
		}
		shifts = append(shifts, s)
	}
	return shifts, err
}

// turns are the rotation's shifts, dealt as d says.
func (r *Rotation) turns(d *Dealt, zone string, from, to time.Time) ([]Shift, error) {
	c := *r
	if n := len(r.Members); d != nil && n > 0 {
		first := (d.First%n + n) % n
		c.Members = slices.Concat(r.Members[first:], r.Members[:first])
	}
	return c.Shifts(zone, from, to)
}

// A Deal is a rotation with its zone and with what was dealt before it.
type Deal struct {
	Rotation *Rotation // nil is none
	Zone     string
	Dealt    *Dealt
}

// shifts returns the shifts that overlap [from, to); an error is none.
func (d Deal) shifts(from, to time.Time) []Shift {
	shifts, _ := DealtShifts(d.Rotation, d.Dealt, d.Zone, from, to)
	return shifts
}

// Redeal returns what an edit at the instant now leaves as it was: the past, and
// whoever is on duty until their handover. Whoever comes next in the new order
// follows. A first handover that is another one deals anew from then on, or from
// the handover if it is over. gone is a user who is no more: the next takes over
// at once; "" is nobody. overrides are laid over the past for good.
func Redeal(old Deal, next *Rotation, zone string, now time.Time, gone string, overrides []Override) *Dealt {
	now = now.UTC().Truncate(time.Second)
	if old.Rotation == nil && old.Dealt == nil {
		return nil
	}
	until := now
	var on string
	for _, s := range old.shifts(now, now.Add(1)) {
		on, until = s.User, s.End
	}
	var order []string // who was to come after the one on duty
	if old.Rotation != nil {
		for _, s := range old.shifts(until, until.Add(maxAhead)) {
			if order = append(order, s.User); len(order) == len(old.Rotation.Members) {
				break
			}
		}
	}
	d := &Dealt{}
	if next == nil {
		until = now
	}
	anew := next != nil && (old.Rotation == nil || old.Rotation.Starts != next.Starts)
	if anew {
		if starts, err := wallText(next.Starts, zone); err == nil && starts.After(now) && starts.Before(now.Add(maxAhead)) {
			until = starts
		}
	}
	d.Until = until
	for _, s := range Apply(old.shifts(now.Add(-KeptBehind), until), overrides) {
		if s.End.After(until) {
			s.End = until
		}
		if s.Start.Before(s.End) {
			d.Shifts = append(d.Shifts, Override{User: s.User, Start: s.Start, End: s.End})
		}
	}
	if next == nil || len(next.Members) == 0 {
		return d
	}
	if !anew && (on != "" || len(d.Shifts) > 0) {
		d.follow(next, zone, on, order, gone)
	}
	if gone != "" {
		d.replace(gone, next, zone, now)
	}
	if on == "" && len(d.Shifts) == 0 && d.First == 0 {
		return nil // nothing was dealt yet
	}
	return d
}

// follow makes the turn that begins at d.Until that of whoever comes next in the
// new order.
func (d *Dealt) follow(next *Rotation, zone, on string, order []string, gone string) {
	follower := 0
	if i := placeOf(next.Members, on, order); on != gone && i >= 0 {
		follower = (i + 1) % len(next.Members)
	} else {
		for _, user := range order {
			if i := slices.Index(next.Members, user); i >= 0 {
				follower = i
				break
			}
		}
	}
	days, err := ParseEvery(next.Every)
	clock, err2 := LoadZone(orUTC(zone))
	starts, err3 := time.Parse(StartsLayout, next.Starts)
	if err != nil || err2 != nil || err3 != nil {
		return // Validate refuses it
	}
	first, turn := wall(starts.Unix()), wall(days)*secondsPerDay
	n := max(0, floorDiv(int64(wallOf(d.Until, clock)-first), int64(turn)))
	for n > 0 && (first + wall(n)*turn).in(clock).After(d.Until) {
		n--
	}
	for !(first + wall(n+1)*turn).in(clock).After(d.Until) {
		n++
	}
	// Where the handovers moved, what is left of a turn by the new ones stays
	// with whoever is on duty when it is the smaller part.
	begin, end := (first + wall(n)*turn).in(clock), (first + wall(n+1)*turn).in(clock)
	if left := end.Sub(d.Until); begin.Before(d.Until) && left < end.Sub(begin)/2 && on != "" && on != gone && len(d.Shifts) > 0 {
		d.Shifts[len(d.Shifts)-1].End, d.Until = end, end
		n++
	}
	size := int64(len(next.Members))
	d.First = int(((int64(follower)-n)%size + size) % size)
}

// placeOf is where a user stands in the new order: of several places the one
// that the same follows as before. -1 is nowhere.
func placeOf(members []string, user string, order []string) int {
	found := -1
	for i, m := range members {
		if m != user {
			continue
		}
		if len(order) > 0 && members[(i+1)%len(members)] == order[0] {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// replace gives what is to come of the shifts of a user who is no more to
// whoever is next.
func (d *Dealt) replace(gone string, next *Rotation, zone string, now time.Time) {
	heirs, err := DealtShifts(next, &Dealt{Until: d.Until, First: d.First}, zone, d.Until, d.Until.Add(1))
	var shifts []Override
	for _, s := range d.Shifts {
		if s.User != gone || !s.End.After(now) {
			shifts = append(shifts, s)
			continue
		}
		if s.Start.Before(now) {
			shifts = append(shifts, Override{User: gone, Start: s.Start, End: now})
		}
		if err == nil && len(heirs) > 0 {
			s.User, s.Start = heirs[0].User, later(s.Start, now)
			shifts = append(shifts, s)
		}
	}
	d.Shifts = shifts
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func orUTC(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}

// wallText reads a wall time such as Rotation.Starts.
func wallText(text, zone string) (time.Time, error) {
	clock, err := LoadZone(orUTC(zone))
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(StartsLayout, text)
	return FromWall(at, clock), err
}
