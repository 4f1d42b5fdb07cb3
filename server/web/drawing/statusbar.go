package drawing

import (
	"html/template"
	"strconv"

	"moonwatch/engine"
	"moonwatch/server/look"
)

// StatusBar shows the latest results, the newest at the right.
type StatusBar struct {
	Results []bar
}

type bar struct {
	seq  uint64
	kind look.Kind
	text string
}

// PlainBarOf is the bar of one result without its text, for small strips.
func PlainBarOf(r *engine.Result) bar {
	b := bar{seq: r.Seq, kind: look.Passing}
	switch {
	case r.Unknown:
		b.kind = look.Unknown
	case !r.Succeeded:
		b.kind = failedKind(r.Severity)
	}
	return b
}

// BarOf is the bar of one result.
func BarOf(r *engine.Result) bar {
	b := PlainBarOf(r)
	b.text = "succeeded"
	switch {
	case r.Unknown:
		b.text = "unknown"
	case !r.Succeeded:
		b.text = "failed"
	}
	if r.Error != "" && !r.Succeeded {
		b.text += ": " + Short(r.Error, 120)
	}
	b.text = r.Started.UTC().Format("2006-01-02 15:04:05 UTC") + " " + b.text + " (" + FormatSeconds(r.Took) + ")"
	return b
}

// failedKind is the bar of a failure of a severity; one without is an error.
func failedKind(severity engine.Status) look.Kind {
	switch severity {
	case engine.StatusWarning:
		return look.Warning
	case engine.StatusCritical:
		return look.Critical
	}
	return look.Error
}

// Summary tells the bar in words.
func (s StatusBar) Summary() string {
	failed, unknown := 0, 0
	for _, b := range s.Results {
		switch b.kind {
		case look.Unknown:
			unknown++
		case look.Warning, look.Error, look.Critical:
			failed++
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
	strip := s.strip()
	for _, one := range s.Results {
		strip.Bars = append(strip.Bars, look.Bar{Kind: one.kind, Text: one.text})
	}
	return strip.Draw()
}

// DrawSmallStrip draws the bar for the row of a list: without a text for each result.
func DrawSmallStrip(s StatusBar) template.HTML {
	strip := s.strip()
	strip.Class = "small"
	for _, one := range s.Results {
		strip.Bars = append(strip.Bars, look.Bar{Kind: one.kind})
	}
	return strip.Draw()
}

func (s StatusBar) strip() look.Strip {
	strip := look.Strip{Room: BarResults, Label: "Latest results: " + s.Summary()}
	if n := len(s.Results); n > 0 {
		strip.Last = strconv.FormatUint(s.Results[n-1].seq, 10)
	}
	return strip
}
