package public

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/rest"
)

// badge serves /badge/SERVICE.svg, by id or by name: of public services to
// everybody, of others to who is logged in.
func (s *Site) badge(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/badge/{service}.svg")
	if !rest.Reading(w, r) {
		return
	}
	h := w.Header()
	view, ok := s.serviceByName(mux.Vars(r)["service"])
	private := ok && !view.IsPublic
	if private {
		if _, _, ok = s.auth.SessionOf(r); !ok {
			who, err := s.auth.Authenticate(r)
			ok = err == nil && who.Known
		}
	}
	if !ok {
		rest.Plain(w, http.StatusNotFound, "not found") // the same for what is not there and what is not public
		return
	}
	look := LookOf(view.OverallStatus)
	if _, ok := s.engine.History.InMaintenance(engine.Ref{Kind: engine.KindService, ID: view.ID}); ok {
		look = maintenanceLook()
	}
	image := BadgeImage(view.Name, look)
	sum := sha256.Sum256(image)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	h.Set("Cache-Control", "public, max-age=30")
	if private {
		h.Set("Cache-Control", "private, max-age=30")
	}
	h.Set("Content-Type", "image/svg+xml; charset=utf-8")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if slices.Contains(strings.Split(r.Header.Get("If-None-Match"), ", "), h.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(image)
}

// serviceByName finds a service by its id, or else by its name.
func (s *Site) serviceByName(key string) (edit.ServiceView, bool) {
	if v, err := s.engine.Targets.Service(key); err == nil {
		return v, true
	}
	for _, v := range s.engine.Targets.Services() {
		if v.Name == key {
			return v, true
		}
	}
	return edit.ServiceView{}, false
}

// statusLook is how a status is shown to everybody: a word, a colour with
// enough contrast to white, and a shape that tells it without the colour.
type statusLook struct {
	Word   string
	Class  string
	Colour string
	Path   string // in a box of 12 by 12
}

// LookOf is how a status is shown.
func LookOf(status engine.Status) statusLook {
	switch status {
	case engine.StatusWarning:
		return statusLook{"warning", "warning", "#8a5200", "M6 1 11.5 11H.5z"}
	case engine.StatusError:
		return statusLook{"error", "error", "#b82a18", "M1 1h10v10H1z"}
	case engine.StatusCritical:
		return statusLook{"critical", "critical", "#c41f12", "M3.5 0h5L12 3.5v5L8.5 12h-5L0 8.5v-5z"}
	}
	return statusLook{"passing", "passing", "#566058", "M6 .5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z"}
}

func maintenanceLook() statusLook {
	return statusLook{"in maintenance", "maintenance", "#595b70", "M2 1h3v10H2zM7 1h3v10H7z"}
}

// badgeName bounds the name on a badge, in characters.
const badgeName = 60

// BadgeImage draws a badge. It carries no script, no style and no reference.
func BadgeImage(name string, look statusLook) []byte {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if utf8.RuneCountInString(name) > badgeName {
		name = string([]rune(name)[:badgeName-1]) + "…"
	}
	name = strings.Map(func(r rune) rune { // what XML cannot hold
		if r < ' ' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, name)
	left, right := textWidth(name)+14, textWidth(look.Word)+30
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" role="img" aria-label="%s: %s">`, left+right, html.EscapeString(name), look.Word)
	fmt.Fprintf(&b, `<title>%s: %s</title>`, html.EscapeString(name), look.Word)
	fmt.Fprintf(&b, `<rect width="%d" height="20" rx="3" fill="#1b1c2a"/>`, left+right)
	fmt.Fprintf(&b, `<path d="M%d 0h%da3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-%dz" fill="%s"/>`, left, right-3, right-3, look.Colour)
	fmt.Fprintf(&b, `<path d="%s" transform="translate(%d 4)" fill="#fff"/>`, look.Path, left+7)
	fmt.Fprintf(&b, `<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="7" y="14" textLength="%d">%s</text><text x="%d" y="14" textLength="%d">%s</text></g></svg>`,
		left-14, html.EscapeString(name), left+23, right-30, look.Word)
	b.WriteByte('\n')
	return b.Bytes()
}

// textWidth is about how wide a text is at 11 pixels; the image makes it exact.
func textWidth(text string) int {
	width := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljIt.,:;|'!f()[] ", r):
			width += 42
		case strings.ContainsRune("mwMW@%", r):
			width += 104
		case r >= 'A' && r <= 'Z' || r > 0x2E80:
			width += 82
		default:
			width += 68
		}
	}
	return max(width/10, 1)
}
