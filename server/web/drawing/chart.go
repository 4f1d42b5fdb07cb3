package drawing

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
	ChartColumns = 96
	chartWidth   = 960.0
	chartHeight  = 120.0
	maxMetrics   = 24
)

// Series sums up results by columns of time.
type Series struct {
	From, to time.Time
	step     time.Duration
	Time     *line
	values   map[string]*line
	Failed   []int
	Unknown  []int
}

// line is one measured thing over time.
type line struct {
	name, unit string
	Columns    []column
	newest     time.Time
	last       float64
	warn, fail *float64
	n          int
}

type column struct {
	N             int
	Sum, Min, Max float64
}

// NewSeries returns an empty series over a span of time, for single results.
func NewSeries(from, to time.Time) *Series {
	return NewSteps(from, to, to.Sub(from)/ChartColumns, ChartColumns)
}

// NewSteps is a series of so many columns of one length from an instant on.
func NewSteps(from, to time.Time, step time.Duration, columns int) *Series {
	return &Series{
		From:    from,
		to:      to,
		step:    step,
		Time:    newLine("Response time", "s", columns),
		values:  map[string]*line{},
		Failed:  make([]int, columns),
		Unknown: make([]int, columns),
	}
}

func newLine(name, unit string, columns int) *line {
	return &line{name: name, unit: unit, Columns: make([]column, columns)}
}

// Sum adds what the results of one step came to.
func (s *Series) Sum(p *history.SummaryPoint) {
	i := int(p.At.Sub(s.From) / s.step)
	if i < 0 || i >= len(s.Failed) || p.At.Before(s.From) {
		return
	}
	s.Failed[i] += int(p.Failures)
	s.Unknown[i] += int(p.Unknown)
	if t := p.Took; t != nil {
		s.Time.addMany(i, p.At, int(p.Count-p.Unknown), t.Min, t.Avg, t.Max)
	}
	for j := range p.Metrics {
		m := &p.Metrics[j]
		l := s.values[m.Name]
		if l == nil {
			l = newLine(m.Name, m.Unit, len(s.Failed))
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
	c := &l.Columns[i]
	if c.N == 0 {
		c.Min, c.Max = least, most
	}
	c.N += n
	c.Sum += mean * float64(n)
	c.Min, c.Max = min(c.Min, least), max(c.Max, most)
	if l.n == 0 || at.After(l.newest) {
		l.newest, l.last = at, mean
	}
	l.n += n
}

// Add takes a result into the series; one outside its time is left out.
func (s *Series) Add(r *engine.Result) {
	i := int(r.Started.Sub(s.From) / s.step)
	if i < 0 || r.Started.After(s.to) && i > len(s.Failed) {
		return
	}
	i = min(i, len(s.Failed)-1)
	switch {
	case r.Unknown:
		s.Unknown[i]++
	case !r.Succeeded:
		s.Failed[i]++
	}
	if !r.Unknown {
		s.Time.add(i, r.Started, r.Took)
	}
	for j := range r.Metrics {
		m := &r.Metrics[j]
		l := s.values[m.Name]
		if l == nil {
			l = newLine(m.Name, "", len(s.Failed))
			s.values[m.Name] = l
		}
		if l.add(i, r.Started, m.Value) {
			l.unit, l.warn, l.fail = m.Unit, m.Warn, m.Fail
		}
	}
}

// add reports whether the value is the newest so far.
func (l *line) add(i int, at time.Time, v float64) bool {
	c := &l.Columns[i]
	if c.N == 0 {
		c.Min, c.Max = v, v
	}
	c.N++
	l.n++
	c.Sum += v
	c.Min, c.Max = min(c.Min, v), max(c.Max, v)
	if l.n == 1 || at.After(l.newest) {
		l.newest, l.last = at, v
		return true
	}
	return false
}

// Chart is a drawn line with what stands around it.
type Chart struct {
	Title, Last, Top, Bottom string
	Summary                  string // for those who do not see it
	Empty                    bool
	From, To                 time.Time
	svg                      template.HTML
}

// Took is the chart of response times.
func (s *Series) Took() Chart { return s.draw(s.Time, true) }

// Metrics are the charts of what plugins measured, by name and unit.
func (s *Series) Metrics() []Chart {
	names := make([]string, 0, len(s.values))
	for name := range s.values {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []Chart
	for _, name := range names[:min(len(names), maxMetrics)] {
		out = append(out, s.draw(s.values[name], false))
	}
	return out
}

// draw draws one line. Its text is made of numbers alone but for the title,
// which the template escapes.
func (s *Series) draw(l *line, marks bool) Chart {
	c := Chart{Title: l.name, From: s.From, To: s.to, Empty: l.n == 0}
	if c.Empty {
		return c
	}
	low, high := l.bounds()
	c.Last, c.Top, c.Bottom = FormatNumber(l.last, l.unit), FormatNumber(high, l.unit), FormatNumber(low, l.unit)
	least, most, mean := l.extremes()
	c.Summary = fmt.Sprintf("%s: between %s and %s, on average %s, last %s.", l.name, FormatNumber(least, l.unit), FormatNumber(most, l.unit), FormatNumber(mean, l.unit), c.Last)
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
	for i := range l.Columns {
		if c := &l.Columns[i]; c.N > 0 {
			least, most = min(least, c.Min), max(most, c.Max)
			sum += c.Sum
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
	for i := range l.Columns {
		c := &l.Columns[i]
		if c.N == 0 {
			gap++
			continue
		}
		letter := "L"
		if gap > l.reach() || b.Len() == 0 {
			letter = "M"
		}
		x, h := columnX(i, len(l.Columns)), y(c.Sum/float64(c.N))
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
	for i := range l.Columns {
		if l.Columns[i].N > 0 {
			filled++
		}
	}
	return max(1, 3*len(l.Columns)/max(filled, 1)/2)
}

// band is the area between the least and the greatest values.
func (l *line) band(y func(float64) float64) string {
	var b strings.Builder
	n := len(l.Columns)
	half := chartWidth / float64(n) / 2
	for i := range l.Columns {
		c := &l.Columns[i]
		if c.N > 1 && c.Max > c.Min {
			fmt.Fprintf(&b, "M%.1f %.1fH%.1fV%.1fH%.1fz", columnX(i, n)-half, y(c.Max), columnX(i, n)+half, y(c.Min), columnX(i, n)-half)
		}
	}
	return `<path class="band" d="` + b.String() + `"/>`
}

// marks shows where runs failed (full bars) or could not be made (half bars).
func (s *Series) marks() string {
	var failed, unknown strings.Builder
	n := len(s.Failed)
	width := chartWidth / float64(n)
	for i := range n {
		x := columnX(i, n) - width/2
		switch {
		case s.Failed[i] > 0:
			fmt.Fprintf(&failed, "M%.1f 0h%.1fV%.0fh-%.1fz", x, width, chartHeight, width)
		case s.Unknown[i] > 0:
			fmt.Fprintf(&unknown, "M%.1f %.0fh%.1fV%.0fh-%.1fz", x, chartHeight/2, width, chartHeight, width)
		}
	}
	return `<path class="failed" d="` + failed.String() + `"/><path class="unknown" d="` + unknown.String() + `"/>`
}

// tips lets a pointer read each column.
func (s *Series) tips(l *line) string {
	var b strings.Builder
	n := len(l.Columns)
	width := chartWidth / float64(n)
	for i := range l.Columns {
		c := &l.Columns[i]
		if c.N == 0 && s.Failed[i]+s.Unknown[i] == 0 {
			continue
		}
		at := s.From.Add(time.Duration(i) * s.step).UTC().Format("2006-01-02 15:04 UTC")
		text := at
		if c.N > 0 {
			text += ": " + FormatNumber(c.Sum/float64(c.N), l.unit)
		}
		if c.N > 1 {
			text += " (" + FormatNumber(c.Min, l.unit) + " to " + FormatNumber(c.Max, l.unit) + ")"
		}
		if s.Failed[i] > 0 {
			text += ", " + strconv.Itoa(s.Failed[i]) + " failed"
		}
		if s.Unknown[i] > 0 {
			text += ", " + strconv.Itoa(s.Unknown[i]) + " unknown"
		}
		fmt.Fprintf(&b, `<rect class="tip" x="%.1f" y="0" width="%.1f" height="%.0f"><title>%s</title></rect>`,
			columnX(i, n)-width/2, width, chartHeight, template.HTMLEscapeString(text))
	}
	return b.String()
}

// DrawChart is the drawing itself.
func DrawChart(c Chart) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="plot" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s">`,
		chartWidth, chartHeight, template.HTMLEscapeString(c.Summary))) + c.svg + `</svg>`
}
