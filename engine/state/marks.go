package state

import "moonwatch/engine"

// welcomeMark is the id of the record that says that the first service was
// made, or that somebody was quicker: it is never made again.
const welcomeMark = "welcome"

// Welcomed marks that the monitor holds, or held, something.
func (x *Tx) Welcomed() {
	if !x.State.Marked.Load() {
		x.Write(engine.KindMark, welcomeMark, true)
		x.WhenDurable(func() { x.State.Marked.Store(true) })
	}
}
