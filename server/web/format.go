package web

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// when shows an instant by its distance from now, the exact time in its title.
func (p *page) when(at any) template.HTML {
	t, ok := instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	return p.timeTag(t, distance(t.Sub(p.now)))
}

// since shows how long something lasts.
func (p *page) since(at any) template.HTML {
	t, ok := instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	return p.timeTag(t, span(p.now.Sub(t)))
}

// until shows how long it takes until an instant.
func (p *page) until(at any) template.HTML {
	t, ok := instant(at)
	if !ok {
		return `<span class="quiet">not planned</span>`
	}
	if t.Before(p.now) {
		return p.timeTag(t, "now")
	}
	return p.timeTag(t, "in "+span(t.Sub(p.now)))
}

// ahead shows how long it takes until an instant, without the "in".
func (p *page) ahead(at any) template.HTML {
	t, ok := instant(at)
	if !ok {
		return ""
	}
	return p.timeTag(t, span(max(t.Sub(p.now), time.Second)))
}

// clock shows an instant as date and time in the reader's zone.
func (p *page) clock(at any) template.HTML { return p.dated(at, "15:04:05") }

// minute is clock for what is planned: without seconds.
func (p *page) minute(at any) template.HTML { return p.dated(at, "15:04") }

// dated shows the date, but for today's, and the time of day.
func (p *page) dated(at any, clock string) template.HTML {
	t, ok := instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	layout := "2006-01-02 " + clock
	if y, m, d := t.In(p.zone).Date(); func() bool { ny, nm, nd := p.now.In(p.zone).Date(); return y == ny && m == nm && d == nd }() {
		layout = clock
	}
	return p.timeTag(t, t.In(p.zone).Format(layout))
}

// instants are those that the engine writes into a sentence.
var instants = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// local shows the instants in a text as the reader's clock does, with the name
// that the zone has at that time.
func (p *page) local(text string) string {
	return instants.ReplaceAllStringFunc(text, func(found string) string {
		at, err := time.Parse(time.RFC3339, found)
		if err != nil {
			return found
		}
		layout := "2006-01-02 15:04 MST"
		if at.In(p.zone).Format(time.DateOnly) == p.now.In(p.zone).Format(time.DateOnly) {
			layout = "15:04 MST"
		}
		return at.In(p.zone).Format(layout)
	})
}

// timeTag writes text that is made of times alone.
func (p *page) timeTag(t time.Time, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` +
		template.HTMLEscapeString(t.In(p.zone).Format("2006-01-02 15:04:05 MST")) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

func instant(at any) (time.Time, bool) {
	switch at := at.(type) {
	case time.Time:
		return at, !at.IsZero()
	case *time.Time:
		if at != nil {
			return *at, !at.IsZero()
		}
	}
	return time.Time{}, false
}

func distance(d time.Duration) string {
	switch {
	case d > -10*time.Second && d < 10*time.Second:
		return "just now"
	case d > 0:
		return "in " + span(d)
	}
	return span(-d) + " ago"
}

// span is a length of time in its largest unit, or two where one is coarse.
func span(d time.Duration) string {
	two := func(big time.Duration, bigName string, small time.Duration, smallName string) string {
		text := strconv.Itoa(int(d/big)) + " " + bigName
		if rest := d % big / small; rest > 0 && d/big < 10 {
			text += " " + strconv.Itoa(int(rest)) + " " + smallName
		}
		return text
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < day:
		return two(time.Hour, "h", time.Minute, "min")
	}
	return two(day, "d", time.Hour, "h")
}

// formatSeconds shows a time taken, given in seconds.
func formatSeconds(s float64) string {
	switch {
	case s <= 0:
		return "0 ms"
	case s < 0.001:
		return strconv.FormatFloat(s*1e6, 'f', 0, 64) + " µs"
	case s < 0.01:
		return strconv.FormatFloat(s*1000, 'f', 1, 64) + " ms"
	case s < 1:
		return strconv.FormatFloat(s*1000, 'f', 0, 64) + " ms"
	case s < 120:
		return strconv.FormatFloat(s, 'f', 2, 64) + " s"
	}
	return span(time.Duration(s * float64(time.Second)))
}

// formatNumber shows a measured number with its unit, in at most four digits
// that say something.
func formatNumber(v float64, unit string) string {
	switch strings.ToLower(unit) {
	case "s", "sec", "seconds":
		if v >= 0 {
			return formatSeconds(v)
		}
	case "ms":
		if v >= 0 && v >= 1000 {
			return formatSeconds(v / 1000)
		}
	case "b", "bytes":
		return formatBytes(v)
	}
	text := significant(v)
	switch unit {
	case "":
		return text
	case "%":
		return text + " %"
	}
	return text + " " + unit
}

func significant(v float64) string {
	abs := math.Abs(v)
	switch {
	case abs >= 1e15 || abs > 0 && abs < 1e-4:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case abs >= 1000 || v == math.Trunc(v):
		return grouped(strconv.FormatFloat(v, 'f', 0, 64))
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case abs >= 1:
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 2, 64), "0")
	}
	return strings.TrimRight(strconv.FormatFloat(v, 'f', 4, 64), "0")
}

// grouped puts thin spaces between thousands.
func grouped(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return sign + digits
}

func formatBytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(v) >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return significant(v) + " B"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[i]
}

// counted is a number with its noun, in the plural where it takes one.
func counted(n any, noun string) string {
	i, _ := strconv.Atoi(fmt.Sprint(n))
	if i == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return grouped(strconv.Itoa(i)) + " " + noun + "s"
}

// short cuts text to at most n characters.
func short(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// lasted shows the time between two instants; without an end, until now.
func (p *page) lasted(from time.Time, to *time.Time) string {
	end := p.now
	if to != nil {
		end = *to
	}
	return span(end.Sub(from))
}
