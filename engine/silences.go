package engine

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine/rota"
)

// windows returns the occurrences of a silence that overlap [from, to), in order.
func (s *Silence) windows(from, to time.Time) []rota.Span {
	if recurs, _ := s.recurrence(); recurs != nil { // a rule that cannot be read was refused, and leaves the first time
		return recurs.Within(from, to)
	}
	if s.StartsAt.Before(to) && s.EndsAt.After(from) {
		return []rota.Span{{Start: s.StartsAt, End: s.EndsAt}}
	}
	return nil
}

// NextStart returns when the silence begins next after an instant; false if it
// does not.
func (s *Silence) NextStart(after time.Time) (time.Time, bool) {
	if recurs, _ := s.recurrence(); recurs != nil {
		next, ok := recurs.Next(after)
		return next.Start, ok
	}
	return s.StartsAt, s.StartsAt.After(after)
}

// recurrence reads the silence's rule; nil is none.
func (s *Silence) recurrence() (*rota.Recurrence, error) {
	if s.RRule == "" {
		return nil, nil
	}
	zone, err := loadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	return rota.NewRecurrence(rota.CanonicalRule(s.RRule), rota.Span{Start: s.StartsAt, End: s.EndsAt}, zone)
}

// at reports whether the silence holds at the instant now, and when that next changes.
func (s *Silence) at(now time.Time) (holds bool, next time.Time) {
	for _, w := range s.windows(now.Add(-time.Second), now.Add(silenceAhead)) {
		if !now.Before(w.Start) && now.Before(w.End) {
			return true, w.End
		}
		if now.Before(w.Start) {
			return false, w.Start
		}
	}
	return false, now.Add(silenceAhead)
}

// silenceAhead is how far ahead the next change is looked for; it is looked for again then.
const silenceAhead = 8 * 24 * time.Hour

func shareTag(a, b []string) bool {
	return slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

func (s *Silence) describe() string {
	text := "silenced by " + cmp.Or(s.Author, "somebody")
	if s.Maintenance {
		text = "in maintenance by " + cmp.Or(s.Author, "somebody")
	}
	return strings.TrimSuffix(text+": "+s.Comment, ": ")
}

// kindTag marks the tags among what a silence names.
const kindTag Kind = "tag"

// names are the services, instances, checks and tags that the silence covers.
func (s *Silence) names() []Key {
	var keys []Key
	add := func(kind Kind, ids []string) {
		for _, id := range ids {
			keys = append(keys, Key{kind, id})
		}
	}
	add(KindService, s.Services)
	add(KindInstance, s.Instances)
	add(KindCheck, s.Checks)
	add(kindTag, s.Tags)
	return keys
}

// whole reports whether the silence covers all checks of a subject.
func (s *Silence) whole(ref Ref, tags []string) bool {
	list := s.Services
	if ref.Kind == KindInstance {
		list = s.Instances
	}
	return slices.Contains(list, ref.ID) || shareTag(s.Tags, tags)
}

func (s *Silence) coversCheck(c *Check) bool {
	return slices.Contains(s.Checks, c.ID) || shareTag(s.Tags, c.Tags)
}
