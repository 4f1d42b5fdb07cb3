package drawing

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"moonwatch/engine/history"
)

// Instant is a time, or what a pointer to one holds; ok is false when there is none.
func Instant(at any) (time.Time, bool) {
	switch at := at.(type) {
	case time.Time:
		return at, !at.IsZero()
	case *time.Time:
		if at != nil {
			return *at, !at.IsZero()
		}
	}
	return time.Time{}, false
}

// Distance is how far an instant is from now: "2 min ago", "in 3 h".
func Distance(d time.Duration) string {
	switch {
	case d > -10*time.Second && d < 10*time.Second:
		return "just now"
	case d > 0:
		return "in " + Span(d)
	}
	return Span(-d) + " ago"
}

// Span is a length of time in its largest unit, or two where one is coarse.
func Span(d time.Duration) string {
	two := func(big time.Duration, bigName string, small time.Duration, smallName string) string {
		text := strconv.Itoa(int(d/big)) + " " + bigName
		if rest := d % big / small; rest > 0 && d/big < 10 {
			text += " " + strconv.Itoa(int(rest)) + " " + smallName
		}
		return text
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < day:
		return two(time.Hour, "h", time.Minute, "min")
	}
	return two(day, "d", time.Hour, "h")
}

// FormatSeconds shows a time taken, given in seconds.
func FormatSeconds(s float64) string {
	switch {
	case s <= 0:
		return "0 ms"
	case s < 0.001:
		return strconv.FormatFloat(s*1e6, 'f', 0, 64) + " µs"
	case s < 0.01:
		return strconv.FormatFloat(s*1000, 'f', 1, 64) + " ms"
	case s < 1:
		return strconv.FormatFloat(s*1000, 'f', 0, 64) + " ms"
	case s < 120:
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	}
	return Span(time.Duration(s * float64(time.Second)))
}

// FormatNumber shows a measured number with its unit, in at most four digits
// that say something.
func FormatNumber(v float64, unit string) string {
	switch strings.ToLower(unit) {
	case "s", "sec", "seconds":
		if v >= 0 {
			return FormatSeconds(v)
		}
	case "ms":
		if v >= 0 && v >= 1000 {
			return FormatSeconds(v / 1000)
		}
	case "b", "bytes":
		return FormatBytes(v)
	}
	text := significant(v)
	switch unit {
	case "":
		return text
	case "%":
		return text + " %"
	}
	return text + " " + unit
}

func significant(v float64) string {
	abs := math.Abs(v)
	switch {
	case abs >= 1e15 || abs > 0 && abs < 1e-4:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case abs >= 1000 || v == math.Trunc(v):
		return Grouped(strconv.FormatFloat(v, 'f', 0, 64))
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case abs >= 1:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), "0")
	}
	return strings.TrimRight(strconv.FormatFloat(v, 'f', 4, 64), "0")
}

// Grouped puts thin spaces between thousands.
func Grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return sign + digits
}

// FormatBytes writes a number of bytes in its largest unit.
func FormatBytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(v) >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return significant(v) + " B"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[i]
}

// Counted is a number with its noun, in the plural where it takes one.
func Counted(n any, noun string) string {
	i, _ := strconv.Atoi(fmt.Sprint(n))
	if i == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return Grouped(strconv.Itoa(i)) + " " + noun + "s"
}

// Short cuts text to at most n characters.
func Short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// Lasts shows seconds as a length of time, nothing below one.
func Lasts(seconds any) string {
	v, ok := seconds.(float64)
	if at, pointed := seconds.(*float64); pointed && at != nil {
		v, ok = *at, true
	}
	if !ok || v < 1 {
		return ""
	}
	return Span(time.Duration(v * float64(time.Second)))
}

// CriticalTime says how much of the broken time was critical.
func CriticalTime(u history.Uptime) string {
	if text := Lasts(u.Critical); text != "" {
		return "critical " + text
	}
	return ""
}
