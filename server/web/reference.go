package web

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/gorilla/mux"
)

// Reference is what plugins may use, told to their authors.
type Reference struct {
	Preface  string // a paragraph, as in ReferenceSection
	Sections []ReferenceSection
}

// ReferenceSection is a part of the reference. Its texts are paragraphs in which
// `x` is code, *x* is emphasis and [x](#y) leads to another part.
type ReferenceSection struct {
	Title    string // "" for one that belongs to what stands before it
	ID       string // unique, as those of rows; types lead to type-NAME
	Texts    []string
	Tables   []ReferenceTable
	Example  string // Lua
	Closing  []string
	Parts    []ReferenceSection
	Contents bool // whether the table of contents lists its parts
}

// ReferenceTable is a list of names and what they mean.
type ReferenceTable struct {
	Head []string // what the cells of each row are; the first is the name
	Rows []ReferenceRow
}

// ReferenceRow is one name.
type ReferenceRow struct {
	ID    string
	Cells []ReferenceCell
}

// ReferenceCell is what is said of a name.
type ReferenceCell struct {
	Text string
	Code bool // the text is code; else it is written like a paragraph
}

// The reference's address lies outside of /plugins/SLUG/, where plugins' own
// views are; /plugins/reference leads to it unless a plugin bears that slug.
const referencePath = "/plugin-reference"

func (w *Web) reference(q *request) error {
	p := w.newPage(q, "Reference for plugins", "plugins")
	p.Body = w.drawnReference
	w.render(q.rw, http.StatusOK, "reference", p)
	return nil
}

// pluginOrReference is the page of a plugin, or the way to the reference.
func (w *Web) pluginOrReference(q *request) error {
	if slug := mux.Vars(q.Request)["slug"]; slug == "reference" && w.drawnReference != nil {
		if _, err := w.engine.Plugin(slug); err != nil {
			return q.redirect(referencePath)
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

// drawReference prepares the reference, nil when there is none.
func drawReference(r Reference) *referencePage {
	if len(r.Sections) == 0 {
		return nil
	}
	d := referenceDrawer{}
	for _, s := range r.Sections {
		d.collect(s)
	}
	page := &referencePage{Preface: marked(r.Preface)}
	for _, s := range r.Sections {
		page.Sections = append(page.Sections, d.part(s, 2))
	}
	return page
}

// typePlace stands before the name of a type in the id of its place.
const typePlace = "type-"

// referenceDrawer knows the places that there are.
type referenceDrawer map[string]bool

func (d referenceDrawer) collect(s ReferenceSection) {
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

func (d referenceDrawer) part(s ReferenceSection, level int) referencePart {
	p := referencePart{Title: s.Title, Short: strings.TrimPrefix(s.Title, "Module "), ID: s.ID, Example: s.Example, Level: min(level, 5), Texts: markedAll(s.Texts), Closing: markedAll(s.Closing), Contents: s.Contents}
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

func (d referenceDrawer) entry(head []string, row ReferenceRow) referenceEntry {
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
