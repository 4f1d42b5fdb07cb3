package engine

import (
	"context"
	"moonwatch/engine/rota"
	"slices"
	"time"
)

// RotaView is a rota as clients see it.
type RotaView struct {
	Rota
	Problems []rota.Problem `json:"problems"`
	ReadAt   *time.Time     `json:"read_at"` // when the feed was last read whole
	Stale    bool           `json:"stale"`   // the last reading failed: old shifts are kept
	FeedURL  string         `json:"feed_url"`
}

// Rota returns one rota.
func (e *onCallService) Rota(id string) (RotaView, error) {
	return oneView(e.State, KindRota, e.tables.rotas, id, e.rotaView)
}

// Rotas returns all rotas in order of id.
func (e *onCallService) Rotas() []RotaView { return allViews(e.State, e.tables.rotas, e.rotaView) }

// StoredRota returns the rota as stored, the address of its feed in plain: what an
// edit begins from.
func (e *onCallService) StoredRota(id string) (Rota, error) {
	return e.storedRota(id)
}

func (e *onCallService) rotaView(r *Rota) RotaView {
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
func (e *onCallService) Shifts(id string, from, to time.Time) ([]rota.Shift, error) {
	if _, err := e.Rota(id); err != nil {
		return nil, err
	}
	return orEmpty(rota.Within(e.duty.shifts(id), from, to)), nil
}

// RefreshRota reads the feed of a rota now. It blocks until it is read.
func (e *onCallService) RefreshRota(ctx context.Context, id string) (RotaView, error) {
	r, err := e.StoredRota(id)
	if err != nil {
		return RotaView{}, err
	}
	if !r.hasFeed() {
		return RotaView{}, conflictf("%s has no feed", r.Name)
	}
	e.duty.read(ctx, &r)
	return e.Rota(id)
}

// base returns the shifts of a rota without its overrides, as far as they are
// looked ahead for.
func (d *duty) base(r *Rota, now time.Time) []rota.Shift {
	d.mu.RLock()
	known := d.rotas[r.ID]
	d.mu.RUnlock()
	var feed *rota.Feed
	if known != nil {
		feed = known.feed
	}
	shifts, _ := d.plain(r, feed, now)
	return shifts
}

// plain is base for a feed as it was read (nil: not yet), with its problems.
func (d *duty) plain(r *Rota, feed *rota.Feed, now time.Time) ([]rota.Shift, []rota.Problem) {
	from, to := now.Add(-dutyBehind), now.Add(dutyAhead)
	switch {
	case r.Rotation != nil || r.Dealt != nil:
		shifts, _ := rota.DealtShifts(r.Rotation, r.Dealt, r.TimeZone, from, to) // was validated
		return shifts, nil
	case feed != nil:
		shifts, problems := feed.Shifts(from, to, d.e.people(), rota.Limits{})
		return shifts, slices.Concat(feed.Problems, problems)
	}
	return nil, nil
}
