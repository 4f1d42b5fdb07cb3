package luaapi

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/luaapi/host"

	lua "github.com/yuin/gopher-lua"
)

// maxTogether is how many requests of one http.all are under way at a time, and
// how many hosts of one icmp.ping.
const maxTogether = 16

// maxAllBodies bounds what the answers of one http.all hold together, in bytes.
const maxAllBodies = 64 << 20

// maxAll bounds the requests of one http.all, and the hosts of one icmp.ping.
const maxAll = 1000

func openHTTP(*lua.LState) *lua.LTable {
	return moduleOf(map[string]lua.LGFunction{
		"get":     func(L *lua.LState) int { return httpShort(L, "http.get", http.MethodGet) },
		"post":    func(L *lua.LState) int { return httpShort(L, "http.post", http.MethodPost) },
		"request": httpRequestFunction,
		"all":     httpAll,
		"session": httpSession,
	})
}

// httpShort is get and post of the module.
func httpShort(L *lua.LState, name, method string) int {
	a := args{L, name}
	c := a.outside()
	r := a.shortRequest(1, method, nil)
	return sendHTTP(L, c, r)
}

// shortRequest reads (url, options) from argument n on.
func (a args) shortRequest(n int, method string, base *httpRequest) *httpRequest {
	url := a.text(n, "url")
	o := a.options(n+1, "options", httpOptionKeys)
	r := o.request(base)
	r.Method, r.URL = method, url
	o.finish(r)
	return r
}

func httpRequestFunction(L *lua.LState) int {
	a := args{L, "http.request"}
	c := a.outside()
	return sendHTTP(L, c, a.longRequest(1, a.table(1, "request"), nil))
}

// longRequest reads a request from a table that names everything.
func (a args) longRequest(n int, t *lua.LTable, base *httpRequest) *httpRequest {
	o := a.optionsOf(n, t, httpRequestKeys)
	r := o.request(base)
	r.Method = strings.ToUpper(o.text("method"))
	r.URL = o.text("url")
	if r.URL == "" {
		o.wrong("url", "text")
	}
	o.finish(r)
	return r
}

func sendHTTP(L *lua.LState, c *call, r *httpRequest) int {
	var answer *host.HTTPResponse
	c.carry(r)
	err := c.wait(r.timeout, func(ctx context.Context) (err error) {
		answer, err = c.host.HTTP(ctx, &r.HTTPRequest)
		return err
	})
	if err != nil {
		return failed(L, err)
	}
	L.Push(newHTTPResponse(answer))
	return 1
}

// carry readies requests to be sent: they go in the plugin's name, and their bodies
// and those of their answers are counted while the run waits.
func (c *call) carry(requests ...*httpRequest) {
	sent := int64(0)
	for _, r := range requests {
		r.Owner, r.Received = c.scope.Plugin, &c.carried
		sent += int64(len(r.Body))
	}
	c.carried.Store(sent)
}

// httpAll makes requests, up to 16 at a time, and answers in their order.
func httpAll(L *lua.LState) int {
	a := args{L, "http.all"}
	c := a.outside()
	t := a.table(1, "requests")
	if t.Len() > maxAll {
		a.fail(1, "there are more than %d requests", maxAll)
	}
	requests, sent := make([]*httpRequest, t.Len()), 0
	for i := range requests {
		switch v := t.RawGetInt(i + 1).(type) {
		case lua.LString:
			requests[i] = a.optionsOf(1, newTable(), nil).request(nil)
			requests[i].URL = string(v)
		case *lua.LTable:
			requests[i] = a.longRequest(1, v, nil)
		default:
			a.fail(1, "request %d must be a table or a URL, got %s", i+1, typeName(v))
		}
		if sent += len(requests[i].Body); sent > maxAllBodies {
			a.fail(1, "the bodies of the requests together are longer than 64 MiB")
		}
		if c.run != nil { // writing them is work
			if err := c.run.vm.Steps(len(requests[i].Body) / 8); err != nil {
				L.RaiseError("%s", err.Error())
			}
		}
	}
	c.carry(requests...)
	answers := make([]*host.HTTPResponse, len(requests))
	errs := make([]error, len(requests))
	var total atomic.Int64
	err := c.wait(0, func(ctx context.Context) error {
		return c.together(len(requests), func(i int) {
			ctx, cancel := within(ctx, requests[i].timeout)
			defer cancel()
			answers[i], errs[i] = c.host.HTTP(ctx, &requests[i].HTTPRequest)
			if errs[i] == nil && total.Add(int64(len(answers[i].Body))) > maxAllBodies {
				answers[i], errs[i] = nil, &host.Error{Kind: host.TooLarge, Message: "the answers together are longer than 64 MiB"}
			}
		})
	})
	if err != nil {
		return failed(L, err)
	}
	list := newTable()
	for i := range answers {
		if errs[i] != nil {
			list.Append(errorTable(errs[i]))
		} else {
			list.Append(newHTTPResponse(answers[i]))
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

// together calls fn for 0 to n-1, up to maxTogether at a time, and waits for
// all. A panic in one becomes the error of all. What is stubbed goes in order.
func (c *call) together(n int, fn func(i int)) error {
	width := maxTogether
	if _, stubbed := c.host.(*host.Stub); stubbed {
		width = 1
	}
	var (
		wait    sync.WaitGroup
		turns   = make(chan struct{}, width)
		paniced = make(chan error, 1)
	)
	for i := range n {
		turns <- struct{}{}
		wait.Add(1)
		go func() {
			defer func() {
				if v := recover(); v != nil {
					select {
					case paniced <- invalid("internal error: %v", v):
					default:
					}
				}
				<-turns
				wait.Done()
			}()
			fn(i)
		}()
	}
	wait.Wait()
	select {
	case err := <-paniced:
		return err
	default:
		return nil
	}
}

// errorTable is { error, kind }, which stands for what failed in a list of answers.
func errorTable(err error) *lua.LTable {
	e := asError(err)
	t := newRecord(2)
	t.RawSetString("error", lua.LString(e.Message))
	t.RawSetString("kind", lua.LString(e.Kind))
	return t
}

// httpSessionValue is what http.session returns: defaults and cookies.
type httpSessionValue struct {
	base *httpRequest
	jar  *jar
}

// weigh counts the defaults and the cookies.
func (v *httpSessionValue) weigh(s *scale) {
	r := v.base
	for _, text := range []string{r.URL, r.query, r.Body, r.ConnectTo, r.TLS.CA, r.TLS.ClientCert, r.TLS.ClientKey} {
		s.text(text)
	}
	if r.Auth != nil {
		s.text(r.Auth.User)
		s.text(r.Auth.Password)
	}
	s.header(r.Header)
	s.sum += v.jar.weight()
}

var httpSessionMeta = methodsOf("session", map[string]lua.LGFunction{
	"get":  func(L *lua.LState) int { return sessionShort(L, "session:get", http.MethodGet) },
	"post": func(L *lua.LState) int { return sessionShort(L, "session:post", http.MethodPost) },
	"request": func(L *lua.LState) int {
		a := args{L, "session:request"}
		c, s := a.outside(), a.session()
		return sendHTTP(L, c, a.longRequest(2, a.table(2, "request"), s.base))
	},
})

func httpSession(L *lua.LState) int {
	a := args{L, "http.session"}
	a.outside()
	o := a.options(1, "defaults", httpOptionKeys)
	base := o.request(nil)
	o.finish(base)
	session := &httpSessionValue{base, newJar()}
	base.Jar = session.jar
	L.Push(objectOf(session, httpSessionMeta))
	return 1
}

func (a args) session() *httpSessionValue {
	if u, ok := a.L.Get(1).(*lua.LUserData); ok {
		if s, ok := u.Value.(*httpSessionValue); ok {
			return s
		}
	}
	a.L.RaiseError("%s must be called with a colon on a session", a.fn)
	return nil
}

func sessionShort(L *lua.LState, name, method string) int {
	a := args{L, name}
	c, s := a.outside(), a.session()
	return sendHTTP(L, c, a.shortRequest(2, method, s.base))
}
