package frame

import (
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/server/web/drawing"
)

// Tried is what a "Try" came to.
type Tried struct {
	Result *engine.Result
	At     time.Time
}

// Timings are the parts of the run that took time.
func (t *Tried) Timings() []Timing { return Timings(t.Result) }

// Timing is one metric of a run as a bar beside the others.
type Timing struct {
	Metric engine.Metric
	Width  float64 // of 100; negative: no time
	Text   string
}

// Timings shows a run's metrics; those that are times get a bar against the
// longest of them and the whole run.
func Timings(r *engine.Result) []Timing {
	longest := r.Took
	inSeconds := func(m engine.Metric) (float64, bool) {
		switch strings.ToLower(m.Unit) {
		case "s":
			return m.Value, true
		case "ms":
			return m.Value / 1000, true
		}
		return 0, false
	}
	for _, m := range r.Metrics {
		if s, ok := inSeconds(m); ok {
			longest = max(longest, s)
		}
	}
	var out []Timing
	for _, m := range r.Metrics {
		t := Timing{Metric: m, Width: -1, Text: drawing.FormatNumber(m.Value, m.Unit)}
		if s, ok := inSeconds(m); ok && longest > 0 && s >= 0 {
			t.Width = 100 * s / longest
		}
		out = append(out, t)
	}
	return out
}
