package luaapi

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxLayout bounds a layout, in bytes.
const maxLayout = 1000

// strftime writes t by C's directives, in English. %f is the microseconds, as
// in Python.
func strftime(t time.Time, layout string) (string, error) {
	if len(layout) > maxLayout {
		return "", fmt.Errorf("layout is longer than %d bytes", maxLayout)
	}
	out := make([]byte, 0, len(layout)*2)
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			out = append(out, layout[i])
			continue
		}
		i++
		if i < len(layout) && (layout[i] == 'E' || layout[i] == 'O') {
			i++ // C's other forms: the same in English
		}
		if i == len(layout) {
			return "", errors.New("layout ends in %")
		}
		var ok bool
		if out, ok = appendDirective(out, t, layout[i]); !ok {
			return "", fmt.Errorf("layout has the unknown directive %%%s", keyTextOf(layout[i:i+1]))
		}
	}
	return string(out), nil
}

func keyTextOf(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// goLayout gives the directives that Go writes as they are.
func goLayout(c byte) string {
	switch c {
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
	case 'P':
		return "pm"
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
	case 'z':
		return "-0700"
	case 'Z':
		return "MST"
	}
	return ""
}

func appendDirective(out []byte, t time.Time, c byte) ([]byte, bool) {
	if layout := goLayout(c); layout != "" {
		return t.AppendFormat(out, layout), true
	}
	isoYear, isoWeek := t.ISOWeek()
	weekday, yearday := int(t.Weekday()), t.YearDay()-1
	switch c {
	case '%':
		return append(out, '%'), true
	case 'n':
		return append(out, '\n'), true
	case 't':
		return append(out, '\t'), true
	case 'C':
		return appendPadded(out, t.Year()/100, 2, '0'), true
	case 'f':
		return appendPadded(out, t.Nanosecond()/1000, 6, '0'), true
	case 'g':
		return appendPadded(out, isoYear%100, 2, '0'), true
	case 'G':
		return appendPadded(out, isoYear, 4, '0'), true
	case 'k':
		return appendPadded(out, t.Hour(), 2, ' '), true
	case 'l':
		return appendPadded(out, (t.Hour()+11)%12+1, 2, ' '), true
	case 's':
		return strconv.AppendInt(out, t.Unix(), 10), true
	case 'u':
		return strconv.AppendInt(out, int64((weekday+6)%7+1), 10), true
	case 'w':
		return strconv.AppendInt(out, int64(weekday), 10), true
	case 'U':
		return appendPadded(out, (yearday+7-weekday)/7, 2, '0'), true
	case 'V':
		return appendPadded(out, isoWeek, 2, '0'), true
	case 'W':
		return appendPadded(out, (yearday+7-(weekday+6)%7)/7, 2, '0'), true
	case 'Y':
		return strconv.AppendInt(out, int64(t.Year()), 10), true
	}
	return out, false
}

func appendPadded(out []byte, n, width int, pad byte) []byte {
	text := strconv.Itoa(n)
	for range width - len(text) {
		out = append(out, pad)
	}
	return append(out, text...)
}
