package vm

import (
	"context"
	"testing"
	"time"

	"moonwatch/luaapi/internal/permit"
)

// A light run keeps its permit while it has done little, however long that took on
// a busy machine: in the queue of those who used up their slice it would wait long.
func TestALightRunIsNotSliced(t *testing.T) {
	t.Parallel()
	permits := permit.NewSemaphore(1)
	v := Context{Context: t.Context(), Light: true, Permit: &permit.Permit{Of: permits}}
	for { // all that light runs have; it holds the last
		own := permit.Permit{Of: permits}
		if !own.Try(permit.Light) {
			break
		}
		*v.Permit = own
	}
	if !v.Permit.Held {
		t.Fatal("no permit")
	}
	waiting, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan error, 1)
	other := permit.Permit{Of: permits}
	go func() { got <- other.Acquire(waiting, permit.Light) }()
	for permits.Waiting() == 0 {
		time.Sleep(10 * time.Microsecond)
	}
	v.SliceStart = time.Now().Add(-time.Minute)
	v.Share()
	if len(got) > 0 || !v.Permit.Held || permits.Waiting() != 1 {
		t.Error("it gave its permit away")
	}
	v.Permit.Release()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
