package engine

const icalField = "ical_url"

// OpenRota puts the address of a stored rota's feed in plain. One that cannot be
// opened, being sealed with another key, stays sealed.
func (e *State) OpenRota(r *Rota) {
	if r.ICalSealed == "" {
		return
	}
	plain, err := e.o.Sealer.Open(r.ID, icalField, r.ICalSealed)
	if err != nil {
		return
	}
	r.ICalURL, r.ICalSealed = string(plain), ""
}

func (e *State) opened(r *Rota) Rota {
	c := *r
	e.OpenRota(&c)
	return c
}

// sealRota seals the address of the feed; one that is old's stays as it is sealed.
func (e *State) sealRota(r, old *Rota) error {
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

// sealedRota is the rota as it lies in the tables, an empty one when it is gone.
func (e *State) sealedRota(id string) *Rota {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if r := e.tables.rotas[id]; r != nil {
		return r
	}
	return &Rota{}
}

// storedRota returns a rota with the address of its feed in plain.
func (e *State) storedRota(id string) (Rota, error) {
	return oneView(e, KindRota, e.tables.rotas, id, e.opened)
}
