package frame

import (
	"html/template"
	"regexp"
	"time"

	"moonwatch/server/web/drawing"
)

// when shows an instant by its distance from now, the exact time in its title.
func (p *Page) when(at any) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	return p.timeTag(t, drawing.Distance(t.Sub(p.Now)))
}

// since shows how long something lasts.
func (p *Page) since(at any) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	return p.timeTag(t, drawing.Span(p.Now.Sub(t)))
}

// until shows how long it takes until an instant.
func (p *Page) until(at any) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return `<span class="quiet">not planned</span>`
	}
	if t.Before(p.Now) {
		return p.timeTag(t, "now")
	}
	return p.timeTag(t, "in "+drawing.Span(t.Sub(p.Now)))
}

// ahead shows how long it takes until an instant, without the "in".
func (p *Page) ahead(at any) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return ""
	}
	return p.timeTag(t, drawing.Span(max(t.Sub(p.Now), time.Second)))
}

// clock shows an instant as date and time in the reader's zone.
func (p *Page) clock(at any) template.HTML { return p.dated(at, "15:04:05") }

// minute is clock for what is planned: without seconds.
func (p *Page) minute(at any) template.HTML { return p.dated(at, "15:04") }

// hour shows the time of day alone, where the day stands nearby.
func (p *Page) hour(at any) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return ""
	}
	return p.timeTag(t, t.In(p.Zone).Format("15:04"))
}

// day shows a date.
func (p *Page) day(at time.Time) string { return at.In(p.Zone).Format("Monday, 2 January 2006") }

// sameDay reports whether two instants lie on one day.
func (p *Page) sameDay(a time.Time, b *time.Time) bool {
	return b != nil && a.In(p.Zone).Format(time.DateOnly) == b.In(p.Zone).Format(time.DateOnly)
}

// dated shows the date, but for today's, and the time of day.
func (p *Page) dated(at any, clock string) template.HTML {
	t, ok := drawing.Instant(at)
	if !ok {
		return `<span class="quiet">never</span>`
	}
	layout := "2006-01-02 " + clock
	if y, m, d := t.In(p.Zone).Date(); func() bool { ny, nm, nd := p.Now.In(p.Zone).Date(); return y == ny && m == nm && d == nd }() {
		layout = clock
	}
	return p.timeTag(t, t.In(p.Zone).Format(layout))
}

// instants are those that the engine writes into a sentence.
var instants = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// local shows the instants in a text as the reader's clock does, with the name
// that the zone has at that time.
func (p *Page) local(text string) string {
	return instants.ReplaceAllStringFunc(text, func(found string) string {
		at, err := time.Parse(time.RFC3339, found)
		if err != nil {
			return found
		}
		layout := "2006-01-02 15:04 MST"
		if at.In(p.Zone).Format(time.DateOnly) == p.Now.In(p.Zone).Format(time.DateOnly) {
			layout = "15:04 MST"
		}
		return at.In(p.Zone).Format(layout)
	})
}

// timeTag writes text that is made of times alone.
func (p *Page) timeTag(t time.Time, text string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `" title="` +
		template.HTMLEscapeString(t.In(p.Zone).Format("2006-01-02 15:04:05 MST")) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// lasted shows the time between two instants; without an end, until now.
func (p *Page) lasted(from time.Time, to *time.Time) string {
	end := p.Now
	if to != nil {
		end = *to
	}
	return drawing.Span(end.Sub(from))
}
