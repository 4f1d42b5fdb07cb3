package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// login tries to log in from an address, which a proxy tells.
func (h *house) login(from, username, secret string) reply {
	h.t.Helper()
	return h.do("", "POST", "/api/v1/session", m{"username": username, "password": secret}, "X-Forwarded-For", from)
}

// behindProxy is a house that takes addresses from X-Forwarded-For, with a user
// ada who has a password.
func behindProxy(t *testing.T) *house {
	h := populated(t)
	h.admin(200, "PUT", "/settings", m{"trusted_proxies": []string{"127.0.0.0/8", "::1"}})
	h.admin(201, "POST", "/users", m{"username": "ada", "password": password, "role": "admin"})
	return h
}

func wrong(n int) string { return fmt.Sprintf("wrong password %d", n) }

// TestLongNamesAreNotCounted: a name that nobody can have costs the attempt of its
// address, and nothing is kept of it.
func TestLongNamesAreNotCounted(t *testing.T) {
	t.Parallel()
	h := behindProxy(t)
	long := strings.Repeat("x", 100_000)
	for range 25 {
		wantAnswer(t, "a long name", h.login("192.0.2.1", long[:65], "wrong"), 401)
		h.options.limits.ByAddress.Return("192.0.2.1", time.Now())
	}
	if wait := h.options.limits.ByUsername.Wait(long[:65], time.Now()); wait != 0 {
		t.Errorf("attempts of a name that is too long are counted: %s to wait", wait)
	}
	for range 10 {
		wantAnswer(t, "a long name", h.login("192.0.2.2", long, "wrong"), 401)
	}
	wantAnswer(t, "the eleventh", h.login("192.0.2.2", long, "wrong"), 429)
	if r := h.do("", "POST", "/login", "username="+long+"&password=x", "Content-Type", "application/x-www-form-urlencoded"); r.status != 413 || len(r.text) > 64<<10 {
		t.Errorf("the page answers a long name with %d, %d bytes", r.status, len(r.text))
	}
	if r := h.do("", "POST", "/login", "username="+long[:1000]+"&password=x", "Content-Type", "application/x-www-form-urlencoded"); r.status != 401 {
		t.Errorf("the page answers a name that nobody has with %d", r.status)
	}
	wantAnswer(t, "a huge body", h.do("", "POST", "/api/v1/session", m{"username": strings.Repeat(long, 5), "password": "x"}), 413)
}

// TestAnAddressHasItsAttempts: a login that goes well gives no further guesses,
// and a customer's whole network of IPv6 is one address.
func TestAnAddressHasItsAttempts(t *testing.T) {
	t.Parallel()
	h := behindProxy(t)
	for i := range 9 {
		wantAnswer(t, "a guess", h.login("192.0.2.1", "the-admin", wrong(i)), 401)
	}
	wantAnswer(t, "a login", h.login("192.0.2.1", "ada", password), 200)
	wantAnswer(t, "the tenth guess", h.login("192.0.2.1", "the-admin", wrong(10)), 401)
	wantAnswer(t, "the eleventh guess", h.login("192.0.2.1", "the-admin", wrong(11)), 429)
	for i := range 10 {
		wantAnswer(t, "a guess", h.login(fmt.Sprintf("2001:db8:0:1::%x", i+1), fmt.Sprintf("user%d", i), wrong(i)), 401)
	}
	wantAnswer(t, "the eleventh of a /64", h.login("2001:db8:0:1:ffff::1", "another", wrong(11)), 429)
	wantAnswer(t, "the first of another /64", h.login("2001:db8:0:2::1", "another", wrong(12)), 401)
}

// TestGuessesFromManyAddressesLockNobodyOut: they are slowed down, a few at once,
// and whoever is where the user is logged in is not.
func TestGuessesFromManyAddressesLockNobodyOut(t *testing.T) {
	t.Parallel()
	h := behindProxy(t)
	r := h.login("192.0.2.200", "ada", password)
	cookie, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	h.options.limits.Slowed.Time = 20 * time.Millisecond
	for i := range 22 {
		wantAnswer(t, "a guess", h.login(fmt.Sprintf("198.51.100.%d", i), "ada", wrong(i)), 401)
	}
	if h.options.limits.ByUsername.Wait("ada", time.Now()) == 0 {
		t.Fatal("the guesses are not counted")
	}
	wantAnswer(t, "ada, from elsewhere", h.login("203.0.113.1", "ada", password), 200)
	h.options.limits.ByUsername.Allow("ada", time.Now())

	// While others wait, a further stranger is refused; ada at home is not.
	h.options.limits.Slowed.Time = 3 * time.Second
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for i := range h.options.limits.Slowed.Max {
		waiting.Go(func() { h.login(fmt.Sprintf("198.51.100.%d", 100+i), "ada", wrong(i)) })
	}
	until(t, "they wait", func() bool {
		return h.options.limits.Slowed.Waiting("ada") == h.options.limits.Slowed.Max
	})
	if r := h.login("203.0.113.2", "ada", wrong(1)); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("one stranger more is answered %d", r.status)
	}
	start := time.Now()
	wantAnswer(t, "ada, from where she is logged in", h.login("192.0.2.200", "ada", password), 200)
	r = h.do("", "POST", "/api/v1/session", m{"username": "Ada", "password": password}, "X-Forwarded-For", "203.0.113.3", "Cookie", cookie)
	wantAnswer(t, "ada, with the browser in which she is logged in", r, 200)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("she waited %s", took)
	}
	wantAnswer(t, "another user", h.login("203.0.113.4", "the-admin", wrong(1)), 401)
}

// TestSessionsAndTokensAreBounded: of each user, and in time.
func TestSessionsAndTokensAreBounded(t *testing.T) {
	t.Parallel()
	h := behindProxy(t)
	id := h.users[access.Viewer].ID
	var secrets []string
	for range 55 {
		secret, _, err := h.engine.Sessions.OpenSession(t.Context(), id, "192.0.2.1", strings.Repeat("é", 150))
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	if n := len(h.engine.Sessions.Sessions(id)); n != 50 {
		t.Errorf("%d sessions are kept", n)
	}
	for i, secret := range secrets {
		if _, _, ok := h.engine.Sessions.SessionUser(secret); ok != (i >= 5) {
			t.Errorf("session %d is good: %v", i, ok)
		}
	}
	for i := range 40 {
		r := h.login(fmt.Sprintf("192.0.2.%d", i), "ada", password)
		if want := map[bool]int{true: 200, false: 429}[i < 30]; r.status != want {
			t.Fatalf("login %d is answered %d, want %d", i, r.status, want)
		}
	}
	for range 99 { // one is there
		if _, _, err := h.engine.Tokens.CreateToken(t.Context(), engine.Actor{Name: "test"}, engine.Token{Name: "t", User: id}); err != nil {
			t.Fatal(err)
		}
	}
	if r := h.as(access.Viewer, "POST", "/tokens", m{"name": "more"}); r.status != http.StatusConflict || !strings.Contains(r.text, "100 tokens") {
		t.Errorf("one token more: %d %s", r.status, r.text)
	}
	wantAnswer(t, "a token of another user", h.as(access.Operator, "POST", "/tokens", m{"name": "t"}), 201)
}

// TestOwnPasswordNeedsThePresentOne: a token or a browser left open does not take
// an account over.
func TestOwnPasswordNeedsThePresentOne(t *testing.T) {
	h := behindProxy(t)
	made := h.admin(201, "POST", "/users", m{"username": "eve", "password": password, "role": "viewer"})
	token := h.admin(201, "POST", "/tokens", m{"name": "t", "user": made.id()}).body["token"].(string)
	other := h.admin(201, "POST", "/tokens", m{"name": "t", "user": made.id()}).body["token"].(string)
	at := "/api/v1/users/" + made.id()
	const next = "another long pass"
	h.do(token, "PATCH", at, m{"password": next}).wantErrors(t, "current_password required")
	h.do(token, "PATCH", at, m{"password": next, "current_password": "not this one"}).wantErrors(t, "current_password invalid")
	wantAnswer(t, "something else", h.do(token, "PATCH", at, m{"first_name": "Eve"}), 200)
	wantAnswer(t, "with the present one", h.do(token, "PATCH", at, m{"password": next, "current_password": password}), 200)
	wantAnswer(t, "a token after that", h.do(other, "GET", "/api/v1/session", nil), 200)
	wantAnswer(t, "with revoke_tokens", h.do(token, "PATCH", at, m{"password": password, "current_password": next, "revoke_tokens": true}), 200)
	for _, one := range []string{token, other} {
		wantAnswer(t, "a token that was revoked", h.do(one, "GET", "/api/v1/session", nil), 401)
	}
	if r := h.admin(200, "GET", "/audit?kind=token&action=delete", nil); len(r.items()) != 2 {
		t.Errorf("the audit log has %s", r.text)
	}
	// An admin sets another's; their own they must know, too.
	h.admin(200, "PATCH", "/users/"+made.id(), m{"password": next})
	ada := h.admin(200, "GET", "/users?username=ada", nil).items()[0]["id"].(string)
	mine := h.admin(201, "POST", "/tokens", m{"name": "t", "user": ada}).body["token"].(string)
	h.do(mine, "PATCH", "/api/v1/users/"+ada, m{"password": next}).wantErrors(t, "current_password required")
	for range 10 {
		h.do(mine, "PATCH", "/api/v1/users/"+ada, m{"password": next, "current_password": "a guess"})
	}
	wantAnswer(t, "guesses without end", h.do(mine, "PATCH", "/api/v1/users/"+ada, m{"password": next, "current_password": "a guess"}), 429)
}

// TestReactivationRevivesNothing: who is active again has no sessions, tokens and
// feed of before.
func TestReactivationRevivesNothing(t *testing.T) {
	h := behindProxy(t)
	id := h.users[access.Viewer].ID
	feed := h.as(access.Viewer, "POST", "/users/"+id+"/feed", nil).body["feed_url"].(string)
	_, path, _ := strings.Cut(feed, "/feeds/")
	wantAnswer(t, "the feed", h.do("", "GET", "/feeds/"+path, nil), 200)
	secret, _, err := h.engine.Sessions.OpenSession(t.Context(), id, "192.0.2.1", "")
	if err != nil {
		t.Fatal(err)
	}
	h.admin(200, "PATCH", "/users/"+id, m{"active": false})
	h.admin(200, "PATCH", "/users/"+id, m{"active": true})
	wantAnswer(t, "the token", h.as(access.Viewer, "GET", "/session", nil), 401)
	wantAnswer(t, "the feed", h.do("", "GET", "/feeds/"+path, nil), 404)
	if _, _, ok := h.engine.Sessions.SessionUser(secret); ok {
		t.Error("the session is good again")
	}
}

// TestCookiesOverTLS: over TLS browsers take the session's cookie from this host
// alone, and never send it otherwise.
func TestCookiesOverTLS(t *testing.T) {
	h := behindProxy(t)
	for _, tls := range []bool{true, false} {
		proto, name := "http", "moonwatch_session="
		if tls {
			proto, name = "https", "__Host-moonwatch_session="
		}
		r := h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": password}, "X-Forwarded-Proto", proto)
		cookie := r.header.Get("Set-Cookie")
		if !strings.HasPrefix(cookie, name) || strings.Contains(cookie, "Secure") != tls || !strings.Contains(cookie, "Path=/;") || strings.Contains(cookie, "Domain") {
			t.Errorf("over %s the cookie is %s", proto, cookie)
		}
		if hsts := r.header.Get("Strict-Transport-Security"); (hsts != "") != tls {
			t.Errorf("over %s Strict-Transport-Security is %q", proto, hsts)
		}
		pair, _, _ := strings.Cut(cookie, ";")
		wantAnswer(t, "the session", h.do("", "GET", "/api/v1/session", nil, "Cookie", pair, "X-Forwarded-Proto", proto), 200)
		if tls { // a cookie that another site of the domain could have set is none
			plain := strings.TrimPrefix(pair, "__Host-")
			wantAnswer(t, "without the prefix", h.do("", "GET", "/api/v1/session", nil, "Cookie", plain, "X-Forwarded-Proto", proto), 401)
		}
		out := h.do("", "DELETE", "/api/v1/session", nil, "Cookie", pair, "X-Forwarded-Proto", proto)
		if !strings.HasPrefix(out.header.Get("Set-Cookie"), name+";") {
			t.Errorf("over %s logging out sets %s", proto, out.header.Get("Set-Cookie"))
		}
	}
}

// wantAnswer wants a status, of whatever kind of answer.
func wantAnswer(t *testing.T, what string, r reply, want int) {
	t.Helper()
	if r.status != want {
		t.Errorf("%s is answered %d, want %d: %.200s", what, r.status, want, r.text)
	}
}
