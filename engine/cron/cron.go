// Package cron reads cron expressions and finds when they fire, as a pure
// function of the expression, a zone and a time.
package cron

import (
	"math/bits"
	"time"
)

// Expression is a cron expression that was read. It is not changed after that,
// and may be used by several goroutines at once.
type Expression struct {
	months    uint16 // bit 1 is January
	monthDays monthDays
	weekdays  weekdays
	both      bool      // a day needs both the day of the month and the weekday, else either will do
	everyHour bool      // the hour is * or a step: it keeps its pace in a doubled hour
	times     [7]minute // by weekday, the minutes of the day
}

// minute is a set of minutes of a day: a word for each hour.
type minute [24]uint64

// monthDays are days of the month.
type monthDays struct {
	days    uint32 // bit 1 is the first
	last    bool   // L
	nearest uint32 // 15W: the weekday nearest to that day, within the month
}

// weekdays are days of the week, bit 0 is Sunday.
type weekdays struct {
	days uint8
	last uint8    // 5L: the last Friday of the month
	nth  [6]uint8 // 5#2: the second Friday of the month
}

// Within returns the expression as it is while open holds of the weekday and
// the minute of the day that the clock shows.
func (x *Expression) Within(open func(weekday time.Weekday, minuteOfDay int) bool) *Expression {
	c := *x
	for day := range c.times {
		for hour := range 24 {
			for m := range 60 {
				if !open(time.Weekday(day), hour*60+m) {
					c.times[day][hour] &^= 1 << m
				}
			}
		}
	}
	return &c
}

// Fires reports whether there is any slot at all.
func (x *Expression) Fires() bool {
	_, ok := x.wall(0)
	return ok
}

// The calendar repeats after so many days.
const (
	calendarDays  = 146_097
	secondsPerDay = 24 * 60 * 60
)

// wall returns the first slot at or after from: both are readings of a clock
// that is never changed, in seconds since 1970-01-01T00:00.
func (x *Expression) wall(from int64) (int64, bool) {
	day := floorDiv(from, secondsPerDay)
	second := int(from - day*secondsPerDay)
	for end := day + calendarDays; day <= end; {
		year, month, first := time.Unix(day*secondsPerDay, 0).UTC().Date()
		last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if x.months&(1<<month) == 0 {
			day, second = day+int64(last-first+1), 0
			continue
		}
		weekday := int(floorMod(day+4, 7)) // 1970-01-01 was a Thursday
		for dom := first; dom <= last; dom++ {
			if x.onDay(dom, last, weekday) {
				if m, ok := x.times[weekday].from((second + 59) / 60); ok {
					return day*secondsPerDay + int64(m)*60, true
				}
			}
			day, second, weekday = day+1, 0, (weekday+1)%7
		}
	}
	return 0, false
}

// onDay reports whether the expression holds on a day of a month of last days.
func (x *Expression) onDay(dom, last, weekday int) bool {
	a, b := x.monthDays.has(dom, last, weekday), x.weekdays.has(dom, last, weekday)
	if x.both {
		return a && b
	}
	return a || b
}

func (d monthDays) has(dom, last, weekday int) bool {
	if d.days&(1<<dom) != 0 || d.last && dom == last {
		return true
	}
	if d.nearest == 0 || weekday == 0 || weekday == 6 {
		return false
	}
	for rest := d.nearest; rest != 0; rest &= rest - 1 {
		if n := bits.TrailingZeros32(rest); n <= last && nearest(n, last, (weekday+n-dom+35)%7) == dom {
			return true
		}
	}
	return false
}

// nearest moves day n of a month, which is that weekday, to the nearest weekday
// from Monday to Friday of the same month.
func nearest(n, last, weekday int) int {
	switch {
	case weekday == 6 && n > 1:
		return n - 1
	case weekday == 6:
		return n + 2
	case weekday == 0 && n < last:
		return n + 1
	case weekday == 0:
		return n - 2
	}
	return n
}

func (d weekdays) has(dom, last, weekday int) bool {
	is := uint8(1) << weekday
	return d.days&is != 0 || d.last&is != 0 && dom+7 > last || d.nth[(dom-1)/7+1]&is != 0
}

// from returns the first minute of the set at or after n.
func (m *minute) from(n int) (int, bool) {
	for hour := n / 60; hour < 24; hour++ {
		of := m[hour]
		if hour == n/60 {
			of &= ^uint64(0) << (n % 60)
		}
		if of != 0 {
			return hour*60 + bits.TrailingZeros64(of), true
		}
	}
	return 0, false
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
