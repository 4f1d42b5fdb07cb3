package module

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"moonwatch/luaapi/lualib"
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

// goLayout gives the directives that Go writes as they are: those of os.date, and some more.
func goLayout(c byte) string {
	switch c {
	case 'P':
		return "pm"
	case 'Y': // a year may have more than four digits
		return ""
	case 'Z':
		return "MST"
	}
	return lualib.DateLayout(c)
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
