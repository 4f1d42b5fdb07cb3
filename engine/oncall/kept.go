package oncall

import (
	"context"
	"encoding/json"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
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
func (k *keptFeed) ofFeed(e *state.State, r *engine.Rota) bool {
	if k.URL != "" { // kept before addresses were sealed
		return k.URL == e.FeedAddresses.Opened(r).ICalURL
	}
	if k.Feed == "" || k.Feed == r.ICalSealed {
		return k.Feed != ""
	}
	read := &engine.Rota{Meta: r.Meta, ICalSealed: k.Feed} // sealed anew since
	e.FeedAddresses.Open(read)
	return read.ICalURL != "" && read.ICalURL == e.FeedAddresses.Opened(r).ICalURL
}

// sealKept takes the address out of a feed that is kept.
func sealKept(e *state.State, data []byte, r *engine.Rota) (again keptFeed, changed bool) {
	if json.Unmarshal(data, &again) != nil || again.URL == "" {
		return again, false
	}
	if again.ofFeed(e, r) {
		again.Feed = r.ICalSealed
	}
	again.URL = ""
	return again, true
}

// SealShifts seals the addresses that older versions kept beside feeds.
func SealShifts(e *state.State, ctx context.Context) error {
	for id := range e.Configured().Rotas {
		record, err := e.Store.Get(ctx, engine.KindShifts, id)
		if err != nil {
			continue
		}
		if again, changed := sealKept(e, record.Data, e.FeedAddresses.SealedRota(id)); changed {
			if err := e.Submit(ctx, engine.System, func(x *state.Tx) error { x.Write(engine.KindShifts, id, again); return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}
