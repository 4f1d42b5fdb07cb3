package rota

import (
	"errors"
	"slices"
	"time"
)

// errTooManySteps is for rules that take too long to follow.
var errTooManySteps = errors.New("its recurrence rule takes too many steps to follow")

// budget counts down the steps of an expansion: a day that is looked at, an
// instance that is made.
type budget int

func (b *budget) spend(n int) bool {
	*b -= budget(n)
	return *b >= 0
}

// series is a rule with its first instance.
type series struct {
	rule
	start wall
	until wall  // no reading after it counts, noUntil when there is none
	end   int64 // nor one at a later instant
	zone  *time.Location
	times []int
}

const noUntil = wall(1 << 60)

// newSeries completes a rule with what it takes from its first instance. zone
// is the clock that the instances are read on; dates is for all-day events.
func newSeries(r rule, start wall, dates bool, zone *time.Location) *series {
	s := &series{rule: r, start: start, until: noUntil, end: int64(noUntil), zone: zone}
	switch u := r.until; {
	case u == nil:
	case u.zone == nil || u.zone == zone && zone != time.UTC:
		s.until = u.at
		if u.date && !dates { // the whole of that day
			s.until += secondsPerDay - 1
		}
	default: // clock changes turn the order of readings and instants about
		s.until, s.end = u.on(zone)+secondsPerDay, u.instant(zone).Unix()
	}
	at := start.utc()
	noDay := len(r.byYearDay)+len(r.byMonthDay)+len(r.byDay) == 0
	switch {
	case !noDay || r.freq == daily:
	case r.freq == weekly || r.freq == yearly && len(r.byWeekNo) > 0:
		s.byDay = []nthDay{{0, at.Weekday()}}
	default:
		s.byMonthDay = []int{at.Day()}
		if r.freq == yearly && len(r.byMonth) == 0 {
			s.byMonth = []int{int(at.Month())}
		}
	}
	if dates {
		s.times = []int{0}
	} else {
		s.times = timesOfDay(r.byHour, r.byMinute, r.bySecond, at)
	}
	return s
}

func timesOfDay(hours, minutes, seconds []int, at time.Time) []int {
	or := func(list []int, own int) []int {
		if len(list) == 0 {
			return []int{own}
		}
		return list
	}
	var times []int
	for _, h := range or(hours, at.Hour()) {
		for _, m := range or(minutes, at.Minute()) {
			for _, s := range or(seconds, at.Second()) {
				times = append(times, h*3600+m*60+s)
			}
		}
	}
	slices.Sort(times)
	return slices.Compact(times)
}

// between yields the instances in [from, to) in order until yield returns
// false. Without a COUNT it begins at from, however long ago the series began.
func (s *series) between(from, to wall, steps *budget, yield func(wall) bool) error {
	if !s.holds(s.start) || s.start >= to {
		return nil
	}
	if s.start >= from && !yield(s.start) {
		return nil
	}
	period, left := 0, s.count-1
	if s.count == 0 {
		period, left = s.periodBefore(from), -1
	}
	var days []int
	for ; left != 0; period++ {
		first, past := s.period(period)
		if wall(first)*secondsPerDay >= min(to, s.until+1) || first > lastDay {
			return nil
		}
		days = s.daysOf(days[:0], first, past, steps)
		if *steps < 0 {
			return errTooManySteps
		}
		for w := range s.instants(days) {
			if !steps.spend(1) {
				return errTooManySteps
			}
			if w <= s.start {
				continue
			}
			if w > s.until || w >= to {
				return nil
			}
			if !s.holds(w) {
				continue
			}
			if w >= from && !yield(w) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
	}
	return nil
}

// holds reports whether a reading is not after the series' UNTIL.
func (s *series) holds(w wall) bool {
	return w <= s.until && (s.end == int64(noUntil) || w.in(s.zone).Unix() <= s.end)
}

// lastDay is 9999-12-31.
const lastDay = 2932896

// periodBefore is a number of a period that begins at or before from.
func (s *series) periodBefore(from wall) int {
	if from <= s.start {
		return 0
	}
	a, b := s.start.utc(), from.utc()
	var n int
	switch s.freq {
	case yearly:
		n = b.Year() - a.Year()
	case monthly:
		n = (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	case weekly:
		n = (from.day() - s.firstWeek()) / 7
	default:
		n = from.day() - s.start.day()
	}
	return n / s.interval
}

func (s *series) firstWeek() int {
	day := s.start.day()
	return day - (int(weekdayOf(day)-s.weekStart)+7)%7
}

// period returns the days [first, past) of the nth period.
func (s *series) period(n int) (first, past int) {
	at, n := s.start.utc(), n*s.interval
	switch s.freq {
	case yearly:
		return dayOf(at.Year()+n, 1, 1), dayOf(at.Year()+n+1, 1, 1)
	case monthly:
		month := int(at.Month()) - 1 + n
		year := at.Year() + month/12
		return dayOf(year, time.Month(month%12+1), 1), dayOf(year, time.Month(month%12+2), 1)
	case weekly:
		first = s.firstWeek() + 7*n
		return first, first + 7
	default:
		first = s.start.day() + n
		return first, first + 1
	}
}

// daysOf appends the days in [first, past) that the rule's parts leave.
func (s *series) daysOf(days []int, first, past int, steps *budget) []int {
	var d date
	for day := first; day < past && steps.spend(1); day++ {
		if day == first || d.dom == d.monthDays {
			d = dateOf(day)
			if len(s.byMonth) > 0 && !slices.Contains(s.byMonth, int(d.month)) {
				day, d.dom = day+d.monthDays-d.dom, d.monthDays // on to the next month
				continue
			}
		} else {
			d.day, d.dom, d.yearDay = day, d.dom+1, d.yearDay+1
		}
		if s.matches(d) {
			days = append(days, day)
		}
	}
	return days
}

func (s *series) matches(d date) bool {
	if len(s.byMonthDay) > 0 && !slices.Contains(s.byMonthDay, d.dom) && !slices.Contains(s.byMonthDay, d.dom-d.monthDays-1) {
		return false
	}
	if len(s.byYearDay) > 0 && !slices.Contains(s.byYearDay, d.yearDay) && !slices.Contains(s.byYearDay, d.yearDay-d.yearDays-1) {
		return false
	}
	if len(s.byDay) > 0 && !s.matchesWeekday(d) {
		return false
	}
	if len(s.byWeekNo) > 0 {
		week, weeks := weekOf(d.day, s.weekStart)
		return slices.Contains(s.byWeekNo, week) || slices.Contains(s.byWeekNo, week-weeks-1)
	}
	return true
}

// matchesWeekday counts the nth weekday in the month or the year; where the
// rule has neither, the number is left aside.
func (s *series) matchesWeekday(d date) bool {
	weekday := weekdayOf(d.day)
	inMonth := s.freq == monthly || s.freq == yearly && len(s.byMonth) > 0
	counted := inMonth || s.freq == yearly && len(s.byWeekNo) == 0
	nth, fromEnd := (d.yearDay-1)/7+1, (d.yearDays-d.yearDay)/7+1
	if inMonth {
		nth, fromEnd = (d.dom-1)/7+1, (d.monthDays-d.dom)/7+1
	}
	for _, b := range s.byDay {
		if b.weekday == weekday && (b.n == 0 || !counted || b.n == nth || b.n == -fromEnd) {
			return true
		}
	}
	return false
}

// instants yields the readings of one period in order, those at BYSETPOS alone
// when the rule has it.
func (s *series) instants(days []int) func(yield func(wall) bool) {
	at := func(i int) wall {
		return wall(days[i/len(s.times)])*secondsPerDay + wall(s.times[i%len(s.times)])
	}
	total := len(days) * len(s.times)
	return func(yield func(wall) bool) {
		if len(s.bySetPos) == 0 {
			for i := range total {
				if !yield(at(i)) {
					return
				}
			}
			return
		}
		var chosen []int
		for _, p := range s.bySetPos {
			if p < 0 {
				p += total + 1
			}
			if p >= 1 && p <= total {
				chosen = append(chosen, p-1)
			}
		}
		slices.Sort(chosen)
		for _, i := range slices.Compact(chosen) {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// date is a day and its places in month and year, from 1.
type date struct {
	day               int
	month             time.Month
	dom, monthDays    int
	yearDay, yearDays int
}

func dateOf(day int) date {
	t := wall(int64(day) * secondsPerDay).utc()
	year, month, dom := t.Date()
	return date{day, month, dom, daysIn(year, month), t.YearDay(), dayOf(year+1, 1, 1) - dayOf(year, 1, 1)}
}

func dayOf(year int, month time.Month, dom int) int {
	return wallDate(year, month, dom, 0, 0, 0).day()
}

func weekdayOf(day int) time.Weekday {
	return time.Weekday(((day+4)%7 + 7) % 7) // 1970-01-01 was a Thursday
}

// weekOf returns the number of a day's week and how many its year has. Week 1
// is the first with four days in the year.
func weekOf(day int, weekStart time.Weekday) (week, weeks int) {
	fourth := func(day int) time.Time {
		first := day - (int(weekdayOf(day)-weekStart)+7)%7
		return wall(int64(first+3) * secondsPerDay).utc()
	}
	middle := fourth(day)
	last := fourth(dayOf(middle.Year(), time.December, 28))
	return (middle.YearDay()-1)/7 + 1, (last.YearDay()-1)/7 + 1
}
