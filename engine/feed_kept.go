package engine

import (
	"context"
	"encoding/json"
	"moonwatch/engine/form"
	"time"
)

// keptFeed is a feed as the store keeps it, so that shifts hold over a restart
// while the feed cannot be read.
type keptFeed struct {
	URL    string      `json:"url,omitempty"` // of older versions
	Feed   form.Sealed `json:"feed,omitzero"` // its address, as the rota has it
	Data   string      `json:"data"`
	ReadAt time.Time   `json:"read_at"`
}

// ofFeed reports whether what is kept was read from the feed of the stored rota.
func (k *keptFeed) ofFeed(e *State, r *Rota) bool {
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
func (e *State) sealKept(data []byte, r *Rota) (again keptFeed, changed bool) {
	if json.Unmarshal(data, &again) != nil || again.URL == "" {
		return again, false
	}
	if again.ofFeed(e, r) {
		again.Feed = r.ICalSealed
	}
	again.URL = ""
	return again, true
}

// sealShifts seals the addresses that older versions kept beside feeds.
func (e *State) sealShifts(ctx context.Context) error {
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
