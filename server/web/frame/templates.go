package frame

import (
	"fmt"
	"html/template"
	"io/fs"
	"strings"
	"sync"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/server/look"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/webform"
)

// embedded gives what is made of the program's files: it is the same for every
// Frame, and nobody changes it.
func embedded() (*Assets, map[string]pageTemplate, error) {
	a, err := embeddedAssets()
	if err != nil {
		return nil, nil, err
	}
	pages, err := embeddedPages()
	return a, pages, err
}

var (
	embeddedAssets = sync.OnceValues(loadAssets)
	embeddedPages  = sync.OnceValues(func() (map[string]pageTemplate, error) {
		a, err := embeddedAssets()
		if err != nil {
			return nil, err
		}
		return loadTemplates(a)
	})
)

// pageTemplate gives the template set of a page, which is parsed when it is asked for
// first: all of them are a sixth of what an idle monitor has alive, and most are seldom
// looked at.
type pageTemplate func() (*template.Template, error)

// loadTemplates gives one template set per page: the page's own file over the
// layout and the parts that pages share.
func loadTemplates(a *Assets) (map[string]pageTemplate, error) {
	base, err := template.New("base").Funcs(functions(a)).ParseFS(files, "templates/layout.html", "templates/parts*.html", "templates/form*.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout: %w", err)
	}
	names, err := fs.Glob(files, "templates/page_*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]pageTemplate{}
	for _, name := range names {
		short := strings.TrimSuffix(strings.TrimPrefix(name, "templates/page_"), ".html")
		pages[short] = sync.OnceValues(func() (*template.Template, error) {
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(files, name)
			}
			if err != nil {
				return nil, fmt.Errorf("parse %s: %w", name, err)
			}
			return t, nil
		})
	}
	return pages, nil
}

func functions(a *Assets) template.FuncMap {
	return template.FuncMap{
		"asset":       a.URL,
		"icon":        func(name string) template.HTML { return a.icon(name, "") },
		"fonticon":    func(class string) template.HTML { return a.icon(iconOf(class), "plugin-icon") },
		"status":      a.status,
		"mark":        a.mark,
		"dot":         a.dot,
		"word":        func(status any) string { return shapeOf(status).Word },
		"when":        (*Page).when,
		"clock":       (*Page).clock,
		"minute":      (*Page).minute,
		"hour":        (*Page).hour,
		"day":         (*Page).day,
		"sameday":     (*Page).sameDay,
		"since":       (*Page).since,
		"until":       (*Page).until,
		"ahead":       (*Page).ahead,
		"seconds":     drawing.FormatSeconds,
		"number":      drawing.FormatNumber,
		"bytes":       func(n uint64) string { return drawing.FormatBytes(float64(n)) },
		"count":       drawing.Counted,
		"sentence":    webform.Sentence,
		"dict":        dict,
		"short":       drawing.Short,
		"can":         (*Page).can,
		"weblink":     form.ValidURL,
		"lasted":      (*Page).lasted,
		"kindword":    func(d engine.Delivery) string { return KindOf(&d) },
		"local":       (*Page).local,
		"whyof":       WhyOf,
		"checkpage":   PageOfCheck,
		"inc":         func(i int) int { return i + 1 },
		"chart":       drawing.DrawChart,
		"statusbar":   drawing.DrawStatusBar,
		"strip":       drawing.DrawSmallStrip,
		"swatch":      func(kind string) template.HTML { return look.Swatch(look.Kind(kind)) },
		"weekstrip":   drawing.DrawWeek,
		"uptime":      drawing.DrawUptime,
		"skyshapes":   drawing.SkySymbols,
		"handledicon": handledIcon,
		"lasts":       drawing.Lasts,
		"critical":    drawing.CriticalTime,
	}
}

// handledIcon is the symbol of a way in which something broken is being handled.
func handledIcon(how string) string {
	switch how {
	case "acknowledged":
		return "hand"
	case "suppressed":
		return "arrow"
	case "in maintenance":
		return "wrench"
	}
	return "mute"
}

// dict makes a map of pairs, for templates that take several values.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict wants pairs, got %d values", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict wants names, got %T", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
