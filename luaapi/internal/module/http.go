package module

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sync/errgroup"

	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/vm"
)

// maxTogether is how many requests of one http.all are under way at a time, and
// how many hosts of one icmp.ping.
const maxTogether = 16

// maxAllBodies bounds what the answers of one http.all hold together, in bytes.
const maxAllBodies = 64 << 20

// maxAll bounds the requests of one http.all, and the hosts of one icmp.ping.
const maxAll = 1000

func openHTTP(*lua.LState) *lua.LTable {
	return ModuleOf(map[string]lua.LGFunction{
		"get":     func(L *lua.LState) int { return httpShort(L, "http.get", http.MethodGet) },
		"post":    func(L *lua.LState) int { return httpShort(L, "http.post", http.MethodPost) },
		"request": httpRequestFunction,
		"all":     httpAll,
		"session": httpSession,
	})
}

// httpShort is get and post of the module.
func httpShort(L *lua.LState, name, method string) int {
	a := vm.Args{L: L, Fn: name}
	c := a.Outside()
	r := shortRequest(a, 1, method, nil)
	return sendHTTP(L, c, r)
}

// shortRequest reads (url, options) from argument n on.
func shortRequest(a vm.Args, n int, method string, base *HTTPRequest) *HTTPRequest {
	url := a.Text(n, "url")
	o := a.Options(n+1, "options", HTTPOptionKeys)
	r := readRequest(o, base)
	r.Method, r.URL = method, url
	finishRequest(o, r)
	return r
}

func httpRequestFunction(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "http.request"}
	c := a.Outside()
	return sendHTTP(L, c, longRequest(a, 1, a.Table(1, "request"), nil))
}

// longRequest reads a request from a table that names everything.
func longRequest(a vm.Args, n int, t *lua.LTable, base *HTTPRequest) *HTTPRequest {
	o := a.OptionsOf(n, t, HTTPRequestKeys)
	r := readRequest(o, base)
	r.Method = strings.ToUpper(o.Text("method"))
	r.URL = o.Text("url")
	if r.URL == "" {
		o.Wrong("url", "text")
	}
	finishRequest(o, r)
	return r
}

func sendHTTP(L *lua.LState, c *vm.Call, r *HTTPRequest) int {
	var answer *host.HTTPResponse
	carry(c, r)
	err := c.Wait(r.timeout, func(ctx context.Context) (err error) {
		host.NoteOutgoing(ctx, &r.HTTPRequest)
		answer, err = c.Host.HTTP(ctx, &r.HTTPRequest)
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	L.Push(NewHTTPResponse(answer))
	return 1
}

// carry readies requests to be sent: they go in the plugin's name, and their bodies
// and those of their answers are counted while the run waits.
func carry(c *vm.Call, requests ...*HTTPRequest) {
	sent := int64(0)
	for _, r := range requests {
		r.Owner, r.Received = c.Scope.Plugin, &c.Carried
		sent += int64(len(r.Body))
	}
	c.Carried.Store(sent)
}

// httpAll makes requests, up to 16 at a time, and answers in their order.
func httpAll(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "http.all"}
	c := a.Outside()
	t := a.Table(1, "requests")
	if t.Len() > maxAll {
		a.Fail(1, "there are more than %d requests", maxAll)
	}
	requests, sent := make([]*HTTPRequest, t.Len()), 0
	for i := range requests {
		switch v := t.RawGetInt(i + 1).(type) {
		case lua.LString:
			requests[i] = readRequest(a.OptionsOf(1, luaval.NewTable(), nil), nil)
			requests[i].URL = string(v)
		case *lua.LTable:
			requests[i] = longRequest(a, 1, v, nil)
		default:
			a.Fail(1, "request %d must be a table or a URL, got %s", i+1, luaval.TypeName(v))
		}
		if sent += len(requests[i].Body); sent > maxAllBodies {
			a.Fail(1, "the bodies of the requests together are longer than 64 MiB")
		}
		if c.Run != nil { // writing them is work
			if err := c.Run.VM.Steps(len(requests[i].Body) / 8); err != nil {
				L.RaiseError("%s", err.Error())
			}
		}
	}
	carry(c, requests...)
	answers := make([]*host.HTTPResponse, len(requests))
	var total atomic.Int64
	errs, err := together(c, len(requests), func(ctx context.Context, i int) (err error) {
		ctx, cancel := within(ctx, requests[i].timeout)
		defer cancel()
		host.NoteOutgoing(ctx, &requests[i].HTTPRequest)
		answers[i], err = c.Host.HTTP(ctx, &requests[i].HTTPRequest)
		if err == nil && total.Add(int64(len(answers[i].Body))) > maxAllBodies {
			answers[i], err = nil, &host.Error{Kind: host.TooLarge, Message: "the answers together are longer than 64 MiB"}
		}
		return err
	})
	if err != nil {
		return vm.Failed(L, err)
	}
	list := luaval.NewTable()
	for i := range answers {
		if errs[i] != nil {
			list.Append(ErrorTable(errs[i]))
		} else {
			list.Append(NewHTTPResponse(answers[i]))
		}
	}
	L.Push(list)
	return 1
}

// within bounds a context by a timeout, if there is one.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}

// together waits while it calls fn for 0 to n-1, up to maxTogether at a time, and
// returns what each returned. When the wait ends, none is begun any more: the rest
// has timed out. A panic in one becomes the error of all. What is stubbed goes in
// order.
func together(c *vm.Call, n int, fn func(ctx context.Context, i int) error) (errs []error, err error) {
	width := maxTogether
	if _, stubbed := c.Host.(*host.Stub); stubbed {
		width = 1
	}
	errs = make([]error, n)
	err = c.Wait(0, func(ctx context.Context) error {
		var all errgroup.Group
		all.SetLimit(width)
		for i := range errs {
			all.Go(func() (failure error) {
				defer func() {
					if v := recover(); v != nil {
						failure = vm.Invalid("internal error: %v", v)
					}
				}()
				if ctx.Err() != nil {
					errs[i] = &host.Error{Kind: host.Timeout, Message: "timed out before its turn"}
				} else {
					errs[i] = fn(ctx, i)
				}
				return nil
			})
		}
		return all.Wait()
	})
	return errs, err
}

// ErrorTable is { error, kind }, which stands for what failed in a list of answers.
func ErrorTable(err error) *lua.LTable {
	e := vm.AsError(err)
	t := luaval.NewRecord(2)
	t.RawSetString("error", lua.LString(e.Message))
	t.RawSetString("kind", lua.LString(e.Kind))
	return t
}

// httpSessionValue is what http.session returns: defaults and cookies.
type httpSessionValue struct {
	base *HTTPRequest
	jar  *jar
}

// Measure counts the defaults and the cookies.
func (v *httpSessionValue) Measure(s *memory.Meter) {
	r := v.base
	for _, text := range []string{r.URL, r.query, r.Body, r.ConnectTo, r.TLS.CA, r.TLS.ClientCert, r.TLS.ClientKey} {
		s.Text(text)
	}
	if r.Auth != nil {
		s.Text(r.Auth.User)
		s.Text(r.Auth.Password)
	}
	header(s, r.Header)
	s.Sum += v.jar.total()
}

var HTTPSessionMeta = methodsOf("session", map[string]lua.LGFunction{
	"get":  func(L *lua.LState) int { return sessionShort(L, "session:get", http.MethodGet) },
	"post": func(L *lua.LState) int { return sessionShort(L, "session:post", http.MethodPost) },
	"request": func(L *lua.LState) int {
		a := vm.Args{L: L, Fn: "session:request"}
		c, s := a.Outside(), sessionOf(a)
		return sendHTTP(L, c, longRequest(a, 2, a.Table(2, "request"), s.base))
	},
})

func httpSession(L *lua.LState) int {
	a := vm.Args{L: L, Fn: "http.session"}
	a.Outside()
	o := a.Options(1, "defaults", HTTPOptionKeys)
	base := readRequest(o, nil)
	finishRequest(o, base)
	session := &httpSessionValue{base, newJar()}
	base.Jar = session.jar
	L.Push(objectOf(session, HTTPSessionMeta))
	return 1
}

func sessionOf(a vm.Args) *httpSessionValue {
	if u, ok := a.L.Get(1).(*lua.LUserData); ok {
		if s, ok := u.Value.(*httpSessionValue); ok {
			return s
		}
	}
	a.L.RaiseError("%s must be called with a colon on a session", a.Fn)
	return nil
}

func sessionShort(L *lua.LState, name, method string) int {
	a := vm.Args{L: L, Fn: name}
	c, s := a.Outside(), sessionOf(a)
	return sendHTTP(L, c, shortRequest(a, 2, method, s.base))
}
