package rota

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

type frequency int

const (
	yearly frequency = iota
	monthly
	weekly
	daily
)

// rule is an RRULE. Lists are as written; empty is absent.
type rule struct {
	freq       frequency
	interval   int
	count      int // 0 is without end
	until      *stamp
	byMonth    []int
	byWeekNo   []int
	byYearDay  []int
	byMonthDay []int
	byDay      []nthDay
	byHour     []int
	byMinute   []int
	bySecond   []int
	bySetPos   []int
	weekStart  time.Weekday
}

// nthDay is a BYDAY: every such weekday (n 0), or the nth of its month or year,
// from the end when n is negative.
type nthDay struct {
	n       int
	weekday time.Weekday
}

// widestInterval stands for every larger INTERVAL: its second period is beyond
// any date.
const widestInterval = 4_000_000

// parseRule reads the value of an RRULE. zone is that of a local UNTIL.
func parseRule(text string, zone *time.Location) (*rule, error) {
	r := &rule{freq: -1, interval: 1, weekStart: time.Monday}
	for part := range strings.SplitSeq(strings.ToUpper(text), ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if err := r.set(strings.TrimSpace(name), strings.TrimSpace(value), zone); err != nil {
			return nil, fmt.Errorf("read the recurrence rule: %w", err)
		}
	}
	if r.freq < 0 {
		return nil, errors.New("read the recurrence rule: it has no FREQ")
	}
	return r, nil
}

func (r *rule) set(name, value string, zone *time.Location) (err error) {
	switch name {
	case "FREQ":
		r.freq, err = parseFrequency(value)
	case "INTERVAL":
		r.interval, err = positive(name, value)
		r.interval = min(r.interval, widestInterval)
	case "COUNT":
		r.count, err = positive(name, value)
	case "UNTIL":
		var until stamp
		until, err = parseStamp(value, zone)
		r.until = &until
	case "WKST":
		r.weekStart, err = parseWeekday(value)
	case "BYMONTH":
		r.byMonth, err = numbers(name, value, 1, 12, false)
	case "BYWEEKNO":
		r.byWeekNo, err = numbers(name, value, 1, 53, true)
	case "BYYEARDAY":
		r.byYearDay, err = numbers(name, value, 1, 366, true)
	case "BYMONTHDAY":
		r.byMonthDay, err = numbers(name, value, 1, 31, true)
	case "BYDAY":
		r.byDay, err = parseDays(value)
	case "BYHOUR":
		r.byHour, err = numbers(name, value, 0, 23, false)
	case "BYMINUTE":
		r.byMinute, err = numbers(name, value, 0, 59, false)
	case "BYSECOND":
		r.bySecond, err = numbers(name, value, 0, 60, false)
	case "BYSETPOS":
		r.bySetPos, err = numbers(name, value, 1, 366, true)
	case "RSCALE":
		if value != "GREGORIAN" {
			err = fmt.Errorf("the calendar %s is not supported", quote(value))
		}
	case "SKIP":
		if value != "OMIT" {
			err = fmt.Errorf("SKIP=%s is not supported", value)
		}
	default:
		if !strings.HasPrefix(name, "X-") {
			err = fmt.Errorf("%s is not known", quote(name))
		}
	}
	return err
}

// errTooFrequent is for rules that repeat within a day.
var errTooFrequent = errors.New("it repeats more often than daily")

func parseFrequency(value string) (frequency, error) {
	switch value {
	case "YEARLY":
		return yearly, nil
	case "MONTHLY":
		return monthly, nil
	case "WEEKLY":
		return weekly, nil
	case "DAILY":
		return daily, nil
	case "HOURLY", "MINUTELY", "SECONDLY":
		return -1, errTooFrequent
	}
	return -1, fmt.Errorf("%s is not a frequency", quote(value))
}

func parseWeekday(value string) (time.Weekday, error) {
	i := slices.Index([]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}, value)
	if i < 0 {
		return 0, fmt.Errorf("%s is not a weekday", quote(value))
	}
	return time.Weekday(i), nil
}

func parseDays(value string) ([]nthDay, error) {
	var days []nthDay
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if len(item) < 2 {
			return nil, fmt.Errorf("%s is not a weekday", quote(item))
		}
		number, name := strings.TrimSpace(item[:len(item)-2]), item[len(item)-2:]
		d := nthDay{}
		var err error
		if d.weekday, err = parseWeekday(name); err != nil {
			return nil, err
		}
		if number != "" {
			if d.n, err = strconv.Atoi(number); err != nil || d.n == 0 || d.n < -53 || d.n > 53 {
				return nil, fmt.Errorf("%s is not a weekday", quote(item))
			}
		}
		if !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	return days, nil
}

// numbers reads a list between low and high, or between their negatives too,
// and returns it sorted, each number once.
func numbers(name, value string, low, high int, negative bool) ([]int, error) {
	var list []int
	for item := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || !(n >= low && n <= high || negative && n <= -low && n >= -high) {
			return nil, fmt.Errorf("%s has %s", name, quote(item))
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func positive(name, value string) (int, error) {
	n, ok := digits(value)
	if !ok && len(value) > 9 {
		_, err := strconv.ParseUint(value, 10, 64)
		n, ok = 999_999_999, err == nil
	}
	if !ok || n == 0 {
		return 0, fmt.Errorf("%s is %s", name, quote(value))
	}
	return n, nil
}
