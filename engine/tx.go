package engine

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"time"
)

// tables hold all objects that the engine keeps in memory. The objects are
// immutable: a change replaces the pointer. Only the keeper writes, under the
// engine's lock; readers hold the read lock while they look at the maps, and may
// keep the pointers.
type tables struct {
	services   map[string]*Service
	instances  map[string]*Instance
	checks     map[string]*Check
	users      map[string]*User
	tokens     map[string]*Token
	settings   map[string]*Settings
	plugins    map[string]*PluginSettings
	states     map[string]*CheckState
	subjects   map[string]*SubjectState // by Ref.key
	incidents  map[string]*Incident     // open ones, and closed ones with deliveries to make
	deliveries map[string]*Delivery     // active ones
	sessions   map[string]*Session
	breakers   map[string]*Breaker
	silences   map[string]*Silence
	rotas      map[string]*Rota
	contacts   map[string]*Contact // by user id

	subjectsOf map[string]map[Ref]bool    // check id → subjects it is linked to
	dependents map[Ref]map[Ref]bool       // subject → subjects that depend on it
	names      map[Kind]map[string]string // nameKey of the name → id
	waiting    map[string]map[string]bool // incident id → ids of its active deliveries
	latest     map[string]*Result         // last result of each check
	tokenHash  map[string]string          // hash → token id
	pings      map[string]string          // ping token → check id
}

func newTables() *tables {
	return &tables{
		services: map[string]*Service{}, instances: map[string]*Instance{}, checks: map[string]*Check{},
		users: map[string]*User{}, tokens: map[string]*Token{}, settings: map[string]*Settings{},
		plugins: map[string]*PluginSettings{}, states: map[string]*CheckState{}, subjects: map[string]*SubjectState{},
		incidents: map[string]*Incident{}, deliveries: map[string]*Delivery{}, sessions: map[string]*Session{},
		breakers: map[string]*Breaker{}, silences: map[string]*Silence{}, rotas: map[string]*Rota{}, contacts: map[string]*Contact{},
		dependents: map[Ref]map[Ref]bool{},
		subjectsOf: map[string]map[Ref]bool{}, names: map[Kind]map[string]string{},
		waiting: map[string]map[string]bool{}, latest: map[string]*Result{}, tokenHash: map[string]string{}, pings: map[string]string{},
	}
}

// SubjectState is what is derived of a service or instance.
type SubjectState struct {
	Subject  Ref        `json:"subject"`
	Overall  Status     `json:"overall_status"`
	Old      Status     `json:"old_overall_status"`
	Since    time.Time  `json:"since"`
	LastSent *time.Time `json:"last_alert_sent"`
	Incident string     `json:"incident"`          // of the open incident, "" without
	Problem  string     `json:"problem,omitempty"` // why the default rule took the place of the subject's own
}

func (r Ref) key() string { return string(r.Kind) + ":" + r.ID }

// layer is a table as a transaction sees it: what it put, over its parent's
// layer or the tables.
type layer[T any] struct {
	kind   Kind
	base   map[string]*T
	parent *layer[T]
	puts   map[string]*T // nil value: deleted
}

func (l *layer[T]) get(id string) *T {
	if v, ok := l.puts[id]; ok {
		return v
	}
	if l.parent != nil {
		return l.parent.get(id)
	}
	return l.base[id]
}

func (l *layer[T]) put(id string, v *T) {
	if l.puts == nil {
		l.puts = map[string]*T{}
	}
	l.puts[id] = v
}

func (l *layer[T]) delete(id string) { l.put(id, nil) }

// all yields every object in no order.
func (l *layer[T]) all() iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for id, v := range l.puts {
			if v != nil && !yield(id, v) {
				return
			}
		}
		below := maps.All(l.base)
		if l.parent != nil {
			below = l.parent.all()
		}
		for id, v := range below {
			if _, shadowed := l.puts[id]; !shadowed && !yield(id, v) {
				return
			}
		}
	}
}

// touched yields what this layer and its parents put or deleted.
func (l *layer[T]) touched() iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := l; at != nil; at = at.parent {
			for id := range at.puts {
				if !yield(id) {
					return
				}
			}
		}
	}
}

func (l *layer[T]) child() layer[T] { return layer[T]{kind: l.kind, parent: l} }

// fold moves a child's puts into l.
func (l *layer[T]) fold(child *layer[T]) {
	for id, v := range child.puts {
		l.put(id, v)
	}
}

// tx is a set of changes under way. It belongs to the keeper's goroutine.
type tx struct {
	e      *Engine
	t      *tables
	parent *tx
	now    time.Time
	by     Actor

	services   layer[Service]
	instances  layer[Instance]
	checks     layer[Check]
	users      layer[User]
	tokens     layer[Token]
	settings   layer[Settings]
	plugins    layer[PluginSettings]
	states     layer[CheckState]
	subjects   layer[SubjectState]
	incidents  layer[Incident]
	deliveries layer[Delivery]
	sessions   layer[Session]
	breakers   layer[Breaker]
	silences   layer[Silence]
	rotas      layer[Rota]
	contacts   layer[Contact]

	written []written // records that are not kept in memory: events of incidents, audit, plugin data
	results []Result
	size    int // bytes of the results' texts
	latest  map[string]*Result
	authors map[Key]string
	again   map[Key][]Record      // revisions that are written anew, the newest of the object last
	deletes bool                  // configuration is deleted: by one command a batch, whose author the batch names
	deleter string                // the username of that command's caller
	after   []func()              // run once the changes are durable
	data    map[string]*scopeData // plugins' stores that were changed, by scope
}

func (e *Engine) begin(now time.Time) *tx {
	t := e.tables
	return &tx{e: e, t: t, now: now,
		services: layer[Service]{kind: KindService, base: t.services}, instances: layer[Instance]{kind: KindInstance, base: t.instances},
		checks: layer[Check]{kind: KindCheck, base: t.checks}, users: layer[User]{kind: KindUser, base: t.users},
		tokens: layer[Token]{kind: KindToken, base: t.tokens}, settings: layer[Settings]{kind: KindSettings, base: t.settings},
		plugins: layer[PluginSettings]{kind: KindPluginSettings, base: t.plugins},
		states:  layer[CheckState]{kind: KindCheckState, base: t.states}, subjects: layer[SubjectState]{kind: KindSubjectState, base: t.subjects},
		incidents:  layer[Incident]{kind: KindIncident, base: t.incidents},
		deliveries: layer[Delivery]{kind: KindDelivery, base: t.deliveries},
		sessions:   layer[Session]{kind: KindSession, base: t.sessions}, breakers: layer[Breaker]{kind: KindBreaker, base: t.breakers},
		silences: layer[Silence]{kind: KindSilence, base: t.silences}, rotas: layer[Rota]{kind: KindRota, base: t.rotas}, contacts: layer[Contact]{kind: KindContact, base: t.contacts},
		latest: map[string]*Result{}, authors: map[Key]string{}, again: map[Key][]Record{}}
}

// child begins a transaction whose changes are folded in by fold, or forgotten.
func (x *tx) child(by Actor) *tx {
	return &tx{e: x.e, t: x.t, parent: x, now: x.now, by: by,
		services: x.services.child(), instances: x.instances.child(), checks: x.checks.child(), users: x.users.child(),
		tokens: x.tokens.child(), settings: x.settings.child(), plugins: x.plugins.child(), states: x.states.child(),
		subjects: x.subjects.child(), incidents: x.incidents.child(), deliveries: x.deliveries.child(),
		sessions: x.sessions.child(), breakers: x.breakers.child(), silences: x.silences.child(), rotas: x.rotas.child(), contacts: x.contacts.child(), latest: map[string]*Result{}, authors: map[Key]string{}, again: map[Key][]Record{}}
}

func (x *tx) fold(c *tx) {
	x.services.fold(&c.services)
	x.instances.fold(&c.instances)
	x.checks.fold(&c.checks)
	x.users.fold(&c.users)
	x.tokens.fold(&c.tokens)
	x.settings.fold(&c.settings)
	x.plugins.fold(&c.plugins)
	x.states.fold(&c.states)
	x.subjects.fold(&c.subjects)
	x.incidents.fold(&c.incidents)
	x.deliveries.fold(&c.deliveries)
	x.sessions.fold(&c.sessions)
	x.breakers.fold(&c.breakers)
	x.silences.fold(&c.silences)
	x.rotas.fold(&c.rotas)
	x.contacts.fold(&c.contacts)
	x.written = append(x.written, c.written...)
	x.results = append(x.results, c.results...)
	x.size += c.size
	maps.Copy(x.latest, c.latest)
	maps.Copy(x.authors, c.authors)
	maps.Copy(x.again, c.again)
	if c.deletes {
		x.deletes, x.deleter = true, c.deleter
	}
	x.after = append(x.after, c.after...)
	if x.data == nil {
		x.data = c.data
	} else {
		maps.Copy(x.data, c.data)
	}
}

// whenDurable runs fn on the keeper once the changes are durable and visible,
// and before who asked for them is told. fn does not block.
func (x *tx) whenDurable(fn func()) { x.after = append(x.after, fn) }

// lastResult returns the newest result of a check, nil without.
func (x *tx) lastResult(check string) *Result {
	for at := x; at != nil; at = at.parent {
		if r := at.latest[check]; r != nil {
			return r
		}
	}
	return x.t.latest[check]
}

// batch turns the changes into plain data for the store.
func (x *tx) batch() *Batch {
	b := &Batch{ID: x.e.batchID(), Author: x.deleter, At: x.now, Results: x.results}
	last := make(map[Key]int, len(x.written))
	for i, w := range x.written {
		last[w.key()] = i
	}
	for i, w := range x.written {
		switch {
		case last[w.key()] != i: // written again later
		case w.deleted:
			b.Deletes = append(b.Deletes, w.key())
		default:
			b.Puts = append(b.Puts, w.Record)
		}
	}
	put(x, b, &x.services, func(v *Service) *Meta { return &v.Meta }, nil)
	put(x, b, &x.instances, func(v *Instance) *Meta { return &v.Meta }, nil)
	put(x, b, &x.checks, func(v *Check) *Meta { return &v.Meta }, nil)
	put(x, b, &x.users, func(v *User) *Meta { return &v.Meta }, nil)
	put(x, b, &x.tokens, func(v *Token) *Meta { return &v.Meta }, nil)
	put(x, b, &x.settings, func(v *Settings) *Meta { return &v.Meta }, nil)
	put(x, b, &x.plugins, func(v *PluginSettings) *Meta { return &v.Meta }, nil)
	put(x, b, &x.states, nil, nil)
	put(x, b, &x.subjects, nil, nil)
	put(x, b, &x.incidents, nil, (*Incident).terms)
	put(x, b, &x.deliveries, nil, (*Delivery).terms)
	put(x, b, &x.sessions, nil, nil)
	put(x, b, &x.breakers, nil, nil)
	put(x, b, &x.silences, func(v *Silence) *Meta { return &v.Meta }, nil)
	put(x, b, &x.rotas, func(v *Rota) *Meta { return &v.Meta }, nil)
	put(x, b, &x.contacts, nil, nil)
	return b
}

func (b *Batch) empty() bool { return len(b.Puts) == 0 && len(b.Deletes) == 0 && len(b.Results) == 0 }

func put[T any](x *tx, b *Batch, l *layer[T], meta func(*T) *Meta, terms func(*T) []string) {
	for id, v := range l.puts {
		key := Key{l.kind, id}
		if v == nil {
			b.Deletes = append(b.Deletes, key)
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("encode %s %s: %v", l.kind, id, err)) // our own types always encode
		}
		r := Record{Kind: l.kind, ID: id, At: x.now, Data: data}
		if meta != nil {
			r.Revision, r.Author = meta(v).Revision, x.authors[key]
		}
		if past := x.again[key]; past != nil {
			b.Puts = append(b.Puts, past...)
			if past[len(past)-1].Revision == r.Revision {
				continue // it was not edited since
			}
		}
		if terms != nil {
			r.Terms = terms(v)
		}
		b.Puts = append(b.Puts, r)
	}
}

// merge makes the changes visible. The caller holds the engine's lock.
func (x *tx) merge() {
	for id, s := range x.services.puts {
		x.t.relink(Ref{KindService, id}, checksOf(x.t.services[id], func(s *Service) []string { return s.StatusChecks }), checksOf(s, func(s *Service) []string { return s.StatusChecks }))
		x.t.depend(Ref{KindService, id}, dependsOf(x.t.services[id], func(s *Service) []Ref { return s.DependsOn }), dependsOf(s, func(s *Service) []Ref { return s.DependsOn }))
		rename(x.t, KindService, id, x.t.services[id], s, func(s *Service) string { return s.Name })
	}
	for id, s := range x.instances.puts {
		x.t.relink(Ref{KindInstance, id}, checksOf(x.t.instances[id], func(s *Instance) []string { return s.StatusChecks }), checksOf(s, func(s *Instance) []string { return s.StatusChecks }))
		x.t.depend(Ref{KindInstance, id}, dependsOf(x.t.instances[id], func(s *Instance) []Ref { return s.DependsOn }), dependsOf(s, func(s *Instance) []Ref { return s.DependsOn }))
		rename(x.t, KindInstance, id, x.t.instances[id], s, func(s *Instance) string { return s.Name })
	}
	for id, c := range x.checks.puts {
		rename(x.t, KindCheck, id, x.t.checks[id], c, func(c *Check) string { return c.Name })
		if old := x.t.checks[id]; old != nil {
			delete(x.t.pings, old.PingToken)
		}
		if c == nil {
			delete(x.t.latest, id)
		} else if c.PingToken != "" {
			x.t.pings[c.PingToken] = id
		}
	}
	for id, u := range x.users.puts {
		rename(x.t, KindUser, id, x.t.users[id], u, func(u *User) string { return u.Username })
	}
	for id, r := range x.rotas.puts {
		rename(x.t, KindRota, id, x.t.rotas[id], r, func(r *Rota) string { return r.Name })
	}
	for id, d := range x.deliveries.puts {
		x.t.enlist(id, d)
	}
	for id, t := range x.tokens.puts {
		if old := x.t.tokens[id]; old != nil {
			delete(x.t.tokenHash, old.Hash)
		}
		if t != nil {
			x.t.tokenHash[t.Hash] = id
		}
	}
	merge(x.t.services, &x.services)
	merge(x.t.instances, &x.instances)
	merge(x.t.checks, &x.checks)
	merge(x.t.users, &x.users)
	merge(x.t.tokens, &x.tokens)
	merge(x.t.settings, &x.settings)
	merge(x.t.plugins, &x.plugins)
	merge(x.t.states, &x.states)
	merge(x.t.subjects, &x.subjects)
	merge(x.t.incidents, &x.incidents)
	merge(x.t.deliveries, &x.deliveries)
	merge(x.t.sessions, &x.sessions)
	merge(x.t.breakers, &x.breakers)
	merge(x.t.silences, &x.silences)
	merge(x.t.rotas, &x.rotas)
	merge(x.t.contacts, &x.contacts)
	for id, r := range x.latest {
		if x.t.checks[id] != nil {
			x.t.latest[id] = r
		}
	}
	x.t.forget(x)
	x.e.data.merge(x.data)
}

func merge[T any](m map[string]*T, l *layer[T]) {
	for id, v := range l.puts {
		if v == nil {
			delete(m, id)
		} else {
			m[id] = v
		}
	}
}

func dependsOf[T any](v *T, of func(*T) []Ref) []Ref {
	if v == nil {
		return nil
	}
	return of(v)
}

func checksOf[T any](v *T, of func(*T) []string) []string {
	if v == nil {
		return nil
	}
	return of(v)
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

// enlist keeps the index from incidents to their active deliveries.
func (t *tables) enlist(id string, d *Delivery) {
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
	} else if old := t.deliveries[id]; old != nil {
		incident = old.Incident
	}
	delete(t.waiting[incident], id)
	if len(t.waiting[incident]) == 0 {
		delete(t.waiting, incident)
	}
}

// forget drops from memory what is over: ended deliveries, and closed incidents
// without deliveries to make. They stay in the store.
func (t *tables) forget(x *tx) {
	for id, d := range x.deliveries.puts {
		if d != nil && !d.Active() {
			delete(t.deliveries, id)
			if in := t.incidents[d.Incident]; in != nil && in.Closed != nil && len(t.waiting[d.Incident]) == 0 {
				delete(t.incidents, d.Incident)
			}
		}
	}
	for id, in := range x.incidents.puts {
		if in != nil && in.Closed != nil && len(t.waiting[id]) == 0 {
			delete(t.incidents, id)
		}
	}
}

func (in *Incident) terms() []string {
	terms := []string{in.Subject.key()}
	if in.Closed == nil {
		terms = append(terms, "open")
	}
	return terms
}

func (d *Delivery) terms() []string {
	terms := []string{"incident:" + d.Incident, d.Subject.key(), "plugin:" + d.Plugin, "state:" + string(d.State)}
	if d.Active() {
		terms = append(terms, "active")
	} else if d.State == DeliverySent {
		terms = append(terms, sentTerm(d.Plugin))
	}
	return terms
}
