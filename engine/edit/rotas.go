package edit

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// SaveRota creates a rota (ID "") or replaces the revision that r carries. A
// feed is read soon after. It returns an *Error.
func (rs *Rotas) SaveRota(ctx context.Context, by engine.Actor, r engine.Rota) (*engine.Rota, error) {
	if r.ID == "" {
		r.ID, r.Revision = rs.IDs.New(), 0
	}
	err := submit(ctx, rs.State, rs.dry, by, func(x *state.Tx) error {
		r.Dealt = Redealt(&r, x.Rotas.Get(r.ID), x.Now)
		stored := r
		if err := SaveRota(x, &stored); err != nil {
			return err
		}
		r = rs.FeedAddresses.Opened(&stored)
		return nil
	})
	return &r, err
}

// Redealt returns what the edit of old into r leaves as it was.
func Redealt(r *engine.Rota, old *engine.Rota, now time.Time) *rota.Dealt {
	switch {
	case old == nil || r.HasFeed():
		return nil
	case old.Dealt == nil && old.Rotation == nil || sameRotation(old.Rotation, r.Rotation) && old.TimeZone == r.TimeZone:
		return old.Dealt
	}
	return rota.Redeal(deal(old), r.Rotation, r.TimeZone, now, "", nil)
}

func deal(r *engine.Rota) rota.Deal {
	return rota.Deal{Rotation: r.Rotation, Zone: r.TimeZone, Dealt: r.Dealt}
}

func sameRotation(a, b *engine.RotaRotation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Members, b.Members) && a.Every == b.Every && a.Starts == b.Starts
}

func SaveRota(x *state.Tx, r *engine.Rota) error {
	old := x.Rotas.Get(r.ID)
	x.State.FeedAddresses.Open(r)
	if err := state.AtRevision(engine.KindRota, r.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
		return err
	}
	var p engine.Problems
	ValidateRota(r, &p, old, func(id string) bool { return x.Users.Get(id) != nil })
	x.CheckName(&p, engine.KindRota, r.ID, r.Name, "name")
	if err := p.Err(); err != nil {
		return err
	}
	if err := x.State.FeedAddresses.Seal(r, old); err != nil {
		return err
	}
	if old == nil {
		r.FeedToken = ""
		x.SetRevision(engine.KindRota, &r.Meta, nil)
		x.Audit("create", engine.KindRota, r.ID, r.Name, nil, r)
	} else {
		r.FeedToken = old.FeedToken
		x.SetRevision(engine.KindRota, &r.Meta, &old.Meta)
		x.Audit("update", engine.KindRota, r.ID, r.Name, old, r)
	}
	x.Rotas.Put(r.ID, r)
	x.WhenDurable(func() { x.State.Duty.Changed(r.ID, old == nil || old.ICalSealed != r.ICalSealed) })
	return nil
}

func ValidateRota(r *engine.Rota, p *engine.Problems, old *engine.Rota, known func(string) bool) {
	p.Name("name", r.Name, engine.NameOf(old, func(r *engine.Rota) string { return r.Name }))
	p.Zone("time_zone", &r.TimeZone)
	if r.FallbackUser != "" && !known(r.FallbackUser) {
		p.Add("fallback_user", "not_found", "no such user")
	}
	p.Link("ical_url", r.ICalURL)
	switch {
	case r.HasFeed() && r.Rotation != nil:
		p.Add("rotation", "invalid", "a rota has an iCal feed or a rotation, not both")
	case !r.HasFeed() && r.Rotation == nil && len(r.Overrides) == 0:
		p.Add("ical_url", "required", "give an iCal feed, a rotation or overrides")
	}
	add := func(prefix string, errs []rota.FieldError) {
		for _, e := range errs {
			p.Add(prefix+e.Field, e.Code, "%s", e.Message)
		}
	}
	if r.Rotation != nil {
		add("rotation.", r.Rotation.Validate(known))
	}
	r.Overrides = engine.OrEmpty(r.Overrides)
	if len(r.Overrides) > 1000 {
		p.Add("overrides", "max", "at most 1,000 overrides")
		return
	}
	for i, o := range r.Overrides {
		add(engine.At("overrides", i)+".", o.Validate(known))
	}
}

// DeleteRota deletes a rota, and unlinks it from services and instances.
func (rs *Rotas) DeleteRota(ctx context.Context, by engine.Actor, id string, revision *uint64) error {
	err := rs.Submit(ctx, by, func(x *state.Tx) error {
		r, err := state.Current(&x.Rotas, id, revision)
		if err != nil {
			return err
		}
		if x.Site().DefaultRota == id {
			return engine.Conflictf("%s is the default rota of the site: name another one first", r.Name)
		}
		unlinkRota(x, id)
		state.Remove(x, &x.Rotas, id, r.Name)
		x.Erase(engine.KindShifts, id)
		return nil
	})
	if err == nil {
		rs.Duty.Forget(id)
	}
	return err
}

// Rotas edits rotas.
type Rotas struct {
	*state.State
	dry bool // what is saved is validated, and nothing is changed
}
