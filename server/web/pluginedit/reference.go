package pluginedit

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/luaapi/describe"
	"moonwatch/server/web/frame"
)

// The reference's address lies outside of /plugins/SLUG/, where plugins' own
// views are; /plugins/reference leads to it unless a plugin bears that slug.
const referencePath = "/plugin-reference"

func (w *Pages) reference(q *frame.Request) error {
	p := w.NewPage(q, "Reference for plugins", "plugins")
	p.Body = struct {
		*referencePage
		CanEdit bool
	}{w.drawnReference, w.Engine.Plugins.CanEditPlugins()}
	w.Render(q.Writer, http.StatusOK, "reference", p)
	return nil
}

// pluginOrReference is the page of a plugin, or the way to the reference.
func (w *Pages) pluginOrReference(q *frame.Request) error {
	if slug := mux.Vars(q.Request)["slug"]; slug == "reference" {
		if _, err := w.Engine.Plugins.Plugin(slug); err != nil {
			return q.Redirect(referencePath)
		}
	}
	return w.pluginPage(q)
}

// referencePage is the reference as the template draws it.
type referencePage struct {
	Preface  template.HTML
	Sections []referencePart
}

type referencePart struct {
	Title, ID, Example string
	Short              string // title in the table of contents
	Level              int    // of the heading
	Texts, Closing     []template.HTML
	Tables             [][]referenceEntry
	Parts              []referencePart
	Contents           bool
}

type referenceEntry struct {
	ID    string
	Name  string
	About []referenceAbout // types
	Texts []template.HTML
}

type referenceAbout struct {
	Label string
	Text  template.HTML
}

// drawReference prepares the reference: a paragraph that holds for all of it, and
// its parts.
func drawReference(preface string, sections []describe.Section) *referencePage {
	d := referenceDrawer{}
	for _, s := range sections {
		d.collect(s)
	}
	page := &referencePage{Preface: marked(preface)}
	for _, s := range sections {
		page.Sections = append(page.Sections, d.part(s, 2))
	}
	return page
}

// typePlace stands before the name of a type in the id of its place.
const typePlace = "type-"

// referenceDrawer knows the places that there are.
type referenceDrawer map[string]bool

func (d referenceDrawer) collect(s describe.Section) {
	d[s.ID] = true
	for _, t := range s.Tables {
		for _, row := range t.Rows {
			d[row.ID] = true
		}
	}
	for _, part := range s.Parts {
		d.collect(part)
	}
}

func (d referenceDrawer) part(s describe.Section, level int) referencePart {
	p := referencePart{
		Title:    s.Title,
		Short:    strings.TrimPrefix(s.Title, "Module "),
		ID:       s.ID,
		Example:  s.Example,
		Level:    min(level, 5),
		Texts:    markedAll(s.Texts),
		Closing:  markedAll(s.Closing),
		Contents: s.Contents,
	}
	for _, t := range s.Tables {
		var entries []referenceEntry
		for _, row := range t.Rows {
			entries = append(entries, d.entry(t.Head, row))
		}
		p.Tables = append(p.Tables, entries)
	}
	for _, part := range s.Parts {
		p.Parts = append(p.Parts, d.part(part, level+1))
	}
	return p
}

func (d referenceDrawer) entry(head []string, row describe.Row) referenceEntry {
	e := referenceEntry{ID: row.ID}
	for i, c := range row.Cells {
		switch {
		case i == 0:
			e.Name = c.Text
		case c.Code:
			e.About = append(e.About, referenceAbout{head[i], d.typed(c.Text)})
		case head[i] == "in":
			e.About = append(e.About, referenceAbout{head[i], marked(c.Text)})
		default:
			e.Texts = append(e.Texts, marked(c.Text))
		}
	}
	return e
}

var typeName = regexp.MustCompile(`[a-z_]+(\.[a-z_]+)*`)

// typed is a type, whose names lead to what is said of them.
func (d referenceDrawer) typed(text string) template.HTML {
	var b strings.Builder
	at := 0
	for _, m := range typeName.FindAllStringIndex(text, -1) {
		name := text[m[0]:m[1]]
		if !d[typePlace+name] || strings.HasSuffix(text[:m[0]], `"`) {
			continue
		}
		b.WriteString(template.HTMLEscapeString(text[at:m[0]]) + `<a href="#` + typePlace + name + `">` + name + `</a>`)
		at = m[1]
	}
	b.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML("<code>" + b.String() + "</code>")
}

func markedAll(texts []string) []template.HTML {
	var out []template.HTML
	for _, text := range texts {
		out = append(out, marked(text))
	}
	return out
}

var (
	markedLink     = regexp.MustCompile(`\[([^\]]+)\]\((#[a-z-]+)\)`)
	markedEmphasis = regexp.MustCompile(`\*([a-z, ]+)\*`)
)

// marked writes the marks of a paragraph as markup; all else is text.
func marked(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			b.WriteString("<code>" + part + "</code>")
			continue
		}
		part = markedLink.ReplaceAllString(part, `<a href="$2">$1</a>`)
		b.WriteString(markedEmphasis.ReplaceAllString(part, "<em>$1</em>"))
	}
	return template.HTML(b.String())
}
