package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// week is one week from Monday on, in the rota's zone.
type week struct {
	From, To time.Time
	Label    string
	Current  bool
	Turns    []weekTurn
	bars     []weekBar
	now      float64 // where now is, as a share of the week; negative: not in it
	lanes    int
}

// weekTurn is a shift, or a gap, as far as it falls into the week.
type weekTurn struct {
	User     string // "" for a gap
	Mark     int    // which colour, from 0
	From, To string // "Mon 5 09:00"
	Now      bool
	Over     bool
	Swap     bool // by an override
}

type weekBar struct {
	from, to float64 // shares of the week
	lane     int
	class    string
	text     string
}

// legend is a person with their colour.
type legend struct {
	User string
	Mark int
}

// drawWeek draws the strip of a week; its text is in titles alone.
func drawWeek(v week) template.HTML {
	const width, lane = 700.0, 26.0
	height := lane * float64(v.lanes)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="weekstrip" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s" height="%.0f">`, width, height,
		template.HTMLEscapeString("The shifts from "+v.Label+", as listed below"), height)
	fmt.Fprintf(&b, `<rect class="ground" width="%.0f" height="%.0f"/>`, width, height)
	for _, bar := range v.bars {
		h := lane
		if bar.class == "gap" {
			h = height
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="%.0f" width="%.2f" height="%.0f"><title>%s</title></rect>`, bar.class, bar.from*width, float64(bar.lane)*lane,
			max((bar.to-bar.from)*width, 1), h, template.HTMLEscapeString(bar.text))
	}
	for day := 1; day < 7; day++ {
		fmt.Fprintf(&b, `<path class="day" d="M%.0f 0V%.0f"/>`, width*float64(day)/7, height)
	}
	if v.now >= 0 {
		fmt.Fprintf(&b, `<path class="now" d="M%.1f 0V%.0f"/>`, v.now*width, height)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}
