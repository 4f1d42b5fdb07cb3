package web

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// skyGroup are the services of a tag, each a small square.
type skyGroup struct {
	Tag   string // "" for those without
	Count string // "54 of 57" that pass
	Wide  bool   // it takes the whole width
	Cells template.HTML
}

// sky gathers the services of each tag; one of several stands under its first.
type sky struct {
	cells   map[string][]drawing.Cell
	passing map[string]int
	all     int
}

func newSky() *sky { return &sky{cells: map[string][]drawing.Cell{}, passing: map[string]int{}} }

// wideFrom is how many services a group has that takes the whole width.
const wideFrom = 120

func (s *sky) add(one *lookup.Subject, handled bool) {
	if one.Kind != engine.KindService {
		return
	}
	tag := ""
	if len(one.Alerting.Tags) > 0 {
		tag = one.Alerting.Tags[0]
	}
	status := one.View.OverallStatus
	c := drawing.Cell{Path: one.Path(), Name: one.Name, Kind: strings.ToLower(string(status)), Word: strings.ToLower(frame.StatusShape(status).Word)}
	if handled {
		c.Kind, c.Word = "handled", c.Word+", being handled"
	}
	if status == engine.StatusPassing {
		s.passing[tag]++
	}
	s.cells[tag] = append(s.cells[tag], c)
	s.all++
}

// groups are those of all tags by name, then of what has none.
func (s *sky) groups() []skyGroup {
	var out []skyGroup
	for tag, cells := range s.cells {
		out = append(out, skyGroup{Tag: tag, Count: drawing.OutOf(s.passing[tag], len(cells)), Wide: len(cells) > wideFrom, Cells: drawing.DrawCells(cells)})
	}
	slices.SortFunc(out, func(a, b skyGroup) int {
		return cmp.Or(frame.B2i(a.Tag == "")-frame.B2i(b.Tag == ""), strings.Compare(strings.ToLower(a.Tag), strings.ToLower(b.Tag)), strings.Compare(a.Tag, b.Tag))
	})
	return out
}

// roomy is up to how many services the squares may be large.
const roomy = 240

// Dense says that there are so many services that their squares are small.
func (d *dashboard) Dense() bool { return d.Subjects > roomy }
