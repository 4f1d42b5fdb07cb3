package module

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
	"moonwatch/luaapi/internal/vm"
)

// echoHost answers with a description of the request.
func echoHost() *hosttest.Fake {
	return &hosttest.Fake{OnHTTP: func(_ context.Context, r *host.HTTPRequest) (*host.HTTPResponse, error) {
		var header []string
		for name, values := range r.Header {
			header = append(header, name+"="+strings.Join(values, ","))
		}
		sort.Strings(header)
		text := fmt.Sprintf("%s %s [%s] %q r=%d m=%d", r.Method, r.URL, strings.Join(header, " "), r.Body, r.Redirects, r.MaxBody)
		if r.Auth != nil {
			text += " auth=" + r.Auth.User + ":" + r.Auth.Password
		}
		if r.TLS != (host.TLSOptions{}) {
			text += fmt.Sprintf(" tls=%+v", r.TLS)
		}
		if r.ConnectTo != "" {
			text += " to=" + r.ConnectTo
		}
		return &host.HTTPResponse{Status: 200, Body: text}, nil
	}}
}

func TestHTTPRequests(t *testing.T) {
	b := newBench(t, echoHost())
	for script, want := range map[string]string{
		`http.get("http://x/")`:                                                         `GET http://x/ [] "" r=10 m=0`,
		`http.post("http://x/", { body = "b" })`:                                        `POST http://x/ [] "b" r=10 m=0`,
		`http.get("http://x/", { query = { b = 2, a = { 1, true } } })`:                 `GET http://x/?a=1&a=true&b=2 [] "" r=10 m=0`,
		`http.get("http://x/?q=1#f", { query = { z = "ä&=" } })`:                        `GET http://x/?q=1&z=%C3%A4%26%3D#f [] "" r=10 m=0`,
		`http.get("http://x/?", { query = "?a=1" })`:                                    `GET http://x/?a=1 [] "" r=10 m=0`,
		`http.get("http://x/", { query = {} })`:                                         `GET http://x/ [] "" r=10 m=0`,
		`http.get("http://x/", { headers = { ["x-a"] = 1, B = {"c","d"} } })`:           `GET http://x/ [B=c,d X-A=1] "" r=10 m=0`,
		`http.post("http://x/", { json = { a = {} } })`:                                 `POST http://x/ [Content-Type=application/json] "{\"a\":[]}" r=10 m=0`,
		`http.post("http://x/", { json = {}, headers = { ["content-type"] = "own" } })`: `POST http://x/ [Content-Type=own] "[]" r=10 m=0`,
		`http.post("http://x/", { form = { a = "b c" } })`:                              `POST http://x/ [Content-Type=application/x-www-form-urlencoded] "a=b+c" r=10 m=0`,
		`http.get("http://x/", { auth = { "u", "p" }, redirects = false })`:             `GET http://x/ [] "" r=0 m=0 auth=u:p`,
		`http.get("http://x/", { redirects = 3, max_body = 5 })`:                        `GET http://x/ [] "" r=3 m=5`,
		`http.get("http://x/", { redirects = true, verify = false, ca = "c", client_cert = "d", client_key = "e", connect_to = "h:1" })`:                              `GET http://x/ [] "" r=10 m=0 tls={ServerName: Insecure:true CA:c ClientCert:d ClientKey:e} to=h:1`,
		`http.get("http://x/", { auth = { user = "u", password = "p" } })`:                                                                                            `GET http://x/ [] "" r=10 m=0 auth=u:p`,
		`http.request{ url = "http://x/", method = "put", body = "z" }`:                                                                                               `PUT http://x/ [] "z" r=10 m=0`,
		`http.request{ url = "http://x/" }`:                                                                                                                           ` http://x/ [] "" r=10 m=0`,
		`http.session{ headers = { A = "1" }, query = { k = 1 }, auth = { "u", "p" }, redirects = 0 }:get("http://x/", { headers = { B = "2" }, query = { l = 2 } })`: `GET http://x/?k=1&l=2 [A=1 B=2] "" r=0 m=0 auth=u:p`,
		`http.session():request{ method = "DELETE", url = "http://x/" }`:                                                                                              `DELETE http://x/ [] "" r=10 m=0`,
		`http.session():post("http://x/", { body = "b" })`:                                                                                                            `POST http://x/ [] "b" r=10 m=0`,
	} {
		b.gives("return ("+script+").body", want)
	}
	b.gives(`local s = http.session{ headers = { A = "1" } } s:get("http://x/", { headers = { B = "2" } }) return s:get("http://x/").body`, `GET http://x/ [A=1] "" r=10 m=0`)
}

func TestHTTPWrongArguments(t *testing.T) {
	b := newBench(t, echoHost())
	for script, want := range map[string]string{
		`http.get()`:                                  "bad argument #1 to http.get: url must be text, got nil",
		`http.get({})`:                                "bad argument #1 to http.get: url must be text, got a table",
		`http.get("u", 1)`:                            "bad argument #2 to http.get: options must be a table, got a number",
		`http.get("u", { timout = 1 })`:               "bad argument #2 to http.get: unknown option 'timout'; did you mean 'timeout'?",
		`http.get("u", { method = "PUT" })`:           "unknown option 'method'",
		`http.get("u", { 1 })`:                        "unexpected key 1",
		`http.get("u", { timeout = "1" })`:            "timeout must be a number of seconds, got text",
		`http.get("u", { timeout = 0 })`:              "timeout must be above 0 seconds",
		`http.get("u", { timeout = 0/0 })`:            "timeout must be above 0 seconds",
		`http.get("u", { timeout = 1/0 })`:            "timeout must be above 0 seconds",
		`http.get("u", { verify = 1 })`:               "verify must be true or false, got a number",
		`http.get("u", { redirects = "no" })`:         "redirects must be true, false or a number, got text",
		`http.get("u", { redirects = -1 })`:           "redirects must be from 0 to 50",
		`http.get("u", { redirects = 1.5 })`:          "redirects must be a whole number",
		`http.get("u", { max_body = 1e9 })`:           "max_body must be from 0 to 8388608",
		`http.get("u", { max_body = 0/0 })`:           "max_body must be from 0 to 8388608",
		`http.get("u", { auth = { "u" } })`:           "auth must be { user, password }",
		`http.get("u", { auth = "u:p" })`:             "auth must be a table, got text",
		`http.get("u", { headers = "A: b" })`:         "headers must be a table, got text",
		`http.get("u", { headers = { "A: b" } })`:     "headers must be a table of names and values, got the key 1",
		`http.get("u", { headers = { A = true } })`:   "header A must be text, got a boolean",
		`http.get("u", { headers = { A = { {} } } })`: "header A must hold texts, got a table at 1",
		`http.get("u", { query = 1 })`:                "query must be a table or text, got a number",
		`http.get("u", { query = { a = print } })`:    "query: the value of a must be text, got a function",
		`http.post("u", { json = print })`:            "bad argument #2 to http.post: json: a function cannot be written as JSON",
		`http.post("u", { json = {}, body = "x" })`:   "only one of body, json and form",
		`http.post("u", { body = {} })`:               "body must be text, got a table",
		`http.request("u")`:                           "bad argument #1 to http.request: request must be a table, got text",
		`http.request{}`:                              "url must be text, got nil",
		`http.request{ ulr = "x" }`:                   "unknown option 'ulr'; did you mean 'url'?",
		`http.all("x")`:                               "requests must be a table, got text",
		`http.all{ 1 }`:                               "request 1 must be a table or a URL, got a number",
		`http.session{ url = "x" }`:                   "unknown option 'url'",
		`http.session().get("http://x/")`:             "session:get must be called with a colon on a session",
		`http.session():put("http://x/")`:             "session has no field 'put'",
		`http.session().x = 1`:                        "session is read-only: 'x' cannot be set",
	} {
		b.raises(script, want)
	}
	b.raises(`local x = http.get("u").state`, "response has no field 'state'; did you mean 'status'?")
	b.raises(`http.get("u").status = 1`, "response is read-only: 'status' cannot be set")
	b.raises(`http.get("u").json()`, "response:json must be called with a colon on a response")
	b.call.Loading = true
	b.raises(`http.get("http://x/")`, "http.get cannot be called while the plugin loads")
	b.raises(`http.session()`, "http.session cannot be called while the plugin loads")
	b.call.Loading, b.call.Offline = false, true
	b.raises(`http.get("http://x/")`, "http.get cannot be called in clean or description")
	b.call.Offline, b.call.Host = false, nil
	b.raises(`http.get("http://x/")`, "http.get cannot be called here: there is no network")
}

func TestHTTPResponse(t *testing.T) {
	answer := host.HTTPResponse{
		Status: 201, Body: `{"a":[1,null]}`, URL: "http://x/end", Header: http.Header{"Content-Type": {"text/x"}, "Set-Cookie": {"a", "b"}, "x-odd": {"o"}},
		Timings: host.Timings{DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond, FirstByte: 4 * time.Millisecond, Total: 5 * time.Millisecond},
		TLS:     &host.TLSState{NotAfter: time.Unix(1e9, 0), Issuer: "CN=i", Subject: "CN=s", DNSNames: []string{"a", "b"}, Verified: true},
	}
	h := &hosttest.Fake{OnHTTP: func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) {
		copied := answer
		return &copied, nil
	}}
	b := newBench(t, h)
	b.gives(`r = http.get("http://x/") return r.status, r.body, r.url, r.truncated`, `201 | {"a":[1,null]} | http://x/end | false`)
	b.gives(`return r.headers["content-TYPE"], r.headers["Content-Type"], r.headers["set-cookie"], r.headers["X-ODD"], r.headers.none, r.headers[1]`, "text/x | text/x | a, b | o | nil | nil")
	b.gives(`local n = 0 for k, v in pairs(r.headers) do n = n + 1 end return n, r.headers == r.headers`, "3 | true")
	b.gives(`return #r:header_values("SET-COOKIE"), r:header_values("set-cookie")[2], #r:header_values("none"), r:header_values("X-Odd")[1]`, "2 | b | 0 | o")
	b.gives(`local t = r.timings return t.dns, t.connect, t.tls, t.first_byte, t.total`, "0.001 | 0.002 | 0.003 | 0.004 | 0.005")
	b.gives(`local t = r.tls return t.not_after, t.issuer, t.subject, t.dns_names[2], t.verified`, "1000000000 | CN=i | CN=s | b | true")
	b.gives(`return r:json().a[1], r:json().a[2] == json.null, r:json{ null = "keep" }.a[1]`, "1 | true | 1")
	answer.Body, answer.TLS = "<html>", nil
	b.gives(`r = http.get("http://x/") return r.tls`, "nil")
	b.gives(`return r:json()`, "nil | not JSON: unexpected character at line 1, column 1 | invalid")
	answer.Truncated, answer.Body = true, `{"a":`
	b.gives(`r = http.get("http://x/") return select(3, r:json())`, "too_large")
	b.raises(`r:header_values()`, "name must be text, got nil")
}

func TestHTTPErrorsAndTimeouts(t *testing.T) {
	h := &hosttest.Fake{OnHTTP: func(ctx context.Context, r *host.HTTPRequest) (*host.HTTPResponse, error) {
		if r.URL == "http://hang/" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, &host.Error{Kind: host.Refused, Message: "connection refused by x:80"}
	}}
	b := newBench(t, h)
	b.gives(`return http.get("http://x/")`, "nil | connection refused by x:80 | refused")
	started := time.Now()
	b.gives(`return http.get("http://hang/", { timeout = 0.05 })`, "nil | timed out | timeout")
	b.gives(`return http.session{ timeout = 0.05 }:get("http://hang/")`, "nil | timed out | timeout")
	b.gives(`local l = http.all{ { url = "http://hang/", timeout = 0.05 }, "http://x/" } return l[1].kind, l[2].error, l[2].kind, #l`, "timeout | connection refused by x:80 | refused | 2")
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestHTTPAllRunsTogether(t *testing.T) {
	var now, most atomic.Int32
	h := &hosttest.Fake{OnHTTP: func(_ context.Context, r *host.HTTPRequest) (*host.HTTPResponse, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(10 * time.Millisecond)
		return &host.HTTPResponse{Status: 200, Body: r.URL}, nil
	}}
	b := newBench(t, h)
	b.gives(`local l = {} for i = 1, 40 do l[i] = "http://x/" .. i end
		local r = http.all(l) for i = 1, 40 do assert(r[i].body == l[i]) end return #r, #http.all{}`, "40 | 0")
	if got := most.Load(); got != maxTogether {
		t.Errorf("%d at a time, want %d", got, maxTogether)
	}
	big := strings.Repeat("x", 4<<20)
	h.OnHTTP = func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) {
		return &host.HTTPResponse{Body: big}, nil
	}
	b.gives(`local l = {} for i = 1, 20 do l[i] = "http://x/" end local kept = 0
		for _, r in ipairs(http.all(l)) do if type(r) == "table" then assert(r.kind == "too_large") else kept = kept + 1 end end return kept`, "16")
	h.OnHTTP = func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) { panic("oh") }
	b.gives(`return http.all{ "http://panic/" }`, "nil | internal error: oh | invalid")
}

// A list of which the time is over is not gone through to its end.
func TestListsEndWithTheirTime(t *testing.T) {
	t.Parallel()
	var begun atomic.Int32
	b := newBench(t, &hosttest.Fake{
		OnHTTP: func(ctx context.Context, _ *host.HTTPRequest) (*host.HTTPResponse, error) {
			begun.Add(1)
			<-ctx.Done()
			return nil, &host.Error{Kind: host.Timeout, Message: "cut"}
		},
		OnPing: func(ctx context.Context, _ *host.PingRequest) (*host.PingAnswer, error) {
			begun.Add(1)
			<-ctx.Done()
			return nil, &host.Error{Kind: host.Timeout, Message: "cut"}
		},
	})
	for _, list := range []string{"http.all", "icmp.ping"} {
		begun.Store(0)
		b.call.Deadline = time.Now().Add(vm.MaxReserve + 50*time.Millisecond)
		b.gives(`local l = {} for i = 1, 100 do l[i] = "http://x/" end
			local r = `+list+`(l) return r[1].error, r[100].error, r[100].kind, #r`, "cut | timed out before its turn | timeout | 100")
		if n := begun.Load(); n != maxTogether {
			t.Errorf("%s: %d were begun, want %d", list, n, maxTogether)
		}
	}
}

func TestHTTPOverTheNetwork(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "7", Path: "/"})
			http.Redirect(w, r, "/home", 303)
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"cookie":%q}`, r.Header.Get("Cookie"))
		}
	}))
	defer s.Close()
	n, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b := newBench(t, n)
	b.global("base", lua.LString(s.URL))
	b.gives(`local s = http.session() local r = s:post(base .. "/login", { form = { u = "x" } })
		return r.status, r.url == base .. "/home", r:json().cookie, s:get(base .. "/x"):json().cookie, http.get(base):json().cookie`, "200 | true | sid=7 | sid=7 | ")
	b.gives(`return select(3, http.get("http://169.254.169.254/"))`, "denied")
}

// TestHTTPIsOfThePlugin holds that every way to make a request names whose it
// is, by which the host keeps the connections of plugins apart.
func TestHTTPIsOfThePlugin(t *testing.T) {
	h := &hosttest.Fake{OnHTTP: func(_ context.Context, r *host.HTTPRequest) (*host.HTTPResponse, error) {
		return &host.HTTPResponse{Body: r.Owner}, nil
	}}
	b := newBench(t, h)
	b.call.Scope.Plugin = "mine"
	b.gives(`local s, all = http.session(), http.all{ "http://x/", { method = "PUT", url = "http://x/" } }
		return http.get("http://x/").body, http.post("http://x/").body, http.request{ url = "http://x/" }.body, s:get("http://x/").body, s:post("http://x/").body,
			s:request{ url = "http://x/" }.body, all[1].body, all[2].body`, strings.Repeat("mine | ", 7)+"mine")
}

// TestHTTPMethodsThatAreRefused tries what is no request by every way there is.
func TestHTTPMethodsThatAreRefused(t *testing.T) {
	n, err := host.New(host.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	b := newBench(t, n)
	for _, method := range []string{"CONNECT", "connect", "Connect", "PRI"} {
		b.global("method", lua.LString(method))
		b.gives(`local r = { method = method, url = "http://127.0.0.1:1/", body = "GET / HTTP/1.1\r\n\r\n", redirects = 3 }
			return select(3, http.request(r)), select(3, http.session():request(r)), http.all{ r }[1].kind`, "invalid | invalid | invalid")
	}
}

func TestHTTPBodyOptions(t *testing.T) {
	h := &hosttest.Fake{OnHTTP: func(_ context.Context, r *host.HTTPRequest) (*host.HTTPResponse, error) {
		return &host.HTTPResponse{Body: fmt.Sprint(r.MaxBody, r.BodyTimeout, r.RawBody, r.KeepMethod), Undecoded: "br",
			Expiry: &host.Expiry{At: time.Unix(5, 0), Subject: "CN=s", Leaf: true, Host: "h"}}, nil
	}}
	b := newBench(t, h)
	for script, want := range map[string]string{
		`http.get("http://x/")`:                                                             "0 0s false false",
		`http.get("http://x/", { max_body = 0 })`:                                           "-1 0s false false",
		`http.get("http://x/", { max_body = 7, body_timeout = 0.5 })`:                       "7 500ms false false",
		`http.get("http://x/", { raw = true, keep_method = true })`:                         "0 0s true true",
		`http.session{ max_body = 0, raw = true }:get("http://x/", { keep_method = true })`: "-1 0s true true",
		`http.session{ max_body = 0 }:get("http://x/", { max_body = 9 })`:                   "9 0s false false",
	} {
		b.gives("return ("+script+").body", want)
	}
	b.gives(`r = http.get("http://x/") return r.undecoded, r.expiry.at, r.expiry.subject, r.expiry.leaf, r.expiry.host`, "br | 5 | CN=s | true | h")
	b.gives(`return r:json()`, "nil | the body cannot be read: br is not known here | protocol")
}

func BenchmarkHTTPGet(b *testing.B) {
	answer := &host.HTTPResponse{Status: 200, Body: "ok", URL: "http://x/", Header: http.Header{"Content-Type": {"text/plain"}}}
	h := &hosttest.Fake{OnHTTP: func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) { return answer, nil }}
	bench := newBench(b, h)
	L := bench.L
	fn, err := L.LoadString(`local r = http.get("http://x/", { timeout = 5, redirects = true }) return r.status, r.body, r.timings.total`)
	if err != nil {
		b.Fatal(err)
	}
	bench.call.Deadline = time.Now().Add(time.Hour)
	bench.call.Ctx = context.Background()
	L.SetContext(context.WithValue(context.Background(), vm.CallKey{}, bench.call))
	b.ReportAllocs()
	for b.Loop() {
		if err := L.CallByParam(lua.P{Fn: fn, NRet: 3, Protect: true}); err != nil {
			b.Fatal(err)
		}
		L.Pop(3)
	}
}
