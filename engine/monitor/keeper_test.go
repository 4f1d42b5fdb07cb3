package monitor_test

import (
	"sync/atomic"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestWhatFollowsAChange is there when the change is answered: who saves a rota
// and asks who is on duty is told by that rota.
func TestWhatFollowsAChange(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		var followed atomic.Bool
		err := b.e.WhenDurable(b.t.Context(), func() {
			time.Sleep(time.Second)
			followed.Store(true)
		})
		if err != nil || !followed.Load() {
			t.Errorf("answered before what follows was done: %v", err)
		}
	})
}

// TestTheKeeperDoesNotWaitForItself: what follows a change may ask for another,
// while the queue is full.
func TestTheKeeperDoesNotWaitForItself(t *testing.T) {
	in(t, func(b *bench) {
		b.start()
		r := engine.NewRota()
		r.Name, r.Overrides = "Primary", []engine.RotaOverride{{User: b.user("ada").ID, Start: time.Now(), End: time.Now().Add(time.Hour)}}
		saved, err := b.e.Rotas.SaveRota(b.t.Context(), admin, r)
		if err != nil {
			t.Fatal(err)
		}
		err = b.e.WhenDurable(b.t.Context(), func() {
			b.e.FillQueue()
			b.e.RotaChanged(saved.ID)
		})
		if err != nil {
			t.Error(err)
		}
		pass(time.Second)
	})
}
