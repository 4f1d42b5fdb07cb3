package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Undelete brings a deleted object back as it was at a revision, under its id
// and with the secrets of that revision; a user has the last password. Its
// revisions go on. What it was linked to, and is gone, stays away, and nothing is
// linked to it. Services, instances, checks, rotas, silences and users can be
// brought back. It returns an *Error (NotFound for a revision that is not there),
// and blocks on the disk.
func (e *revisionService) Undelete(ctx context.Context, by Actor, kind Kind, id string, revision uint64) error {
	list, err := e.store.Revisions(ctx, kind, id)
	if err != nil {
		return fmt.Errorf("read the revisions of %s %s: %w", kind, id, err)
	}
	i := slices.IndexFunc(list, func(r Revision) bool { return r.Number == revision && !r.Deleted })
	if i < 0 || !list[0].Deleted {
		return missing(kind)
	}
	newest := list[slices.IndexFunc(list, func(r Revision) bool { return !r.Deleted })]
	switch past := (undeletion{ctx, e.State, by, list[0].Number, list[i].Data}); kind {
	case KindService:
		return bringBack(past, func(s *Service) *Meta { return &s.Meta }, func(s *Service) (func(x *tx) error, error) {
			var p problems
			e.cleanAlerting(ctx, &p, id, &s.Alerting, copyOf(&s.Alerting))
			return func(x *tx) error {
				x.dropLinks(&s.Alerting)
				s.Instances = kept(s.Instances, func(id string) bool { return x.instances.get(id) != nil })
				return x.saveService(s, nil, p)
			}, nil
		})
	case KindInstance:
		return bringBack(past, func(i *Instance) *Meta { return &i.Meta }, func(i *Instance) (func(x *tx) error, error) {
			var p problems
			e.cleanAlerting(ctx, &p, id, &i.Alerting, copyOf(&i.Alerting))
			return func(x *tx) error {
				x.dropLinks(&i.Alerting)
				return x.saveInstance(i, nil, p)
			}, nil
		})
	case KindCheck:
		return bringBack(past, func(c *Check) *Meta { return &c.Meta }, func(c *Check) (func(x *tx) error, error) {
			clean, err := e.cleanCheck(ctx, *c, copyOf(c))
			if err == nil {
				*c = *clean
			}
			return func(x *tx) error { return x.saveCheck(c, nil, true) }, err
		})
	case KindRota:
		return bringBack(past, func(r *Rota) *Meta { return &r.Meta }, func(r *Rota) (func(x *tx) error, error) {
			return func(x *tx) error {
				if x.users.get(r.FallbackUser) == nil {
					r.FallbackUser = ""
				}
				r.Revision = 0
				return x.saveRota(r)
			}, nil
		})
	case KindSilence:
		return bringBack(past, func(s *Silence) *Meta { return &s.Meta }, func(s *Silence) (func(x *tx) error, error) {
			return func(x *tx) error {
				s.Services = kept(s.Services, func(id string) bool { return x.services.get(id) != nil })
				s.Instances = kept(s.Instances, func(id string) bool { return x.instances.get(id) != nil })
				s.Checks = kept(s.Checks, func(id string) bool { return x.checks.get(id) != nil })
				s.Revision = 0
				return x.saveSilence(s)
			}, nil
		})
	case KindUser:
		return bringBack(past, func(u *User) *Meta { return &u.Meta }, func(u *User) (func(x *tx) error, error) {
			var last User
			if err := json.Unmarshal(newest.Data, &last); err != nil {
				return nil, fmt.Errorf("read a revision of a %s: %w", kind, err)
			}
			var p problems
			e.cleanUser(ctx, &p, u, copyOf(u))
			u.PasswordHash = last.PasswordHash
			return func(x *tx) error { return x.saveUser(u, nil, "") }, p.err()
		})
	}
	return missing(kind)
}

// undeletion is a deleted object on its way back.
type undeletion struct {
	ctx  context.Context
	e    *State
	by   Actor
	last uint64 // the number of its deletion
	data []byte
}

// bringBack puts the object as clean leaves it; save runs in the keeper.
func bringBack[T any](past undeletion, meta func(*T) *Meta, clean func(*T) (save func(*tx) error, err error)) error {
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
	err = past.e.do(past.ctx, past.by, func(x *tx) error {
		if x.present(m.ID) {
			return errChanged // somebody was quicker
		}
		if err := save(x); err != nil {
			return err
		}
		m.Created, m.Revision = created, past.last+1 // it is no new object
		return nil
	})
	if err == nil {
		past.e.sealAsk("") // it may be older than what is secret of it
	}
	return err
}

// present reports whether there is an object with an id that can be undeleted.
func (x *tx) present(id string) bool {
	return x.services.get(id) != nil || x.instances.get(id) != nil || x.checks.get(id) != nil || x.rotas.get(id) != nil || x.silences.get(id) != nil || x.users.get(id) != nil
}

// dropLinks takes out what is not there any more: deleting unlinks.
func (x *tx) dropLinks(a *Alerting) {
	user := func(id string) bool { return x.users.get(id) != nil }
	rota := func(id string) bool { return x.rotas.get(id) != nil }
	a.StatusChecks = kept(a.StatusChecks, func(id string) bool { return x.checks.get(id) != nil })
	a.UsersToNotify, a.Rotas = kept(a.UsersToNotify, user), kept(a.Rotas, rota)
	a.DependsOn = kept(a.DependsOn, func(d Ref) bool { _, there := x.subject(d); return there })
	for i := range a.Escalation {
		step := &a.Escalation[i]
		step.Users, step.Rotas = kept(step.Users, user), kept(step.Rotas, rota)
	}
	a.dropEmptySteps()
}

// revisionService knows the revisions of objects, and brings deleted ones back.
type revisionService struct{ *State }

// Revisions returns the history of a configured object, the newest first.
func (e *revisionService) Revisions(ctx context.Context, kind Kind, id string) ([]Revision, error) {
	return e.store.Revisions(ctx, kind, id)
}
