package drawing

import (
	"html/template"
	"strconv"
	"strings"
)

// Cell is a thing in the picture of all things.
type Cell struct {
	Path, Name string
	Kind       string // the class and the symbol: "passing", "warning", "error", "critical" or "handled"
	Word       string // how it stands
}

// skySymbols are the shapes of cells that are not passing, drawn once on a page.
const skySymbols = `<svg class="hidden" aria-hidden="true" focusable="false"><defs>` +
	`<symbol id="sky-critical" viewBox="0 0 12 12"><rect width="12" height="12" rx="1.5"/></symbol>` +
	`<symbol id="sky-error" viewBox="0 0 12 12"><rect x="1" y="1" width="10" height="10" rx="1.5" fill="none" stroke-width="2"/></symbol>` +
	`<symbol id="sky-warning" viewBox="0 0 12 12"><path d="M6 .5 12 11.5H0Z"/></symbol>` +
	`<symbol id="sky-handled" viewBox="0 0 12 12"><circle cx="6" cy="6" r="5" fill="none" stroke-width="1.4" stroke-dasharray="2 1.5"/></symbol>` +
	`</defs></svg>`

// SkySymbols are the shapes that DrawCells refers to.
func SkySymbols() template.HTML { return skySymbols }

// DrawCells draws things as small links, each told by shape, colour and title. They
// are written by hand, as there may be thousands.
func DrawCells(cells []Cell) template.HTML {
	var b strings.Builder
	b.Grow(len(cells) * 96)
	for i := range cells {
		c := &cells[i]
		b.WriteString(`<a href="` + template.HTMLEscapeString(c.Path) + `" title="` + template.HTMLEscapeString(c.Name+": "+c.Word) + `"`)
		if c.Kind == "passing" {
			b.WriteString("></a>")
			continue
		}
		b.WriteString(` class="` + c.Kind + `"><svg aria-hidden="true"><use href="#sky-` + c.Kind + `"/></svg></a>`)
	}
	return template.HTML(b.String())
}

// OutOf is "54 of 57", or "57" when it is all of them.
func OutOf(n, all int) string {
	if n == all {
		return Grouped(strconv.Itoa(all))
	}
	return Grouped(strconv.Itoa(n)) + " of " + Grouped(strconv.Itoa(all))
}
