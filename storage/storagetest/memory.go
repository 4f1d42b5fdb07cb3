package storagetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
)

// ErrClosed is returned by a Memory after Close.
var ErrClosed = errors.New("the store is closed")

// Memory is an engine.Store that forgets everything with the process. It has no
// goroutines and takes its time from the time package, so it can be used inside
// a testing/synctest bubble. It is safe for concurrent use.
//
// The data that Scan hands to its function is overwritten when the function
// returns, so that a caller who keeps it is found out.
type Memory struct {
	// Fail, when not nil, is asked before each batch; its error refuses the
	// batch, which leaves nothing behind. Set it before the store is shared, or
	// with SetFail.
	Fail func(b *engine.Batch) error
	// After, when not nil, is called after each batch was applied; its error is
	// returned all the same, as when an answer is lost. Set it like Fail.
	After func(b *engine.Batch) error

	mu      sync.Mutex // guards all below, Fail and After
	closed  bool
	applied int
	log     []engine.Batch
	logging bool
	records map[engine.Kind]map[string]engine.Record
	history map[engine.Key][]engine.Revision // by number, rising
	results map[string][]engine.Result       // by sequence, rising
}

var _ engine.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		records: map[engine.Kind]map[string]engine.Record{},
		history: map[engine.Key][]engine.Revision{},
		results: map[string][]engine.Result{},
	}
}

// SetFail replaces Fail while the store is in use.
func (m *Memory) SetFail(fail func(b *engine.Batch) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Fail = fail
}

// SetAfter replaces After while the store is in use.
func (m *Memory) SetAfter(after func(b *engine.Batch) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.After = after
}

// Applied is the number of batches that were applied.
func (m *Memory) Applied() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied
}

// KeepBatches makes the store remember the batches it applies, for Batches.
func (m *Memory) KeepBatches() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logging = true
}

// Batches returns the batches applied since KeepBatches, oldest first. Their
// contents are shared with the store and must not be changed.
func (m *Memory) Batches() []engine.Batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log)
}

// Clone returns an open store that holds the same, without the hooks: what a
// process would find after a crash. The batches that are kept come along. It works on a closed store too.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory()
	c.logging, c.log = m.logging, slices.Clone(m.log)
	for kind, records := range m.records {
		c.records[kind] = maps.Clone(records)
	}
	for key, revisions := range m.history {
		c.history[key] = slices.Clone(revisions)
	}
	for check, results := range m.results {
		c.results[check] = slices.Clone(results)
	}
	return c
}

// Close makes every later call fail with ErrClosed.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// Apply implements engine.Store.
func (m *Memory) Apply(ctx context.Context, b *engine.Batch) error {
	m.mu.Lock()
	fail, after := m.Fail, m.After
	m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.Validate(); err != nil {
		return err
	}
	if fail != nil {
		if err := fail(b); err != nil {
			return err
		}
	}
	if err := m.apply(b); err != nil {
		return err
	}
	if after != nil {
		return after(b)
	}
	return nil
}

func (m *Memory) apply(b *engine.Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	m.applied++
	if m.logging {
		m.log = append(m.log, *b)
	}
	for i := range b.Puts {
		m.put(cloneRecord(b.Puts[i]))
	}
	for _, key := range b.Deletes {
		m.remove(key, b)
	}
	for i := range b.Results {
		m.addResult(cloneResult(&b.Results[i]))
	}
	return nil
}

func (m *Memory) put(r engine.Record) {
	if m.records[r.Kind] == nil {
		m.records[r.Kind] = map[string]engine.Record{}
	}
	m.records[r.Kind][r.ID] = r
	if r.Revision > 0 {
		m.addRevision(engine.Key{Kind: r.Kind, ID: r.ID},
			engine.Revision{Number: r.Revision, Author: r.Author, At: r.At, Data: r.Data})
	}
}

func (m *Memory) remove(key engine.Key, b *engine.Batch) {
	old, ok := m.records[key.Kind][key.ID]
	if !ok {
		return
	}
	delete(m.records[key.Kind], key.ID)
	if old.Revision == 0 {
		return
	}
	at := b.At
	if at.IsZero() {
		at = time.Now()
	}
	m.addRevision(key, engine.Revision{Number: old.Revision + 1, Author: b.Author, At: cleanTime(at), Deleted: true})
}

func (m *Memory) addRevision(key engine.Key, r engine.Revision) {
	list := m.history[key]
	i, found := slices.BinarySearchFunc(list, r.Number, func(r engine.Revision, n uint64) int { return compare(r.Number, n) })
	if found {
		list[i] = r
		return
	}
	m.history[key] = slices.Insert(list, i, r)
}

// Get implements engine.Store.
func (m *Memory) Get(ctx context.Context, kind engine.Kind, id string) (engine.Record, error) {
	if err := m.enter(ctx); err != nil {
		return engine.Record{}, err
	}
	defer m.mu.Unlock()
	r, ok := m.records[kind][id]
	if !ok || expired(&r, time.Now()) {
		return engine.Record{}, engine.ErrNotFound
	}
	return cloneRecord(r), nil
}

// Scan implements engine.Store. It holds no lock while fn runs, and shows the
// records as they were when it was called.
func (m *Memory) Scan(ctx context.Context, kind engine.Kind, q engine.Query, fn func(engine.Record) bool) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	found := m.selected(kind, q)
	m.mu.Unlock()
	for _, r := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		r = cloneRecord(r)
		more := fn(r)
		for i := range r.Data {
			r.Data[i] = 0
		}
		if !more {
			break
		}
	}
	return nil
}

// selected returns the records that q selects, in its order. m.mu is held.
func (m *Memory) selected(kind engine.Kind, q engine.Query) []engine.Record {
	ids := slices.Sorted(maps.Keys(m.records[kind]))
	if q.Reverse {
		slices.Reverse(ids)
	}
	now := time.Now()
	var found []engine.Record
	for _, id := range ids {
		if q.Limit > 0 && len(found) == q.Limit {
			break
		}
		if !strings.HasPrefix(id, q.Prefix) || q.After != "" && (q.Reverse && id >= q.After || !q.Reverse && id <= q.After) {
			continue
		}
		r := m.records[kind][id]
		if expired(&r, now) || q.Term != "" && !slices.Contains(r.Terms, q.Term) {
			continue
		}
		found = append(found, r)
	}
	return found
}

// Revisions implements engine.Store.
func (m *Memory) Revisions(ctx context.Context, kind engine.Kind, id string) ([]engine.Revision, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	list := slices.Clone(m.history[engine.Key{Kind: kind, ID: id}])
	slices.Reverse(list)
	for i := range list {
		list[i].Data = slices.Clone(list[i].Data)
	}
	return list, nil
}

// enter returns with m.mu held, or with an error.
func (m *Memory) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	return nil
}

func expired(r *engine.Record, now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

func cloneRecord(r engine.Record) engine.Record {
	r.Terms = slices.Clone(r.Terms)
	r.Data = slices.Clone(r.Data)
	r.At = cleanTime(r.At)
	r.Expires = cleanTime(r.Expires)
	return r
}

// cleanTime is t as it comes back from a disk.
func cleanTime(t time.Time) time.Time { return t.Round(0).UTC() }

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
