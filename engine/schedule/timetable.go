package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/cron"
)

// After returns when a check's first slot after the instant from is: on its
// grid, or by its schedule. The answer is later than from. A schedule that
// cannot be followed leaves the check on its grid, where each run says so.
func After(c *engine.Check, from time.Time) time.Time {
	if c.Schedule != nil {
		if t, err := readTimetable(c.Schedule); err == nil {
			return t.after(c, from)
		}
	}
	return gridAfter(c, from)
}

// gridAfter returns when the first slot of the check's grid after an instant is.
func gridAfter(c *engine.Check, from time.Time) time.Time {
	return from.Add(nextSlot(c.ID, c.Interval.Std(), from))
}

// Every is the check's interval; of one with a cron expression it is the time
// between its next two slots after now, one second to a year.
func Every(c *engine.Check, now time.Time) time.Duration {
	if c.Schedule == nil || c.Schedule.Cron == "" {
		return c.Interval.Std()
	}
	t, err := readTimetable(c.Schedule)
	if err != nil {
		return c.Interval.Std()
	}
	first := t.after(c, now)
	return min(max(t.after(c, first).Sub(first), time.Second), engine.Year)
}

// ScheduleProblem is why the check's schedule cannot be followed, "" when it can.
func ScheduleProblem(c *engine.Check) string {
	if c.Schedule == nil {
		return ""
	}
	var p engine.Problems
	s := *c.Schedule
	Validate(&s, &p)
	if len(p.List) == 0 {
		return ""
	}
	return "its schedule cannot be followed, and it runs at its interval: " + p.List[0].Location + ": " + p.List[0].Message
}

// timetable is a schedule that was read.
type timetable struct {
	zone   *time.Location
	slots  *cron.Expression // within the hours; nil is the check's grid
	hours  activeHours
	opened *cron.Expression // each minute in which the hours hold
	closed *cron.Expression // and in which they do not
}

var errNeverFires = errors.New("this never fires: no day of the calendar has such a slot, or none within the active hours")

// timetables keeps what was read: a check's schedule is asked for with every run
// and every result, and reading takes ten times as long as looking up a slot.
var timetables = memo{most: 1024}

// memo keeps answers by schedule. When it is full it forgets them all: those in
// use are soon there again.
type memo struct {
	most int

	mu    sync.RWMutex // guards known
	known map[engine.Schedule]readResult
}

type readResult struct {
	table *timetable
	err   error
}

func (m *memo) read(s engine.Schedule) (*timetable, error) {
	m.mu.RLock()
	r, ok := m.known[s]
	m.mu.RUnlock()
	if ok {
		return r.table, r.err
	}
	r.table, r.err = parseTimetable(&s)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= m.most {
		m.known = map[engine.Schedule]readResult{}
	}
	m.known[s] = r
	return r.table, r.err
}

// readTimetable is what a schedule says. It is not to be written to.
func readTimetable(s *engine.Schedule) (*timetable, error) { return timetables.read(*s) }

func parseTimetable(s *engine.Schedule) (*timetable, error) {
	zone, err := engine.LoadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	t := &timetable{zone: zone}
	if t.hours, err = parseHours(s.ActiveHours); err != nil {
		return nil, err
	}
	if s.Cron == "" {
		minutes, err := cron.Parse("* * * * *")
		if err != nil {
			return nil, err
		}
		t.opened = minutes.Within(t.hours.hold)
		t.closed = minutes.Within(func(day time.Weekday, minute int) bool { return !t.hours.hold(day, minute) })
		return t, nil
	}
	if t.slots, err = cron.Parse(s.Cron); err != nil {
		return nil, err
	}
	if len(t.hours) > 0 {
		t.slots = t.slots.Within(t.hours.hold)
	}
	if !t.slots.Fires() {
		return nil, errNeverFires
	}
	return t, nil
}

// after keeps the monotonic reading of from.
func (t *timetable) after(c *engine.Check, from time.Time) time.Time {
	if t.slots != nil {
		next, _ := t.slots.Next(from, t.zone) // it fires
		return from.Add(next.Sub(from))
	}
	next := gridAfter(c, from)
	if last := t.moved(c, next.Add(-c.Interval.Std())); last.After(from) {
		return last
	}
	return t.moved(c, next)
}

// moved is where a slot of the grid goes that finds the hours closed: to the
// first slot after they open, or to their first minute if the grid has none
// before they close.
func (t *timetable) moved(c *engine.Check, slot time.Time) time.Time {
	if t.hours.open(slot.In(t.zone)) {
		return slot
	}
	opens := slot
	for {
		next, _ := t.opened.Next(opens, t.zone) // each row has a minute
		opens = opens.Add(next.Sub(opens))
		if t.hours.open(opens.In(t.zone)) { // it was not left out by the clock
			break
		}
	}
	first := gridAfter(c, opens.Add(-time.Nanosecond))
	if closes, ok := t.closed.Next(opens, t.zone); ok && !first.Before(closes) {
		return opens.Add(FirstWait(c.ID, c.Interval.Std()))
	}
	return first
}

func Validate(s *engine.Schedule, p *engine.Problems) {
	s.Cron, s.ActiveHours = strings.TrimSpace(s.Cron), strings.TrimSpace(s.ActiveHours)
	if s.Cron == "" && s.ActiveHours == "" {
		p.Add("schedule.cron", "required", "write a cron expression, active hours or both")
	}
	before := len(p.List)
	p.Zone("schedule.time_zone", &s.TimeZone)
	if _, err := parseHours(s.ActiveHours); err != nil {
		p.Add("schedule.active_hours", "invalid", "%s", err)
	}
	if s.Cron == "" {
		return
	}
	if _, err := cron.Parse(s.Cron); err != nil {
		p.Add("schedule.cron", "invalid", "%s", err)
	} else if _, err := readTimetable(s); err != nil && len(p.List) == before {
		p.Add("schedule.cron", "invalid", "%s", err)
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
			a, b := slices.Index(engine.Weekdays, from), slices.Index(engine.Weekdays, to)
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
		if row.start, err1 = ClockMinutes(start); !ok || err1 != nil {
			return nil, wrong
		}
		if row.end, err2 = ClockMinutes(end); err2 != nil {
			return nil, wrong
		}
		out = append(out, row)
	}
	return out, nil
}

// ClockMinutes reads "08:00"; "24:00" is the end of the day.
func ClockMinutes(text string) (int, error) {
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
	return h.hold(t.Weekday(), t.Hour()*60+t.Minute())
}

func (h activeHours) hold(day time.Weekday, minute int) bool {
	for _, row := range h {
		overnight := row.end <= row.start
		if row.days[day] && minute >= row.start && (overnight || minute < row.end) {
			return true
		}
		if overnight && row.days[(day+6)%7] && minute < row.end {
			return true
		}
	}
	return len(h) == 0
}
