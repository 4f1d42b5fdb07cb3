package form

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var units = []struct {
	name string
	size time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour},
	{"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

var errDuration = errors.New("write a duration with units, such as 500ms, 30s or 1h30m")

// ParseDuration reads numbers with the units ms s m h d w ("500ms", "1h30m",
// "1.5h"). Negative durations, bare numbers and anything finer than a
// microsecond's rounding are refused; the largest is about 290 years.
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, errDuration
	}
	var total float64
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n <= 0 {
			return 0, errDuration
		}
		v, err := strconv.ParseFloat(text[:n], 64)
		if err != nil {
			return 0, errDuration
		}
		text = text[n:]
		end := strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
		if end < 0 {
			end = len(text)
		}
		size := time.Duration(0)
		for _, u := range units {
			if u.name == text[:end] {
				size = u.size
			}
		}
		if size == 0 {
			return 0, errDuration
		}
		text = strings.TrimLeft(text[end:], " ")
		total += v * float64(size)
	}
	if total > math.MaxInt64/2 {
		return 0, errors.New("this duration is too long")
	}
	return time.Duration(math.Round(total/1000)) * 1000, nil
}

// FormatDuration gives the one canonical form of d: the largest units first,
// "0s" for zero, a fraction only below a millisecond ("0.5ms").
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	for _, u := range units {
		if u.name == "ms" {
			break
		}
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d -= n * u.size
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms")
	}
	return b.String()
}
