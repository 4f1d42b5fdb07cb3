package module

import (
	"context"
	"net/http"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/luaapi/host"
)

// One set of module tables serves many states at a time (run with -race).
func TestModulesAreSharedBetweenStates(t *testing.T) {
	h := refusingHost()
	h.OnHTTP = func(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) {
		return &host.HTTPResponse{Status: 200, Body: `{"a":null}`, Header: http.Header{"A": {"b"}}, TLS: &host.TLSState{}}, nil
	}
	modules := map[string]*lua.LTable{}
	for name, open := range Builtin() {
		modules[name] = open(nil)
	}
	const script = `
		for i = 1, 50 do
			local r = http.get("http://x/", { query = { i = i }, json = json.object{} })
			assert(r.status == 200 and r.headers.a == "b" and r:json{ null = "keep" }.a == json.null and r.timings.total == 0 and not r.tls.verified)
			assert(re.match("a(" .. i .. ")", "a" .. i)[1] == tostring(i))
			assert(time.format(0, "%H", i % 2 == 0 and "Asia/Tokyo" or "Europe/Paris"))
			assert(bytes.unpack("b", bytes.pack("b", 5)) == 5 and crypto.md5("x") and url.parse("http://x/").host == "x")
			assert(xml.parse("<a/>").name == "a" and exec.split("a b")[2] == "b" and #http.all{ "http://x/" } == 1)
			assert(tostring(json.null) == "null" and json.encode(json.object()) == "{}" and http.session():get("http://x/").status == 200)
		end`
	var wait sync.WaitGroup
	for range 8 {
		b := newBench(t, h)
		for name, table := range modules {
			b.global(name, table)
		}
		wait.Go(func() {
			if _, err := b.do(script); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
