package engine

import (
	"context"
	"io"
	"slices"

	"moonwatch/engine/access"
	"moonwatch/engine/rota"
)

// Address is the address of the monitor as links have it, without a trailing
// slash: the public URL, or the one it reaches itself by; "" when neither is known.
func (e *onCallService) Address() string {
	site := e.Settings()
	return e.base(&site)
}

// FeedURL returns the address of the iCal feed of a rota or user, "" when there
// is none. Whoever knows it can read the feed.
func (e *onCallService) FeedURL(kind Kind, id string) (string, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	token := ""
	switch kind {
	case KindRota:
		r := e.tables.rotas[id]
		if r == nil {
			return "", missing(kind)
		}
		token = r.FeedToken
	default:
		u := e.tables.users[id]
		if u == nil {
			return "", missing(KindUser)
		}
		token = u.FeedToken
	}
	if token == "" {
		return "", nil
	}
	return e.base(e.tables.site()) + "/feeds/" + token + ".ics", nil
}

// NewFeed gives a rota or a user an address for an iCal feed of their shifts;
// an address given before is no longer good.
func (e *onCallService) NewFeed(ctx context.Context, by Actor, kind Kind, id string) error {
	token, _ := access.NewToken("")
	return e.setFeed(ctx, by, kind, id, token)
}

// RevokeFeed takes the address of the iCal feed of a rota or user away.
func (e *onCallService) RevokeFeed(ctx context.Context, by Actor, kind Kind, id string) error {
	return e.setFeed(ctx, by, kind, id, "")
}

func (e *onCallService) setFeed(ctx context.Context, by Actor, kind Kind, id, token string) error {
	return e.do(ctx, by, func(x *tx) error {
		switch kind {
		case KindRota:
			r := x.rotas.get(id)
			if r == nil {
				return missing(kind)
			}
			c := *r
			c.FeedToken = token
			x.stamp(kind, &c.Meta, &r.Meta)
			x.rotas.put(id, &c)
			x.audit("feed", kind, id, c.Name, nil, nil)
		default:
			u := x.users.get(id)
			if u == nil {
				return missing(KindUser)
			}
			c := *u
			c.FeedToken = token
			x.stamp(KindUser, &c.Meta, &u.Meta)
			x.users.put(id, &c)
			x.audit("feed", KindUser, id, c.Username, nil, nil)
		}
		return nil
	})
}

// WriteFeed writes the iCal feed of the rota or user whose feed has the token.
// host makes the events' ids the monitor's own.
func (e *onCallService) WriteFeed(w io.Writer, token, host string) error {
	name, shifts, err := e.feedOut(token)
	if err != nil {
		return err
	}
	return rota.WriteFeed(w, name, shifts, host, e.now())
}

// feedOut returns the name and the shifts of a feed.
func (e *onCallService) feedOut(token string) (name string, shifts []rota.Shift, err error) {
	if token == "" {
		return "", nil, missing(KindRota)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	titled := func(list []rota.Shift, title func(rota.Shift) string) {
		for _, s := range list {
			s.Title = title(s)
			shifts = append(shifts, s)
		}
	}
	username := func(id string) string {
		if u := e.tables.users[id]; u != nil {
			return u.Username
		}
		return "somebody"
	}
	for _, r := range e.tables.rotas {
		if r.FeedToken == token {
			titled(e.duty.shifts(r.ID), func(s rota.Shift) string { return username(s.User) })
			return r.Name, shifts, nil
		}
	}
	for _, u := range e.tables.users {
		if u.FeedToken != token {
			continue
		}
		for _, r := range e.tables.rotas {
			own := slices.DeleteFunc(slices.Clone(e.duty.shifts(r.ID)), func(s rota.Shift) bool { return s.User != u.ID })
			titled(own, func(rota.Shift) string { return r.Name })
		}
		slices.SortFunc(shifts, func(a, b rota.Shift) int { return a.Start.Compare(b.Start) })
		return u.Username, shifts, nil
	}
	return "", nil, missing(KindRota)
}
