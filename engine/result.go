package engine

import (
	"slices"
	"time"
)

// Result is the outcome of one run of a check. Results are observations: they
// are appended, never changed, and read as a sequence.
type Result struct {
	Check string `json:"check"`
	// Seq orders the results of one check. It is the start in microseconds since
	// the epoch, or one more than the result before when the clock went back: so
	// it can be searched by time and still never repeats.
	Seq           uint64    `json:"seq"`
	PluginVersion string    `json:"plugin_version"`
	Started       time.Time `json:"started"`
	Took          float64   `json:"took"` // seconds
	Succeeded     bool      `json:"succeeded"`
	Unknown       bool      `json:"unknown"`
	Cause         Cause     `json:"cause"` // "" unless unknown
	Severity      Status    `json:"severity"`
	Error         string    `json:"error"`
	Message       string    `json:"message"`
	RawData       string    `json:"raw_data"`
	Metrics       []Metric  `json:"metrics"`
	Log           []LogLine `json:"log"`
	Traceback     string    `json:"traceback,omitempty"`
}

// Metric is one number that a run measured. Thresholds and bounds are nil when not given.
type Metric struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Unit  string   `json:"unit"`
	Warn  *float64 `json:"warn,omitempty"`
	Fail  *float64 `json:"fail,omitempty"`
	Min   *float64 `json:"min,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// LogLine is one line that a plugin logged.
type LogLine struct {
	At      time.Time `json:"at"`
	Level   string    `json:"level"` // debug info warn error
	Message string    `json:"message"`
}

// LastLines returns the last of lines that may be kept.
func LastLines(lines []LogLine) []LogLine {
	size := 0
	for i := len(lines) - 1; i >= 0; i-- {
		if size += len(lines[i].Message); size > maxNotedSize || len(lines)-i > maxNoted {
			return slices.Clone(lines[i+1:])
		}
	}
	return lines
}

// Bounds of what a check keeps of lines that were logged without a result.
const (
	maxNoted     = 100
	maxNotedSize = 32 << 10 // bytes
)
