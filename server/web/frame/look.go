package frame

import (
	"net/http"

	"moonwatch/server/look"
)

// Theme is how pages are coloured: as the system prefers, or by choice.
type Theme string

// The themes.
const (
	ThemeAuto  Theme = "auto"
	ThemeDay   Theme = "day"
	ThemeNight Theme = "night"
)

// themeCookie keeps the choice in the browser: it belongs to a screen rather than
// to a person, and is there before anybody has logged in.
const themeCookie = "moonwatch_theme"

func themeNamed(name string) Theme {
	switch t := Theme(name); t {
	case ThemeDay, ThemeNight:
		return t
	}
	return ThemeAuto
}

// theme is what was chosen in this browser.
func (q *Request) theme() Theme {
	if c, err := q.Cookie(themeCookie); err == nil {
		return themeNamed(c.Value)
	}
	return ThemeAuto
}

// ChooseTheme keeps a choice for a year and goes back to the page it was made on.
func (w *Frame) ChooseTheme(q *Request) error {
	c := &http.Cookie{Name: themeCookie, Value: string(themeNamed(q.PostForm.Get("theme"))), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: q.TLS != nil}
	if c.Value == string(ThemeAuto) {
		c.MaxAge = -1
	}
	http.SetCookie(q.Writer, c)
	back := q.PostForm.Get("back")
	if len(back) > maxBack {
		back = "/"
	}
	return q.Redirect(LocalPath(back))
}

// themeChoice is one of the themes to choose from.
type themeChoice struct {
	Value Theme
	Label string
	Taken bool
}

// Themes are what the foot of a page offers.
func (p *Page) Themes() []themeChoice {
	all := []themeChoice{{Value: ThemeAuto, Label: "Auto"}, {Value: ThemeDay, Label: "Day"}, {Value: ThemeNight, Label: "Night"}}
	for i := range all {
		all[i].Taken = all[i].Value == p.Theme
	}
	return all
}

// moon is how all active checks stand; what is being handled leaves it full. Who is
// not logged in sees it full, too.
func (w *Frame) moon() look.Moon {
	t := w.Engine.Checks.Tally()
	failing, critical := w.Engine.Incidents.HandledChecks()
	return look.MoonOf(max(t.Failing-failing, 0), t.Active, t.Critical > critical)
}

// ServeMoon serves /moon/PHASE.svg, the icon of a page in its tab. The address
// says all that is in it, so it may be kept for ever.
func (w *Frame) ServeMoon(rw http.ResponseWriter, name string) {
	m, ok := look.MoonNamed(name)
	if !ok {
		http.Error(rw, "not found", http.StatusNotFound)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	rw.Write(m.Image())
}
