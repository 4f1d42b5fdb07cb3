package monitor

import (
	"context"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// SilenceHolds reports whether a silence holds at an instant.
func SilenceHolds(s *engine.Silence, at time.Time) bool {
	holds, _ := silence.At(s, at)
	return holds
}

// WhenDurable makes a change that is followed by fn.
func (m *Monitor) WhenDurable(ctx context.Context, fn func()) error {
	return m.Submit(ctx, engine.System, func(x *state.Tx) error { x.WhenDurable(fn); return nil })
}

// FillQueue fills the writer's queue. It is for the writer itself: nobody else
// takes from it.
func (m *Monitor) FillQueue() {
	for len(m.Commands) < cap(m.Commands) {
		m.Enqueue(func(*state.Tx) error { return nil })
	}
}

// RotaChanged tells of a rota's change as saving it does.
func (m *Monitor) RotaChanged(id string) { m.State.Duty.Changed(id, false) }
