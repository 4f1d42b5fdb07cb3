package state

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/silence"
)

// kinds are the objects that are kept in memory. A new kind is an entry here, a map
// in Tables and a Layer in Tx.
var kinds = []anyTable{
	&table[engine.Service]{
		kind:   engine.KindService,
		all:    func(t *Tables) *map[string]*engine.Service { return &t.Services },
		layer:  func(x *Tx) *Layer[engine.Service] { return &x.Services },
		meta:   func(v *engine.Service) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindService),
		name:   func(v *engine.Service) string { return v.Name },
		index:  indexService,
	},
	&table[engine.Instance]{
		kind:   engine.KindInstance,
		all:    func(t *Tables) *map[string]*engine.Instance { return &t.Instances },
		layer:  func(x *Tx) *Layer[engine.Instance] { return &x.Instances },
		meta:   func(v *engine.Instance) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindInstance),
		name:   func(v *engine.Instance) string { return v.Name },
		index:  indexInstance,
	},
	&table[engine.Check]{
		kind:   engine.KindCheck,
		all:    func(t *Tables) *map[string]*engine.Check { return &t.Checks },
		layer:  func(x *Tx) *Layer[engine.Check] { return &x.Checks },
		meta:   func(v *engine.Check) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindCheck),
		name:   func(c *engine.Check) string { return c.Name },
		index:  indexCheck,
	},
	&table[engine.User]{
		kind:   engine.KindUser,
		all:    func(t *Tables) *map[string]*engine.User { return &t.Users },
		layer:  func(x *Tx) *Layer[engine.User] { return &x.Users },
		meta:   func(v *engine.User) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindUser),
		name:   func(u *engine.User) string { return u.Username },
	},
	&table[engine.Token]{
		kind:   engine.KindToken,
		all:    func(t *Tables) *map[string]*engine.Token { return &t.Tokens },
		layer:  func(x *Tx) *Layer[engine.Token] { return &x.Tokens },
		meta:   func(v *engine.Token) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindToken),
		index:  indexToken,
	},
	&table[engine.Settings]{
		kind:   engine.KindSettings,
		all:    func(t *Tables) *map[string]*engine.Settings { return &t.settings },
		layer:  func(x *Tx) *Layer[engine.Settings] { return &x.Settings },
		meta:   func(v *engine.Settings) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindSettings),
	},
	&table[engine.PluginSettings]{
		kind:   engine.KindPluginSettings,
		all:    func(t *Tables) *map[string]*engine.PluginSettings { return &t.Plugins },
		layer:  func(x *Tx) *Layer[engine.PluginSettings] { return &x.Plugins },
		meta:   func(v *engine.PluginSettings) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindPluginSettings),
	},
	&table[engine.Silence]{
		kind:   engine.KindSilence,
		all:    func(t *Tables) *map[string]*engine.Silence { return &t.Silences },
		layer:  func(x *Tx) *Layer[engine.Silence] { return &x.Silences },
		meta:   func(v *engine.Silence) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindSilence),
		index:  indexSilence,
	},
	&table[engine.Rota]{
		kind:   engine.KindRota,
		all:    func(t *Tables) *map[string]*engine.Rota { return &t.Rotas },
		layer:  func(x *Tx) *Layer[engine.Rota] { return &x.Rotas },
		meta:   func(v *engine.Rota) *engine.Meta { return &v.Meta },
		seenAs: seenAs(engine.KindRota),
		name:   func(r *engine.Rota) string { return r.Name },
	},
	&table[engine.CheckState]{
		kind:   engine.KindCheckState,
		all:    func(t *Tables) *map[string]*engine.CheckState { return &t.States },
		layer:  func(x *Tx) *Layer[engine.CheckState] { return &x.States },
		seenAs: seenAs(engine.KindCheck),
	},
	&table[engine.SubjectState]{
		kind:  engine.KindSubjectState,
		all:   func(t *Tables) *map[string]*engine.SubjectState { return &t.Subjects },
		layer: func(x *Tx) *Layer[engine.SubjectState] { return &x.Subjects },
		seenAs: func(id string) engine.Key {
			kind, id, _ := strings.Cut(id, ":")
			return engine.Key{Kind: engine.Kind(kind), ID: id}
		},
	},
	&table[engine.Incident]{
		kind:   engine.KindIncident,
		all:    func(t *Tables) *map[string]*engine.Incident { return &t.Incidents },
		layer:  func(x *Tx) *Layer[engine.Incident] { return &x.Incidents },
		terms:  (*engine.Incident).Terms,
		loaded: "open",
		seenAs: seenAs(engine.KindIncident),
	},
	&table[engine.Delivery]{
		kind:   engine.KindDelivery,
		all:    func(t *Tables) *map[string]*engine.Delivery { return &t.Deliveries },
		layer:  func(x *Tx) *Layer[engine.Delivery] { return &x.Deliveries },
		terms:  (*engine.Delivery).Terms,
		loaded: "active",
		seenAs: seenAs(engine.KindDelivery),
		index:  (*Tables).indexDelivery,
	},
	&table[engine.Session]{
		kind:  engine.KindSession,
		all:   func(t *Tables) *map[string]*engine.Session { return &t.Sessions },
		layer: func(x *Tx) *Layer[engine.Session] { return &x.Sessions },
	},
	&table[engine.Breaker]{
		kind:  engine.KindBreaker,
		all:   func(t *Tables) *map[string]*engine.Breaker { return &t.Breakers },
		layer: func(x *Tx) *Layer[engine.Breaker] { return &x.Breakers },
	},
	&table[engine.Contact]{
		kind:  engine.KindContact,
		all:   func(t *Tables) *map[string]*engine.Contact { return &t.contacts },
		layer: func(x *Tx) *Layer[engine.Contact] { return &x.Contacts },
	},
}

// table describes one kind of object that is kept in memory.
type table[T any] struct {
	kind   engine.Kind
	all    func(*Tables) *map[string]*T
	layer  func(*Tx) *Layer[T]
	meta   func(*T) *engine.Meta                   // nil: it is derived, and has no revisions
	name   func(*T) string                         // that no other has; nil: it has none
	terms  func(*T) []string                       // what the store finds it by; nil: by its id alone
	loaded string                                  // the term of those that are loaded; "": all
	index  func(t *Tables, id string, old, now *T) // keeps the indexes in memory; nil: it is in none
	seenAs func(id string) engine.Key              // what listeners are told that has changed; nil: nothing
}

// anyTable is a table whatever it holds.
type anyTable interface {
	empty(t *Tables)
	begin(x *Tx)
	child(c *Tx)
	fold(x, c *Tx)
	batch(x *Tx, b *engine.Batch)
	merge(x *Tx)
	load(ctx context.Context, s engine.Store, x *Tx) error
	changed(x *Tx, note func(engine.Key))
	changes(x *Tx) int
	touched(x *Tx) iter.Seq[string]
	nameOf(x *Tx, id string) string
	is(kind engine.Kind) bool
}

// tableOf is the table of a kind, nil for one that is not kept in memory.
func tableOf(kind engine.Kind) anyTable {
	for _, k := range kinds {
		if k.is(kind) {
			return k
		}
	}
	return nil
}

func seenAs(kind engine.Kind) func(id string) engine.Key {
	return func(id string) engine.Key { return engine.Key{Kind: kind, ID: id} }
}

func (k *table[T]) empty(t *Tables) { *k.all(t) = map[string]*T{} }

func (k *table[T]) begin(x *Tx) { *k.layer(x) = Layer[T]{kind: k.kind, base: *k.all(x.Tables)} }

func (k *table[T]) child(c *Tx) { *k.layer(c) = Layer[T]{kind: k.kind, parent: k.layer(c.Parent)} }

func (k *table[T]) fold(x, c *Tx) {
	into := k.layer(x)
	for id, v := range k.layer(c).Puts {
		into.Put(id, v)
	}
}

func (k *table[T]) batch(x *Tx, b *engine.Batch) {
	for id, v := range k.layer(x).Puts {
		key := engine.Key{Kind: k.kind, ID: id}
		if v == nil {
			b.Deletes = append(b.Deletes, key)
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("encode %s %s: %v", k.kind, id, err)) // our own types always encode
		}
		r := engine.Record{Kind: k.kind, ID: id, At: x.Now, Data: data}
		if k.meta != nil {
			r.Revision, r.Author = k.meta(v).Revision, x.authors[key]
		}
		if past := x.Again[key]; past != nil {
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

func (k *table[T]) merge(x *Tx) {
	all := *k.all(x.Tables)
	for id, v := range k.layer(x).Puts {
		if k.name != nil {
			rename(x.Tables, k.kind, id, all[id], v, k.name)
		}
		if k.index != nil {
			k.index(x.Tables, id, all[id], v)
		}
		if v == nil {
			delete(all, id)
		} else {
			all[id] = v
		}
	}
}

func (k *table[T]) load(ctx context.Context, s engine.Store, x *Tx) error {
	for r, err := range engine.Records(ctx, s, k.kind, engine.Query{Term: k.loaded}) {
		if err != nil {
			return err
		}
		v := new(T)
		if err := json.Unmarshal(r.Data, v); err != nil {
			return fmt.Errorf("read %s %s: %w", k.kind, r.ID, err)
		}
		k.layer(x).Put(r.ID, v)
	}
	return nil
}

func (k *table[T]) changed(x *Tx, note func(engine.Key)) {
	if k.seenAs == nil {
		return
	}
	for id := range k.layer(x).Puts {
		note(k.seenAs(id))
	}
}

// changes is how many objects x itself put or deleted.
func (k *table[T]) changes(x *Tx) int { return len(k.layer(x).Puts) }

// touched is what x and its parents put or deleted.
func (k *table[T]) touched(x *Tx) iter.Seq[string] { return k.layer(x).Touched() }

func (k *table[T]) is(kind engine.Kind) bool { return k.kind == kind }

// nameOf returns the name of an object, "" when it is not there.
func (k *table[T]) nameOf(x *Tx, id string) string {
	if v := k.layer(x).Get(id); v != nil && k.name != nil {
		return k.name(v)
	}
	return ""
}

func indexService(t *Tables, id string, old, now *engine.Service) {
	t.link(engine.Ref{
		Kind: engine.KindService,
		ID:   id,
	}, alertingOf(old, func(s *engine.Service) *engine.Alerting { return &s.Alerting }), alertingOf(now, func(s *engine.Service) *engine.Alerting { return &s.Alerting }))
}

func indexInstance(t *Tables, id string, old, now *engine.Instance) {
	t.link(engine.Ref{
		Kind: engine.KindInstance,
		ID:   id,
	}, alertingOf(old, func(i *engine.Instance) *engine.Alerting { return &i.Alerting }), alertingOf(now, func(i *engine.Instance) *engine.Alerting { return &i.Alerting }))
}

// alertingOf is how an object alerts; one that is not there links to nothing.
func alertingOf[T any](v *T, of func(*T) *engine.Alerting) *engine.Alerting {
	if v == nil {
		return &engine.Alerting{}
	}
	return of(v)
}

func (t *Tables) link(target engine.Ref, old, now *engine.Alerting) {
	t.relink(target, old.StatusChecks, now.StatusChecks)
	t.depend(target, old.DependsOn, now.DependsOn)
}

func indexCheck(t *Tables, id string, old, now *engine.Check) {
	if old != nil {
		delete(t.Pings, old.PingToken)
	}
	if now == nil {
		delete(t.Latest, id)
	} else if now.PingToken != "" {
		t.Pings[now.PingToken] = id
	}
}

// indexSilence keeps the silences by what they name.
func indexSilence(t *Tables, id string, old, now *engine.Silence) {
	if old != nil {
		for _, key := range silence.Names(old) {
			delete(t.SilencesOf[key], id)
			if len(t.SilencesOf[key]) == 0 {
				delete(t.SilencesOf, key)
			}
		}
	}
	if now != nil {
		for _, key := range silence.Names(now) {
			if t.SilencesOf[key] == nil {
				t.SilencesOf[key] = map[string]bool{}
			}
			t.SilencesOf[key][id] = true
		}
	}
}

func indexToken(t *Tables, id string, old, now *engine.Token) {
	if old != nil {
		delete(t.TokenHash, old.Hash)
	}
	if now != nil {
		t.TokenHash[now.Hash] = id
	}
}

func (t *Tables) relink(subject engine.Ref, old, now []string) {
	for _, id := range old {
		delete(t.TargetsOf[id], subject)
		if len(t.TargetsOf[id]) == 0 {
			delete(t.TargetsOf, id)
		}
	}
	for _, id := range now {
		if t.TargetsOf[id] == nil {
			t.TargetsOf[id] = map[engine.Ref]bool{}
		}
		t.TargetsOf[id][subject] = true
	}
}

func rename[T any](t *Tables, kind engine.Kind, id string, old, now *T, name func(*T) string) {
	if t.names[kind] == nil {
		t.names[kind] = map[string]string{}
	}
	if old != nil && t.names[kind][NameKey(kind, name(old))] == id {
		delete(t.names[kind], NameKey(kind, name(old)))
	}
	if now != nil {
		t.names[kind][NameKey(kind, name(now))] = id
	}
}

// indexDelivery keeps the index from incidents to their active deliveries.
func (t *Tables) indexDelivery(id string, old, d *engine.Delivery) {
	if d != nil && d.Active() && d.Incident != "" {
		if t.Waiting[d.Incident] == nil {
			t.Waiting[d.Incident] = map[string]bool{}
		}
		t.Waiting[d.Incident][id] = true
		return
	}
	incident := ""
	if d != nil {
		incident = d.Incident
	} else if old != nil {
		incident = old.Incident
	}
	delete(t.Waiting[incident], id)
	if len(t.Waiting[incident]) == 0 {
		delete(t.Waiting, incident)
	}
}

// depend keeps the index from what is depended on to what depends on it.
func (t *Tables) depend(child engine.Ref, old, now []engine.Ref) {
	for _, parent := range old {
		delete(t.Dependents[parent], child)
		if len(t.Dependents[parent]) == 0 {
			delete(t.Dependents, parent)
		}
	}
	for _, parent := range now {
		if t.Dependents[parent] == nil {
			t.Dependents[parent] = map[engine.Ref]bool{}
		}
		t.Dependents[parent][child] = true
	}
}
