package web

import (
	"net/http"
	"testing"

	"moonwatch/engine/access"
	"moonwatch/server/web/frame"
)

func TestSetUp(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/checks", "/login"} {
		if r := h.get("", path).want(t, http.StatusSeeOther); r.header.Get("Location") != "/setup" {
			t.Errorf("%s leads to %q", path, r.header.Get("Location"))
		}
	}
	h.get("", "/setup").want(t, http.StatusOK, "open that link").without(t, `name="password"`)
	h.get("", "/setup?token=right").want(t, http.StatusOK, `name="token" value="right"`, `autocomplete="new-password"`)
	h.get("", "/setup?token=wrong").want(t, http.StatusForbidden, "not the link that Moonwatch printed", "open that link").without(t, `name="password"`)
	h.post("", "/setup", "token", "right", "username", "", "password", "").want(t, http.StatusUnprocessableEntity, `href="#f-username"`, `href="#f-password"`)
	h.post("", "/setup", "token", "right", "username", "ada", "email", "nobody", "password", "short").want(t, http.StatusUnprocessableEntity, `value="ada"`, `value="nobody"`).without(t, `value="short"`)
	h.post("", "/setup", "token", "wrong", "username", "ada", "password", "a long password").want(t, http.StatusForbidden, "not the secret")
	h.post("", "/setup", "token", "wrong", "username", "ada", "password", "a long password").want(t, http.StatusForbidden)
	h.post("", "/setup", "token", "right", "username", "ada", "password", "a long password").want(t, http.StatusTooManyRequests, "too many attempts", `value="ada"`)
	h.tries = 3
	r := h.post("", "/setup", "token", "right", "username", "ada", "email", "ada@example.org", "password", "a long password").want(t, http.StatusSeeOther)
	if r.header.Get("X-Logged-In") != "ada" {
		t.Error("the first admin was not logged in")
	}
	h.post("", "/setup", "token", "right", "username", "eve", "password", "a long password").want(t, http.StatusSeeOther)
	if _, there := h.engine.Users.UserNamed("eve"); there {
		t.Error("the set-up link worked twice")
	}
	if r := h.get("", "/setup?token=right"); r.header.Get("Location") != "/login" {
		t.Error("the set-up page is still there")
	}
}

func TestLogin(t *testing.T) {
	h := newHouse(t)
	h.people("a long password")
	h.get("", "/login?next=/checks").want(t, http.StatusOK, `name="next" value="/checks"`, `autocomplete="current-password"`)
	h.post("", "/login", "username", "the-viewer").want(t, http.StatusUnprocessableEntity, `value="the-viewer"`)
	h.post("", "/login", "username", "the-viewer", "password", "wrong").want(t, http.StatusUnauthorized, "is wrong").without(t, `value="wrong"`)
	r := h.post("", "/login", "username", "the-viewer", "password", "a long password", "next", "/checks?q=1").want(t, http.StatusSeeOther)
	if r.header.Get("Location") != "/checks?q=1" || r.header.Get("X-Logged-In") != "the-viewer" {
		t.Errorf("leads to %q", r.header.Get("Location"))
	}
	h.tries = 0
	r = h.post("", "/login", "username", "the-viewer", "password", "a long password").want(t, http.StatusTooManyRequests, "too many attempts")
	if r.header.Get("Retry-After") != "61" {
		t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
	}
	if r := h.post(access.Viewer, "/logout").want(t, http.StatusSeeOther); r.header.Get("X-Logged-Out") != "yes" {
		t.Error("nobody was logged out")
	}
}

func TestTheWayBackStaysOnTheSite(t *testing.T) {
	for next, want := range map[string]string{
		"/checks?q=a%20b": "/checks?q=a%20b", "": "/", "checks": "/", "//evil.example": "/", "/\\evil.example": "/", "https://evil.example/": "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "/%2f/evil": "/%2f/evil", "/x\r\nSet-Cookie: a": "/",
	} {
		if got := frame.LocalPath(next); got != want {
			t.Errorf("localPath(%q) = %q, want %q", next, got, want)
		}
	}
}
