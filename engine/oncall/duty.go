package oncall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

const (
	feedEvery   = 30 * time.Minute
	feedTime    = 30 * time.Second
	feedsAtOnce = 8
	dutyAhead   = 60 * 24 * time.Hour
	dutyBehind  = 30 * 24 * time.Hour
	gapAhead    = 28 * 24 * time.Hour // as far as the page of a rota shows
)

// Duty knows the shifts of all rotas. They are derived: from rotations, and from
// feeds as they were last read whole.
type Duty struct {
	e     *state.State
	mu    sync.RWMutex
	rotas map[string]*rotaDuty
	turns map[string]chan struct{} // by rota, holds one while its feed is read: what was asked later counts
	bell  chan string              // ids of rotas whose feed is to be read now
}

// rotaDuty is what is known of one rota. It is replaced, never changed.
type rotaDuty struct {
	feed     *rota.Feed
	shifts   []rota.Shift
	problems []rota.Problem
	readAt   *time.Time
	failure  string // of the last reading, "" when it was good
}

func NewDuty(e *state.State) *Duty {
	return &Duty{e: e, rotas: map[string]*rotaDuty{}, turns: map[string]chan struct{}{}, bell: make(chan string, 256)}
}

// Shifts returns the shifts of a rota in order; they are not to be changed.
func (d *Duty) Shifts(id string) []rota.Shift {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if r := d.rotas[id]; r != nil {
		return r.shifts
	}
	return nil
}

func (d *Duty) state(id string) (problems []rota.Problem, readAt *time.Time, stale bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	r := d.rotas[id]
	if r == nil {
		return []rota.Problem{}, nil, false
	}
	return engine.OrEmpty(slices.Clone(r.problems)), r.readAt, r.failure != ""
}

// Changed follows an edit of a rota; feed: its feed is another one. It does not block.
func (d *Duty) Changed(id string, feed bool) {
	r, err := d.e.FeedAddresses.OpenedRota(id)
	if err != nil {
		return
	}
	d.mu.Lock()
	old := d.rotas[id]
	if old == nil || feed {
		old = &rotaDuty{}
	}
	d.mu.Unlock()
	d.derive(&r, old)
	if r.HasFeed() {
		select {
		case d.bell <- id:
		default: // it is read within half an hour anyway
		}
	}
}

func (d *Duty) Forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.rotas, id)
	delete(d.turns, id)
}

// derive computes the shifts and problems of a rota anew.
func (d *Duty) derive(r *engine.Rota, known *rotaDuty) {
	now := d.e.Now()
	next := &rotaDuty{feed: known.feed, readAt: known.readAt, failure: known.failure}
	var shifts []rota.Shift
	shifts, next.problems = d.plain(r, known.feed, now)
	next.shifts = rota.Apply(shifts, r.Overrides)
	if known.failure != "" {
		next.problems = append([]rota.Problem{{
			Code:    "stale",
			Message: "the feed could not be read, its last shifts are kept: " + known.failure,
		}}, next.problems...)
	}
	if r.FallbackUser == "" && (r.Rotation != nil || known.feed != nil) {
		next.problems = append(next.problems, gapProblems(next.shifts, now, r.TimeZone)...)
	}
	d.mu.Lock()
	d.rotas[r.ID] = next
	d.mu.Unlock()
	if d.e.Started.Load() {
		d.e.Hub.Publish([]engine.Key{{Kind: engine.KindRota, ID: r.ID}})
		d.e.EnqueueLater(func(x *state.Tx) error { x.State.Hooks.Due(x, state.Timer{Ref: engine.BuiltIn}); return nil })
	}
}

// gapProblems says when nobody is on duty in the next four weeks.
func gapProblems(shifts []rota.Shift, now time.Time, clock string) []rota.Problem {
	zone, err := engine.LoadZone(clock)
	if err != nil {
		zone = time.UTC
	}
	var out []rota.Problem
	for _, g := range rota.Gaps(shifts, now, now.Add(gapAhead)) {
		out = append(out, rota.Problem{Code: "gap", Message: fmt.Sprintf("nobody is on duty from %s to %s (%s)",
			g.Start.In(zone).Format("2 Jan 15:04"), g.End.In(zone).Format("2 Jan 15:04"), zone)})
		if len(out) == 10 {
			break
		}
	}
	return out
}

// people are the users as calendars may name them.
func people(e *state.State) *rota.People {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	var list []rota.Person
	for _, u := range e.Tables.Users {
		p := rota.Person{ID: u.ID, Username: u.Username}
		if u.Email != "" {
			p.Emails = []string{u.Email}
		}
		if name := strings.TrimSpace(u.FirstName + " " + u.LastName); name != "" {
			p.Names = []string{name}
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b rota.Person) int { return strings.Compare(a.ID, b.ID) })
	return rota.NewPeople(list)
}

// LoadFeeds finds the feeds as they were last read.
func (d *Duty) LoadFeeds(ctx context.Context) error {
	for id := range d.e.Configured().Rotas {
		stored, err := d.e.FeedAddresses.OpenedRota(id)
		if err != nil {
			continue
		}
		known := &rotaDuty{}
		record, err := d.e.Store.Get(ctx, engine.KindShifts, id)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
		if err == nil {
			var kept keptFeed
			if err := json.Unmarshal(record.Data, &kept); err == nil && kept.ofFeed(d.e, d.e.FeedAddresses.SealedRota(id)) {
				if feed, err := rota.ParseFeed([]byte(kept.Data), rota.ParseOptions{Zone: stored.TimeZone}); err == nil {
					known.feed, known.readAt = feed, &kept.ReadAt
				}
			}
		}
		d.derive(&stored, known)
	}
	return nil
}

// Troubles returns the rotas with problems, for the built-in service.
func (d *Duty) Troubles() map[string]string {
	out := map[string]string{}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for id, r := range d.rotas {
		if len(r.problems) > 0 {
			out[id] = r.problems[0].Message
			if n := len(r.problems); n > 1 {
				out[id] += fmt.Sprintf(" (and %d more)", n-1)
			}
		}
	}
	return out
}
