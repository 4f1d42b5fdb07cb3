package rota

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// stamp is a DATE or DATE-TIME value: a clock reading, and whose clock it is.
type stamp struct {
	at   wall
	date bool           // a whole day; at is its midnight
	zone *time.Location // nil is floating: the clock of whoever reads it
}

// instant resolves s; a floating one is read on the given clock.
func (s stamp) instant(floating *time.Location) time.Time {
	return s.at.in(s.zoneOr(floating))
}

func (s stamp) zoneOr(floating *time.Location) *time.Location {
	if s.zone != nil {
		return s.zone
	}
	return floating
}

// on reads s on the clock of zone; a date and a floating time stay as written.
func (s stamp) on(zone *time.Location) wall {
	if s.zone == nil || s.zone == zone {
		return s.at
	}
	return wallOf(s.at.in(s.zone), zone)
}

// parseStamp reads 20260105, 20260105T090000 and 20260105T090000Z, and the same
// with the punctuation of ISO 8601. zone is that of a local time.
func parseStamp(text string, zone *time.Location) (stamp, error) {
	text = strings.TrimSpace(text)
	bad := func() (stamp, error) { return stamp{}, fmt.Errorf("%s is not a date", quote(text)) }
	plain := text
	if strings.ContainsAny(plain, "-:") {
		plain = strings.NewReplacer("-", "", ":", "").Replace(plain)
	}
	day, clock, timed := strings.Cut(strings.ToUpper(plain), "T")
	if len(day) != 8 {
		return bad()
	}
	year, ok1 := digits(day[:4])
	month, ok2 := digits(day[4:6])
	dom, ok3 := digits(day[6:])
	if !ok1 || !ok2 || !ok3 || year == 0 || month < 1 || month > 12 || dom < 1 || dom > daysIn(year, time.Month(month)) {
		return bad()
	}
	if !timed {
		return stamp{at: wallDate(year, time.Month(month), dom, 0, 0, 0), date: true}, nil
	}
	clock, isUTC := strings.CutSuffix(clock, "Z")
	if isUTC {
		zone = time.UTC
	}
	if len(clock) == 4 {
		clock += "00"
	}
	if len(clock) != 6 {
		return bad()
	}
	hour, ok1 := digits(clock[:2])
	minute, ok2 := digits(clock[2:4])
	second, ok3 := digits(clock[4:])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
		return bad()
	}
	return stamp{at: wallDate(year, time.Month(month), dom, hour, minute, second), zone: zone}, nil
}

// longestSpan bounds a duration, in seconds: a shift is no longer than ten years.
const longestSpan = 10 * 366 * secondsPerDay

// parseSpan reads a DURATION (P1W, P1DT12H, -PT15M) as seconds on the wall clock.
func parseSpan(text string) (int64, error) {
	bad := func() (int64, error) { return 0, fmt.Errorf("%s is not a duration", quote(text)) }
	rest := strings.ToUpper(strings.TrimSpace(text))
	sign := int64(1)
	if strings.HasPrefix(rest, "-") {
		sign = -1
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, "+-"), "P")
	if !ok || rest == "" {
		return bad()
	}
	total, clock := int64(0), false
	for rest != "" {
		if rest[0] == 'T' && !clock {
			clock, rest = true, rest[1:]
			continue
		}
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 || n > 9 || n == len(rest) {
			return bad()
		}
		count, _ := digits(rest[:n])
		unit := secondsOf(rest[n], clock)
		if unit == 0 {
			return bad()
		}
		total += int64(count) * unit
		rest = rest[n+1:]
	}
	if total > longestSpan {
		return 0, errors.New("a shift of more than ten years")
	}
	return sign * total, nil
}

func secondsOf(unit byte, clock bool) int64 {
	switch {
	case unit == 'W' && !clock:
		return 7 * secondsPerDay
	case unit == 'D' && !clock:
		return secondsPerDay
	case unit == 'H' && clock:
		return 60 * 60
	case unit == 'M' && clock:
		return 60
	case unit == 'S' && clock:
		return 1
	}
	return 0
}

// parseOffset reads +0100, -0530 or +013045 as seconds east of UTC.
func parseOffset(text string) (int, error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), ":", "")
	if len(text) == 5 || len(text) == 7 {
		hours, ok1 := digits(text[1:3])
		minutes, ok2 := digits(text[3:5])
		seconds, ok3 := 0, true
		if len(text) == 7 {
			seconds, ok3 = digits(text[5:])
		}
		offset := hours*3600 + minutes*60 + seconds
		if ok1 && ok2 && ok3 && minutes < 60 && seconds < 60 && offset <= widestOffset {
			switch text[0] {
			case '+':
				return offset, nil
			case '-':
				return -offset, nil
			}
		}
	}
	return 0, fmt.Errorf("%s is not an offset from UTC", quote(text))
}

// digits reads a text of ASCII digits only; at most nine, so that it fits.
func digits(text string) (int, bool) {
	if text == "" || len(text) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// quote shows a value from a feed in a message, cut where it is long.
func quote(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return `"` + strings.Map(printable, text) + `"`
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
