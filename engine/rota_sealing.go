package engine

import (
	"context"
	"encoding/json"
)

// The address of a rota's feed is a secret: who knows it can read the calendar.
// It lies sealed in the tables and the store, as ICalSealed; people who may edit
// the rota, and what reads the feed, have it in plain, as ICalURL.

const icalField = "ical_url"

// OpenRota puts the address of a stored rota's feed in plain. One that cannot be
// opened, being sealed with another key, stays sealed.
func (e *Engine) OpenRota(r *Rota) {
	if r.ICalSealed == "" {
		return
	}
	plain, err := e.o.Sealer.Open(r.ID, icalField, r.ICalSealed)
	if err != nil {
		return
	}
	r.ICalURL, r.ICalSealed = string(plain), ""
}

func (e *Engine) opened(r *Rota) Rota {
	c := *r
	e.OpenRota(&c)
	return c
}

// sealRota seals the address of the feed; one that is old's stays as it is sealed.
func (e *Engine) sealRota(r, old *Rota) error {
	if r.ICalURL == "" {
		return nil
	}
	if old != nil && old.ICalSealed != "" && e.opened(old).ICalURL == r.ICalURL {
		r.ICalURL, r.ICalSealed = "", old.ICalSealed
		return nil
	}
	sealed, err := e.o.Sealer.Seal(r.ID, icalField, []byte(r.ICalURL))
	if err == nil {
		r.ICalURL, r.ICalSealed = "", sealed
	}
	return err
}

// hasFeed reports whether the rota's shifts come from a feed.
func (r *Rota) hasFeed() bool { return r.ICalURL != "" || r.ICalSealed != "" }

// ofFeed reports whether what is kept was read from the feed of the stored rota.
func (k *keptFeed) ofFeed(e *Engine, r *Rota) bool {
	if k.URL != "" { // kept before addresses were sealed
		return k.URL == e.opened(r).ICalURL
	}
	if k.Feed == "" || k.Feed == r.ICalSealed {
		return k.Feed != ""
	}
	read := &Rota{Meta: r.Meta, ICalSealed: k.Feed} // sealed anew since
	e.OpenRota(read)
	return read.ICalURL != "" && read.ICalURL == e.opened(r).ICalURL
}

// sealKept takes the address out of a feed that is kept.
func (e *Engine) sealKept(data []byte, r *Rota) (again keptFeed, changed bool) {
	if json.Unmarshal(data, &again) != nil || again.URL == "" {
		return again, false
	}
	if again.ofFeed(e, r) {
		again.Feed = r.ICalSealed
	}
	again.URL = ""
	return again, true
}

// sealedRota is the rota as it lies in the tables, an empty one when it is gone.
func (e *Engine) sealedRota(id string) *Rota {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r := e.tables.rotas[id]; r != nil {
		return r
	}
	return &Rota{}
}

// sealShifts seals the addresses that older versions kept beside feeds.
func (e *Engine) sealShifts(ctx context.Context) error {
	for id := range e.configured().rotas {
		record, err := e.store.Get(ctx, KindShifts, id)
		if err != nil {
			continue
		}
		if again, changed := e.sealKept(record.Data, e.sealedRota(id)); changed {
			if err := e.do(ctx, system, func(x *tx) error { x.write(KindShifts, id, again); return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}
