package form

import (
	"math"
	"strings"
	"time"
)

// maxSeconds is the longest duration that is kept, about 146 years.
const maxSeconds = float64(math.MaxInt64/2) / 1e9

// toDuration reads text with units or a number of seconds into canonical text.
func toDuration(v any) (any, *fault) {
	if s, ok := v.(string); ok {
		d, err := ParseDuration(s)
		if err == errTooLong {
			return nil, &fault{code: CodeMax, key: "max_value", text: "This duration is too long."}
		}
		if err != nil {
			return nil, invalid("Enter a duration with units, such as 500ms, 30s or 1h30m.")
		}
		return FormatDuration(d), nil
	}
	n, ok := number(v)
	switch {
	case !ok:
		return nil, wrongType("Enter a duration with units, such as 500ms, 30s or 1h30m.")
	case n < 0:
		return nil, &fault{code: CodeMin, key: "min_value", text: "A duration cannot be negative.", limit: "0"}
	case n >= maxSeconds:
		return nil, &fault{code: CodeMax, key: "max_value", text: "This duration is too long."}
	}
	return FormatDuration(time.Duration(math.Round(n*1e6)) * time.Microsecond), nil
}

// dateTimeLayouts are tried in order; those without a zone are UTC.
var dateTimeLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04",
}

// toDateTime reads text, or a number of seconds since the epoch, into RFC 3339
// in UTC, rounded to the microsecond.
func toDateTime(v any) (any, *fault) {
	bad := "Enter a date and time, such as 2006-01-02T15:04:05Z."
	if s, ok := v.(string); ok {
		s = strings.ToUpper(strings.TrimSpace(s))
		for _, layout := range dateTimeLayouts {
			if t, err := time.Parse(layout, s); err == nil {
				return formatDateTime(t)
			}
		}
		return nil, invalid(bad)
	}
	n, ok := number(v)
	if !ok {
		return nil, wrongType(bad)
	}
	if math.Abs(n) > 1e12 {
		return nil, invalid("This date is out of range.")
	}
	return formatDateTime(time.UnixMicro(int64(math.Round(n * 1e6))))
}

func formatDateTime(t time.Time) (any, *fault) {
	t = t.UTC().Round(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, invalid("This date is out of range.")
	}
	return t.Format(time.RFC3339Nano), nil
}

// durationSeconds and dateTimeSeconds read what toDuration and toDateTime wrote.
func durationSeconds(s string) float64 {
	d, err := ParseDuration(s)
	if err != nil {
		return 0
	}
	return d.Seconds()
}

func dateTimeSeconds(s string) float64 {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
