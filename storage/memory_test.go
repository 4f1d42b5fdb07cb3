package storage

import (
	"testing"

	"github.com/dgraph-io/ristretto/v2/z"
)

// The memory that tables are built in is about as large as what lies in it, and a pool
// keeps little of it.
func TestMemoryOfTablesIsBounded(t *testing.T) {
	for first := 512; first <= 64<<20; first *= 2 {
		pool := z.NewAllocatorPool(1)
		defer pool.Release()
		a := pool.Get(first, "test")
		for used := 0; used < 80<<20; used += 32 << 10 {
			if got := a.Allocate(32 << 10); len(got) != 32<<10 {
				t.Fatalf("got %d bytes", len(got))
			}
		}
		if a.Allocated() > 96<<20 {
			t.Errorf("from %d bytes on: 80 MB take %d MB", first, a.Allocated()>>20)
		}
		large := a.Allocate(20 << 20)
		if len(large) != 20<<20 {
			t.Fatalf("got %d bytes", len(large))
		}
		pool.Return(a)
		again := pool.Get(first, "test")
		if kept := again.Allocated(); again == a && kept > 8<<20 {
			t.Errorf("from %d bytes on: the pool keeps %d MB", first, kept>>20)
		}
		for range 5 {
			if len(again.Allocate(5<<20)) != 5<<20 {
				t.Fatal("what came from the pool gives nothing")
			}
		}
		pool.Return(again)
	}
}
