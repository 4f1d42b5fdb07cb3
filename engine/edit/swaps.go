package edit

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// SwapShifts replaces the revision that r carries for somebody who may not edit
// rotas: nothing but its overrides may differ, and these only so that the actor
// hands over shifts of their own, or from now on takes over one themselves. It
// returns an *Error, of kind Forbidden for all else.
func (rs *Rotas) SwapShifts(ctx context.Context, by engine.Actor, r engine.Rota) (*engine.Rota, error) {
	seen, err := rs.FeedAddresses.OpenedRota(r.ID)
	if err != nil {
		return nil, err
	}
	now := rs.Now()
	shifts := rs.Duty.Base(&seen, now) // a feed takes its time
	err = submit(ctx, rs.State, rs.dry, by, func(x *state.Tx) error {
		old, err := state.Current(&x.Rotas, r.ID, &seen.Revision)
		if err != nil {
			return err
		}
		r.Overrides = engine.OrEmpty(r.Overrides)
		x.State.FeedAddresses.Open(&r)
		was := x.State.FeedAddresses.Opened(old)
		if old.Name != r.Name || old.TimeZone != r.TimeZone || old.FallbackUser != r.FallbackUser || was.ICalURL != r.ICalURL || was.ICalSealed != r.ICalSealed || !sameRotation(old.Rotation, r.Rotation) {
			return &engine.Error{
				Kind:    engine.Forbidden,
				Message: "operators change nothing of a rota but whose shifts they hand over or take over: only its overrides",
			}
		}
		r.Dealt = old.Dealt
		if !mayOverride(shifts, old.Overrides, r.Overrides, by.User, now) {
			return &engine.Error{
				Kind:    engine.Forbidden,
				Message: "operators hand over their own shifts, or take over one themselves from now on; other people's shifts are for editors",
			}
		}
		stored := r
		if err := SaveRota(x, &stored); err != nil {
			return err
		}
		r = x.State.FeedAddresses.Opened(&stored)
		return nil
	})
	return &r, err
}

// mayOverride reports whether a change of the overrides over shifts takes nobody
// off duty but the user, or puts nobody on duty but the user, and that not in
// the past. It is pure.
func mayOverride(shifts []rota.Shift, old, next []engine.RotaOverride, user string, now time.Time) bool {
	was, is := rota.Apply(shifts, old), rota.Apply(shifts, next)
	var edges []time.Time
	for _, s := range slices.Concat(was, is) {
		edges = append(edges, s.Start, s.End)
	}
	edges = append(edges, now)
	slices.SortFunc(edges, time.Time.Compare)
	for _, at := range slices.CompactFunc(edges, time.Time.Equal) { // each begins a span in which nothing changes
		before, after := rota.OnCall(was, at), rota.OnCall(is, at)
		slices.Sort(before)
		slices.Sort(after)
		own := len(before) == 1 && before[0] == user
		taken := len(after) == 1 && after[0] == user && !at.Before(now)
		if !slices.Equal(before, after) && !own && !taken {
			return false
		}
	}
	return true
}
