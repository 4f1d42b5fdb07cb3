package drawing

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
)

// StatusBar shows the latest results, the newest at the right. A failure is a
// full bar, a success a low one, an unknown result an open frame: height and
// shape tell them apart where colour does not.
type StatusBar struct {
	Results []bar
}

type bar struct {
	seq   uint64
	at    time.Time
	class string
	text  string
}

// BarOf is the bar of one result.
func BarOf(r *engine.Result) bar {
	b := bar{seq: r.Seq, at: r.Started, class: "passing", text: "succeeded"}
	switch {
	case r.Unknown:
		b.class, b.text = "unknown", "unknown"
	case !r.Succeeded:
		b.class, b.text = "failed", "failed"
	}
	if r.Error != "" && !r.Succeeded {
		b.text += ": " + Short(r.Error, 120)
	}
	b.text += " (" + FormatSeconds(r.Took) + ")"
	return b
}

// Summary tells the bar in words.
func (s StatusBar) Summary() string {
	failed, unknown := 0, 0
	for _, b := range s.Results {
		switch b.class {
		case "failed":
			failed++
		case "unknown":
			unknown++
		}
	}
	text := Counted(len(s.Results), "result") + ", " + strconv.Itoa(failed) + " failed"
	if unknown > 0 {
		text += ", " + strconv.Itoa(unknown) + " unknown"
	}
	return text
}

// BarResults is how many results a bar has room for.
const BarResults = 60

// DrawStatusBar draws the bar; where there are few results they stand at the right.
func DrawStatusBar(s StatusBar) template.HTML {
	const width, height = 10.0, 32.0
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="statusbar" viewBox="0 0 %.0f %.0f" preserveAspectRatio="none" role="img" aria-label="%s">`,
		width*BarResults, height, template.HTMLEscapeString("Latest results: "+s.Summary()))
	offset := BarResults - len(s.Results)
	for i := range BarResults {
		x := float64(i)*width + 1
		if i < offset {
			fmt.Fprintf(&b, `<rect class="none" x="%.0f" y="28" width="8" height="4"/>`, x)
			continue
		}
		one := s.Results[i-offset]
		y, h := 0.0, height
		switch one.class {
		case "passing":
			y, h = 12, 20
		case "unknown":
			x, y, h = x+0.5, 5, 26
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.0f" height="%.1f" rx="1"><title>%s</title></rect>`, one.class, x, y, 8.0-btof(one.class == "unknown"), h,
			template.HTMLEscapeString(one.at.UTC().Format("2006-01-02 15:04:05 UTC")+" "+one.text))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
