package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// after returns when a check's first slot after the instant from is: on its
// grid, or by its schedule. The answer is later than from; without a slot
// within about four years it is four years away.
func (c *Check) after(from time.Time) time.Time {
	if c.Schedule == nil {
		return from.Add(nextSlot(c.ID, c.every(), from))
	}
	zone := c.Schedule.zone()
	hours, _ := parseHours(c.Schedule.ActiveHours) // was validated
	at := from
	for range timetableSteps {
		if c.Schedule.Cron == "" {
			at = at.Add(nextSlot(c.ID, c.every(), at))
		} else {
			next, err := gronx.NextTickAfter(c.Schedule.Cron, at.In(zone), false)
			if err != nil {
				break
			}
			at = from.Add(next.Sub(from)) // keeps the monotonic reading of from
		}
		if hours.open(at.In(zone)) {
			return at
		}
		if opens := hours.opens(at.In(zone)); opens.After(at) {
			at = at.Add(opens.Sub(at) - time.Nanosecond)
		}
	}
	return from.Add(4 * year)
}

// timetableSteps bounds the search for a slot within active hours.
const timetableSteps = 2000

func (s *Schedule) zone() *time.Location {
	if zone, err := time.LoadLocation(s.TimeZone); err == nil && s.TimeZone != "Local" {
		return zone
	}
	return time.UTC
}

// every is the check's interval; of one with a schedule it is the time between
// its next two slots.
func (c *Check) every() time.Duration {
	if c.Schedule == nil || c.Schedule.Cron == "" {
		return c.Interval.Std()
	}
	first := c.after(time.Now())
	return min(max(c.after(first).Sub(first), time.Second), year)
}

func (s *Schedule) validate(p *problems) {
	if s.Cron == "" && s.ActiveHours == "" {
		p.add("schedule.cron", "required", "write a cron expression, active hours or both")
	}
	if s.Cron != "" && (len(strings.Fields(s.Cron)) != 5 && !strings.HasPrefix(s.Cron, "@") || len(s.Cron) > 200 || !gronx.New().IsValid(s.Cron)) {
		p.add("schedule.cron", "invalid", "write a cron expression of five fields, such as 30 8 * * 1-5")
	}
	if s.TimeZone == "" {
		s.TimeZone = "UTC"
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "Local" {
		p.add("schedule.time_zone", "invalid", "write an IANA time zone, such as Europe/Berlin")
	}
	if _, err := parseHours(s.ActiveHours); err != nil {
		p.add("schedule.active_hours", "invalid", "%s", err)
	}
}

// activeHours are the hours of a week in which a check runs; empty is always.
type activeHours []hoursRow

type hoursRow struct {
	days       [7]bool // from Sunday, by the day on which the hours begin
	start, end int     // minutes of wall time; an end at or before the start is on the next day
}

// parseHours reads rows such as "mon-fri 08:00-18:00, sat 10:00-14:00" or
// "22:00-06:00" (every day).
func parseHours(text string) (activeHours, error) {
	var out activeHours
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > 500 {
		return nil, errors.New("at most 500 characters")
	}
	wrong := errors.New("write days and hours such as mon-fri 08:00-18:00, sat 10:00-14:00")
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' }) {
		words := strings.Fields(part)
		row := hoursRow{}
		switch len(words) {
		case 1:
			row.days = [7]bool{true, true, true, true, true, true, true}
		case 2:
			from, to, ranged := strings.Cut(strings.ToLower(words[0]), "-")
			if !ranged {
				to = from
			}
			a, b := slices.Index(weekdays, from), slices.Index(weekdays, to)
			if a < 0 || b < 0 {
				return nil, wrong
			}
			for d := a; ; d = (d + 1) % 7 {
				row.days[d] = true
				if d == b {
					break
				}
			}
		default:
			return nil, wrong
		}
		start, end, ok := strings.Cut(words[len(words)-1], "-")
		var err1, err2 error
		if row.start, err1 = clockMinutes(start); !ok || err1 != nil {
			return nil, wrong
		}
		if row.end, err2 = clockMinutes(end); err2 != nil {
			return nil, wrong
		}
		out = append(out, row)
	}
	return out, nil
}

// clockMinutes reads "08:00"; "24:00" is the end of the day.
func clockMinutes(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// open reports whether the hours hold at a wall time.
func (h activeHours) open(t time.Time) bool {
	if len(h) == 0 {
		return true
	}
	minute, today := t.Hour()*60+t.Minute(), int(t.Weekday())
	for _, row := range h {
		overnight := row.end <= row.start
		if row.days[today] && minute >= row.start && (overnight || minute < row.end) {
			return true
		}
		if overnight && row.days[(today+6)%7] && minute < row.end {
			return true
		}
	}
	return false
}

// opens returns the next wall time at which the hours begin.
func (h activeHours) opens(t time.Time) time.Time {
	var best time.Time
	for day := range 8 {
		for _, row := range h {
			at := time.Date(t.Year(), t.Month(), t.Day()+day, row.start/60, row.start%60, 0, 0, t.Location())
			if row.days[at.Weekday()] && at.After(t) && (best.IsZero() || at.Before(best)) {
				best = at
			}
		}
	}
	return best
}
