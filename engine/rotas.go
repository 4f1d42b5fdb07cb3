package engine

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine/rota"
)

// SaveRota creates a rota (ID "") or replaces the revision that r carries. A
// feed is read soon after. It returns an *Error.
func (e *rotaService) SaveRota(ctx context.Context, by Actor, r Rota) (*Rota, error) {
	if r.ID == "" {
		r.ID, r.Revision = e.newID(), 0
	}
	err := e.do(ctx, by, func(x *tx) error {
		r.Dealt = r.redealt(x.rotas.get(r.ID), x.now)
		stored := r
		if err := x.saveRota(&stored); err != nil {
			return err
		}
		r = e.opened(&stored)
		return nil
	})
	return &r, err
}

// redealt returns what the edit of old into r leaves as it was.
func (r *Rota) redealt(old *Rota, now time.Time) *rota.Dealt {
	switch {
	case old == nil || r.hasFeed():
		return nil
	case old.Dealt == nil && old.Rotation == nil || sameRotation(old.Rotation, r.Rotation) && old.TimeZone == r.TimeZone:
		return old.Dealt
	}
	return rota.Redeal(old.deal(), r.Rotation, r.TimeZone, now, "", nil)
}

func (r *Rota) deal() rota.Deal {
	return rota.Deal{Rotation: r.Rotation, Zone: r.TimeZone, Dealt: r.Dealt}
}

func sameRotation(a, b *RotaRotation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.Equal(a.Members, b.Members) && a.Every == b.Every && a.Starts == b.Starts
}

func (x *tx) saveRota(r *Rota) error {
	old := x.rotas.get(r.ID)
	x.e.OpenRota(r)
	if err := atRevision(KindRota, r.Revision, old == nil, func() uint64 { return old.Revision }); err != nil {
		return err
	}
	var p problems
	r.validateRota(&p, old, func(id string) bool { return x.users.get(id) != nil })
	x.checkName(&p, KindRota, r.ID, r.Name, "name")
	if err := p.err(); err != nil {
		return err
	}
	if err := x.e.sealRota(r, old); err != nil {
		return err
	}
	if old == nil {
		r.FeedToken = ""
		x.stamp(KindRota, &r.Meta, nil)
		x.audit("create", KindRota, r.ID, r.Name, nil, r)
	} else {
		r.FeedToken = old.FeedToken
		x.stamp(KindRota, &r.Meta, &old.Meta)
		x.audit("update", KindRota, r.ID, r.Name, old, r)
	}
	x.rotas.put(r.ID, r)
	x.whenDurable(func() { x.e.duty.changed(r.ID, old == nil || old.ICalSealed != r.ICalSealed) })
	return nil
}

func (r *Rota) validateRota(p *problems, old *Rota, known func(string) bool) {
	p.name("name", r.Name, nameOf(old, func(r *Rota) string { return r.Name }))
	p.zone("time_zone", &r.TimeZone)
	if r.FallbackUser != "" && !known(r.FallbackUser) {
		p.add("fallback_user", "not_found", "no such user")
	}
	p.link("ical_url", r.ICalURL)
	switch {
	case r.hasFeed() && r.Rotation != nil:
		p.add("rotation", "invalid", "a rota has an iCal feed or a rotation, not both")
	case !r.hasFeed() && r.Rotation == nil && len(r.Overrides) == 0:
		p.add("ical_url", "required", "give an iCal feed, a rotation or overrides")
	}
	add := func(prefix string, errs []rota.FieldError) {
		for _, e := range errs {
			p.add(prefix+e.Field, e.Code, "%s", e.Message)
		}
	}
	if r.Rotation != nil {
		add("rotation.", r.Rotation.Validate(known))
	}
	r.Overrides = orEmpty(r.Overrides)
	if len(r.Overrides) > 1000 {
		p.add("overrides", "max", "at most 1,000 overrides")
		return
	}
	for i, o := range r.Overrides {
		add(at("overrides", i)+".", o.Validate(known))
	}
}

// DeleteRota deletes a rota, and unlinks it from services and instances.
func (e *rotaService) DeleteRota(ctx context.Context, by Actor, id string, revision *uint64) error {
	err := e.do(ctx, by, func(x *tx) error {
		r := x.rotas.get(id)
		switch {
		case r == nil:
			return missing(KindRota)
		case revision != nil && *revision != r.Revision:
			return errChanged
		case x.site().DefaultRota == id:
			return conflictf("%s is the default rota of the site: name another one first", r.Name)
		}
		x.unlinkRota(id)
		x.rotas.delete(id)
		x.erase(KindShifts, id)
		x.deletes, x.deleter = true, x.by.Name
		x.audit("delete", KindRota, id, r.Name, r, nil)
		return nil
	})
	if err == nil {
		e.duty.forget(id)
	}
	return err
}

// rotaService edits rotas.
type rotaService struct{ *State }
