package look

import (
	"fmt"
	"html/template"
	"strings"
)

// Kind is what a bar of a strip stands for.
type Kind string

// The kinds, from nothing to the worst. They are the classes that colour them.
const (
	None        Kind = "none"
	Passing     Kind = "passing"
	Maintenance Kind = "maintenance"
	Unknown     Kind = "unknown"
	Warning     Kind = "warning"
	Error       Kind = "error"
	Critical    Kind = "critical"
)

// Bar is one place of a strip.
type Bar struct {
	Kind Kind
	Text string // shown where the pointer rests; "" for nothing
}

// Strip is what happened lately, the newest at the right: results of a check,
// days of a service. There is one such picture on all pages, and it has one
// meaning: the worse, the taller.
type Strip struct {
	Bars  []Bar
	Room  int    // how many bars there is room for; bars stand at the right
	Label string // the strip in words
	Last  string // names the newest bar, so that a page can show that it came
	Class string // besides "strip"
}

const (
	stripStep   = 10.0
	stripHeight = 32.0
)

// height is how tall a bar is, so that the picture tells the same without colours.
func (k Kind) height() float64 {
	switch k {
	case Passing:
		return 12
	case Maintenance, Unknown:
		return 16
	case Warning:
		return 21
	case Error:
		return 30
	case Critical:
		return stripHeight
	}
	return 3
}

// path is a bar as a path: open where nothing is known, and as wide as its place
// where it is critical, so that a row of them becomes a block.
func (k Kind) path(at int) string {
	x, w, h := float64(at)*stripStep+1.5, stripStep-3, k.height()
	y := stripHeight - h
	switch k {
	case Critical:
		x, w = float64(at)*stripStep, stripStep
	case Maintenance, Unknown: // drawn by their edges, which lie half outside
		x, y, w, h = x+.5, y+.5, w-1, h-1
	}
	d := fmt.Sprintf("M%g %gh%gv%gh-%gz", x, y, w, h, w)
	if k == Unknown { // hatched
		d += fmt.Sprintf("M%g %gl%g-%gM%g %gl%g-%g", x, y+h/2, w, h/2, x, y+h, w, h/2)
	}
	return d
}

// Draw draws the strip, the newest bar as its last child. Other bars without a
// text are one path for each kind: a strip in a row of a list is small.
func (s Strip) Draw() template.HTML {
	room := max(s.Room, len(s.Bars), 1)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="%s" viewBox="0 0 %g %g" preserveAspectRatio="none" role="img" aria-label="%s"`,
		strings.TrimSpace("strip "+s.Class), stripStep*float64(room), stripHeight, template.HTMLEscapeString(s.Label))
	if s.Last != "" {
		fmt.Fprintf(&b, ` data-last="%s"`, template.HTMLEscapeString(s.Last))
	}
	b.WriteByte('>')
	plain, single := map[Kind]string{}, &strings.Builder{}
	empty := room - len(s.Bars)
	for i := range room {
		bar := Bar{Kind: None}
		if i >= empty {
			bar = s.Bars[i-empty]
		}
		switch {
		case bar.Text != "":
			fmt.Fprintf(single, `<path class="%s" d="%s"><title>%s</title></path>`, bar.Kind, bar.Kind.path(i), template.HTMLEscapeString(bar.Text))
		case i == room-1: // which a page moves when it comes
			fmt.Fprintf(single, `<path class="%s" d="%s"/>`, bar.Kind, bar.Kind.path(i))
		default:
			plain[bar.Kind] += bar.Kind.path(i)
		}
	}
	for _, kind := range []Kind{None, Passing, Maintenance, Unknown, Warning, Error, Critical} {
		if d := plain[kind]; d != "" {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, kind, d)
		}
	}
	b.WriteString(single.String() + `</svg>`)
	return template.HTML(b.String())
}

// Swatch is a bar by itself, for legends.
func Swatch(kind Kind) template.HTML {
	return template.HTML(`<svg class="strip swatch" viewBox="0 0 10 32" preserveAspectRatio="none" aria-hidden="true"><path class="` + string(kind) + `" d="` + kind.path(0) + `"/></svg>`)
}
