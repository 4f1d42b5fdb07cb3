package engine

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine/rota"
)

// NewRota returns a rota with the defaults of one that a person begins.
func NewRota() Rota { return Rota{TimeZone: "UTC", Overrides: []RotaOverride{}} }

// SaveRota creates a rota (ID "") or replaces the revision that r carries. A
// feed is read soon after. It returns an *Error.
func (e *Engine) SaveRota(ctx context.Context, by Actor, r Rota) (*Rota, error) {
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
	r.validate(&p, old, func(id string) bool { return x.users.get(id) != nil })
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

func (r *Rota) validate(p *problems, old *Rota, known func(string) bool) {
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
func (e *Engine) DeleteRota(ctx context.Context, by Actor, id string, revision *uint64) error {
	err := e.do(ctx, by, func(x *tx) error {
		r := x.rotas.get(id)
		switch {
		case r == nil:
			return missing(KindRota)
		case revision != nil && *revision != r.Revision:
			return errChanged
		case x.site().DefaultRota == id:
			return conflict("%s is the default rota of the site: name another one first", r.Name)
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

// RotaView is a rota as clients see it.
type RotaView struct {
	Rota
	Problems []rota.Problem `json:"problems"`
	ReadAt   *time.Time     `json:"read_at"` // when the feed was last read whole
	Stale    bool           `json:"stale"`   // the last reading failed: old shifts are kept
	FeedURL  string         `json:"feed_url"`
}

// Rota returns one rota.
func (e *Engine) Rota(id string) (RotaView, error) {
	return oneView(e, KindRota, e.tables.rotas, id, e.rotaView)
}

// Rotas returns all rotas in order of id.
func (e *Engine) Rotas() []RotaView { return allViews(e, e.tables.rotas, e.rotaView) }

// StoredRota returns the rota as stored, the address of its feed in plain: what an
// edit begins from.
func (e *Engine) StoredRota(id string) (Rota, error) {
	return oneView(e, KindRota, e.tables.rotas, id, e.opened)
}

func (e *Engine) rotaView(r *Rota) RotaView {
	v := RotaView{Rota: e.opened(r), Problems: []rota.Problem{}}
	if r.FeedToken != "" {
		v.FeedURL = e.base(e.tables.site()) + "/feeds/" + r.FeedToken + ".ics"
	}
	v.FeedToken, v.ICalSealed = "", ""
	v.Problems, v.ReadAt, v.Stale = e.duty.state(r.ID)
	return v
}

// Shifts returns the shifts of a rota that overlap [from, to), within the 60
// days that are looked ahead and the 30 days behind.
func (e *Engine) Shifts(id string, from, to time.Time) ([]rota.Shift, error) {
	if _, err := e.Rota(id); err != nil {
		return nil, err
	}
	return orEmpty(rota.Within(e.duty.shifts(id), from, to)), nil
}

// RefreshRota reads the feed of a rota now. It blocks until it is read.
func (e *Engine) RefreshRota(ctx context.Context, id string) (RotaView, error) {
	r, err := e.StoredRota(id)
	if err != nil {
		return RotaView{}, err
	}
	if !r.hasFeed() {
		return RotaView{}, conflict("%s has no feed", r.Name)
	}
	e.duty.read(ctx, &r)
	return e.Rota(id)
}
