package silence

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
)

// Windows returns the occurrences of a silence that overlap [from, to), in order.
func Windows(s *engine.Silence, from, to time.Time) []rota.Span {
	if recurs, _ := Recurrence(s); recurs != nil { // a rule that cannot be read was refused, and leaves the first time
		return recurs.Within(from, to)
	}
	if s.StartsAt.Before(to) && s.EndsAt.After(from) {
		return []rota.Span{{Start: s.StartsAt, End: s.EndsAt}}
	}
	return nil
}

// NextStart returns when the silence begins next after an instant; false if it
// does not.
func NextStart(s *engine.Silence, after time.Time) (time.Time, bool) {
	if recurs, _ := Recurrence(s); recurs != nil {
		next, ok := recurs.Next(after)
		return next.Start, ok
	}
	return s.StartsAt, s.StartsAt.After(after)
}

// Recurrence reads the silence's rule; nil is none.
func Recurrence(s *engine.Silence) (*rota.Recurrence, error) {
	if s.RRule == "" {
		return nil, nil
	}
	zone, err := engine.LoadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	return rota.NewRecurrence(rota.CanonicalRule(s.RRule), rota.Span{Start: s.StartsAt, End: s.EndsAt}, zone)
}

// At reports whether the silence holds at the instant now, and when that next changes.
func At(s *engine.Silence, now time.Time) (holds bool, next time.Time) {
	for _, w := range Windows(s, now.Add(-time.Second), now.Add(SilenceAhead)) {
		if !now.Before(w.Start) && now.Before(w.End) {
			return true, w.End
		}
		if now.Before(w.Start) {
			return false, w.Start
		}
	}
	return false, now.Add(SilenceAhead)
}

// SilenceAhead is how far ahead the next change is looked for; it is looked for again then.
const SilenceAhead = 8 * 24 * time.Hour

func ShareTag(a, b []string) bool {
	return slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

// Describe says in words that a silence holds, and until when; the zero time is
// not known.
func Describe(s *engine.Silence, until time.Time) string {
	end := ""
	if !until.IsZero() {
		end = " until " + until.UTC().Format(time.RFC3339)
	}
	by := " by " + cmp.Or(s.Author, "somebody")
	text := "silenced" + by + end
	if s.Maintenance {
		text = "in planned maintenance" + end + by
	}
	return strings.TrimSuffix(text+": "+s.Comment, ": ")
}

// KindTag marks the tags among what a silence names.
const KindTag engine.Kind = "tag"

// Names are the services, instances, checks and tags that the silence covers.
func Names(s *engine.Silence) []engine.Key {
	var keys []engine.Key
	add := func(kind engine.Kind, ids []string) {
		for _, id := range ids {
			keys = append(keys, engine.Key{Kind: kind, ID: id})
		}
	}
	add(engine.KindService, s.Services)
	add(engine.KindInstance, s.Instances)
	add(engine.KindCheck, s.Checks)
	add(KindTag, s.Tags)
	return keys
}

// CoversAll reports whether the silence covers all checks of a subject.
func CoversAll(s *engine.Silence, ref engine.Ref, tags []string) bool {
	list := s.Services
	if ref.Kind == engine.KindInstance {
		list = s.Instances
	}
	return slices.Contains(list, ref.ID) || ShareTag(s.Tags, tags)
}

func CoversCheck(s *engine.Silence, c *engine.Check) bool {
	return slices.Contains(s.Checks, c.ID) || ShareTag(s.Tags, c.Tags)
}
