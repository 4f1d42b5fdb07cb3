package edit

import (
	"cmp"
	"context"
	"errors"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/history"
	"moonwatch/engine/rota"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// SaveSilence creates a silence (ID "") or replaces the revision that s carries.
// Its Author is the one who made it. It returns an *Error.
func (ss *Silences) SaveSilence(ctx context.Context, by engine.Actor, s engine.Silence) (*engine.Silence, error) {
	if s.ID == "" {
		s.ID, s.Revision = ss.IDs.New(), 0
	}
	err := submit(ctx, ss.State, ss.dry, by, func(x *state.Tx) error { return SaveSilence(x, &s) })
	return engine.CopyOf(&s), err
}

func SaveSilence(x *state.Tx, s *engine.Silence) error {
	old := x.Silences.Get(s.ID)
	if err := state.AtRevision(engine.KindSilence, s.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
		return err
	}
	var p engine.Problems
	ValidateSilence(s, &p)
	links(&p, "services", s.Services, "service", func(id string) bool { return x.Services.Get(id) != nil })
	links(&p, "instances", s.Instances, "instance", func(id string) bool { return x.Instances.Get(id) != nil })
	links(&p, "checks", s.Checks, "check", func(id string) bool { return x.Checks.Get(id) != nil })
	if err := p.Err(); err != nil {
		return err
	}
	title := cmp.Or(s.Comment, "silence")
	if old == nil {
		s.Author = cmp.Or(s.Author, x.By.Name)
		x.SetRevision(engine.KindSilence, &s.Meta, nil)
		x.Audit("create", engine.KindSilence, s.ID, title, nil, s)
	} else {
		s.Author = old.Author
		x.SetRevision(engine.KindSilence, &s.Meta, &old.Meta)
		x.Audit("update", engine.KindSilence, s.ID, title, old, s)
	}
	x.Silences.Put(s.ID, s)
	alert.RemindOpen(x)
	return nil
}

func ValidateSilence(s *engine.Silence, p *engine.Problems) {
	s.Services, s.Instances, s.Checks, s.Tags = engine.OrEmpty(s.Services), engine.OrEmpty(s.Instances), engine.OrEmpty(s.Checks), engine.OrEmpty(s.Tags)
	p.Tags(s.Tags)
	p.Text("comment", s.Comment, false, engine.MaxComment)
	if len(s.Services)+len(s.Instances)+len(s.Checks)+len(s.Tags) == 0 {
		p.Add("services", "required", "name at least one service, instance, check or tag")
	}
	if s.StartsAt.IsZero() {
		p.Add("starts_at", "required", "This field is required.")
	}
	switch {
	case s.EndsAt.IsZero():
		p.Add("ends_at", "required", "This field is required.")
	case !s.EndsAt.After(s.StartsAt):
		p.Add("ends_at", "min", "the end must be after the start")
	}
	s.StartsAt, s.EndsAt = s.StartsAt.UTC(), s.EndsAt.UTC()
	before := len(p.List)
	p.Zone("time_zone", &s.TimeZone)
	s.RRule = rota.CanonicalRule(s.RRule)
	if len(p.List) > before {
		return
	}
	switch _, err := silence.Recurrence(s); {
	case len(s.RRule) > rota.MaxRule:
		p.Add("rrule", "max", "at most %d characters", rota.MaxRule)
	case errors.Is(err, rota.ErrUntil):
		p.Add("rrule", "min", "%s", err)
	case err != nil:
		p.Add("rrule", "invalid", "write an RFC 5545 rule that recurs daily or more rarely, such as FREQ=WEEKLY;BYDAY=SU")
	}
}

// DeleteSilence deletes a silence, which ends it.
func (ss *Silences) DeleteSilence(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	return ss.Submit(ctx, by, func(x *state.Tx) error {
		s, err := state.Current(&x.Silences, id, revision)
		if err != nil {
			return err
		}
		dropSilence(x, s)
		alert.RemindOpen(x)
		return nil
	})
}

func dropSilence(x *state.Tx, s *engine.Silence) {
	history.KeepMaintenance(x, s)
	state.Remove(x, &x.Silences, s.ID, cmp.Or(s.Comment, "silence"))
}

// SilenceView is a silence as clients see it.
type SilenceView struct {
	engine.Silence
	Active bool       `json:"active"` // it holds now
	Next   *time.Time `json:"next"`   // when that changes next, within eight days
}

// Silence returns one silence.
func (ss *Silences) Silence(id string) (SilenceView, error) {
	return state.OneView(ss.State, engine.KindSilence, ss.Tables.Silences, id, ss.silenceView)
}

// Silences returns all silences in order of id.
func (ss *Silences) Silences() []SilenceView {
	return state.AllViews(ss.State, ss.Tables.Silences, ss.silenceView)
}

func (ss *Silences) silenceView(s *engine.Silence) SilenceView {
	now := ss.Now()
	v := SilenceView{Silence: *s}
	holds, next := silence.At(s, now)
	v.Active = holds
	if next.Before(now.Add(silence.SilenceAhead)) {
		next = next.UTC()
		v.Next = &next
	}
	return v
}

// Silences knows and edits silences.
type Silences struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}
