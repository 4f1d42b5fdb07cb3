package server

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

const password = "a long enough pass"

func TestLoginAndLogout(t *testing.T) {
	h := populated(t)
	h.admin(201, "POST", "/users", m{"username": "ada", "password": password, "role": "editor"})
	r := h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": "wrong"})
	if r.status != 401 || r.header.Get("Set-Cookie") != "" {
		t.Errorf("a wrong password answers %d %s", r.status, r.text)
	}
	h.do("", "POST", "/api/v1/session", m{}).wantErrors(t, "password required", "username required")
	r = h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": password})
	cookie := r.header.Get("Set-Cookie")
	if r.status != 200 || r.body["role"] != "editor" || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") ||
		strings.Contains(cookie, "Secure") {
		t.Fatalf("login answers %d %s, cookie %s", r.status, r.text, cookie)
	}
	pair, _, _ := strings.Cut(cookie, ";")
	if r := h.do("", "GET", "/api/v1/session", nil, "Cookie", pair); r.status != 200 || r.body["username"] != "ada" {
		t.Errorf("the session is %d %s", r.status, r.text)
	}
	// A page of another site must not write with the cookie; a page of ours may.
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		wantStatus(t, header[1], h.do("", "POST", "/api/v1/services", m{"name": "x"}, "Cookie", pair, header[0], header[1]), 403)
	}
	if r := h.do("", "POST", "/api/v1/services", m{"name": "x"}, "Cookie", pair, "Sec-Fetch-Site", "same-origin"); r.status != 201 {
		t.Errorf("our own page is refused: %d %s", r.status, r.text)
	}
	// The bypass is for views of plugins alone: there the router answers 404.
	if r := h.do("", "POST", "/plugins/pager/callback", m{}, "Sec-Fetch-Site", "cross-site"); r.status != 404 {
		t.Errorf("a view of a plugin answers %d", r.status)
	}
	if r := h.do("", "DELETE", "/api/v1/session", nil, "Cookie", pair); r.status != 204 {
		t.Errorf("logout answers %d", r.status)
	}
	wantStatus(t, "after logout", h.do("", "GET", "/api/v1/session", nil, "Cookie", pair), 401)
}

func TestLoginIsLimited(t *testing.T) {
	h := populated(t)
	for range 10 {
		h.do("", "POST", "/api/v1/session", m{"username": "nobody", "password": "wrong"})
	}
	r := h.do("", "POST", "/api/v1/session", m{"username": "nobody", "password": "wrong"})
	wantStatus(t, "the eleventh attempt", r, 429)
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say when to come back")
	}
}

// TestUsernamesInAnyCase: what differs in case alone is one person.
func TestUsernamesInAnyCase(t *testing.T) {
	h := populated(t)
	id := h.admin(201, "POST", "/users", m{"username": "Ada", "password": password, "role": "editor"}).id()
	for _, name := range []string{"ada", "ADA"} {
		h.as(access.Admin, "POST", "/users", m{"username": name}).wantErrors(t, "username unique")
		if r := h.do("", "POST", "/api/v1/session", m{"username": name, "password": password}); r.status != 200 || r.body["user"] != id || r.body["username"] != "Ada" {
			t.Errorf("a login as %s: %d %s", name, r.status, r.text)
		}
	}
	h.as(access.Admin, "PATCH", "/users/"+h.users[access.Viewer].ID, m{"username": "aDa"}).wantErrors(t, "username unique")
	h.admin(200, "PATCH", "/users/"+id, m{"username": "ADA"})
	h.admin(204, "DELETE", "/users/"+id, nil)
	h.admin(201, "POST", "/users", m{"username": "ada"})
}

func TestCookieIsSecureBehindTLS(t *testing.T) {
	h := populated(t)
	h.admin(201, "POST", "/users", m{"username": "ada", "password": password})
	login := m{"username": "ada", "password": password}
	r := h.do("", "POST", "/api/v1/session", login, "X-Forwarded-Proto", "https")
	if strings.Contains(r.header.Get("Set-Cookie"), "Secure") {
		t.Error("a proxy that nobody trusts is believed")
	}
	h.admin(200, "PUT", "/settings", m{"trusted_proxies": []string{"127.0.0.0/8"}})
	r = h.do("", "POST", "/api/v1/session", login, "X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7, 127.0.0.2")
	if !strings.Contains(r.header.Get("Set-Cookie"), "Secure") {
		t.Error("a trusted proxy is not believed")
	}
	user, _ := h.engine.Users.UserNamed("ada")
	if s := h.engine.Sessions.Sessions(user); len(s) != 2 || !slices.ContainsFunc(s, func(s engine.Session) bool { return s.Address == "203.0.113.7" }) {
		t.Errorf("sessions are %v", s)
	}
}

func TestRemoteAddress(t *testing.T) {
	networks := []string{"10.0.0.0/8", "2001:db8::1"}
	for address, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "2001:db8::1": true, "11.0.0.1": false, "x": false, "": false} {
		if got := rest.Within(networks, address); got != want {
			t.Errorf("within(%q) = %v", address, got)
		}
	}
}

func TestSetUp(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.SetupToken = "the-secret" })
	body := func(token string) m {
		return m{"token": token, "username": "ada", "password": password, "email": "ada@example.org"}
	}
	wantStatus(t, "a wrong secret", h.do("", "POST", "/api/v1/setup", body("guess")), 403)
	wantStatus(t, "no secret", h.do("", "POST", "/api/v1/setup", body("")), 403)
	h.do("", "POST", "/api/v1/setup", m{"token": "the-secret", "username": "a b", "password": password}).wantErrors(t, "username invalid")
	h.do("", "POST", "/api/v1/setup", m{"token": "the-secret", "username": "ada"}).wantErrors(t, "password required")
	if !h.engine.Users.Empty() {
		t.Fatal("a user was made")
	}
	var made, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			b := body("the-secret")
			b["username"] = "ada" + string(rune('0'+i))
			r := h.do("", "POST", "/api/v1/setup", b)
			mu.Lock()
			defer mu.Unlock()
			switch r.status {
			case 201:
				made++
			case 404, 409:
				refused++
			}
		})
	}
	all.Wait()
	if made != 1 || refused != 3 || len(h.engine.Users.Users()) != 1 || h.engine.Users.Users()[0].Role != access.Admin {
		t.Errorf("%d made, %d refused, users %v", made, refused, h.engine.Users.Users())
	}
	wantStatus(t, "afterwards", h.do("", "POST", "/api/v1/setup", body("the-secret")), 404)
	without := newHouse(t)
	wantStatus(t, "without a secret", without.do("", "POST", "/api/v1/setup", body("")), 404)
}

func TestSocketIsTrusted(t *testing.T) {
	h := populated(t)
	web := httptest.NewServer(h.server.SocketHandler())
	defer web.Close()
	h.web = web
	made := h.do("", "POST", "/api/v1/users", m{"username": "ada", "password": password, "role": "admin"})
	if made.status != 201 {
		t.Fatalf("%d %s", made.status, made.text)
	}
	token := h.do("", "POST", "/api/v1/tokens", m{"name": "cli", "user": made.id()})
	if token.status != 201 || !strings.HasPrefix(token.body["token"].(string), "mw_") {
		t.Errorf("token answers %d %s", token.status, token.text)
	}
	h.do("", "POST", "/api/v1/tokens", m{"name": "cli"}).wantErrors(t, "user required")
	audit := h.do("", "GET", "/api/v1/audit?via=cli&kind=user", nil)
	if items := audit.items(); len(items) != 1 || items[0]["name"] != "cli" || items[0]["title"] != "ada" {
		t.Errorf("the audit log says %s", audit.text)
	}
	if strings.Contains(audit.text, "argon2") || strings.Contains(audit.text, password) {
		t.Error("the audit log holds the password")
	}
}

func TestTokens(t *testing.T) {
	h := populated(t)
	h.tokens["limited"] = h.admin(201, "POST", "/tokens", m{"name": "limited", "role": "viewer"}).body["token"].(string)
	own := h.as(access.Viewer, "POST", "/tokens", m{"name": "mine", "expires": time.Now().Add(time.Hour).Format(time.RFC3339)})
	if own.status != 201 || own.body["user"] != h.users[access.Viewer].ID {
		t.Fatalf("a viewer's own token: %d %s", own.status, own.text)
	}
	if r := h.do(own.body["token"].(string), "GET", "/api/v1/session", nil); r.body["role"] != "viewer" {
		t.Errorf("the new token gives %s", r.text)
	}
	at := "/tokens/" + own.id()
	if r := h.as(access.Viewer, "GET", at, nil); r.body["token"] != nil || r.body["hash"] != nil || r.body["name"] != "mine" {
		t.Errorf("read again it is %s", r.text)
	}
	if n := len(h.as(access.Viewer, "GET", "/tokens", nil).items()); n != 2 {
		t.Errorf("a viewer sees %d tokens, want 2", n)
	}
	if n := len(h.admin(200, "GET", "/tokens?limit=1000", nil).items()); n != 6 {
		t.Errorf("an admin sees %d tokens, want 6", n)
	}
	theirs := h.admin(201, "POST", "/tokens", m{"name": "theirs", "user": h.users[access.Editor].ID}).id()
	refusals := []struct {
		who          access.Role
		method, path string
		body         any
		want         int
	}{
		{access.Viewer, "GET", "/tokens/" + theirs, nil, 404},
		{access.Viewer, "PATCH", "/tokens/" + theirs, m{"name": "x"}, 404},
		{access.Viewer, "DELETE", "/tokens/" + theirs, nil, 404},
		{access.Viewer, "GET", "/tokens/" + theirs + "/revisions", nil, 404},
		{access.Viewer, "POST", "/tokens", m{"name": "x", "user": h.users[access.Admin].ID}, 403},
		{access.Viewer, "POST", "/tokens", m{"name": "x", "role": "admin"}, 403},
		{"limited", "POST", "/tokens", m{"name": "x"}, 403},
		{"limited", "POST", "/tokens", m{"name": "x", "role": "editor"}, 403},
		{"limited", "PATCH", "/users/" + h.users[access.Admin].ID, m{"password": "another long pass"}, 403},
		{"limited", "DELETE", "/checks/x", nil, 403},
	}
	for _, r := range refusals {
		wantStatus(t, string(r.who)+" "+r.method+" "+r.path, h.as(r.who, r.method, r.path, r.body), r.want)
	}
	h.admin(422, "PATCH", at, m{"user": h.users[access.Admin].ID}).wantErrors(t, "user invalid")
	if r := h.as(access.Viewer, "PATCH", at, m{"name": "renamed"}); r.status != 200 || r.body["name"] != "renamed" || r.body["expires"] == nil {
		t.Errorf("renamed: %d %s", r.status, r.text)
	}
	if r := h.as(access.Viewer, "DELETE", at, nil); r.status != 204 {
		t.Errorf("deleted: %d %s", r.status, r.text)
	}
	wantStatus(t, "the revoked token", h.do(own.body["token"].(string), "GET", "/api/v1/session", nil), 401)
}

func TestUsers(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/users", m{"username": "ada", "password": password, "email": "ada@example.org",
		"settings": m{"pager": m{"number": "12", "pin": "1234567"}}})
	if strings.Contains(made.text, "password") || strings.Contains(made.text, "1234567") || made.body["role"] != "viewer" {
		t.Errorf("created %s", made.text)
	}
	if pin := made.body["settings"].(m)["pager"].(m)["pin"]; pin.(m)["set"] != true {
		t.Errorf("pin is %v", pin)
	}
	h.admin(422, "POST", "/users", m{"username": "bea", "password": "short", "settings": m{"nosuch": m{}}}).
		wantErrors(t, "settings.nosuch not_found", "password invalid")
	h.admin(422, "POST", "/users", m{"username": "ada"}).wantErrors(t, "username unique")
	ids := map[access.Role]string{}
	for role, u := range h.users {
		ids[role] = u.ID
	}
	own := "/users/" + ids[access.Viewer]
	me := h.as(access.Viewer, "GET", own, nil)
	if r := h.as(access.Viewer, "PATCH", own, me.body); r.status != 200 {
		t.Errorf("sent back unchanged: %d %s", r.status, r.text)
	}
	if r := h.as(access.Viewer, "PATCH", own, m{"first_name": "Vi", "time_zone": "Europe/Prague", "password": password,
		"settings": m{"pager": m{"number": "7"}}}); r.status != 200 || r.body["first_name"] != "Vi" {
		t.Errorf("own fields: %d %s", r.status, r.text)
	}
	for _, body := range []m{{"role": "admin"}, {"active": false}, {"username": "boss"}} {
		wantStatus(t, "an own field of the admin's", h.as(access.Viewer, "PATCH", own, body), 403)
	}
	wantStatus(t, "another user", h.as(access.Editor, "PATCH", own, m{"first_name": "x"}), 403)
	wantStatus(t, "another user's history", h.as(access.Editor, "GET", own+"/revisions", nil), 403)
	history := h.as(access.Viewer, "GET", own+"/revisions", nil)
	if history.status != 200 || strings.Contains(history.text, "argon2") || strings.Contains(history.text, "password") {
		t.Errorf("history: %d %s", history.status, history.text)
	}
	wantStatus(t, "the last admin", h.as(access.Admin, "DELETE", "/users/"+ids[access.Admin], nil), 409)
	wantStatus(t, "the last admin", h.as(access.Admin, "PATCH", "/users/"+ids[access.Admin], m{"active": false}), 409)
	if r := h.as(access.Admin, "DELETE", own, nil); r.status != http.StatusNoContent {
		t.Errorf("deleted: %d", r.status)
	}
	wantStatus(t, "the deleted user's token", h.as(access.Viewer, "GET", "/checks", nil), 401)
}

// TestDeactivatedUser: nothing of theirs is good any more, and nobody else loses
// their name.
func TestDeactivatedUser(t *testing.T) {
	h := populated(t)
	ada := h.admin(201, "POST", "/users", m{"username": "ada", "password": password, "role": "editor"}).id()
	login := func() reply {
		return h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": password})
	}
	pair, _, _ := strings.Cut(login().header.Get("Set-Cookie"), ";")
	token := h.admin(201, "POST", "/tokens", m{"name": "t", "user": ada, "role": "viewer"}).body["token"].(string)
	rota := h.admin(201, "POST", "/rotas", m{"name": "r", "fallback_user": h.users[access.Viewer].ID,
		"rotation": m{"members": []string{ada}, "every": "1w", "starts": "2026-01-05T09:00"}}).id()
	if duty := h.admin(200, "GET", "/oncall", nil).items(); len(duty) != 1 || duty[0]["user"] != ada {
		t.Fatalf("on duty %v", duty)
	}
	note := h.do("", "POST", "/api/v1/services", m{"name": "by ada"}, "Cookie", pair)
	h.admin(200, "PATCH", "/users/"+ada, m{"active": false})
	wantStatus(t, "a login", login(), 401)
	wantStatus(t, "the session", h.do("", "GET", "/api/v1/session", nil, "Cookie", pair), 401)
	wantStatus(t, "the token", h.do(token, "GET", "/api/v1/session", nil), 401)
	if duty := h.admin(200, "GET", "/oncall", nil).items(); len(duty) != 1 || duty[0]["user"] != h.users[access.Viewer].ID || duty[0]["fallback"] != true {
		t.Errorf("on duty of %s: %v", rota, duty)
	}
	if list := h.admin(200, "GET", "/services/"+note.id()+"/revisions", nil).items(); len(list) != 1 || list[0]["author"] != "ada" {
		t.Errorf("revisions %v", list)
	}
	if list := h.admin(200, "GET", "/audit?object="+note.id()+"&kind=service", nil).items(); len(list) != 1 || list[0]["name"] != "ada" {
		t.Errorf("the audit log %v", list)
	}
	h.admin(200, "PATCH", "/users/"+ada, m{"active": true})
	if r := login(); r.status != 200 {
		t.Errorf("active again: %d", r.status)
	}
	wantStatus(t, "the old session", h.do("", "GET", "/api/v1/session", nil, "Cookie", pair), 401)
}

func TestPasswordChangeKeepsOneSession(t *testing.T) {
	h := populated(t)
	made := h.admin(201, "POST", "/users", m{"username": "ada", "password": password})
	var cookies []string
	for range 2 {
		r := h.do("", "POST", "/api/v1/session", m{"username": "ada", "password": password})
		pair, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
		cookies = append(cookies, pair)
	}
	if r := h.do("", "PATCH", "/api/v1/users/"+made.id(), m{"password": "another long pass", "current_password": password}, "Cookie", cookies[0]); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	if r := h.do("", "GET", "/api/v1/session", nil, "Cookie", cookies[0]); r.status != 200 {
		t.Errorf("the session that changed it ended: %d", r.status)
	}
	wantStatus(t, "the other session", h.do("", "GET", "/api/v1/session", nil, "Cookie", cookies[1]), 401)
}
