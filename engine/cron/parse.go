package cron

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// shorthands stand for whole expressions.
var shorthands = map[string]string{
	"@yearly":    "0 0 1 1 *",
	"@annually":  "0 0 1 1 *",
	"@monthly":   "0 0 1 * *",
	"@weekly":    "0 0 * * 0",
	"@daily":     "0 0 * * *",
	"@midnight":  "0 0 * * *",
	"@hourly":    "0 * * * *",
	"@always":    "* * * * *",
	"@5minutes":  "*/5 * * * *",
	"@10minutes": "*/10 * * * *",
	"@15minutes": "*/15 * * * *",
	"@30minutes": "0,30 * * * *",
}

// most bounds the length of an expression, in bytes.
const most = 200

// Parse reads an expression of five fields (minute, hour, day of the month,
// month, weekday) or a shorthand such as @daily. Fields are lists of numbers,
// names (JAN, MON), ranges and steps; 0 and 7 are Sunday; ? is *. The day may
// also be L (the last) and 15W (the weekday nearest to the 15th), the weekday
// 5L (the last Friday) and 5#2 (the second Friday). When day and weekday are
// both given, either will do. The error says what is wrong, and repeats nothing
// of the text.
func Parse(text string) (*Expression, error) {
	if len(text) > most {
		return nil, fmt.Errorf("a cron expression has at most %d characters", most)
	}
	text = strings.ToUpper(strings.TrimSpace(text))
	if strings.HasPrefix(text, "@") {
		var err error
		if text, err = expand(strings.ToLower(text)); err != nil {
			return nil, err
		}
	}
	words := strings.Fields(text)
	if len(words) != 5 {
		return nil, fmt.Errorf("a cron expression has five fields (minute, hour, day, month, weekday), such as 30 8 * * 1-5; this has %d", len(words))
	}
	x := &Expression{everyHour: strings.ContainsAny(words[1], "*/?")}
	x.both = star(words[2]) || star(words[4])
	var sets [5]uint64
	for i, f := range fields {
		for item := range strings.SplitSeq(words[i], ",") {
			set, err := f.read(item, x)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			sets[i] |= set
		}
	}
	const everyHour = 1<<24 - 1
	x.everyHour = x.everyHour || sets[1] == everyHour
	x.monthDays.days, x.months, x.weekdays.days = uint32(sets[2]), uint16(sets[3]), uint8(sets[4]|sets[4]>>7)&0x7f
	for day := range x.times {
		for hour := range 24 {
			if sets[1]&(1<<hour) != 0 {
				x.times[day][hour] = sets[0]
			}
		}
	}
	return x, nil
}

func expand(shorthand string) (string, error) {
	if full, ok := shorthands[shorthand]; ok {
		return full, nil
	}
	name, _, _ := strings.Cut(shorthand, " ")
	switch name {
	case "@every", "@everysecond":
		return "", errors.New("a fixed pace is set by the interval, not by a cron expression")
	case "@reboot":
		return "", errors.New("@reboot is not a time")
	}
	return "", errors.New("the shorthands are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @always, @5minutes, @10minutes, @15minutes and @30minutes")
}

// star tells a field that leaves its part of the date open.
func star(word string) bool { return strings.HasPrefix(word, "*") || word == "?" }

// field is one of the five.
type field struct {
	name      string
	low, high int
	names     []string // of the numbers from low
	special   func(item string, x *Expression) (bool, error)
}

var fields = [5]field{
	{name: "minute", low: 0, high: 59},
	{name: "hour", low: 0, high: 23},
	{name: "day", low: 1, high: 31, special: specialDay},
	{name: "month", low: 1, high: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "weekday", low: 0, high: 7, names: weekdayNames, special: specialWeekday},
}

var weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

// read returns the numbers that one item of a list stands for.
func (f field) read(item string, x *Expression) (uint64, error) {
	if f.special != nil {
		if done, err := f.special(item, x); done || err != nil {
			return 0, err
		}
	}
	span, pace, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(pace); err != nil || step < 1 || step > 9999 {
			return 0, errors.New("after / comes a step, a number of at least 1")
		}
	}
	low, high := f.low, f.high
	first, last, ranged := strings.Cut(span, "-")
	var err error
	switch {
	case span == "*" || span == "?":
		if f.name == "weekday" {
			high = 6 // Sunday once
		}
	case ranged:
		if low, err = f.number(first); err != nil {
			return 0, err
		}
		if high, err = f.number(last); err != nil {
			return 0, err
		}
		if f.name == "weekday" && low == 7 && high < 7 {
			low = 0
		}
		if low > high {
			return 0, fmt.Errorf("a range runs backwards; write two, one that ends at %d and one from %d", f.high, f.low)
		}
	default:
		if low, err = f.number(span); err != nil {
			return 0, err
		}
		if !stepped {
			high = low
		} else if f.name == "weekday" {
			low, high = low%7, 6
		}
	}
	var set uint64
	for n := low; n <= high; n += step {
		set |= 1 << n
	}
	return set, nil
}

func (f field) number(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || strings.HasPrefix(text, "+") {
		if f.names != nil {
			return 0, fmt.Errorf("write numbers from %d to %d or names from %s to %s", f.low, f.high, f.names[0], f.names[len(f.names)-1])
		}
		return 0, fmt.Errorf("write numbers from %d to %d", f.low, f.high)
	}
	if n < f.low || n > f.high {
		return 0, fmt.Errorf("numbers go from %d to %d", f.low, f.high)
	}
	return n, nil
}

// specialDay reads L and 15W.
func specialDay(item string, x *Expression) (bool, error) {
	if item == "L" {
		x.monthDays.last = true
		return true, nil
	}
	day, ok := strings.CutSuffix(item, "W")
	if !ok && !strings.ContainsAny(item, "L#") {
		return false, nil
	}
	n, err := strconv.Atoi(day)
	if !ok || err != nil || n < 1 || n > 31 {
		return true, errors.New("besides numbers there are L (the last day) and 15W (the weekday nearest to the 15th)")
	}
	x.monthDays.nearest |= 1 << n
	return true, nil
}

// specialWeekday reads 5L and 5#2.
func specialWeekday(item string, x *Expression) (bool, error) {
	wrong := errors.New("besides numbers and names there are 5L (the last Friday) and 5#2 (the second Friday of the month)")
	f := field{high: 7, names: weekdayNames}
	if day, nth, ok := strings.Cut(item, "#"); ok {
		n, err := f.number(day)
		count, err2 := strconv.Atoi(nth)
		if err != nil || err2 != nil || count < 1 || count > 5 {
			return true, wrong
		}
		x.weekdays.nth[count] |= 1 << (n % 7)
		return true, nil
	}
	if day, ok := strings.CutSuffix(item, "L"); ok {
		n, err := f.number(day)
		if err != nil {
			return true, wrong
		}
		x.weekdays.last |= 1 << (n % 7)
		return true, nil
	}
	return false, nil
}
