package state

import "moonwatch/engine"

const IcalField = "ical_url"

// OpenRota puts the address of a stored rota's feed in plain. One that cannot be
// opened, being sealed with another key, stays sealed.
func (e *State) OpenRota(r *engine.Rota) {
	if r.ICalSealed == "" {
		return
	}
	plain, err := e.Options.Sealer.Open(r.ID, IcalField, r.ICalSealed)
	if err != nil {
		return
	}
	r.ICalURL, r.ICalSealed = string(plain), ""
}

func (e *State) Opened(r *engine.Rota) engine.Rota {
	c := *r
	e.OpenRota(&c)
	return c
}

// SealRota seals the address of the feed; one that is old's stays as it is sealed.
func (e *State) SealRota(r, old *engine.Rota) error {
	if r.ICalURL == "" {
		return nil
	}
	if old != nil && old.ICalSealed != "" && e.Opened(old).ICalURL == r.ICalURL {
		r.ICalURL, r.ICalSealed = "", old.ICalSealed
		return nil
	}
	sealed, err := e.Options.Sealer.Seal(r.ID, IcalField, []byte(r.ICalURL))
	if err == nil {
		r.ICalURL, r.ICalSealed = "", sealed
	}
	return err
}

// SealedRota is the rota as it lies in the tables, an empty one when it is gone.
func (e *State) SealedRota(id string) *engine.Rota {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	if r := e.Tables.Rotas[id]; r != nil {
		return r
	}
	return &engine.Rota{}
}

// OpenedRota returns a rota with the address of its feed in plain.
func (e *State) OpenedRota(id string) (engine.Rota, error) {
	return OneView(e, engine.KindRota, e.Tables.Rotas, id, e.Opened)
}
