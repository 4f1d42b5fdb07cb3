package web

import (
	"fmt"
	"html/template"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/history"
)

// Charts are drawn as SVG on the server. The drawing stretches to the width of
// the page; numbers and times stand beside it as text, where they stay readable.

const (
	chartColumns = 96
	chartWidth   = 960.0
	chartHeight  = 120.0
	mostMetrics  = 24
)

// series sums up results by columns of time.
type series struct {
	from, to time.Time
	step     time.Duration
	time     *line
	values   map[string]*line
	failed   []int
	unknown  []int
}

// line is one measured thing over time.
type line struct {
	name, unit string
	columns    []column
	newest     time.Time
	last       float64
	warn, fail *float64
	n          int
}

type column struct {
	n             int
	sum, min, max float64
}

func newSeries(from, to time.Time) *series {
	return newSteps(from, to, to.Sub(from)/chartColumns, chartColumns)
}

// newSteps is a series of so many columns of one length from an instant on.
func newSteps(from, to time.Time, step time.Duration, columns int) *series {
	return &series{from: from, to: to, step: step, time: newLine("Response time", "s", columns), values: map[string]*line{}, failed: make([]int, columns), unknown: make([]int, columns)}
}

func newLine(name, unit string, columns int) *line {
	return &line{name: name, unit: unit, columns: make([]column, columns)}
}

// sum adds what the results of one step came to.
func (s *series) sum(p *history.SummaryPoint) {
	i := int(p.At.Sub(s.from) / s.step)
	if i < 0 || i >= len(s.failed) || p.At.Before(s.from) {
		return
	}
	s.failed[i] += int(p.Failures)
	s.unknown[i] += int(p.Unknown)
	if t := p.Took; t != nil {
		s.time.addMany(i, p.At, int(p.Count-p.Unknown), t.Min, t.Avg, t.Max)
	}
	for j := range p.Metrics {
		m := &p.Metrics[j]
		l := s.values[m.Name]
		if l == nil {
			l = newLine(m.Name, m.Unit, len(s.failed))
			s.values[m.Name] = l
		}
		l.addMany(i, p.At, int(m.Count), m.Min, m.Avg, m.Max)
	}
}

// addMany adds n values by what is known of them.
func (l *line) addMany(i int, at time.Time, n int, least, mean, most float64) {
	if n <= 0 {
		return
	}
	c := &l.columns[i]
	if c.n == 0 {
		c.min, c.max = least, most
	}
	c.n += n
	c.sum += mean * float64(n)
	c.min, c.max = min(c.min, least), max(c.max, most)
	if l.n == 0 || at.After(l.newest) {
		l.newest, l.last = at, mean
	}
	l.n += n
}

func (s *series) add(r *engine.Result) {
	i := int(r.Started.Sub(s.from) / s.step)
	if i < 0 || r.Started.After(s.to) && i > len(s.failed) {
		return
	}
	i = min(i, len(s.failed)-1)
	switch {
	case r.Unknown:
		s.unknown[i]++
	case !r.Succeeded:
		s.failed[i]++
	}
	if !r.Unknown {
		s.time.add(i, r.Started, r.Took)
	}
	for j := range r.Metrics {
		m := &r.Metrics[j]
		l := s.values[m.Name]
		if l == nil {
			l = newLine(m.Name, "", len(s.failed))
			s.values[m.Name] = l
		}
		if l.add(i, r.Started, m.Value) {
			l.unit, l.warn, l.fail = m.Unit, m.Warn, m.Fail
		}
	}
}

// add reports whether the value is the newest so far.
func (l *line) add(i int, at time.Time, v float64) bool {
	c := &l.columns[i]
	if c.n == 0 {
		c.min, c.max = v, v
	}
	c.n++
	l.n++
	c.sum += v
	c.min, c.max = min(c.min, v), max(c.max, v)
	if l.n == 1 || at.After(l.newest) {
		l.newest, l.last = at, v
		return true
	}
	return false
}

// chart is a drawn line with what stands around it.
type chart struct {
	Title, Last, Top, Bottom string
	Summary                  string // for those who do not see it
	Empty                    bool
	From, To                 time.Time
	svg                      template.HTML
}

func (s *series) took() chart { return s.draw(s.time, true) }

func (s *series) metrics() []chart {
	names := make([]string, 0, len(s.values))
	for name := range s.values {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []chart
	for _, name := range names[:min(len(names), mostMetrics)] {
		out = append(out, s.draw(s.values[name], false))
	}
	return out
}

// draw draws one line. Its text is made of numbers alone but for the title,
// which the template escapes.
func (s *series) draw(l *line, marks bool) chart {
	c := chart{Title: l.name, From: s.from, To: s.to, Empty: l.n == 0}
	if c.Empty {
		return c
	}
	low, high := l.bounds()
	c.Last, c.Top, c.Bottom = formatNumber(l.last, l.unit), formatNumber(high, l.unit), formatNumber(low, l.unit)
	least, most, mean := l.extremes()
	c.Summary = fmt.Sprintf("%s: between %s and %s, on average %s, last %s.", l.name, formatNumber(least, l.unit), formatNumber(most, l.unit), formatNumber(mean, l.unit), c.Last)
	y := func(v float64) float64 { return chartHeight - (v-low)/(high-low)*chartHeight }
	var b strings.Builder
	for _, share := range []float64{0, 0.5, 1} {
		fmt.Fprintf(&b, `<path class="grid" d="M0 %.1fH%.0f"/>`, chartHeight*share, chartWidth)
	}
	b.WriteString(l.band(y))
	b.WriteString(l.path(y))
	for class, v := range map[string]*float64{"warn-line": l.warn, "fail-line": l.fail} {
		if v != nil && *v >= low && *v <= high {
			fmt.Fprintf(&b, `<path class="%s" d="M0 %.1fH%.0f"/>`, class, y(*v), chartWidth)
		}
	}
	if marks {
		b.WriteString(s.marks())
	}
	b.WriteString(s.tips(l))
	c.svg = template.HTML(b.String())
	return c
}

// bounds are the values at the bottom and the top of the drawing.
func (l *line) bounds() (low, high float64) {
	least, most, _ := l.extremes()
	for _, v := range []*float64{l.warn, l.fail} {
		if v != nil && *v > most && *v <= most*2 {
			most = *v
		}
	}
	low, high = min(least, 0), nice(most)
	if least > 0 && most-least < least/4 && least > 1 { // a flat line far from zero
		margin := max((most-least)/2, most/50)
		low, high = math.Max(0, least-margin), most+margin
	}
	if most <= 0 {
		high = 0
	}
	if low < 0 {
		low = -nice(-low)
	}
	if high <= low {
		high = low + 1
	}
	return low, high
}

func (l *line) extremes() (least, most, mean float64) {
	least, most = math.Inf(1), math.Inf(-1)
	sum := 0.0
	for i := range l.columns {
		if c := &l.columns[i]; c.n > 0 {
			least, most = min(least, c.min), max(most, c.max)
			sum += c.sum
		}
	}
	return least, most, sum / float64(max(l.n, 1))
}

// nice rounds up to a number that reads well.
func nice(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if v <= step*unit*1.0000001 {
			return step * unit
		}
	}
	return v
}

// columnX is the middle of a column of n.
func columnX(i, n int) float64 { return (float64(i) + 0.5) * chartWidth / float64(n) }

// path is the line of averages; where nothing was measured it has a gap.
func (l *line) path(y func(float64) float64) string {
	var b strings.Builder
	gap, alone := 2, true
	var dots strings.Builder
	for i := range l.columns {
		c := &l.columns[i]
		if c.n == 0 {
			gap++
			continue
		}
		letter := "L"
		if gap > l.reach() || b.Len() == 0 {
			letter = "M"
		}
		x, h := columnX(i, len(l.columns)), y(c.sum/float64(c.n))
		fmt.Fprintf(&b, "%s%.1f %.1f", letter, x, h)
		alone = letter == "M"
		if alone { // a point without neighbours is a short dash
			fmt.Fprintf(&dots, "M%.1f %.1fh4", x-2, h)
		}
		gap = 0
	}
	return `<path class="line" d="` + b.String() + `"/><path class="line" d="` + dots.String() + `"/>`
}

// reach is how many columns without a value are bridged: as many as lie between
// values on average, and some.
func (l *line) reach() int {
	filled := 0
	for i := range l.columns {
		if l.columns[i].n > 0 {
			filled++
		}
	}
	return max(1, 3*len(l.columns)/max(filled, 1)/2)
}

// band is the area between the least and the greatest values.
func (l *line) band(y func(float64) float64) string {
	var b strings.Builder
	n := len(l.columns)
	half := chartWidth / float64(n) / 2
	for i := range l.columns {
		c := &l.columns[i]
		if c.n > 1 && c.max > c.min {
			fmt.Fprintf(&b, "M%.1f %.1fH%.1fV%.1fH%.1fz", columnX(i, n)-half, y(c.max), columnX(i, n)+half, y(c.min), columnX(i, n)-half)
		}
	}
	return `<path class="band" d="` + b.String() + `"/>`
}

// marks shows where runs failed (full bars) or could not be made (half bars).
func (s *series) marks() string {
	var failed, unknown strings.Builder
	n := len(s.failed)
	width := chartWidth / float64(n)
	for i := range n {
		x := columnX(i, n) - width/2
		switch {
		case s.failed[i] > 0:
			fmt.Fprintf(&failed, "M%.1f 0h%.1fV%.0fh-%.1fz", x, width, chartHeight, width)
		case s.unknown[i] > 0:
			fmt.Fprintf(&unknown, "M%.1f %.0fh%.1fV%.0fh-%.1fz", x, chartHeight/2, width, chartHeight, width)
		}
	}
	return `<path class="failed" d="` + failed.String() + `"/><path class="unknown" d="` + unknown.String() + `"/>`
}

// tips lets a pointer read each column.
func (s *series) tips(l *line) string {
	var b strings.Builder
	n := len(l.columns)
	width := chartWidth / float64(n)
	for i := range l.columns {
		c := &l.columns[i]
		if c.n == 0 && s.failed[i]+s.unknown[i] == 0 {
			continue
		}
		at := s.from.Add(time.Duration(i) * s.step).UTC().Format("2006-01-02 15:04 UTC")
		text := at
		if c.n > 0 {
			text += ": " + formatNumber(c.sum/float64(c.n), l.unit)
		}
		if c.n > 1 {
			text += " (" + formatNumber(c.min, l.unit) + " to " + formatNumber(c.max, l.unit) + ")"
		}
		if s.failed[i] > 0 {
			text += ", " + strconv.Itoa(s.failed[i]) + " failed"
		}
		if s.unknown[i] > 0 {
			text += ", " + strconv.Itoa(s.unknown[i]) + " unknown"
		}
		fmt.Fprintf(&b, `<rect class="tip" x="%.1f" y="0" width="%.1f" height="%.0f"><title>%s</title></rect>`,
			columnX(i, n)-width/2, width, chartHeight, template.HTMLEscapeString(text))
	}
	return b.String()
}

// drawChart is the drawing itself.
func drawChart(c chart) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="plot" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s">`,
		chartWidth, chartHeight, template.HTMLEscapeString(c.Summary))) + c.svg + `</svg>`
}
