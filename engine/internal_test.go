package engine

import (
	"context"
	"time"
)

// SilenceHolds reports whether a silence holds at an instant.
func SilenceHolds(s *Silence, at time.Time) bool {
	holds, _ := s.at(at)
	return holds
}

// WhenDurable makes a change that is followed by fn.
func (e *Engine) WhenDurable(ctx context.Context, fn func()) error {
	return e.do(ctx, system, func(x *tx) error { x.whenDurable(fn); return nil })
}

// FillQueue fills the keeper's queue. It is for the keeper itself: nobody else
// takes from it.
func (e *Engine) FillQueue() {
	for len(e.ops) < cap(e.ops) {
		e.post(func(*tx) error { return nil })
	}
}

// RotaChanged tells of a rota's change as saving it does.
func (e *Engine) RotaChanged(id string) { e.State.duty.changed(id, false) }
