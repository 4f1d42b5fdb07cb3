// Package config is the monitor's configuration as a YAML document: plain
// structs in which objects name each other by name, written in one canonical
// form and read strictly, with every problem and its line. It knows nothing of
// what the values mean: the engine resolves the names and cleans the values.
//
// Reading is bounded: see MaxBytes, MaxDepth and MaxValues.
package config

// Version is the version of the document's format.
const Version = 1

// What a document may hold.
const (
	MaxBytes    = 16 << 20  // of the text
	MaxDepth    = 100       // of values in values
	MaxValues   = 4_000_000 // values, aliases counted as what they stand for
	MaxProblems = 1000      // complaints about one document
)

// Problem is one complaint about a document. It never holds a value.
type Problem struct {
	Location string `json:"location"` // `checks["web"].config.endpoint`; "" is the document as a whole
	Line     int    `json:"line"`     // from 1; 0 is unknown
	Code     string `json:"code"`     // required unknown type invalid min max unique not_found cycle
	Message  string `json:"message"`
}
