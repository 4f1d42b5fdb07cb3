package state

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"time"

	"moonwatch/engine"
)

// Tables hold all objects that the engine keeps in memory. The objects are
// immutable: a change replaces the pointer. Only the writer writes, under the
// engine's lock; readers hold the read lock while they look at the maps, and may
// keep the pointers.
type Tables struct {
	Services   map[string]*engine.Service
	Instances  map[string]*engine.Instance
	Checks     map[string]*engine.Check
	Users      map[string]*engine.User
	Tokens     map[string]*engine.Token
	settings   map[string]*engine.Settings
	Plugins    map[string]*engine.PluginSettings
	States     map[string]*engine.CheckState
	Subjects   map[string]*engine.SubjectState // by Ref.key
	Incidents  map[string]*engine.Incident     // open ones, and closed ones with deliveries to make
	Deliveries map[string]*engine.Delivery     // active ones
	Sessions   map[string]*engine.Session
	Breakers   map[string]*engine.Breaker
	Silences   map[string]*engine.Silence
	Rotas      map[string]*engine.Rota
	contacts   map[string]*engine.Contact // by user id

	SilencesOf map[engine.Key]map[string]bool     // what a silence names → ids of silences
	TargetsOf  map[string]map[engine.Ref]bool     // check id → subjects it is linked to
	Dependents map[engine.Ref]map[engine.Ref]bool // subject → subjects that depend on it
	names      map[engine.Kind]map[string]string  // NameKey of the name → id
	Waiting    map[string]map[string]bool         // incident id → ids of its active deliveries
	Latest     map[string]*engine.Result          // last result of each check
	TokenHash  map[string]string                  // hash → token id
	Pings      map[string]string                  // ping token → check id
}

func newTables() *Tables {
	t := &Tables{
		Dependents: map[engine.Ref]map[engine.Ref]bool{},
		TargetsOf:  map[string]map[engine.Ref]bool{},
		SilencesOf: map[engine.Key]map[string]bool{},
		names:      map[engine.Kind]map[string]string{},
		Waiting:    map[string]map[string]bool{},
		Latest:     map[string]*engine.Result{},
		TokenHash:  map[string]string{},
		Pings:      map[string]string{},
	}
	for _, k := range kinds {
		k.empty(t)
	}
	return t
}

// Layer is a table as a transaction sees it: what it put, over its parent's
// layer or the tables.
type Layer[T any] struct {
	kind   engine.Kind
	base   map[string]*T
	parent *Layer[T]
	Puts   map[string]*T // nil value: deleted
}

func (l *Layer[T]) Get(id string) *T {
	if v, ok := l.Puts[id]; ok {
		return v
	}
	if l.parent != nil {
		return l.parent.Get(id)
	}
	return l.base[id]
}

func (l *Layer[T]) Put(id string, v *T) {
	if l.Puts == nil {
		l.Puts = map[string]*T{}
	}
	l.Puts[id] = v
}

func (l *Layer[T]) Delete(id string) { l.Put(id, nil) }

// All yields every object in no order.
func (l *Layer[T]) All() iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		for id, v := range l.Puts {
			if v != nil && !yield(id, v) {
				return
			}
		}
		below := maps.All(l.base)
		if l.parent != nil {
			below = l.parent.All()
		}
		for id, v := range below {
			if _, shadowed := l.Puts[id]; !shadowed && !yield(id, v) {
				return
			}
		}
	}
}

// Touched yields what this layer and its parents put or deleted.
func (l *Layer[T]) Touched() iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := l; at != nil; at = at.parent {
			for id := range at.Puts {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// Tx is a set of changes under way. It belongs to the writer's goroutine.
type Tx struct {
	State  *State
	Tables *Tables
	Parent *Tx
	Now    time.Time
	By     engine.Actor

	Services   Layer[engine.Service]
	Instances  Layer[engine.Instance]
	Checks     Layer[engine.Check]
	Users      Layer[engine.User]
	Tokens     Layer[engine.Token]
	Settings   Layer[engine.Settings]
	Plugins    Layer[engine.PluginSettings]
	States     Layer[engine.CheckState]
	Subjects   Layer[engine.SubjectState]
	Incidents  Layer[engine.Incident]
	Deliveries Layer[engine.Delivery]
	Sessions   Layer[engine.Session]
	Breakers   Layer[engine.Breaker]
	Silences   Layer[engine.Silence]
	Rotas      Layer[engine.Rota]
	Contacts   Layer[engine.Contact]

	written []written // records that are not kept in memory: events of incidents, audit, plugin data
	Results []engine.Result
	Size    int // bytes of the results' texts
	Latest  map[string]*engine.Result
	Moved   bool // what a check counts as has moved, or may with its next result: the batch waits for nothing
	authors map[engine.Key]string
	Again   map[engine.Key][]engine.Record // revisions that are written anew, the newest of the object last
	Deletes bool                           // configuration is deleted: by one command a batch, whose author the batch names
	Deleter string                         // the username of that command's caller
	after   []func()                       // run once the changes are durable
	visible []func()                       // run when the changes become visible, under the engine's lock
	locals  map[string]any                 // what parts above note of the changes under way, for later looks in the same transaction
}

func (st *State) Begin(now time.Time) *Tx {
	x := &Tx{
		State:   st,
		Tables:  st.Tables,
		Now:     now,
		Latest:  map[string]*engine.Result{},
		authors: map[engine.Key]string{},
		Again:   map[engine.Key][]engine.Record{},
	}
	for _, k := range kinds {
		k.begin(x)
	}
	return x
}

// child begins a transaction whose changes are folded in by fold, or forgotten.
func (x *Tx) child(by engine.Actor) *Tx {
	c := &Tx{
		State:   x.State,
		Tables:  x.Tables,
		Parent:  x,
		Now:     x.Now,
		By:      by,
		Latest:  map[string]*engine.Result{},
		authors: map[engine.Key]string{},
		Again:   map[engine.Key][]engine.Record{},
	}
	for _, k := range kinds {
		k.child(c)
	}
	return c
}

func (x *Tx) fold(c *Tx) {
	for _, k := range kinds {
		k.fold(x, c)
	}
	x.written = append(x.written, c.written...)
	x.Results = append(x.Results, c.Results...)
	x.Size += c.Size
	x.Moved = x.Moved || c.Moved
	maps.Copy(x.Latest, c.Latest)
	maps.Copy(x.authors, c.authors)
	maps.Copy(x.Again, c.Again)
	if c.Deletes {
		x.Deletes, x.Deleter = true, c.Deleter
	}
	x.after = append(x.after, c.after...)
	x.visible = append(x.visible, c.visible...)
	for key, v := range c.locals {
		x.SetLocal(key, v)
	}
}

// WhenDurable runs fn on the writer once the changes are durable and visible, and
// before the caller of Submit returns. fn must not block.
func (x *Tx) WhenDurable(fn func()) { x.after = append(x.after, fn) }

// SetLocal keeps v for noted, as long as the transaction lasts.
func (x *Tx) SetLocal(key string, v any) {
	if x.locals == nil {
		x.locals = map[string]any{}
	}
	x.locals[key] = v
}

// Local is what was noted last under a key, here or before; nil without.
func (x *Tx) Local(key string) any {
	for at := x; at != nil; at = at.Parent {
		if v, ok := at.locals[key]; ok {
			return v
		}
	}
	return nil
}

// WhenVisible runs fn under the engine's lock when the changes become visible.
func (x *Tx) WhenVisible(fn func()) { x.visible = append(x.visible, fn) }

// LastResult returns the newest result of a check, nil without.
func (x *Tx) LastResult(check string) *engine.Result {
	for at := x; at != nil; at = at.Parent {
		if r := at.Latest[check]; r != nil {
			return r
		}
	}
	return x.Tables.Latest[check]
}

// batch turns the changes into plain data for the store.
func (x *Tx) batch() *engine.Batch {
	b := &engine.Batch{ID: x.State.writer.batchID(), Author: x.Deleter, At: x.Now, Results: x.Results}
	last := make(map[engine.Key]int, len(x.written))
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

// calm reports whether x holds nothing but results, and what checks count of them.
func (x *Tx) calm() bool {
	if len(x.written)+len(x.after)+len(x.visible) > 0 || x.Deletes || x.Moved {
		return false
	}
	for _, k := range kinds {
		if k.changes(x) > 0 && !k.is(engine.KindCheckState) {
			return false
		}
	}
	return true
}

func empty(b *engine.Batch) bool {
	return len(b.Puts) == 0 && len(b.Deletes) == 0 && len(b.Results) == 0
}

// merge makes the changes visible. The caller holds the engine's lock.
func (x *Tx) merge() {
	for _, k := range kinds {
		k.merge(x)
	}
	for id, r := range x.Latest {
		if x.Tables.Checks[id] != nil {
			x.Tables.Latest[id] = r
		}
	}
	x.Tables.forget(x)
	for _, fn := range x.visible {
		fn()
	}
}

// forget drops from memory what is over: ended deliveries, and closed incidents
// without deliveries to make. They stay in the store.
func (t *Tables) forget(x *Tx) {
	for id, d := range x.Deliveries.Puts {
		if d != nil && !d.Active() {
			delete(t.Deliveries, id)
			if in := t.Incidents[d.Incident]; in != nil && in.Closed != nil && len(t.Waiting[d.Incident]) == 0 {
				delete(t.Incidents, d.Incident)
			}
		}
	}
	for id, in := range x.Incidents.Puts {
		if in != nil && in.Closed != nil && len(t.Waiting[id]) == 0 {
			delete(t.Incidents, id)
		}
	}
}

// written is a record that passes by memory, or its deletion.
type written struct {
	engine.Record
	deleted bool
}

func (w written) key() engine.Key { return engine.Key{Kind: w.Kind, ID: w.ID} }

// Erase deletes a record that is not kept in memory.
func (x *Tx) Erase(kind engine.Kind, id string) {
	x.written = append(x.written, written{engine.Record{Kind: kind, ID: id}, true})
}

// Write writes a record that is not kept in memory.
func (x *Tx) Write(kind engine.Kind, id string, v any, terms ...string) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %s %s: %v", kind, id, err))
	}
	x.WriteRecord(engine.Record{Kind: kind, ID: id, At: x.Now, Terms: terms, Data: data})
}

// WriteRecord writes a record that is not kept in memory, as it is.
func (x *Tx) WriteRecord(r engine.Record) { x.written = append(x.written, written{r, false}) }
