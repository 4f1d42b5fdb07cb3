package drawing

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// Week is one week from Monday on, in the rota's zone.
type Week struct {
	From, To time.Time
	Label    string
	Current  bool
	Turns    []WeekTurn
	Bars     []WeekBar
	Now      float64 // where now is, as a share of the week; negative: not in it
	Lanes    int
}

// WeekTurn is a shift, or a gap, as far as it falls into the week.
type WeekTurn struct {
	User     string // "" for a gap
	Mark     int    // which colour, from 0
	From, To string // "Mon 5 09:00"
	Now      bool
	Over     bool
	Swap     bool // by an override
}

// WeekBar is a shift, or a part of one, in the strip of a week.
type WeekBar struct {
	From, To float64 // shares of the week
	Lane     int
	Class    string
	Text     string
}

// Legend is a person with their colour.
type Legend struct {
	User string
	Mark int
}

// DrawWeek draws the strip of a week; its text is in titles alone.
func DrawWeek(v Week) template.HTML {
	const width, lane = 700.0, 26.0
	height := lane * float64(v.Lanes)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="weekstrip" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s" height="%.0f">`, width, height,
		template.HTMLEscapeString("The shifts from "+v.Label+", as listed below"), height)
	fmt.Fprintf(&b, `<rect class="ground" width="%.0f" height="%.0f"/>`, width, height)
	for _, bar := range v.Bars {
		h := lane
		if bar.Class == "gap" {
			h = height
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="%.0f" width="%.2f" height="%.0f"><title>%s</title></rect>`, bar.Class, bar.From*width, float64(bar.Lane)*lane,
			max((bar.To-bar.From)*width, 1), h, template.HTMLEscapeString(bar.Text))
	}
	for day := 1; day < 7; day++ {
		fmt.Fprintf(&b, `<path class="day" d="M%.0f 0V%.0f"/>`, width*float64(day)/7, height)
	}
	if v.Now >= 0 {
		fmt.Fprintf(&b, `<path class="now" d="M%.1f 0V%.0f"/>`, v.Now*width, height)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
