package edit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Undelete brings a deleted object back as it was at a revision, under its id
// and with the secrets of that revision; a user has the last password. Its
// revisions go on. What it was linked to, and is gone, stays away, and nothing is
// linked to it. Services, instances, checks, rotas, silences and users can be
// brought back. It returns an *Error (NotFound for a revision that is not there),
// and blocks on the disk.
func (rs *Revisions) Undelete(ctx context.Context, by engine.Actor, kind engine.Kind, id string, revision uint64) error {
	list, err := rs.Store.Revisions(ctx, kind, id)
	if err != nil {
		return fmt.Errorf("read the revisions of %s %s: %w", kind, id, err)
	}
	i := slices.IndexFunc(list, func(r engine.Revision) bool { return r.Number == revision && !r.Deleted })
	if i < 0 || !list[0].Deleted {
		return engine.Missing(kind)
	}
	newest := list[slices.IndexFunc(list, func(r engine.Revision) bool { return !r.Deleted })]
	past := undeletion{ctx: ctx, e: rs.State, by: by, id: id, last: list[0].Number, data: list[i].Data, newest: newest.Data}
	switch kind {
	case engine.KindService:
		return past.service()
	case engine.KindInstance:
		return past.instance()
	case engine.KindCheck:
		return past.check()
	case engine.KindRota:
		return past.rota()
	case engine.KindSilence:
		return past.silence()
	case engine.KindUser:
		return past.user()
	}
	return engine.Missing(kind)
}

// undeletion is a deleted object on its way back.
type undeletion struct {
	ctx    context.Context
	e      *state.State
	by     engine.Actor
	id     string
	last   uint64 // the number of its deletion
	data   []byte // of the revision that comes back
	newest []byte // of the last revision before the deletion
}

func (past undeletion) service() error {
	return bringBack(past, func(s *engine.Service) *engine.Meta { return &s.Meta }, func(s *engine.Service) (func(*state.Tx) error, error) {
		var p engine.Problems
		CleanAlerting(past.e, past.ctx, &p, past.id, &s.Alerting, engine.CopyOf(&s.Alerting))
		return func(x *state.Tx) error {
			dropLinks(x, &s.Alerting)
			s.Instances = engine.Kept(s.Instances, func(id string) bool { return x.Instances.Get(id) != nil })
			return SaveService(x, s, nil, p)
		}, nil
	})
}

func (past undeletion) instance() error {
	return bringBack(past, func(i *engine.Instance) *engine.Meta { return &i.Meta }, func(i *engine.Instance) (func(*state.Tx) error, error) {
		var p engine.Problems
		CleanAlerting(past.e, past.ctx, &p, past.id, &i.Alerting, engine.CopyOf(&i.Alerting))
		return func(x *state.Tx) error {
			dropLinks(x, &i.Alerting)
			return SaveInstance(x, i, nil, p)
		}, nil
	})
}

func (past undeletion) check() error {
	return bringBack(past, func(c *engine.Check) *engine.Meta { return &c.Meta }, func(c *engine.Check) (func(*state.Tx) error, error) {
		clean, err := CleanCheck(past.e, past.ctx, *c, engine.CopyOf(c))
		if err == nil {
			*c = *clean
		}
		return func(x *state.Tx) error { return SaveCheck(x, c, nil, true) }, err
	})
}

func (past undeletion) rota() error {
	return bringBack(past, func(r *engine.Rota) *engine.Meta { return &r.Meta }, func(r *engine.Rota) (func(*state.Tx) error, error) {
		return func(x *state.Tx) error {
			if x.Users.Get(r.FallbackUser) == nil {
				r.FallbackUser = ""
			}
			r.Revision = 0
			return SaveRota(x, r)
		}, nil
	})
}

func (past undeletion) silence() error {
	return bringBack(past, func(s *engine.Silence) *engine.Meta { return &s.Meta }, func(s *engine.Silence) (func(*state.Tx) error, error) {
		return func(x *state.Tx) error {
			s.Services = engine.Kept(s.Services, func(id string) bool { return x.Services.Get(id) != nil })
			s.Instances = engine.Kept(s.Instances, func(id string) bool { return x.Instances.Get(id) != nil })
			s.Checks = engine.Kept(s.Checks, func(id string) bool { return x.Checks.Get(id) != nil })
			s.Revision = 0
			return SaveSilence(x, s)
		}, nil
	})
}

// user brings a user back with the last password: that of the revision may be one
// that was changed for a reason.
func (past undeletion) user() error {
	return bringBack(past, func(u *engine.User) *engine.Meta { return &u.Meta }, func(u *engine.User) (func(*state.Tx) error, error) {
		var last engine.User
		if err := json.Unmarshal(past.newest, &last); err != nil {
			return nil, fmt.Errorf("read a revision of a user: %w", err)
		}
		var p engine.Problems
		CleanUser(past.e, past.ctx, &p, u, engine.CopyOf(u))
		u.PasswordHash = last.PasswordHash
		return func(x *state.Tx) error { return SaveUser(x, u, nil, "") }, p.Err()
	})
}

// bringBack puts the object as clean leaves it; save runs in the writer.
func bringBack[T any](past undeletion, meta func(*T) *engine.Meta, clean func(*T) (save func(*state.Tx) error, err error)) error {
	v := new(T)
	if err := json.Unmarshal(past.data, v); err != nil {
		return fmt.Errorf("read a revision of a deleted object: %w", err)
	}
	m := meta(v)
	created := m.Created
	save, err := clean(v)
	if err != nil {
		return err
	}
	err = past.e.Submit(past.ctx, past.by, func(x *state.Tx) error {
		if present(x, m.ID) {
			return engine.ErrChanged // somebody was quicker
		}
		if err := save(x); err != nil {
			return err
		}
		m.Created, m.Revision = created, past.last+1 // it is no new object
		return nil
	})
	if err == nil {
		SealAsk(past.e, "") // it may be older than what is secret of it
	}
	return err
}

// present reports whether there is an object with an id that can be undeleted.
func present(x *state.Tx, id string) bool {
	return x.Services.Get(id) != nil || x.Instances.Get(id) != nil || x.Checks.Get(id) != nil || x.Rotas.Get(id) != nil || x.Silences.Get(id) != nil || x.Users.Get(id) != nil
}

// dropLinks takes out what is not there any more: deleting unlinks.
func dropLinks(x *state.Tx, a *engine.Alerting) {
	user := func(id string) bool { return x.Users.Get(id) != nil }
	rota := func(id string) bool { return x.Rotas.Get(id) != nil }
	a.StatusChecks = engine.Kept(a.StatusChecks, func(id string) bool { return x.Checks.Get(id) != nil })
	a.UsersToNotify, a.Rotas = engine.Kept(a.UsersToNotify, user), engine.Kept(a.Rotas, rota)
	a.DependsOn = engine.Kept(a.DependsOn, func(d engine.Ref) bool { _, there := x.Target(d); return there })
	for i := range a.Escalation {
		step := &a.Escalation[i]
		step.Users, step.Rotas = engine.Kept(step.Users, user), engine.Kept(step.Rotas, rota)
	}
	dropEmptySteps(a)
}

// Revisions knows the revisions of objects, and brings deleted ones back.
type Revisions struct{ *state.State }

// Revisions returns the history of a configured object, the newest first.
func (rs *Revisions) Revisions(ctx context.Context, kind engine.Kind, id string) ([]engine.Revision, error) {
	return rs.Store.Revisions(ctx, kind, id)
}
