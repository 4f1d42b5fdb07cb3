package state

import "moonwatch/engine"

// IcalField is the field under which the address of a rota's feed is sealed.
const IcalField = "ical_url"

// FeedAddresses opens and seals the addresses of rotas' feeds, which lie sealed in the
// tables.
type FeedAddresses struct{ state *State }

// Open puts the address of a stored rota's feed in plain. One that cannot be
// opened, being sealed with another key, stays sealed.
func (a FeedAddresses) Open(r *engine.Rota) {
	if r.ICalSealed == "" {
		return
	}
	plain, err := a.state.Options.Sealer.Open(r.ID, IcalField, r.ICalSealed)
	if err != nil {
		return
	}
	r.ICalURL, r.ICalSealed = string(plain), ""
}

// Opened is a copy of a rota with the address of its feed in plain.
func (a FeedAddresses) Opened(r *engine.Rota) engine.Rota {
	c := *r
	a.Open(&c)
	return c
}

// Seal seals the address of the feed; one that is old's stays as it is sealed.
func (a FeedAddresses) Seal(r, old *engine.Rota) error {
	if r.ICalURL == "" {
		return nil
	}
	if old != nil && old.ICalSealed != "" && a.Opened(old).ICalURL == r.ICalURL {
		r.ICalURL, r.ICalSealed = "", old.ICalSealed
		return nil
	}
	sealed, err := a.state.Options.Sealer.Seal(r.ID, IcalField, []byte(r.ICalURL))
	if err == nil {
		r.ICalURL, r.ICalSealed = "", sealed
	}
	return err
}

// SealedRota is the rota as it lies in the tables, an empty one when it is gone.
func (a FeedAddresses) SealedRota(id string) *engine.Rota {
	a.state.Mu.RLock()
	defer a.state.Mu.RUnlock()
	if r := a.state.Tables.Rotas[id]; r != nil {
		return r
	}
	return &engine.Rota{}
}

// OpenedRota returns a rota with the address of its feed in plain.
func (a FeedAddresses) OpenedRota(id string) (engine.Rota, error) {
	return OneView(a.state, engine.KindRota, a.state.Tables.Rotas, id, a.Opened)
}
