package vm

import "moonwatch/luaapi/internal/memory"

// MeasureAll returns how many bytes the run holds, or any number over limit when it
// is more than that, and how many values it looked at. It remembers the most
// that was found. It is called between two instructions by the goroutine that
// runs them, or by the watchdog while the run is parked.
func (r *Run) MeasureAll(limit uint64) (held uint64, steps int) {
	s := memory.NewMeter(limit)
	s.Until, s.Stop = r.Call.Deadline, &r.VM.parking.back
	s.Sum += uint64(len(r.lib.Asserted()) + len(r.Trace) + r.lib.Building())
	for i := range r.log {
		s.Sum += uint64(len(r.log[i].Message)) + memory.StringSize
	}
	r.Program.Measure(s)
	s.Root(r.env)
	for _, lib := range LibraryNames() {
		s.Root(r.st.Libs.RawGetString(lib)) // what the run added to them
	}
	for _, m := range r.loaded {
		s.Root(m.value)
	}
	if s.Sum <= limit {
		s.Stack(r.st.L)
		for _, th := range r.st.threads[:r.protectedDepth] {
			s.Stack(th.L)
		}
		s.Run()
	}
	if s.Sum+r.Call.outside() > r.Held {
		r.Held = s.Sum + r.Call.outside()
	}
	if !s.Over {
		r.VM.reach.Store(s.Sum)
	}
	return s.Sum + r.Call.outside(), s.Steps
}
