package state

import "moonwatch/engine"

const IcalField = "ical_url"

// OpenRota puts the address of a stored rota's feed in plain. One that cannot be
// opened, being sealed with another key, stays sealed.
func (st *State) OpenRota(r *engine.Rota) {
	if r.ICalSealed == "" {
		return
	}
	plain, err := st.Options.Sealer.Open(r.ID, IcalField, r.ICalSealed)
	if err != nil {
		return
	}
	r.ICalURL, r.ICalSealed = string(plain), ""
}

func (st *State) Opened(r *engine.Rota) engine.Rota {
	c := *r
	st.OpenRota(&c)
	return c
}

// SealRota seals the address of the feed; one that is old's stays as it is sealed.
func (st *State) SealRota(r, old *engine.Rota) error {
	if r.ICalURL == "" {
		return nil
	}
	if old != nil && old.ICalSealed != "" && st.Opened(old).ICalURL == r.ICalURL {
		r.ICalURL, r.ICalSealed = "", old.ICalSealed
		return nil
	}
	sealed, err := st.Options.Sealer.Seal(r.ID, IcalField, []byte(r.ICalURL))
	if err == nil {
		r.ICalURL, r.ICalSealed = "", sealed
	}
	return err
}

// SealedRota is the rota as it lies in the tables, an empty one when it is gone.
func (st *State) SealedRota(id string) *engine.Rota {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	if r := st.Tables.Rotas[id]; r != nil {
		return r
	}
	return &engine.Rota{}
}

// OpenedRota returns a rota with the address of its feed in plain.
func (st *State) OpenedRota(id string) (engine.Rota, error) {
	return OneView(st, engine.KindRota, st.Tables.Rotas, id, st.Opened)
}
