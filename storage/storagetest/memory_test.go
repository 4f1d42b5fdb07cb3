package storagetest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) engine.Store { return storagetest.NewMemory() },
		func(t *testing.T, s engine.Store) engine.Store {
			s.Close()
			return s.(*storagetest.Memory).Clone()
		})
}

func TestMemoryHooks(t *testing.T) {
	refuse, lost := errors.New("refused"), errors.New("the answer was lost")
	m := storagetest.NewMemory()
	m.KeepBatches()
	batch := func(id string) *engine.Batch {
		return &engine.Batch{ID: id, Puts: []engine.Record{{Kind: engine.KindUser, ID: id, Data: []byte("x")}}}
	}
	m.SetFail(func(b *engine.Batch) error {
		if b.ID == "bad" {
			return refuse
		}
		return nil
	})
	m.SetAfter(func(b *engine.Batch) error {
		if b.ID == "lost" {
			return lost
		}
		return nil
	})
	for id, want := range map[string]error{"good": nil, "bad": refuse, "lost": lost} {
		if err := m.Apply(t.Context(), batch(id)); err != want {
			t.Errorf("Apply(%s) = %v, want %v", id, err, want)
		}
		_, err := m.Get(t.Context(), engine.KindUser, id)
		if found := err == nil; found != (want != refuse) {
			t.Errorf("the record of batch %s is there: %v", id, found)
		}
	}
	if m.Applied() != 2 || len(m.Batches()) != 2 {
		t.Errorf("Applied = %d, Batches = %d, want 2", m.Applied(), len(m.Batches()))
	}
}

func TestMemoryInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := storagetest.NewMemory()
		r := engine.Record{Kind: engine.KindSession, ID: "s", Data: []byte("x"), Expires: time.Now().Add(time.Hour)}
		if err := m.Apply(t.Context(), &engine.Batch{ID: "b", Puts: []engine.Record{r}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		if _, err := m.Get(t.Context(), engine.KindSession, "s"); err != nil {
			t.Errorf("before it expires: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := m.Get(t.Context(), engine.KindSession, "s"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("when it expires: %v", err)
		}
	})
}
