package oncall

import (
	"context"
	"io"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// Address is the address of the monitor as links have it, without a trailing
// slash: the public URL, or the one it reaches itself by; "" when neither is known.
func (svc *Service) Address() string {
	site := svc.Settings()
	return svc.Base(&site)
}

// FeedURL returns the address of the iCal feed of a rota or user, "" when there
// is none. Whoever knows it can read the feed.
func (svc *Service) FeedURL(kind engine.Kind, id string) (string, error) {
	svc.Mu.RLock()
	defer svc.Mu.RUnlock()
	token := ""
	switch kind {
	case engine.KindRota:
		r := svc.Tables.Rotas[id]
		if r == nil {
			return "", engine.Missing(kind)
		}
		token = r.FeedToken
	default:
		u := svc.Tables.Users[id]
		if u == nil {
			return "", engine.Missing(engine.KindUser)
		}
		token = u.FeedToken
	}
	if token == "" {
		return "", nil
	}
	return svc.Base(svc.Tables.Site()) + "/feeds/" + token + ".ics", nil
}

// NewFeed gives a rota or a user an address for an iCal feed of their shifts;
// an address given before is no longer good.
func (svc *Service) NewFeed(ctx context.Context, by engine.Actor, kind engine.Kind, id string) error {
	token, _ := access.NewToken("")
	return svc.setFeed(ctx, by, kind, id, token)
}

// RevokeFeed takes the address of the iCal feed of a rota or user away.
func (svc *Service) RevokeFeed(ctx context.Context, by engine.Actor, kind engine.Kind, id string) error {
	return svc.setFeed(ctx, by, kind, id, "")
}

func (svc *Service) setFeed(ctx context.Context, by engine.Actor, kind engine.Kind, id, token string) error {
	return svc.Submit(ctx, by, func(x *state.Tx) error {
		switch kind {
		case engine.KindRota:
			r := x.Rotas.Get(id)
			if r == nil {
				return engine.Missing(kind)
			}
			c := *r
			c.FeedToken = token
			x.SetRevision(kind, &c.Meta, &r.Meta)
			x.Rotas.Put(id, &c)
			x.Audit("feed", kind, id, c.Name, nil, nil)
		default:
			u := x.Users.Get(id)
			if u == nil {
				return engine.Missing(engine.KindUser)
			}
			c := *u
			c.FeedToken = token
			x.SetRevision(engine.KindUser, &c.Meta, &u.Meta)
			x.Users.Put(id, &c)
			x.Audit("feed", engine.KindUser, id, c.Username, nil, nil)
		}
		return nil
	})
}

// WriteFeed writes the iCal feed of the rota or user whose feed has the token.
// host makes the events' ids the monitor's own.
func (svc *Service) WriteFeed(w io.Writer, token, host string) error {
	name, shifts, err := svc.feedOut(token)
	if err != nil {
		return err
	}
	return rota.WriteFeed(w, name, shifts, host, svc.Now())
}

// feedOut returns the name and the shifts of a feed.
func (svc *Service) feedOut(token string) (name string, shifts []rota.Shift, err error) {
	if token == "" {
		return "", nil, engine.Missing(engine.KindRota)
	}
	svc.Mu.RLock()
	defer svc.Mu.RUnlock()
	titled := func(list []rota.Shift, title func(rota.Shift) string) {
		for _, s := range list {
			s.Title = title(s)
			shifts = append(shifts, s)
		}
	}
	username := func(id string) string {
		if u := svc.Tables.Users[id]; u != nil {
			return u.Username
		}
		return "somebody"
	}
	for _, r := range svc.Tables.Rotas {
		if r.FeedToken == token {
			titled(svc.Duty.Shifts(r.ID), func(s rota.Shift) string { return username(s.User) })
			return r.Name, shifts, nil
		}
	}
	for _, u := range svc.Tables.Users {
		if u.FeedToken != token {
			continue
		}
		for _, r := range svc.Tables.Rotas {
			own := slices.DeleteFunc(slices.Clone(svc.Duty.Shifts(r.ID)), func(s rota.Shift) bool { return s.User != u.ID })
			titled(own, func(rota.Shift) string { return r.Name })
		}
		slices.SortFunc(shifts, func(a, b rota.Shift) int { return a.Start.Compare(b.Start) })
		return u.Username, shifts, nil
	}
	return "", nil, engine.Missing(engine.KindRota)
}
