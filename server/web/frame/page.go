package frame

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/look"
	"moonwatch/server/web/webform"
)

// Page is what the layout and every page's own template see.
type Page struct {
	Title   string
	Nav     string // the entry of the navigation that is lit
	User    *engine.User
	Version string
	Notice  string   // what was done, in one sentence
	Undo    string   // where it can be undone, "" nowhere
	Trouble []string // what is wrong with the monitor itself
	Paused  bool     // alerts of the whole site
	Theme   Theme
	Path    string    // where a quick action of the frame leads back to
	Moon    look.Moon // how the site stands
	Events  string    // query of the event stream that the page follows; "" follows nothing
	Wall    bool      // for a screen that is read from afar: without navigation
	Body    any

	Now  time.Time
	Zone *time.Location

	live bool   // a page that is open follows: it wants its live parts alone
	have string // their ETags that it has, as If-None-Match
}

// can reports whether the caller's role includes a role.
func (p *Page) can(role string) bool {
	return p.User != nil && p.User.Role.Can(access.Role(role))
}

// ContentPolicy lets pages load what this server serves and nothing else: no
// inline scripts or styles, no frames, no foreign forms.
const ContentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// NewPage begins the page of a request.
func (w *Frame) NewPage(q *Request, title, nav string) *Page {
	p := &Page{Title: title, Nav: nav, User: q.User, Version: w.Options.Version, Now: w.Options.Now(), Zone: time.UTC, Theme: q.theme(), Path: "/"}
	if q.Method == http.MethodGet {
		p.Path = q.URL.RequestURI()
		p.live, p.have = q.Header.Get("Moonwatch-Part") == "live", q.Header.Get("If-None-Match")
	}
	if q.User != nil {
		p.Moon = w.moon()
		if zone, err := time.LoadLocation(q.User.TimeZone); err == nil && q.User.TimeZone != "Local" {
			p.Zone = zone
		}
		p.Notice, p.Undo = notices[q.URL.Query().Get("done")], q.undo()
		p.Paused = w.Engine.Settings().PauseAlerts
		if err := w.Engine.Ready(); err != nil {
			p.Trouble = append(p.Trouble, webform.Sentence(err.Error()))
		}
	}
	return p
}

// notices are said after a redirect, by the name in its address.
var notices = map[string]string{
	"saved":          "Saved.",
	"created":        "Created. The first result comes in a moment.",
	"made":           "Created.",
	"deleted":        "Deleted.",
	"ran":            "Ran just now.",
	"linked":         "Linked.",
	"retried":        "The delivery is tried again.",
	"resumed":        "Resumed: its checks run again.",
	"revoked":        "Revoked: the token no longer works.",
	"ended":          "The session was ended.",
	"password":       "The password was changed; other sessions were ended.",
	"welcome":        "Welcome. Moonwatch is set up.",
	"acknowledged":   "Acknowledged: nobody is reminded meanwhile.",
	"unacknowledged": "The acknowledgement was ended.",
	"tested":         "A test was sent to you alone. This is what became of it.",
	"noted":          "The note was added.",
	"silenced":       "Silenced: nobody is told, but of recoveries.",
	"silence-ended":  "The silence was ended.",
	"refreshed":      "The feed was read.",
	"swapped":        "Swapped: the shifts below are as they are now.",
	"feed":           "The address was made. Whoever knows it can read the shifts.",
	"feed-revoked":   "Revoked: the address no longer works.",
	"reverted":       "Brought back, as a new revision.",
	"plugin-deleted": "Deleted. What was in the file is kept among the versions below.",
	"restored":       "Brought back: that version is in force again.",
	"subscribed":     "Saved: this is who is told.",
	"norun":          "That run left no result: the check got no turn, or its plugin had nothing new to say.",
}

// Render writes a page. A template that fails gives the page for 500 instead of
// half a page.
func (w *Frame) Render(rw http.ResponseWriter, status int, name string, p *Page) {
	var out bytes.Buffer
	layout := "layout"
	if p.live {
		layout = "live"
	}
	t, err := w.pages[name]()
	if err == nil {
		err = t.ExecuteTemplate(&out, layout, p)
	}
	if err != nil {
		w.Log.Error("a page could not be drawn", "page", name, "error", err)
		if name != "error" {
			w.Render(rw, http.StatusInternalServerError, "error", &Page{Title: "Something went wrong", User: p.User,
				Version: p.Version, Theme: p.Theme, Path: "/", Moon: p.Moon, Now: p.Now, Zone: p.Zone, Body: errorBody{Status: http.StatusInternalServerError,
					Text: "This page could not be drawn. The log says why."}})
			return
		}
		status = http.StatusInternalServerError
		out.Reset()
		out.WriteString("Something went wrong.")
	}
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", ContentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if p.live && status == http.StatusOK {
		sum := sha256.Sum256(out.Bytes())
		tag := `W/"` + hex.EncodeToString(sum[:8]) + `"` // weak: the answer may be compressed
		h.Set("ETag", tag)
		if p.have == tag {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
	}
	rw.WriteHeader(status)
	rw.Write(out.Bytes())
}

// ZoneName is the zone that times are shown in.
func (p *Page) ZoneName() string { return p.Zone.String() }
