package storage

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"moonwatch/engine"
	"moonwatch/storage/internal/block"
	"moonwatch/storage/internal/layout"
)

// staged is a batch made ready by its caller's goroutine, so that the committer
// has little left to do.
type staged struct {
	ready   []op // needs nothing of what is stored: results, revisions
	changes []change
	author  string
	at      time.Time
}

// change is what becomes of one record.
type change struct {
	kind    engine.Kind
	id      string
	delete  bool
	value   []byte
	terms   []string
	expires uint64
	// lastPut is the highest revision that the batch itself puts.
	lastPut uint64
}

func stage(b *engine.Batch) (*staged, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	s := &staged{author: b.Author, at: b.At}
	index := make(map[engine.Key]int, len(b.Puts)+len(b.Deletes))
	at := func(key engine.Key) *change {
		i, ok := index[key]
		if !ok {
			i = len(s.changes)
			index[key] = i
			s.changes = append(s.changes, change{kind: key.Kind, id: key.ID})
		}
		return &s.changes[i]
	}
	for i := range b.Puts {
		r := &b.Puts[i]
		c := at(engine.Key{Kind: r.Kind, ID: r.ID})
		c.value, c.terms, c.expires, c.lastPut = layout.EncodeRecord(r), distinct(r.Terms), expiry(r.Expires), r.Revision
		if r.Revision > 0 {
			v := engine.Revision{Author: r.Author, At: r.At, Data: r.Data}
			s.ready = append(s.ready, op{key: layout.RevisionKey(r.Kind, r.ID, r.Revision), value: layout.EncodeRevision(&v)})
		}
	}
	for _, key := range b.Deletes {
		at(key).delete = true
	}
	for i := range b.Results {
		r := &b.Results[i]
		s.ready = append(s.ready, op{key: layout.SeqKey(layout.RowSpace, r.Check, r.Seq), value: block.EncodeRow(r)})
	}
	return s, nil
}

func distinct(terms []string) []string {
	if len(terms) < 2 {
		return terms
	}
	sorted := slices.Clone(terms)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// expiry is the second after which Badger may drop what expires at t: whole
// seconds rounded up, and never 0 for a time.
func expiry(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.Unix()+1, 1))
}

// plan says what to write, by what is stored now. The committer calls it.
func (s *staged) plan(tx *badger.Txn, terms termKinds) ([]op, error) {
	ops := s.ready[:len(s.ready):len(s.ready)]
	for i := range s.changes {
		c := &s.changes[i]
		var old *engine.Record
		if c.delete || terms.any(tx, c) {
			var err error
			if old, err = storedHead(tx, c.kind, c.id); err != nil {
				return nil, err
			}
		}
		if c.delete {
			ops = s.planDelete(ops, c, old)
		} else {
			ops = planPut(ops, c, old)
		}
	}
	return ops, nil
}

// termKinds tells of which kinds any record has, or had, terms; kinds that were
// not looked at yet are not in it. It is the committer's. A record of the other
// kinds is written without reading what it replaces: states come with every
// result of a check that is new or in trouble.
type termKinds map[engine.Kind]bool

func (k termKinds) any(tx *badger.Txn, c *change) bool {
	if len(c.terms) > 0 {
		k[c.kind] = true
	}
	known, looked := k[c.kind]
	if !looked {
		it := tx.NewIterator(badger.IteratorOptions{Prefix: layout.Join(layout.TermSpace, string(c.kind))})
		defer it.Close()
		it.Rewind()
		known = it.Valid()
		k[c.kind] = known
	}
	return known
}

func planPut(ops []op, c *change, old *engine.Record) []op {
	var had []string
	var expired uint64
	if old != nil {
		had, expired = old.Terms, expiry(old.Expires)
	}
	for _, term := range had {
		if !slices.Contains(c.terms, term) {
			ops = append(ops, op{key: layout.TermKey(c.kind, term, c.id), delete: true})
		}
	}
	for _, term := range c.terms {
		if c.expires != expired || !slices.Contains(had, term) {
			ops = append(ops, op{key: layout.TermKey(c.kind, term, c.id), expires: c.expires})
		}
	}
	return append(ops, op{key: layout.RecordKey(c.kind, c.id), value: c.value, expires: c.expires})
}

func (s *staged) planDelete(ops []op, c *change, old *engine.Record) []op {
	last := c.lastPut
	if old != nil {
		last = max(last, old.Revision)
		for _, term := range old.Terms {
			ops = append(ops, op{key: layout.TermKey(c.kind, term, c.id), delete: true})
		}
		ops = append(ops, op{key: layout.RecordKey(c.kind, c.id), delete: true})
	}
	if last == 0 {
		return ops
	}
	at := s.at
	if at.IsZero() {
		at = time.Now()
	}
	marker := engine.Revision{Deleted: true, Author: s.author, At: at}
	return append(ops, op{key: layout.RevisionKey(c.kind, c.id, last+1), value: layout.EncodeRevision(&marker)})
}

// storedHead is the record that is stored, without its data, or nil.
func storedHead(tx *badger.Txn, kind engine.Kind, id string) (*engine.Record, error) {
	item, err := tx.Get(layout.RecordKey(kind, id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	var r engine.Record
	err = valueOf(item, func(b []byte) (err error) {
		r, err = layout.DecodeRecord(kind, id, b)
		r.Data = nil
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return &r, nil
}
