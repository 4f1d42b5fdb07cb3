package drawing

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"moonwatch/engine/history"
	"moonwatch/server/look"
)

// UptimeView is how something fared over the last 90 days: a bar for each day,
// and figures.
type UptimeView struct {
	Days    []history.Uptime
	Figures []Figure
	Zone    *time.Location
}

// Figure is the uptime of one span.
type Figure struct {
	Label  string
	Uptime history.Uptime
	Text   string // "99.98 %", "" when nothing counts
	Detail string
}

// UptimeDays is how many days are shown, a bar each.
const UptimeDays = 90

// SumUptime adds spans up.
func SumUptime(list []history.Uptime) history.Uptime {
	var sum history.Uptime
	for _, u := range list {
		if sum.From.IsZero() {
			sum.From = u.From
		}
		sum.To = u.To
		sum.Total += u.Total
		sum.Passing += u.Passing
		sum.Failing += u.Failing
		sum.Warning += u.Warning
		sum.Error += u.Error
		sum.Critical += u.Critical
		sum.Unknown += u.Unknown
		sum.Maintenance += u.Maintenance
		sum.Inactive += u.Inactive
	}
	if counts := sum.Passing + BrokenTime(sum); counts > 0 {
		share := 100 * sum.Passing / counts
		sum.Percent = &share
	}
	return sum
}

// BrokenTime is the time, in seconds, in which something was wrong.
func BrokenTime(u history.Uptime) float64 { return u.Failing + u.Warning + u.Error + u.Critical }

// Percent writes a share with two digits, never rounded up to 100.
func Percent(share *float64) string {
	switch {
	case share == nil:
		return ""
	case *share >= 100:
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", math.Floor(*share*100)/100)
}

// Accounted says what a span of time was spent with.
func Accounted(u history.Uptime) string {
	var out []string
	for _, part := range []struct {
		name    string
		seconds float64
	}{
		{"failing", u.Failing},
		{"critical", u.Critical},
		{"error", u.Error},
		{"warning", u.Warning},
		{"unknown", u.Unknown},
		{"maintenance", u.Maintenance},
		{"not watched", u.Inactive},
	} {
		if part.seconds >= 1 {
			out = append(out, part.name+" "+Span(time.Duration(part.seconds*float64(time.Second))))
		}
	}
	if len(out) == 0 && u.Passing > 0 {
		return "passing all the time"
	}
	return strings.Join(out, ", ")
}

// KindOf is how the bar of a day is drawn: by the worst of it.
func KindOf(u history.Uptime) look.Kind {
	switch {
	case u.Critical >= 1:
		return look.Critical
	case u.Error >= 1, u.Failing >= 1:
		return look.Error
	case u.Warning >= 1:
		return look.Warning
	case u.Passing >= 1:
		return look.Passing
	case u.Maintenance >= 1:
		return look.Maintenance
	case u.Unknown >= 1:
		return look.Unknown
	}
	return look.None
}

// Summary tells the bars in words.
func (v *UptimeView) Summary() string {
	bad := 0
	for _, d := range v.Days {
		if BrokenTime(d) >= 1 {
			bad++
		}
	}
	text := "Uptime of the last " + Counted(len(v.Days), "day") + ": something failed on " + Counted(bad, "day")
	if last := v.Figures[len(v.Figures)-1]; last.Text != "" {
		text += ", " + last.Text + " in all"
	}
	return text
}

// First and Last name the days at the ends of the bars.
func (v *UptimeView) First() string { return v.Days[0].From.In(v.Zone).Format("2 January") }

// DrawUptime draws a bar for each day.
func DrawUptime(v *UptimeView) template.HTML {
	strip := look.Strip{Room: len(v.Days), Label: v.Summary(), Class: "uptime"}
	for _, d := range v.Days {
		text := d.From.In(v.Zone).Format("Mon 2 January")
		if p := Percent(d.Percent); p != "" {
			text += ": " + p
		}
		if more := Accounted(d); more != "" {
			text += ", " + more
		}
		strip.Bars = append(strip.Bars, look.Bar{Kind: KindOf(d), Text: text})
	}
	return strip.Draw()
}
