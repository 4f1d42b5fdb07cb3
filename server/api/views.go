package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/auth"
	"moonwatch/server/rest"
)

// ViewPath is where plugins' own views lie, behind the slash; without it stands the
// page of the plugin.
const ViewPath = "/plugins/{slug}/{path:.*}"

// viewPolicy is the Content-Security-Policy of what views answer: their pages
// share the site's origin, so no script of theirs runs.
const viewPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Views serves the plugins' own views.
type Views struct {
	engine *monitor.Monitor
	auth   *auth.Sessions
	router *rest.Router
	log    *slog.Logger
}

// Register puts the views beside the pages.
func (s *Views) Register(m *mux.Router) { m.HandleFunc(ViewPath, s.view) }

// view serves one request to a plugin's view.
func (s *Views) view(w http.ResponseWriter, r *http.Request) {
	rest.NameRoute(w, "/plugins/{slug}/{path}")
	slug, path := mux.Vars(r)["slug"], mux.Vars(r)["path"]
	route, err := s.findView(slug, path, r.Method)
	if err != nil {
		s.refuseView(w, slug, err)
		return
	}
	var by *engine.Actor
	if !route.Public {
		who, err := s.admitToView(r, route)
		if err != nil {
			if loginPossible(r, err) {
				http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
				return
			}
			s.refuseView(w, slug, err)
			return
		}
		by = &who.Actor
	}
	body, release, err := s.router.ReadBody(w, r)
	defer release()
	if err != nil {
		s.refuseView(w, slug, err)
		return
	}
	answer, err := s.engine.Plugins.View(r.Context(), slug, by, engine.ViewRequest{
		Method: r.Method, URL: s.externalURL(r), Path: path, Query: r.URL.Query(), Headers: viewHeaders(r, route.Public), Body: body,
		Address: s.auth.Remote(r).Address,
	})
	if err != nil {
		s.refuseView(w, slug, err)
		return
	}
	writeView(w, answer)
}

// findView finds the view that answers an address and a method.
func (s *Views) findView(slug, path, method string) (engine.ViewRoute, error) {
	var allow []string
	for _, route := range s.engine.Plugins.Views(slug) {
		if route.Path != path {
			continue
		}
		if route.Answers(method) {
			return route, nil
		}
		allow = append(allow, route.Methods...)
	}
	if allow == nil {
		return engine.ViewRoute{}, rest.Refuse(http.StatusNotFound, "there is nothing at this address")
	}
	if slices.Contains(allow, http.MethodGet) && !slices.Contains(allow, http.MethodHead) {
		allow = append(allow, http.MethodHead)
	}
	slices.Sort(allow)
	return engine.ViewRoute{}, rest.Refuse(http.StatusMethodNotAllowed, "this address does not take this method").With("Allow", strings.Join(allow, ", "))
}

// admitToView finds out who calls a view that is not public, and whether they may.
func (s *Views) admitToView(r *http.Request, route engine.ViewRoute) (rest.Caller, error) {
	if http.NewCrossOriginProtection().Check(r) != nil {
		return rest.Caller{}, rest.CrossOrigin(r)
	}
	who, err := s.auth.Authenticate(r)
	if err == nil {
		err = who.Need(route.Role)
	}
	return who, err
}

// loginPossible reports whether a person at a browser was refused for not being logged in.
func loginPossible(r *http.Request, err error) bool {
	var p *rest.Problem
	return errors.As(err, &p) && p.Status == http.StatusUnauthorized && r.Method == http.MethodGet &&
		r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// externalURL is the address of a request as its sender knows it: below the
// site's public address when one is set, as a signature over it would have it.
func (s *Views) externalURL(r *http.Request) string {
	base := strings.TrimRight(s.engine.Settings().PublicURL, "/")
	if base == "" {
		base = "http://" + r.Host
		if s.auth.Remote(r).TLS {
			base = "https://" + r.Host
		}
	}
	return base + r.URL.RequestURI()
}

// viewHeaders are the headers of a request without those by which the monitor
// knows its callers: a plugin must not be able to act in their name.
func viewHeaders(r *http.Request, public bool) http.Header {
	h := r.Header.Clone()
	if !public || slices.ContainsFunc(h["Authorization"], holdsToken) {
		h.Del("Authorization")
	}
	h.Del("Cookie")
	var cookies []string
	for _, c := range r.Cookies() {
		if c.Name != auth.CookieName && c.Name != auth.SecureCookieName {
			cookies = append(cookies, c.String())
		}
	}
	if len(cookies) > 0 {
		h.Set("Cookie", strings.Join(cookies, "; "))
	}
	h.Set("Host", r.Host)
	return h
}

// holdsToken reports whether a header holds a token of the monitor's API, however
// it is written.
func holdsToken(header string) bool {
	return slices.ContainsFunc(strings.Fields(header), func(word string) bool { return strings.HasPrefix(word, access.TokenPrefix) })
}

func writeView(w http.ResponseWriter, answer engine.ViewAnswer) {
	h := w.Header()
	for name, values := range answer.Headers {
		h[name] = values
	}
	h.Set("Content-Security-Policy", viewPolicy)
	if _, given := answer.Headers["Content-Type"]; !given {
		h["Content-Type"] = nil // nor is one guessed
	}
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
}

// refuseView answers what came before the view. What went wrong in it is shown
// on the plugin's page, not to its caller.
func (s *Views) refuseView(w http.ResponseWriter, slug string, err error) {
	var failed *engine.ViewError
	if errors.As(err, &failed) {
		rest.Plain(w, http.StatusInternalServerError, "internal server error")
		return
	}
	p, unexpected := rest.ProblemOf(err, false)
	if unexpected {
		s.log.Error("a view failed", "plugin", slug, "error", err)
	}
	if p.Status == http.StatusServiceUnavailable {
		p = p.With("Retry-After", "10")
	}
	rest.WriteProblem(w, p)
}
