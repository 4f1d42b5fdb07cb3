package oncall

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// RotaView is a rota as clients see it.
type RotaView struct {
	engine.Rota
	Problems []rota.Problem `json:"problems"`
	ReadAt   *time.Time     `json:"read_at"` // when the feed was last read whole
	Stale    bool           `json:"stale"`   // the last reading failed: old shifts are kept
	FeedURL  string         `json:"feed_url"`
}

// Rota returns one rota.
func (svc *Service) Rota(id string) (RotaView, error) {
	return state.OneView(svc.State, engine.KindRota, svc.Tables.Rotas, id, svc.rotaView)
}

// Rotas returns all rotas in order of id.
func (svc *Service) Rotas() []RotaView {
	return state.AllViews(svc.State, svc.Tables.Rotas, svc.rotaView)
}

// StoredRota returns the rota as stored, the address of its feed in plain: what an
// edit begins from.
func (svc *Service) StoredRota(id string) (engine.Rota, error) {
	return svc.FeedAddresses.OpenedRota(id)
}

func (svc *Service) rotaView(r *engine.Rota) RotaView {
	v := RotaView{Rota: svc.FeedAddresses.Opened(r), Problems: []rota.Problem{}}
	if r.FeedToken != "" {
		v.FeedURL = svc.Base(svc.Tables.Site()) + "/feeds/" + r.FeedToken + ".ics"
	}
	v.FeedToken, v.ICalSealed = "", ""
	v.Problems, v.ReadAt, v.Stale = svc.Duty.state(r.ID)
	return v
}

// Shifts returns the shifts of a rota that overlap [from, to), within the 60
// days that are looked ahead and the 30 days behind.
func (svc *Service) Shifts(id string, from, to time.Time) ([]rota.Shift, error) {
	if _, err := svc.Rota(id); err != nil {
		return nil, err
	}
	return engine.OrEmpty(rota.Within(svc.Duty.Shifts(id), from, to)), nil
}

// RefreshRota reads the feed of a rota now. It blocks until it is read.
func (svc *Service) RefreshRota(ctx context.Context, id string) (RotaView, error) {
	r, err := svc.StoredRota(id)
	if err != nil {
		return RotaView{}, err
	}
	if !r.HasFeed() {
		return RotaView{}, engine.Conflictf("%s has no feed", r.Name)
	}
	svc.Duty.read(ctx, &r)
	return svc.Rota(id)
}

// Base returns the shifts of a rota without its overrides, as far as they are
// looked ahead for.
func (d *Duty) Base(r *engine.Rota, now time.Time) []rota.Shift {
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
func (d *Duty) plain(r *engine.Rota, feed *rota.Feed, now time.Time) ([]rota.Shift, []rota.Problem) {
	from, to := now.Add(-dutyBehind), now.Add(dutyAhead)
	switch {
	case r.Rotation != nil || r.Dealt != nil:
		shifts, _ := rota.DealtShifts(r.Rotation, r.Dealt, r.TimeZone, from, to) // was validated
		return shifts, nil
	case feed != nil:
		shifts, problems := feed.Shifts(from, to, people(d.e), rota.Limits{})
		return shifts, slices.Concat(feed.Problems, problems)
	}
	return nil, nil
}
