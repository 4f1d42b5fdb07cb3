package oncall

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// Loop reads feeds when they are new and every half hour, and looks further
// ahead as time goes on.
func (d *Duty) Loop() {
	readers := &feedReaders{duty: d, slots: make(chan struct{}, feedsAtOnce)}
	defer readers.all.Wait()
	readers.startAll()
	ticker := time.NewTicker(feedEvery)
	defer ticker.Stop()
	for {
		select {
		case id := <-d.bell:
			readers.start(id)
		case <-ticker.C:
			readers.startAll()
		case <-d.e.Work.Done():
			return
		}
	}
}

// feedReaders read feeds beside each other, so that one that never ends does not
// hold up the others. They belong to the loop's goroutine.
type feedReaders struct {
	duty  *Duty
	slots chan struct{}
	all   sync.WaitGroup
}

// start reads the feed of a rota. It blocks while as many as may are being read.
func (f *feedReaders) start(id string) {
	select {
	case f.slots <- struct{}{}:
	case <-f.duty.e.Work.Done():
		return
	}
	f.all.Go(func() {
		defer func() { <-f.slots }()
		if r, err := f.duty.e.FeedAddresses.OpenedRota(id); err == nil {
			f.duty.read(f.duty.e.Work, &r)
		}
	})
}

func (f *feedReaders) startAll() {
	for id := range f.duty.e.Configured().Rotas {
		f.start(id)
	}
}

// read reads the feed of a rota; one that fails, is cut short or is empty keeps
// the shifts that were there. It blocks on the network.
func (d *Duty) read(ctx context.Context, r *engine.Rota) {
	turn := d.turn(r.ID)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return
	}
	d.mu.RLock()
	old := d.rotas[r.ID]
	d.mu.RUnlock()
	if old == nil {
		old = &rotaDuty{}
	}
	if !r.HasFeed() || d.e.Options.Fetcher == nil {
		d.derive(r, old)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	next := &rotaDuty{feed: old.feed, readAt: old.readAt}
	var data []byte
	err := errors.New("its address was sealed with another key: enter it again")
	if r.ICalURL != "" {
		data, err = d.e.Options.Fetcher.Fetch(ctx, r.ICalURL, rota.MaxBytes)
	}
	var feed *rota.Feed
	if err == nil {
		feed, err = rota.ParseFeed(data, rota.ParseOptions{Zone: r.TimeZone})
	}
	switch {
	case err != nil:
		next.failure = strings.ReplaceAll(err.Error(), cmp.Or(r.ICalURL, "\x00"), "***") // who may not see the address sees this
	case len(feed.Events) == 0 && old.feed != nil && len(old.feed.Events) > 0:
		next.failure = "the calendar is empty"
	default:
		now := d.e.Now().UTC()
		next.feed, next.readAt = feed, &now
		d.keep(r, keptFeed{Data: string(data), ReadAt: now})
	}
	// The rota may have been edited, or deleted, while its feed was on the way.
	if now, err := d.e.FeedAddresses.OpenedRota(r.ID); err == nil && now.ICalURL == r.ICalURL && now.TimeZone == r.TimeZone {
		d.derive(&now, next)
	}
}

// turn is what whoever reads the feed of a rota holds one of.
func (d *Duty) turn(id string) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.turns[id] == nil {
		d.turns[id] = make(chan struct{}, 1)
	}
	return d.turns[id]
}

func (d *Duty) keep(r *engine.Rota, kept keptFeed) {
	d.e.Enqueue(func(x *state.Tx) error {
		if now := x.Rotas.Get(r.ID); now != nil && x.State.FeedAddresses.Opened(now).ICalURL == r.ICalURL {
			kept.Feed = now.ICalSealed
			x.Write(engine.KindShifts, r.ID, kept)
		}
		return nil
	})
}
