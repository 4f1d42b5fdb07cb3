package plugintest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
	"moonwatch/luaapi/internal/vm"
)

// testView is view(method, path, options): the answer, as http.request gives
// one. It is answered as the site does: 404 and 405 where there is no view, 403
// for a user whose role is too low, 500 for an error in the plugin. Where a user
// is needed and none is named, it is one with just that role.
func testView(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.view"}, harnessOf(L)
	o := a.Options(3, "options", []string{"headers", "body", "json", "form", "query", "user", "address", "slug"})
	v := h.choose(a, o.Text("slug"), func(v *runner.Version) bool { return len(v.Views()) > 0 }, "urls")
	method := strings.ToUpper(a.Text(1, "method"))
	path, query, _ := strings.Cut(strings.TrimLeft(a.Text(2, "path"), "/"), "?")
	path = strings.TrimPrefix(path, "plugins/"+v.Manifest.Slug+"/")
	query = module.JoinQuery(query, module.ReadQuery(o, "query"))
	route, status := routeOf(v.Views(), method, path)
	if route == nil {
		return pushView(L, engine.ViewAnswer{Status: status})
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		o.Fail(3, "query: %s", err.Error())
	}
	r := &module.HTTPRequest{}
	module.ReadHeaders(o, r)
	module.ReadBody(o, r)
	in := &engine.ViewCall{Settings: h.settingsOf(v), PublicURL: testAddress}
	in.Request = engine.ViewRequest{Method: method, Path: path, Query: values, Headers: r.Header, Body: []byte(r.Body),
		Address: textOption(o, "address", "192.0.2.1"), URL: testAddress + "/plugins/" + v.Manifest.Slug + "/" + path}
	if in.Request.Headers == nil {
		in.Request.Headers = map[string][]string{}
	}
	if query != "" {
		in.Request.URL += "?" + query
	}
	if user := h.viewer(o, v, route); user != nil {
		if !user.Role.Can(route.Role) {
			return pushView(L, engine.ViewAnswer{Status: http.StatusForbidden})
		}
		in.Request.User, in.Request.Role = user, user.Role
	}
	in.Monitor = &testMonitorView{h: h, m: h.monitor, v: v, role: in.Request.Role}
	return h.callView(L, v, in)
}

// routeOf finds the view that answers, or the status of there being none.
func routeOf(routes []engine.ViewRoute, method, path string) (*engine.ViewRoute, int) {
	status := http.StatusNotFound
	for i := range routes {
		if routes[i].Path != path {
			continue
		}
		if routes[i].Answers(method) {
			return &routes[i], 0
		}
		status = http.StatusMethodNotAllowed
	}
	return nil, status
}

// viewer is who calls a view: nobody when it is public, else the user named, by
// username or with fields, or one with just the role that is needed.
func (h *harness) viewer(o vm.Options, v *runner.Version, route *engine.ViewRoute) *engine.UserSnapshot {
	if route.Public {
		return nil
	}
	switch given := o.Get("user").(type) {
	case *lua.LTable:
		fields := o.OptionsOf(o.N, given, testUserKeys())
		user := h.user(fields, v, 0)
		if fields.Get("role") == lua.LNil {
			user.Role = route.Role
		}
		return &user
	case lua.LString:
		for _, user := range h.monitor.users {
			if user.Username == string(given) {
				return &user
			}
		}
		return &engine.UserSnapshot{ID: string(given), Username: string(given), TimeZone: "UTC", Role: route.Role}
	case *lua.LNilType:
	default:
		o.Wrong("user", "a table or a username")
	}
	return &engine.UserSnapshot{ID: "u1", Username: "user1", TimeZone: "UTC", Role: route.Role}
}

func (h *harness) callView(L *lua.LState, v *runner.Version, in *engine.ViewCall) int {
	if !slices.ContainsFunc(v.Views(), func(r engine.ViewRoute) bool {
		return r.Path == in.Request.Path && slices.Contains(r.Methods, in.Request.Method)
	}) {
		in.Request.Method = http.MethodGet // HEAD is answered by a view that answers GET
	}
	var answer engine.ViewAnswer
	var err error
	h.plugin(L, runner.ViewLimit, func(ctx context.Context) { answer, err = v.View(ctx, in) })
	h.log = answer.Log
	h.note("", "")
	if err != nil {
		answer = engine.ViewAnswer{Status: http.StatusInternalServerError}
		h.last = err.Error()
		if failed, ok := err.(*engine.ViewError); ok {
			h.log, h.last = failed.Log, failed.Message+"\n"+failed.Traceback
		}
	}
	return pushView(L, answer)
}

func pushView(L *lua.LState, answer engine.ViewAnswer) int {
	L.Push(module.NewHTTPResponse(&host.HTTPResponse{Status: answer.Status, Header: http.Header(answer.Headers), Body: string(answer.Body)}))
	return 1
}

// testMonitor is what a test says that the monitor holds, and what the plugin's
// views did to it.
type testMonitor struct {
	services map[string]*engine.AlertSnapshot
	checks   map[string]*engine.CheckRun
	users    []engine.UserSnapshot
	acks     []*lua.LTable
	records  []*lua.LTable
}

func newTestMonitor() *testMonitor {
	return &testMonitor{services: map[string]*engine.AlertSnapshot{}, checks: map[string]*engine.CheckRun{}}
}

// testFeed is monitor{ services, checks, users [, slug] }.
func testFeed(L *lua.LState) int {
	a, h := vm.Args{L: L, Fn: "testing.monitor"}, harnessOf(L)
	a.Table(1, "monitor")
	o := a.Options(1, "monitor", []string{"services", "checks", "users", "slug"})
	v := h.choose(a, o.Text("slug"), func(v *runner.Version) bool { return len(v.Views()) > 0 }, "urls")
	m := newTestMonitor()
	for i, one := range recordOptions(o, "services", testServiceKeys()) {
		s := h.service(one, v, i)
		if s.OverallStatus == engine.StatusPassing {
			s.IncidentKey = one.Text("incident_key")
		}
		m.services[s.Subject.ID] = s
	}
	for _, one := range recordOptions(o, "checks", append(testCheckKeys(), "config")) {
		in := h.checkRun(one, v)
		config := one.Table("config")
		if config == nil {
			config = luaval.NewTable()
		}
		in.Check.Config = h.mustClean(a, v, engine.ConfigForm, in.Check.ID, config)
		m.checks[in.Check.ID] = in
	}
	m.users = h.users(o, "users", v, 0)
	slices.SortFunc(m.users, func(x, y engine.UserSnapshot) int { return strings.Compare(x.Username, y.Username) })
	m.acks, m.records = h.monitor.acks, h.monitor.records
	h.monitor = m
	return 0
}

// testAcknowledgements is acknowledgements(): what views acknowledged, in order.
func testAcknowledgements(L *lua.LState) int { return pushTables(L, harnessOf(L).monitor.acks) }

// testRecords is records(): the results that views recorded, in order.
func testRecords(L *lua.LState) int { return pushTables(L, harnessOf(L).monitor.records) }

func pushTables(L *lua.LState, tables []*lua.LTable) int {
	list := luaval.NewTable()
	for _, t := range tables {
		list.Append(t)
	}
	L.Push(list)
	return 1
}

// testMonitorView is the monitor of one call of a view.
type testMonitorView struct {
	h    *harness
	m    *testMonitor
	v    *runner.Version
	role access.Role // "" is the plugin itself
}

func monitorError(kind engine.MonitorErrorKind, message string) error {
	return &engine.MonitorError{Kind: kind, Message: message}
}

// Service implements engine.Monitor.
func (t *testMonitorView) Service(_ context.Context, id string) (*engine.AlertSnapshot, error) {
	s := t.m.services[id]
	if s == nil {
		return nil, monitorError(engine.MonitorNotFound, "there is no service "+id)
	}
	return s, nil
}

// Check implements engine.Monitor.
func (t *testMonitorView) Check(_ context.Context, id string) (*engine.CheckRun, error) {
	c := t.m.checks[id]
	if c == nil || c.Check.Plugin != t.v.Manifest.Slug {
		return nil, monitorError(engine.MonitorNotFound, "there is no check "+id)
	}
	return c, nil
}

// Users implements engine.Monitor.
func (t *testMonitorView) Users(context.Context) ([]engine.UserSnapshot, error) {
	return t.m.users, nil
}

// Acknowledge implements engine.Monitor.
func (t *testMonitorView) Acknowledge(_ context.Context, service, username string, o engine.AckOptions) error {
	s := t.m.services[service]
	user := slices.IndexFunc(t.m.users, func(u engine.UserSnapshot) bool { return u.Username == username })
	switch {
	case t.denied():
		return monitorError(engine.MonitorDenied, "this needs the role operator")
	case s == nil:
		return monitorError(engine.MonitorNotFound, "there is no service "+service)
	case user < 0:
		return monitorError(engine.MonitorUnknownUser, "there is no user "+username)
	case s.OverallStatus == engine.StatusPassing:
		return monitorError(engine.MonitorNotFailing, "nothing is failing")
	case o.IncidentKey != "" && o.IncidentKey != s.IncidentKey:
		return monitorError(engine.MonitorOtherIncident, "another incident is open now")
	}
	copied := *s
	copied.Acknowledgement = &engine.AcknowledgementSnapshot{User: username, Comment: o.Comment, At: t.h.stub.Now()}
	t.m.services[service] = &copied
	ack := luaval.NewRecord(5)
	for name, text := range map[string]string{"service": service, "user": username, "comment": o.Comment, "incident_key": s.IncidentKey} {
		ack.RawSetString(name, lua.LString(text))
	}
	if o.ExpiresIn != nil {
		ack.RawSetString("expires_in", module.InSeconds(*o.ExpiresIn))
	}
	ack.Metatable = withAliases("acknowledgement", []string{"service", "user", "comment", "incident_key", "expires_in"},
		map[string]string{"service_id": "service", "username": "user"})
	t.m.acks = append(t.m.acks, ack)
	return nil
}

// withAliases is strict for a table whose fields are also found under the names
// that the arguments had, which a test's author has before the eyes.
func withAliases(what string, names []string, aliases map[string]string) *lua.LTable {
	meta := luaval.Strict(what, names)
	unknown := meta.RawGetString("__index").(*lua.LFunction).GFunction
	meta.RawSetString("__index", luaval.GoFunction(func(L *lua.LState) int {
		name, isAlias := aliases[luaval.KeyText(L.Get(2))]
		t, isTable := L.Get(1).(*lua.LTable)
		if !isAlias || !isTable {
			return unknown(L)
		}
		L.Push(t.RawGetString(name))
		return 1
	}))
	return meta
}

// denied reports whether the caller may only look.
func (t *testMonitorView) denied() bool { return t.role != "" && !t.role.Can(access.Operator) }

// Record implements engine.Monitor.
func (t *testMonitorView) Record(_ context.Context, check string, report engine.RunReport) error {
	c := t.m.checks[check]
	switch {
	case t.denied():
		return monitorError(engine.MonitorDenied, "this needs the role operator")
	case c == nil || c.Check.Plugin != t.v.Manifest.Slug:
		return monitorError(engine.MonitorNotFound, "there is no check "+check)
	case !c.Check.Active:
		return monitorError(engine.MonitorDenied, "the check "+c.Check.Name+" is not active")
	}
	record := t.h.resultTable(&report)
	record.RawSetString("check", lua.LString(check))
	record.Metatable = withAliases("record", append(testResultNames(), "check"), map[string]string{"check_id": "check"})
	t.m.records = append(t.m.records, record)
	return nil
}
