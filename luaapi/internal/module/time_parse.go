package module

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errNotATime = errors.New("not a time of this layout")

// strptime reads text by the directives of strftime that say when something is;
// without a zone in the text, zone holds. What the layout leaves out is that of
// 1970-01-01 00:00:00.
func strptime(text, layout string, zone *time.Location) (time.Time, error) {
	if len(layout) > maxLayout || len(text) > maxLayout {
		return time.Time{}, errNotATime
	}
	p := timeParser{text: text, zone: zone, year: 1970, month: 1, day: 1}
	if !p.read(layout) || strings.TrimSpace(p.text) != "" {
		return time.Time{}, errNotATime
	}
	return p.time()
}

// timeParser holds what was read so far, and the text that is left.
type timeParser struct {
	text                    string
	zone                    *time.Location
	year, month, day        int
	yearday                 int // 0: not given
	hour, min, sec, micros  int
	hasAfternoon, afternoon bool
	unix                    *int64
}

// composite returns the layout that a directive stands for.
func composite(c byte) string {
	switch c {
	case 'D', 'x':
		return "%m/%d/%y"
	case 'F':
		return "%Y-%m-%d"
	case 'T', 'X':
		return "%H:%M:%S"
	case 'R':
		return "%H:%M"
	case 'r':
		return "%I:%M:%S %p"
	case 'c':
		return "%a %b %e %H:%M:%S %Y"
	}
	return ""
}

func (p *timeParser) read(layout string) bool {
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			p.text = strings.TrimLeft(p.text, " \t\n")
		case c != '%':
			if p.text == "" || p.text[0] != c {
				return false
			}
			p.text = p.text[1:]
		default:
			if i++; i == len(layout) {
				return false
			}
			if inner := composite(layout[i]); inner != "" {
				if !p.read(inner) {
					return false
				}
			} else if !p.directive(layout[i]) {
				return false
			}
		}
	}
	return true
}

func (p *timeParser) directive(c byte) bool {
	switch c {
	case '%':
		return p.literal("%")
	case 'n', 't':
		p.text = strings.TrimLeft(p.text, " \t\n")
		return true
	case 'Y':
		return p.number(&p.year, 4, 0, 9999)
	case 'y':
		if !p.number(&p.year, 2, 0, 99) {
			return false
		}
		p.year += 1900
		if p.year < 1969 {
			p.year += 100
		}
		return true
	case 'm':
		return p.number(&p.month, 2, 1, 12)
	case 'd', 'e':
		return p.number(&p.day, 2, 1, 31)
	case 'j':
		return p.number(&p.yearday, 3, 1, 366)
	case 'H', 'k':
		return p.number(&p.hour, 2, 0, 23)
	case 'I', 'l':
		return p.number(&p.hour, 2, 1, 12)
	case 'M':
		return p.number(&p.min, 2, 0, 59)
	case 'S':
		return p.number(&p.sec, 2, 0, 60)
	case 'f':
		return p.fraction()
	case 's':
		return p.epoch()
	case 'p', 'P':
		return p.half()
	case 'a', 'A':
		return p.name(nil, func(i int) string { return time.Weekday(i).String() }, 0, 6)
	case 'b', 'B', 'h':
		return p.name(&p.month, func(i int) string { return time.Month(i).String() }, 1, 12)
	case 'z':
		return p.offset()
	case 'Z':
		return p.zoneName()
	}
	return false
}

func (p *timeParser) literal(want string) bool {
	rest, ok := strings.CutPrefix(p.text, want)
	p.text = rest
	return ok
}

// digits takes up to max digits from the text.
func (p *timeParser) digits(max int) string {
	end := 0
	for end < len(p.text) && end < max && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	taken := p.text[:end]
	p.text = p.text[end:]
	return taken
}

func (p *timeParser) number(to *int, width, low, high int) bool {
	p.text = strings.TrimLeft(p.text, " ")
	n, err := strconv.Atoi(p.digits(width))
	*to = n
	return err == nil && n >= low && n <= high
}

func (p *timeParser) fraction() bool {
	digits := p.digits(9)
	if digits == "" {
		return false
	}
	n, err := strconv.Atoi((digits + "000000")[:6])
	p.micros = n
	return err == nil
}

func (p *timeParser) epoch() bool {
	negative := p.literal("-")
	n, err := strconv.ParseInt(p.digits(12), 10, 64)
	if negative {
		n = -n
	}
	p.unix = &n
	return err == nil
}

func (p *timeParser) half() bool {
	if len(p.text) < 2 {
		return false
	}
	word := strings.ToUpper(p.text[:2])
	p.text = p.text[2:]
	p.hasAfternoon, p.afternoon = true, word == "PM"
	return word == "AM" || word == "PM"
}

// name reads a whole or abbreviated English name.
func (p *timeParser) name(to *int, nameOf func(int) string, low, high int) bool {
	for i := low; i <= high; i++ {
		full := nameOf(i)
		for _, name := range []string{full, full[:3]} {
			if len(p.text) >= len(name) && strings.EqualFold(p.text[:len(name)], name) {
				p.text = p.text[len(name):]
				if to != nil {
					*to = i
				}
				return true
			}
		}
	}
	return false
}

func (p *timeParser) offset() bool {
	if p.literal("Z") {
		p.zone = time.UTC
		return true
	}
	sign := 1
	if p.literal("-") {
		sign = -1
	} else if !p.literal("+") {
		return false
	}
	hours := p.digits(2)
	p.literal(":")
	minutes := p.digits(2)
	h, err1 := strconv.Atoi(hours)
	m, err2 := strconv.Atoi(minutes)
	if err1 != nil || err2 != nil || len(hours) != 2 || len(minutes) != 2 || h > 23 || m > 59 {
		return false
	}
	p.zone = time.FixedZone("", sign*(h*3600+m*60))
	return true
}

// zoneName knows the names of UTC alone: others mean several zones each.
func (p *timeParser) zoneName() bool {
	for _, name := range []string{"UTC", "GMT", "Z"} {
		if p.literal(name) {
			p.zone = time.UTC
			return true
		}
	}
	return false
}

func (p *timeParser) time() (time.Time, error) {
	if p.unix != nil {
		return time.Unix(*p.unix, int64(p.micros)*1000), nil
	}
	if p.hasAfternoon {
		p.hour %= 12
		if p.afternoon {
			p.hour += 12
		}
	}
	if p.yearday > 0 {
		p.month, p.day = 1, p.yearday
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.min, p.sec, p.micros*1000, p.zone)
	if p.yearday == 0 && t.Day() != p.day && p.hour == t.Hour() {
		return time.Time{}, errNotATime // February 30
	}
	return t, nil
}
