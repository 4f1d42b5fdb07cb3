package engine

import (
	"encoding/json"
	"time"

	"moonwatch/engine/form"
)

// Duration is a time.Duration that is written with units ("1h30m") on every interface.
type Duration time.Duration

// String gives the canonical form (see form.FormatDuration).
func (d Duration) String() string { return form.FormatDuration(time.Duration(d)) }

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// MarshalJSON writes the canonical form; zero is null ("none").
func (d Duration) MarshalJSON() ([]byte, error) {
	if d == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(d.String())
}

// UnmarshalJSON reads text with units, or null as zero.
func (d *Duration) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*d = 0
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	v, err := form.ParseDuration(text)
	*d = Duration(v)
	return err
}
