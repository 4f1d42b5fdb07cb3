package engine

import (
	"cmp"
	"context"
	"errors"
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

func shareTag(a, b []string) bool {
	return slices.ContainsFunc(a, func(t string) bool { return slices.Contains(b, t) })
}

// silenced returns which of the failing checks silences cover now, the name of
// such a silence, and when that may change.
func (x *tx) silenced(s subject, failing []FailingCheck) (covered []string, name string, next time.Time) {
	for _, silence := range x.silencesInOrder() {
		holds, change := silence.at(x.now)
		if next.IsZero() || change.Before(next) {
			next = change
		}
		if !holds {
			continue
		}
		all := silence.whole(s.ref, s.Tags)
		for _, f := range failing {
			if slices.Contains(covered, f.ID) {
				continue
			}
			if c := x.checks.get(f.ID); all || c != nil && silence.coversCheck(c) {
				covered = append(covered, f.ID)
				name = silence.describe()
			}
		}
	}
	slices.Sort(covered)
	return covered, name, next
}

// maintained reports whether a subject is in maintenance now.
func (x *tx) maintained(s subject) bool {
	for _, silence := range x.silences.all() {
		if holds, _ := silence.at(x.now); holds && silence.Maintenance && silence.whole(s.ref, s.Tags) {
			return true
		}
	}
	return false
}

// planned reports whether maintenance covers now all that fails of a subject.
func (x *tx) planned(s subject, failing []FailingCheck) bool {
	if x.maintained(s) {
		return true
	}
	for _, f := range failing {
		c := x.checks.get(f.ID)
		covered := false
		for _, silence := range x.silences.all() {
			if c != nil && silence.Maintenance && silence.coversCheck(c) {
				holds, _ := silence.at(x.now)
				covered = covered || holds
			}
		}
		if !covered {
			return false
		}
	}
	return len(failing) > 0
}

func (x *tx) silencesInOrder() []*Silence {
	var out []*Silence
	for _, s := range x.silences.all() {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Silence) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (s *Silence) describe() string {
	text := "silenced by " + cmp.Or(s.Author, "somebody")
	if s.Maintenance {
		text = "in maintenance by " + cmp.Or(s.Author, "somebody")
	}
	return strings.TrimSuffix(text+": "+s.Comment, ": ")
}

// NewSilence returns a silence with the defaults of one that a person begins.
func NewSilence() Silence {
	return Silence{Services: []string{}, Instances: []string{}, Checks: []string{}, Tags: []string{}, TimeZone: "UTC"}
}

// SaveSilence creates a silence (ID "") or replaces the revision that s carries.
// Its Author is the one who made it. It returns an *Error.
func (e *Engine) SaveSilence(ctx context.Context, by Actor, s Silence) (*Silence, error) {
	if s.ID == "" {
		s.ID, s.Revision = e.newID(), 0
	}
	err := e.do(ctx, by, func(x *tx) error { return x.saveSilence(&s) })
	return &s, err
}

func (x *tx) saveSilence(s *Silence) error {
	old := x.silences.get(s.ID)
	if err := atRevision(KindSilence, s.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
		return err
	}
	var p problems
	s.validate(&p)
	links(&p, "services", s.Services, "service", func(id string) bool { return x.services.get(id) != nil })
	links(&p, "instances", s.Instances, "instance", func(id string) bool { return x.instances.get(id) != nil })
	links(&p, "checks", s.Checks, "check", func(id string) bool { return x.checks.get(id) != nil })
	if err := p.err(); err != nil {
		return err
	}
	title := cmp.Or(s.Comment, "silence")
	if old == nil {
		s.Author = cmp.Or(s.Author, x.by.Name)
		x.stamp(KindSilence, &s.Meta, nil)
		x.audit("create", KindSilence, s.ID, title, nil, s)
	} else {
		s.Author = old.Author
		x.stamp(KindSilence, &s.Meta, &old.Meta)
		x.audit("update", KindSilence, s.ID, title, old, s)
	}
	x.silences.put(s.ID, s)
	x.remindOpen()
	return nil
}

func (s *Silence) validate(p *problems) {
	s.Services, s.Instances, s.Checks, s.Tags = orEmpty(s.Services), orEmpty(s.Instances), orEmpty(s.Checks), orEmpty(s.Tags)
	p.tags(s.Tags)
	p.text("comment", s.Comment, false, commentMost)
	if len(s.Services)+len(s.Instances)+len(s.Checks)+len(s.Tags) == 0 {
		p.add("services", "required", "name at least one service, instance, check or tag")
	}
	if s.StartsAt.IsZero() {
		p.add("starts_at", "required", "this is required")
	}
	switch {
	case s.EndsAt.IsZero():
		p.add("ends_at", "required", "this is required")
	case !s.EndsAt.After(s.StartsAt):
		p.add("ends_at", "min", "the end must be after the start")
	}
	s.StartsAt, s.EndsAt = s.StartsAt.UTC(), s.EndsAt.UTC()
	before := len(p.list)
	p.zone("time_zone", &s.TimeZone)
	s.RRule = rota.CanonicalRule(s.RRule)
	if len(p.list) > before {
		return
	}
	switch _, err := s.recurrence(); {
	case len(s.RRule) > rota.MostRule:
		p.add("rrule", "max", "at most %d characters", rota.MostRule)
	case errors.Is(err, rota.ErrUntil):
		p.add("rrule", "min", "%s", err)
	case err != nil:
		p.add("rrule", "invalid", "write an RFC 5545 rule that recurs daily or more rarely, such as FREQ=WEEKLY;BYDAY=SU")
	}
}

// DeleteSilence deletes a silence, which ends it.
func (e *Engine) DeleteSilence(ctx context.Context, by Actor, id string, revision *uint64) error {
	return e.do(ctx, by, func(x *tx) error {
		s := x.silences.get(id)
		if s == nil {
			return missing(KindSilence)
		}
		if revision != nil && *revision != s.Revision {
			return errChanged
		}
		x.dropSilence(s)
		x.remindOpen()
		return nil
	})
}

func (x *tx) dropSilence(s *Silence) {
	x.silences.delete(s.ID)
	x.keepMaintenance(s)
	x.deletes, x.deleter = true, x.by.Name
	x.audit("delete", KindSilence, s.ID, cmp.Or(s.Comment, "silence"), s, nil)
}

// remindOpen lets every open incident look at itself anew.
func (x *tx) remindOpen() {
	for _, in := range x.incidents.all() {
		if in.Closed == nil {
			x.e.remind(due{at: x.now, ref: in.Subject})
		}
	}
}

// SilenceView is a silence as clients see it.
type SilenceView struct {
	Silence
	Active bool       `json:"active"` // it holds now
	Next   *time.Time `json:"next"`   // when that changes next, within eight days
}

// Silence returns one silence.
func (e *Engine) Silence(id string) (SilenceView, error) {
	return oneView(e, KindSilence, e.tables.silences, id, e.silenceView)
}

// Silences returns all silences in order of id.
func (e *Engine) Silences() []SilenceView { return allViews(e, e.tables.silences, e.silenceView) }

func (e *Engine) silenceView(s *Silence) SilenceView {
	now := e.now()
	v := SilenceView{Silence: *s}
	holds, next := s.at(now)
	v.Active = holds
	if next.Before(now.Add(silenceAhead)) {
		next = next.UTC()
		v.Next = &next
	}
	return v
}
