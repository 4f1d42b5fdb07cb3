package engine

// welcomeMark is the id of the record that says that the first service was
// made, or that somebody was quicker: it is never made again.
const welcomeMark = "welcome"

// welcomed marks that the monitor holds, or held, something.
func (x *tx) welcomed() {
	if !x.e.marked.Load() {
		x.write(KindMark, welcomeMark, true)
		x.whenDurable(func() { x.e.marked.Store(true) })
	}
}
