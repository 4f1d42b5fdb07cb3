package oncall

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
	"moonwatch/engine/state"
)

// OnCall is somebody who is on duty.
type OnCall struct {
	Rota     string     `json:"rota"` // id
	RotaName string     `json:"rota_name"`
	User     string     `json:"user"` // id
	Username string     `json:"username"`
	Until    *time.Time `json:"until"` // nil for a fallback
	Fallback bool       `json:"fallback"`
}

// OnCall returns who is on duty now, by rota.
func (svc *Service) OnCall() []OnCall {
	now := svc.Now()
	svc.Mu.RLock()
	defer svc.Mu.RUnlock()
	out := []OnCall{}
	name := func(id string) string {
		if u := svc.Tables.Users[id]; u != nil {
			return u.Username
		}
		return ""
	}
	for _, r := range svc.Tables.Rotas {
		shifts := svc.Duty.Shifts(r.ID)
		here := svc.Tables.ActiveOnly(rota.OnCall(shifts, now))
		for _, id := range here {
			item := OnCall{Rota: r.ID, RotaName: r.Name, User: id, Username: name(id)}
			if until, ok := rota.Until(shifts, id, now); ok {
				item.Until = &until
			}
			out = append(out, item)
		}
		if fallback := svc.Tables.ActiveOnly([]string{r.FallbackUser, svc.Tables.Site().FallbackUser}); len(here) == 0 && len(fallback) > 0 {
			out = append(out, OnCall{Rota: r.ID, RotaName: r.Name, User: fallback[0], Username: name(fallback[0]), Fallback: true})
		}
	}
	slices.SortFunc(out, func(a, b OnCall) int {
		return cmp.Or(cmp.Compare(a.RotaName, b.RotaName), cmp.Compare(a.Username, b.Username))
	})
	return out
}

// OnDuty returns who is on duty now on rotas, or on the default rota when there
// are none: whoever has the shift, else the rota's fallback, else the site's.
// Whoever is not active is as if they were not there.
func OnDuty(x *state.Tx, rotas []string) []string {
	site := x.Site()
	if len(rotas) == 0 && site.DefaultRota != "" {
		rotas = []string{site.DefaultRota}
	}
	var out []string
	for _, id := range rotas {
		r := x.Rotas.Get(id)
		if r == nil {
			continue
		}
		here := slices.DeleteFunc(rota.OnCall(x.State.Duty.Shifts(id), x.Now), func(id string) bool {
			u := x.Users.Get(id)
			return u == nil || !u.Active
		})
		if u := x.Users.Get(r.FallbackUser); len(here) == 0 && u != nil && u.Active {
			here = []string{u.ID}
		}
		out = append(out, here...)
	}
	if len(out) == 0 && site.FallbackUser != "" {
		out = []string{site.FallbackUser}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// IsFallback reports whether a user is the site's or a rota's fallback.
func IsFallback(user string, site *engine.Settings, rotas iter.Seq2[string, *engine.Rota]) bool {
	if site.FallbackUser == user {
		return true
	}
	for _, r := range rotas {
		if r.FallbackUser == user {
			return true
		}
	}
	return false
}

// Service knows rotas, their shifts and who is on duty.
type Service struct {
	*state.State
	Duty *Duty
}
