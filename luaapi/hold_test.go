package luaapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
)

// holdings are the ways in which a run can hold two megabytes: behind each kind
// of object, in each function of ours that remembers something, and as a part
// of what is longer. The size is asked for after a wait.
var holdings = []struct{ name, body string }{
	{"a local", `local s = x:rep(M)`},
	{"a global", `held = x:rep(M)`},
	{"an upvalue", `local s = x:rep(M) local f = function() return s end s = nil held = f`},
	{"a key", `held = { [x:rep(M)] = 1 }`},
	{"a metatable", `held = setmetatable({}, { __index = { s = x:rep(M) } })`},
	{"a library's table", `string.mine = x:rep(M)`},
	{"a module of its own", `held = function() return math end math.mine = x:rep(M)`},
	{"self", `self.mine = x:rep(M)`},
	{"the subject of gmatch", `held = (x:rep(M)):gmatch(".")`},
	{"the pattern of gmatch", `held = ("x"):gmatch(x:rep(M))`},
	{"what gsub has built", `(("y"):rep(M - 1) .. "z"):gsub("z", function() wait() end)`},
	{"what nested gsubs have built", `local function nest(n) if n == 0 then wait() return end (("y"):rep(M / 4) .. "z"):gsub("z", function() nest(n - 1) end) end nest(4)`},
	{"what format has built", `string.format("%s%s", x:rep(M), setmetatable({}, { __tostring = function() wait() return "" end }))`},
	{"an argument of pcall", `pcall(function(s) wait() end, x:rep(M))`},
	{"inside pcall", `pcall(function() local s = x:rep(M) wait() end)`},
	{"inside pcalls", `local function nest(n) if n == 0 then return wait() end local s = x:rep(M / 8) .. n pcall(nest, n - 1) end nest(8)`},
	{"an error that is caught", `local ok, e = pcall(error, { x:rep(M) }) held = e`},
	{"the message of an assert", `pcall(assert, false, x:rep(M))`},
	{"result.error", `result.error = x:rep(M)`},
	{"result.message", `result.message = x:rep(M)`},
	{"result.raw_data", `result.raw_data = x:rep(M)`},
	{"lists of the check", `check.instance_set[5] = x:rep(M)`},
	{"the other list of the check", `check.service_set[5] = x:rep(M)`},
	{"an http body", `held = http.get("http://a/big")`},
	{"http bodies", `held = http.all{ "http://a/half", "http://a/half" }`},
	{"headers of an answer", `held = http.get("http://a/headers")`},
	{"what is put among the headers", `held = http.get("http://a/") held.headers.mine = x:rep(M)`},
	{"what is put among the timings", `held = http.get("http://a/") held.timings.mine = x:rep(M)`},
	{"a body that is still being sent", `http.post("http://a/slow", { body = x:rep(M) })`},
	{"values that are still being sent", `http.post("http://a/slow", { json = { ("é"):rep(M / 2) } })`},
	{"a body that is still coming", `http.get("http://a/coming")`},
	{"headers of a session", `held = http.session{ headers = { a = x:rep(M) } }`},
	{"the body of a session", `held = http.session{ body = x:rep(M) }`},
	{"a certificate of a session", `held = http.session{ ca = x:rep(M) }`},
	{"a password of a session", `held = http.session{ auth = { "a", x:rep(M) } }`},
	{"cookies", `held = {} for s = 1, 3 do held[s] = http.session() for i = 1, 60 do held[s]:get("http://a/cookies") end end`},
	{"unread bytes", `local c = tcp.connect("a", 1) pcall(c.receive, c, "*a")`},
	{"unread bytes of a connection that is forgotten", `tcp.connect("a", 1):receive("*a")`},
	{"many connections", `for i = 1, 130 do tcp.connect("a", 2) end`},
	{"a decoded text", `held = json.decode('["' .. x:rep(M) .. '"]')`},
	{"decoded values", `held = json.decode("[" .. ("1,"):rep(M / 16) .. "1]")`},
	{"an XML element", `held = xml.parse("<a>" .. x:rep(M) .. "</a>")`},
	{"XML elements", `held = xml.parse("<a>" .. ("<b/>"):rep(M / 256) .. "</a>")`},
	{"matches", `held = re.find_all("x+", (x:rep(99) .. " "):rep(M / 200))`},
	{"output of a program", `held = exec.run{ "/bin/big" }`},
}

// parts cut a few bytes from a text of two megabytes; keeping them must not
// keep the whole.
var parts = []struct{ name, body string }{
	{"sub", `held[i] = big:sub(1, 10)`},
	{"match", `held[i] = big:match("^xxxx")`},
	{"a capture", `held[i] = big:match("^(xxxx)x")`},
	{"find", `local _, _, s = big:find("^(xxxx)x") held[i] = s`},
	{"gmatch", `for s in big:gmatch("^?xxxxx") do held[i] = s break end`},
	{"gsub's argument", `big:gsub("xxxx", function(s) held[i] = s end, 1)`},
	{"re.match", `held[i] = re.match("^xxxx", big)`},
	{"utf8.sub", `held[i] = utf8.sub(big, 1, 4)`},
	{"json", `held[i] = json.decode('{"a":"b","c":"' .. big .. '"}').a`},
	{"a number in json", `held[i] = json.decode('[12345678901234567890,"' .. big .. '"]')[1]`},
	{"a key in json", `for k in pairs(json.decode('{"abc":"' .. big .. '"}')) do held[i] = k end`},
	{"xml", `held[i] = xml.parse("<a>" .. (" "):rep(#big) .. "x</a>").text`},
	{"bytes", `held[i] = bytes.unpack("c4", big)`},
	{"url", `held[i] = url.parse("http://host/?" .. big).host`},
	{"a query", `held[i] = url.query("a=b&c=" .. big).a`},
	{"a body", `held[i] = http.get("http://a/big").body:sub(1, 4)`},
	{"a line of tcp", `local c = tcp.connect("a", 3) held[i] = c:receive(4) c:close()`},
	{"an error", `local _, e = pcall(error, big) held[i] = e:sub(1, 4)`},
	{"a log line", `log.info(big)`},
	{"a printed line", `print(big)`},
	{"a metric", `result:metric(big .. i, 1)`},
	{"a unit", `result:metric("m" .. i, 1, big)`},
}

const holdSource = `local forms, http, tcp, json, xml, re, exec, time, utf8, bytes, url, log = require "forms", require "http", require "tcp", require "json", require "xml", require "re", require "exec", require "time", require "utf8", require "bytes", require "url", require "log"
local M, x = 2097152, "x"
local P = { name = "Test", slug = "%[1]s", version = "1" }
local function wait() time.sleep(0.001) local n = 0 for i = 1, 100 do n = n + i end end
function P:run(check, result)
  %[2]s
  wait()
  result.succeeded = true
  return result
end
return P
`

// holdHost answers with two megabytes of each kind. It calls look in the middle of
// a slow request.
func holdHost(look func()) *hosttest.Fake {
	big := strings.Repeat("x", 2<<20)
	return &hosttest.Fake{
		OnHTTP: func(ctx context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error) {
			a := &host.HTTPResponse{Status: 200, Header: http.Header{}}
			switch req.URL {
			case "http://a/big":
				a.Body = strings.Clone(big)
			case "http://a/half":
				a.Body = strings.Clone(big[:1<<20])
			case "http://a/headers":
				a.Header["X-Big"] = []string{strings.Clone(big)}
			case "http://a/slow":
				look()
			case "http://a/coming":
				req.Received.Add(2 << 20)
				look()
			case "http://a/cookies":
				var cookies []*http.Cookie
				for i := range 20 {
					cookies = append(cookies, &http.Cookie{Name: fmt.Sprint("c", i, time.Now().UnixNano()), Value: big[:3000]})
				}
				req.Jar.SetCookies(mustURL(req.URL), cookies)
			}
			return a, nil
		},
		OnDial: func(_ context.Context, req *host.DialRequest) (host.Conn, error) {
			if req.Port == 2 {
				return &endless{left: 0}, nil
			}
			return &endless{left: 2 << 20, fails: req.Port == 1}, nil
		},
		OnExec: func(context.Context, *host.ExecRequest) (*host.ExecAnswer, error) {
			return &host.ExecAnswer{Stdout: strings.Clone(big)}, nil
		},
	}
}

// endless is a connection that gives so many bytes and fails, or ends.
type endless struct {
	host.Conn
	left  int
	fails bool
}

func (e *endless) Receive(_ context.Context, most int) (string, error) {
	n := min(most, e.left)
	if e.left -= n; n > 0 {
		return strings.Repeat("x", n), nil
	}
	if e.fails {
		return "", &host.Error{Kind: host.Timeout, Message: "nothing came"}
	}
	return "", &host.Error{Kind: host.Closed, Message: "closed"}
}

func (e *endless) Close() error { return nil }

// TestWhateverARunHoldsIsMeasured holds every kind of thing that can hold text
// and tells that the run's size has it.
func TestWhateverARunHoldsIsMeasured(t *testing.T) {
	files := map[string]string{}
	for i, h := range holdings {
		files[fmt.Sprintf("h%d.lua", i)] = fmt.Sprintf(holdSource, fmt.Sprint("h", i), h.body)
	}
	var rt *Runtime
	h := holdHost(func() { rt.runner.Machine.Watchdog.Look() })
	rt = newTestRuntime(t, files, measuring, func(o *Options) { o.Host, o.SoftHeap, o.Memory, o.RunHeap = h, 1<<40, 1<<41, 1<<30 })
	for i, h := range holdings {
		in := checkRun("", nil)
		in.Check.ID = fmt.Sprint("c", i)
		in.Instances = []engine.InstanceSnapshot{{ID: "1"}}
		in.Check.Timeout = engine.Duration(patience)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		got := plugin(t, rt, fmt.Sprint("h", i)).Run(ctx, in)
		cancel()
		if !got.Succeeded {
			t.Errorf("%s: %+v", h.name, short(got))
		} else if got.Memory < 2<<20 || got.Memory > 24<<20 {
			t.Errorf("%s: %.1f MiB were seen of 2", h.name, float64(got.Memory)/(1<<20))
		}
	}
}

// TestAPartDoesNotHoldTheWhole keeps a few bytes of each of two dozen texts of two
// megabytes: what the process holds must be what the measurement says.
func TestAPartDoesNotHoldTheWhole(t *testing.T) {
	files := map[string]string{}
	for i, p := range parts {
		body := `held = {} for i = 1, 12 do local big = x:rep(M) ` + p.body + ` end http.get("http://a/slow")`
		files[fmt.Sprintf("p%d.lua", i)] = fmt.Sprintf(holdSource, fmt.Sprint("p", i), body)
	}
	var live uint64
	rt := newTestRuntime(t, files, func(o *Options) {
		o.Host, o.SoftHeap, o.Memory, o.RunHeap = holdHost(func() { live = liveHeap() }), 1<<40, 1<<41, 1<<30
	})
	before := liveHeap()
	for i, p := range parts {
		in := checkRun("", nil)
		in.Check.Timeout = engine.Duration(patience)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		got := plugin(t, rt, fmt.Sprint("p", i)).Run(ctx, in)
		cancel()
		if !got.Succeeded {
			t.Errorf("%s: %+v", p.name, short(got))
		} else if live < before/2 || live > before+12<<20 {
			t.Errorf("%s: %d MiB stay for a dozen parts", p.name, (int64(live)-int64(before))>>20)
		}
		live = 0
	}
}

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}
