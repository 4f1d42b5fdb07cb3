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

	silencesOf map[Key]map[string]bool    // what a silence names → ids of silences
	subjectsOf map[string]map[Ref]bool    // check id → subjects it is linked to
	dependents map[Ref]map[Ref]bool       // subject → subjects that depend on it
	names      map[Kind]map[string]string // nameKey of the name → id
	waiting    map[string]map[string]bool // incident id → ids of its active deliveries
	latest     map[string]*Result         // last result of each check
	tokenHash  map[string]string          // hash → token id
	pings      map[string]string          // ping token → check id
}

func newTables() *tables {
	t := &tables{
		dependents: map[Ref]map[Ref]bool{}, subjectsOf: map[string]map[Ref]bool{}, silencesOf: map[Key]map[string]bool{}, names: map[Kind]map[string]string{},
		waiting: map[string]map[string]bool{}, latest: map[string]*Result{}, tokenHash: map[string]string{}, pings: map[string]string{},
	}
	for _, k := range kinds {
		k.empty(t)
	}
	return t
}

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
	e      *State
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
	again   map[Key][]Record // revisions that are written anew, the newest of the object last
	deletes bool             // configuration is deleted: by one command a batch, whose author the batch names
	deleter string           // the username of that command's caller
	after   []func()         // run once the changes are durable
	visible []func()         // run when the changes become visible, under the engine's lock
	scratch map[string]any   // what parts above note of the changes under way, for later looks in the same transaction
}

func (e *State) begin(now time.Time) *tx {
	x := &tx{e: e, t: e.tables, now: now, latest: map[string]*Result{}, authors: map[Key]string{}, again: map[Key][]Record{}}
	for _, k := range kinds {
		k.begin(x)
	}
	return x
}

// child begins a transaction whose changes are folded in by fold, or forgotten.
func (x *tx) child(by Actor) *tx {
	c := &tx{e: x.e, t: x.t, parent: x, now: x.now, by: by, latest: map[string]*Result{}, authors: map[Key]string{}, again: map[Key][]Record{}}
	for _, k := range kinds {
		k.child(c)
	}
	return c
}

func (x *tx) fold(c *tx) {
	for _, k := range kinds {
		k.fold(x, c)
	}
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
	x.visible = append(x.visible, c.visible...)
	for key, v := range c.scratch {
		x.note(key, v)
	}
}

// whenDurable runs fn on the keeper once the changes are durable and visible,
// and before who asked for them is told. fn does not block.
func (x *tx) whenDurable(fn func()) { x.after = append(x.after, fn) }

// note keeps v for noted, as long as the transaction lasts.
func (x *tx) note(key string, v any) {
	if x.scratch == nil {
		x.scratch = map[string]any{}
	}
	x.scratch[key] = v
}

// noted is what was noted last under a key, here or before; nil without.
func (x *tx) noted(key string) any {
	for at := x; at != nil; at = at.parent {
		if v, ok := at.scratch[key]; ok {
			return v
		}
	}
	return nil
}

// whenVisible runs fn under the engine's lock when the changes become visible.
func (x *tx) whenVisible(fn func()) { x.visible = append(x.visible, fn) }

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
	for _, k := range kinds {
		k.batch(x, b)
	}
	return b
}

func (b *Batch) empty() bool { return len(b.Puts) == 0 && len(b.Deletes) == 0 && len(b.Results) == 0 }

// merge makes the changes visible. The caller holds the engine's lock.
func (x *tx) merge() {
	for _, k := range kinds {
		k.merge(x)
	}
	for id, r := range x.latest {
		if x.t.checks[id] != nil {
			x.t.latest[id] = r
		}
	}
	x.t.forget(x)
	for _, fn := range x.visible {
		fn()
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

// written is a record that passes by memory, or its deletion.
type written struct {
	Record
	deleted bool
}

func (w written) key() Key { return Key{w.Kind, w.ID} }

// erase deletes a record that is not kept in memory.
func (x *tx) erase(kind Kind, id string) {
	x.written = append(x.written, written{Record{Kind: kind, ID: id}, true})
}

// write writes a record that is not kept in memory.
func (x *tx) write(kind Kind, id string, v any, terms ...string) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %s %s: %v", kind, id, err))
	}
	x.writeRecord(Record{Kind: kind, ID: id, At: x.now, Terms: terms, Data: data})
}

// writeRecord writes a record that is not kept in memory, as it is.
func (x *tx) writeRecord(r Record) { x.written = append(x.written, written{r, false}) }
