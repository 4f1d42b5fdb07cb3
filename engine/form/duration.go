package form

import (
	"errors"
	"math"
	"math/big"
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

var (
	errDuration = errors.New("write a duration with units, such as 500ms, 30s or 1h30m")
	errTooLong  = errors.New("this duration is too long")
)

// ParseDuration reads numbers with the units ms s m h d w ("500ms", "1h30m",
// "1.5h"), rounded to the microsecond. Negative durations and bare numbers are
// refused; the longest is about 146 years.
func ParseDuration(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 100 {
		return 0, errDuration
	}
	total := new(big.Rat)
	for text != "" {
		part, rest, err := parseUnit(text)
		if err != nil {
			return 0, err
		}
		total.Add(total, part)
		text = rest
	}
	micros := roundRat(total.Quo(total, big.NewRat(1000, 1)))
	if !micros.IsInt64() || micros.Int64() > math.MaxInt64/2/1000 {
		return 0, errTooLong
	}
	return time.Duration(micros.Int64()) * time.Microsecond, nil
}

// parseUnit reads one number with its unit, in nanoseconds.
func parseUnit(text string) (*big.Rat, string, error) {
	n := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if n <= 0 {
		return nil, "", errDuration
	}
	v, ok := new(big.Rat).SetString(text[:n])
	if !ok {
		return nil, "", errDuration
	}
	text = text[n:]
	end := strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' })
	if end < 0 {
		end = len(text)
	}
	for _, u := range units {
		if u.name == text[:end] {
			return v.Mul(v, big.NewRat(int64(u.size), 1)), strings.TrimLeft(text[end:], " "), nil
		}
	}
	return nil, "", errDuration
}

// roundRat rounds half up; r is not negative.
func roundRat(r *big.Rat) *big.Int {
	r = r.Add(r, big.NewRat(1, 2))
	return new(big.Int).Quo(r.Num(), r.Denom())
}

// FormatDuration gives the one canonical form of d: the largest units first,
// weeks only where they come out even ("1w", but "30d"), "0s" for zero, a
// fraction only below a millisecond ("0.5ms").
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	left := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		left = -left
	}
	for _, u := range units {
		if u.name == "ms" {
			break
		}
		if u.name == "w" && left%uint64(u.size) != 0 {
			continue
		}
		if n := left / uint64(u.size); n > 0 {
			b.WriteString(strconv.FormatUint(n, 10) + u.name)
			left -= n * uint64(u.size)
		}
	}
	if left > 0 {
		b.WriteString(strconv.FormatFloat(float64(left)/float64(time.Millisecond), 'f', -1, 64) + "ms")
	}
	return b.String()
}
