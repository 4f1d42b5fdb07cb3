package lualib

import (
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// OS returns time, date and clock of the table os. All times are UTC and come
// from the run's clock. getenv is the host's.
func OS() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"clock": osClock,
		"date":  osDate,
		"time":  osTime,
	}
}

// osClock counts the seconds since the run began.
func osClock(L *lua.LState) int {
	run := runOf(L)
	seconds := 0.0
	if run != nil && !run.Started.IsZero() {
		seconds = run.now().Sub(run.Started).Seconds()
	}
	L.Push(lua.LNumber(seconds))
	return 1
}

// osTime is the current time in whole seconds, or that of a table of UTC
// fields, which may be out of their ranges as for C's mktime.
func osTime(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(runOf(L).now().Unix()))
		return 1
	}
	t := checkTable(L, 1, "time")
	at := time.Date(dateField(L, t, "year", -1), time.Month(dateField(L, t, "month", -1)),
		dateField(L, t, "day", -1), dateField(L, t, "hour", 12),
		dateField(L, t, "min", 0), dateField(L, t, "sec", 0), 0, time.UTC)
	L.Push(lua.LNumber(at.Unix()))
	return 1
}

func dateField(L *lua.LState, t *lua.LTable, name string, otherwise int) int {
	switch v := t.RawGetString(name).(type) {
	case lua.LNumber:
		return clampDate(float64(v))
	case lua.LString:
		if f, ok := parseNumber(string(v)); ok {
			return clampDate(f)
		}
	}
	if otherwise < 0 {
		L.RaiseError("field '%s' missing in date table", name)
	}
	return otherwise
}

// clampDate keeps fields where time.Date cannot overflow.
func clampDate(f float64) int { return min(max(toInt(f), -1e9), 1e9) }

// osDate writes a time by a strftime layout, or as a table for "*t"; a "!" in
// front changes nothing, as all times are UTC.
func osDate(L *lua.LState) int {
	layout := strings.TrimPrefix(optString(L, 1, "date", "%c"), "!")
	at := runOf(L).now().UTC()
	if L.Get(2) != lua.LNil {
		at = time.Unix(int64(min(max(checkInt(L, 2, "date"), -1<<40), 1<<40)), 0).UTC()
	}
	if strings.HasPrefix(layout, "*t") {
		L.Push(dateTable(L, at))
		return 1
	}
	out := builder{L: L}
	for {
		i := strings.IndexByte(layout, '%')
		if i < 0 || i+1 == len(layout) {
			break
		}
		out.writeString(layout[:i])
		text, ok := dateVerb(at, layout[i+1])
		if !ok {
			argError(L, 1, "date", fmt.Sprintf("invalid conversion '%%%c'", layout[i+1]))
		}
		out.writeString(text)
		layout = layout[i+2:]
	}
	out.writeString(layout)
	L.Push(out.finish())
	return 1
}

func dateTable(L *lua.LState, at time.Time) *lua.LTable {
	t := L.CreateTable(0, 9)
	for name, n := range map[string]int{
		"year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(),
		"min": at.Minute(), "sec": at.Second(), "wday": int(at.Weekday()) + 1, "yday": at.YearDay(),
	} {
		t.RawSetString(name, lua.LNumber(n))
	}
	t.RawSetString("isdst", lua.LFalse)
	return t
}

// dateVerb writes what one letter of a strftime layout stands for, in the C locale.
func dateVerb(at time.Time, verb byte) (string, bool) {
	switch verb {
	case 'U':
		return fmt.Sprintf("%02d", (at.YearDay()+6-int(at.Weekday()))/7), true
	case 'W':
		return fmt.Sprintf("%02d", (at.YearDay()+6-(int(at.Weekday())+6)%7)/7), true
	case 'V':
		_, week := at.ISOWeek()
		return fmt.Sprintf("%02d", week), true
	case 'G':
		year, _ := at.ISOWeek()
		return fmt.Sprintf("%d", year), true
	case 'w':
		return fmt.Sprintf("%d", at.Weekday()), true
	case 'u':
		return fmt.Sprintf("%d", (at.Weekday()+6)%7+1), true
	case 'C':
		return fmt.Sprintf("%02d", at.Year()/100), true
	case 's':
		return fmt.Sprintf("%d", at.Unix()), true
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'Z':
		return "UTC", true
	}
	layout := DateLayout(verb)
	return at.Format(layout), layout != ""
}

// DateLayout is the Go layout of a directive of strftime (its letter) that has
// one, else "".
func DateLayout(verb byte) string {
	switch verb {
	case 'a':
		return "Mon"
	case 'A':
		return "Monday"
	case 'b', 'h':
		return "Jan"
	case 'B':
		return "January"
	case 'c':
		return "Mon Jan _2 15:04:05 2006"
	case 'd':
		return "02"
	case 'D', 'x':
		return "01/02/06"
	case 'e':
		return "_2"
	case 'F':
		return "2006-01-02"
	case 'H':
		return "15"
	case 'I':
		return "03"
	case 'j':
		return "002"
	case 'm':
		return "01"
	case 'M':
		return "04"
	case 'p':
		return "PM"
	case 'r':
		return "03:04:05 PM"
	case 'R':
		return "15:04"
	case 'S':
		return "05"
	case 'T', 'X':
		return "15:04:05"
	case 'y':
		return "06"
	case 'Y':
		return "2006"
	case 'z':
		return "-0700"
	}
	return ""
}
