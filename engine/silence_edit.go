package engine

import (
	"cmp"
	"context"
	"errors"
	"moonwatch/engine/rota"
	"time"
)

// SaveSilence creates a silence (ID "") or replaces the revision that s carries.
// Its Author is the one who made it. It returns an *Error.
func (e *silenceService) SaveSilence(ctx context.Context, by Actor, s Silence) (*Silence, error) {
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
	s.validateSilence(&p)
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

func (s *Silence) validateSilence(p *problems) {
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
func (e *silenceService) DeleteSilence(ctx context.Context, by Actor, id string, revision *uint64) error {
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

// SilenceView is a silence as clients see it.
type SilenceView struct {
	Silence
	Active bool       `json:"active"` // it holds now
	Next   *time.Time `json:"next"`   // when that changes next, within eight days
}

// Silence returns one silence.
func (e *silenceService) Silence(id string) (SilenceView, error) {
	return oneView(e.State, KindSilence, e.tables.silences, id, e.silenceView)
}

// Silences returns all silences in order of id.
func (e *silenceService) Silences() []SilenceView {
	return allViews(e.State, e.tables.silences, e.silenceView)
}

func (e *silenceService) silenceView(s *Silence) SilenceView {
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

// silenceService knows and edits silences.
type silenceService struct{ *State }
