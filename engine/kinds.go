package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// kinds are the objects that are kept in memory. A new kind is a line here, a map
// in tables and a layer in tx.
var kinds = []anyTable{
	&table[Service]{kind: KindService, all: func(t *tables) *map[string]*Service { return &t.services }, layer: func(x *tx) *layer[Service] { return &x.services },
		meta: func(v *Service) *Meta { return &v.Meta }, seenAs: seenAs(KindService), name: func(v *Service) string { return v.Name }, index: indexService},
	&table[Instance]{kind: KindInstance, all: func(t *tables) *map[string]*Instance { return &t.instances }, layer: func(x *tx) *layer[Instance] { return &x.instances },
		meta: func(v *Instance) *Meta { return &v.Meta }, seenAs: seenAs(KindInstance), name: func(v *Instance) string { return v.Name }, index: indexInstance},
	&table[Check]{kind: KindCheck, all: func(t *tables) *map[string]*Check { return &t.checks }, layer: func(x *tx) *layer[Check] { return &x.checks },
		meta: func(v *Check) *Meta { return &v.Meta }, seenAs: seenAs(KindCheck), name: func(c *Check) string { return c.Name }, index: indexCheck},
	&table[User]{kind: KindUser, all: func(t *tables) *map[string]*User { return &t.users }, layer: func(x *tx) *layer[User] { return &x.users },
		meta: func(v *User) *Meta { return &v.Meta }, seenAs: seenAs(KindUser), name: func(u *User) string { return u.Username }},
	&table[Token]{kind: KindToken, all: func(t *tables) *map[string]*Token { return &t.tokens }, layer: func(x *tx) *layer[Token] { return &x.tokens },
		meta: func(v *Token) *Meta { return &v.Meta }, seenAs: seenAs(KindToken), index: indexToken},
	&table[Settings]{kind: KindSettings, all: func(t *tables) *map[string]*Settings { return &t.settings }, layer: func(x *tx) *layer[Settings] { return &x.settings },
		meta: func(v *Settings) *Meta { return &v.Meta }, seenAs: seenAs(KindSettings)},
	&table[PluginSettings]{kind: KindPluginSettings, all: func(t *tables) *map[string]*PluginSettings { return &t.plugins }, layer: func(x *tx) *layer[PluginSettings] { return &x.plugins },
		meta: func(v *PluginSettings) *Meta { return &v.Meta }, seenAs: seenAs(KindPluginSettings)},
	&table[Silence]{kind: KindSilence, all: func(t *tables) *map[string]*Silence { return &t.silences }, layer: func(x *tx) *layer[Silence] { return &x.silences },
		meta: func(v *Silence) *Meta { return &v.Meta }, seenAs: seenAs(KindSilence), index: indexSilence},
	&table[Rota]{kind: KindRota, all: func(t *tables) *map[string]*Rota { return &t.rotas }, layer: func(x *tx) *layer[Rota] { return &x.rotas },
		meta: func(v *Rota) *Meta { return &v.Meta }, seenAs: seenAs(KindRota), name: func(r *Rota) string { return r.Name }},
	&table[CheckState]{kind: KindCheckState, all: func(t *tables) *map[string]*CheckState { return &t.states }, layer: func(x *tx) *layer[CheckState] { return &x.states },
		seenAs: seenAs(KindCheck)},
	&table[SubjectState]{kind: KindSubjectState, all: func(t *tables) *map[string]*SubjectState { return &t.subjects }, layer: func(x *tx) *layer[SubjectState] { return &x.subjects },
		seenAs: func(id string) Key {
			kind, id, _ := strings.Cut(id, ":")
			return Key{Kind(kind), id}
		}},
	&table[Incident]{kind: KindIncident, all: func(t *tables) *map[string]*Incident { return &t.incidents }, layer: func(x *tx) *layer[Incident] { return &x.incidents },
		terms: (*Incident).terms, loaded: "open", seenAs: seenAs(KindIncident)},
	&table[Delivery]{kind: KindDelivery, all: func(t *tables) *map[string]*Delivery { return &t.deliveries }, layer: func(x *tx) *layer[Delivery] { return &x.deliveries },
		terms: (*Delivery).terms, loaded: "active", seenAs: seenAs(KindDelivery), index: (*tables).indexDelivery},
	&table[Session]{kind: KindSession, all: func(t *tables) *map[string]*Session { return &t.sessions }, layer: func(x *tx) *layer[Session] { return &x.sessions }},
	&table[Breaker]{kind: KindBreaker, all: func(t *tables) *map[string]*Breaker { return &t.breakers }, layer: func(x *tx) *layer[Breaker] { return &x.breakers }},
	&table[Contact]{kind: KindContact, all: func(t *tables) *map[string]*Contact { return &t.contacts }, layer: func(x *tx) *layer[Contact] { return &x.contacts }},
}

// table describes one kind of object that is kept in memory.
type table[T any] struct {
	kind   Kind
	all    func(*tables) *map[string]*T
	layer  func(*tx) *layer[T]
	meta   func(*T) *Meta                          // nil: it is derived, and has no revisions
	name   func(*T) string                         // that no other has; nil: it has none
	terms  func(*T) []string                       // what the store finds it by; nil: by its id alone
	loaded string                                  // the term of those that are loaded; "": all
	index  func(t *tables, id string, old, now *T) // keeps the indexes in memory; nil: it is in none
	seenAs func(id string) Key                     // what listeners are told that has changed; nil: nothing
}

// anyTable is a table whatever it holds.
type anyTable interface {
	empty(t *tables)
	begin(x *tx)
	child(c *tx)
	fold(x, c *tx)
	batch(x *tx, b *Batch)
	merge(x *tx)
	load(ctx context.Context, s Store, x *tx) error
	changed(x *tx, note func(Key))
	touched(x *tx) iter.Seq[string]
	nameOf(x *tx, id string) string
	is(kind Kind) bool
}

// tableOf is the table of a kind, nil for one that is not kept in memory.
func tableOf(kind Kind) anyTable {
	for _, k := range kinds {
		if k.is(kind) {
			return k
		}
	}
	return nil
}

func seenAs(kind Kind) func(id string) Key { return func(id string) Key { return Key{kind, id} } }

func (k *table[T]) empty(t *tables) { *k.all(t) = map[string]*T{} }

func (k *table[T]) begin(x *tx) { *k.layer(x) = layer[T]{kind: k.kind, base: *k.all(x.t)} }

func (k *table[T]) child(c *tx) { *k.layer(c) = layer[T]{kind: k.kind, parent: k.layer(c.parent)} }

func (k *table[T]) fold(x, c *tx) {
	into := k.layer(x)
	for id, v := range k.layer(c).puts {
		into.put(id, v)
	}
}

func (k *table[T]) batch(x *tx, b *Batch) {
	for id, v := range k.layer(x).puts {
		key := Key{k.kind, id}
		if v == nil {
			b.Deletes = append(b.Deletes, key)
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("encode %s %s: %v", k.kind, id, err)) // our own types always encode
		}
		r := Record{Kind: k.kind, ID: id, At: x.now, Data: data}
		if k.meta != nil {
			r.Revision, r.Author = k.meta(v).Revision, x.authors[key]
		}
		if past := x.again[key]; past != nil {
			b.Puts = append(b.Puts, past...)
			if past[len(past)-1].Revision == r.Revision {
				continue // it was not edited since
			}
		}
		if k.terms != nil {
			r.Terms = k.terms(v)
		}
		b.Puts = append(b.Puts, r)
	}
}

func (k *table[T]) merge(x *tx) {
	all := *k.all(x.t)
	for id, v := range k.layer(x).puts {
		if k.name != nil {
			rename(x.t, k.kind, id, all[id], v, k.name)
		}
		if k.index != nil {
			k.index(x.t, id, all[id], v)
		}
		if v == nil {
			delete(all, id)
		} else {
			all[id] = v
		}
	}
}

func (k *table[T]) load(ctx context.Context, s Store, x *tx) error {
	var bad error
	err := s.Scan(ctx, k.kind, Query{Term: k.loaded}, func(r Record) bool {
		v := new(T)
		if bad = json.Unmarshal(r.Data, v); bad != nil {
			bad = fmt.Errorf("read %s %s: %w", k.kind, r.ID, bad)
			return false
		}
		k.layer(x).put(r.ID, v)
		return true
	})
	return errors.Join(err, bad)
}

func (k *table[T]) changed(x *tx, note func(Key)) {
	if k.seenAs == nil {
		return
	}
	for id := range k.layer(x).puts {
		note(k.seenAs(id))
	}
}

// touched is what x and its parents put or deleted.
func (k *table[T]) touched(x *tx) iter.Seq[string] { return k.layer(x).touched() }

func (k *table[T]) is(kind Kind) bool { return k.kind == kind }

// nameOf returns the name of an object, "" when it is not there.
func (k *table[T]) nameOf(x *tx, id string) string {
	if v := k.layer(x).get(id); v != nil && k.name != nil {
		return k.name(v)
	}
	return ""
}

func indexService(t *tables, id string, old, now *Service) {
	t.link(Ref{KindService, id}, alertingOf(old, func(s *Service) *Alerting { return &s.Alerting }), alertingOf(now, func(s *Service) *Alerting { return &s.Alerting }))
}

func indexInstance(t *tables, id string, old, now *Instance) {
	t.link(Ref{KindInstance, id}, alertingOf(old, func(i *Instance) *Alerting { return &i.Alerting }), alertingOf(now, func(i *Instance) *Alerting { return &i.Alerting }))
}

// alertingOf is how an object alerts; one that is not there links to nothing.
func alertingOf[T any](v *T, of func(*T) *Alerting) *Alerting {
	if v == nil {
		return &Alerting{}
	}
	return of(v)
}

func (t *tables) link(target Ref, old, now *Alerting) {
	t.relink(target, old.StatusChecks, now.StatusChecks)
	t.depend(target, old.DependsOn, now.DependsOn)
}

func indexCheck(t *tables, id string, old, now *Check) {
	if old != nil {
		delete(t.pings, old.PingToken)
	}
	if now == nil {
		delete(t.latest, id)
	} else if now.PingToken != "" {
		t.pings[now.PingToken] = id
	}
}

// indexSilence keeps the silences by what they name.
func indexSilence(t *tables, id string, old, now *Silence) {
	if old != nil {
		for _, key := range old.names() {
			delete(t.silencesOf[key], id)
			if len(t.silencesOf[key]) == 0 {
				delete(t.silencesOf, key)
			}
		}
	}
	if now != nil {
		for _, key := range now.names() {
			if t.silencesOf[key] == nil {
				t.silencesOf[key] = map[string]bool{}
			}
			t.silencesOf[key][id] = true
		}
	}
}

func indexToken(t *tables, id string, old, now *Token) {
	if old != nil {
		delete(t.tokenHash, old.Hash)
	}
	if now != nil {
		t.tokenHash[now.Hash] = id
	}
}

func (t *tables) relink(subject Ref, old, now []string) {
	for _, id := range old {
		delete(t.subjectsOf[id], subject)
		if len(t.subjectsOf[id]) == 0 {
			delete(t.subjectsOf, id)
		}
	}
	for _, id := range now {
		if t.subjectsOf[id] == nil {
			t.subjectsOf[id] = map[Ref]bool{}
		}
		t.subjectsOf[id][subject] = true
	}
}

func rename[T any](t *tables, kind Kind, id string, old, now *T, name func(*T) string) {
	if t.names[kind] == nil {
		t.names[kind] = map[string]string{}
	}
	if old != nil && t.names[kind][nameKey(kind, name(old))] == id {
		delete(t.names[kind], nameKey(kind, name(old)))
	}
	if now != nil {
		t.names[kind][nameKey(kind, name(now))] = id
	}
}

// indexDelivery keeps the index from incidents to their active deliveries.
func (t *tables) indexDelivery(id string, old, d *Delivery) {
	if d != nil && d.Active() && d.Incident != "" {
		if t.waiting[d.Incident] == nil {
			t.waiting[d.Incident] = map[string]bool{}
		}
		t.waiting[d.Incident][id] = true
		return
	}
	incident := ""
	if d != nil {
		incident = d.Incident
	} else if old != nil {
		incident = old.Incident
	}
	delete(t.waiting[incident], id)
	if len(t.waiting[incident]) == 0 {
		delete(t.waiting, incident)
	}
}

// depend keeps the index from what is depended on to what depends on it.
func (t *tables) depend(child Ref, old, now []Ref) {
	for _, parent := range old {
		delete(t.dependents[parent], child)
		if len(t.dependents[parent]) == 0 {
			delete(t.dependents, parent)
		}
	}
	for _, parent := range now {
		if t.dependents[parent] == nil {
			t.dependents[parent] = map[Ref]bool{}
		}
		t.dependents[parent][child] = true
	}
}
