package luaapi

import (
	"reflect"
	"strings"

	"moonwatch/engine"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
	luar "layeh.com/gopher-luar"
)

// The objects of the cold paths are bound by gopher-luar, by value: these
// structs are copies, made for one run, of what a plugin may see. A field that
// is nil, a list or a settings table is a Lua value already.

// serviceView is the service (or instance) of an alert.
type serviceView struct {
	Kind             string     `luar:"kind"`
	ID               string     `luar:"id"`
	Name             string     `luar:"name"`
	URL              string     `luar:"url"`
	Address          string     `luar:"address"`
	Instances        lua.LValue `luar:"instances"`
	OverallStatus    string     `luar:"overall_status"`
	OldOverallStatus string     `luar:"old_overall_status"`
	WorstStatus      string     `luar:"worst_status"`
	LastAlertSent    lua.LValue `luar:"last_alert_sent"`
	PageURL          string     `luar:"page_url"`
	RunbookLink      string     `luar:"runbook_link"`
	AlertKind        string     `luar:"alert_kind"`
	IncidentKey      string     `luar:"incident_key"`
	DeliveryID       string     `luar:"delivery_id"`
	Attempt          int        `luar:"attempt"`
	AlertNumber      int        `luar:"alert_number"`
	EventAt          lua.LValue `luar:"event_at"`
	IncidentOpenedAt lua.LValue `luar:"incident_opened_at"`
	Settings         lua.LValue `luar:"-"`

	GetStatusMessage        lua.LValue `luar:"get_status_message"`
	AllFailingChecks        lua.LValue `luar:"all_failing_checks"`
	AllPassingChecks        lua.LValue `luar:"all_passing_checks"`
	UnexpiredAcknowledgment lua.LValue `luar:"unexpired_acknowledgement"`
	MarkSent                lua.LValue `luar:"mark_sent"`
}

// userView is a user that is told.
type userView struct {
	ID        string     `luar:"id"`
	Username  string     `luar:"username"`
	FirstName string     `luar:"first_name"`
	LastName  string     `luar:"last_name"`
	Email     string     `luar:"email"`
	TimeZone  string     `luar:"time_zone"`
	Role      string     `luar:"role"`
	Settings  lua.LValue `luar:"-"`
}

// instanceView is a linked instance.
type instanceView struct {
	ID            string `luar:"id"`
	Name          string `luar:"name"`
	Address       string `luar:"address"`
	OverallStatus string `luar:"overall_status"`
}

// linkedServiceView is a service that a check belongs to.
type linkedServiceView struct {
	ID            string `luar:"id"`
	Name          string `luar:"name"`
	URL           string `luar:"url"`
	OverallStatus string `luar:"overall_status"`
}

// settingsOf gives the table behind `<slug>_settings`, for objects that have one.
func settingsOf(v any) (lua.LValue, bool) {
	switch v := v.(type) {
	case serviceView:
		return v.Settings, true
	case userView:
		return v.Settings, true
	}
	return nil, false
}

// object binds a view. The library's metatable of the type is changed once in
// each state: unknown fields and writes raise, and `<slug>_settings` is found.
func (r *pluginRun) object(L *lua.LState, what string, view any) lua.LValue {
	meta := luar.MT(L, view)
	if meta.RawGetString("moonwatch") == lua.LNil {
		wrapObject(L, meta.LTable, what, reflect.TypeOf(view))
	}
	return luar.New(L, view)
}

func wrapObject(L *lua.LState, meta *lua.LTable, what string, typ reflect.Type) {
	inner := meta.RawGetString("__index")
	names := fieldNames(typ)
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	meta.RawSetString("moonwatch", lua.LTrue)
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		name := keyText(L.Get(2))
		if known[name] {
			L.Push(inner)
			L.Push(L.Get(1))
			L.Push(lua.LString(name))
			L.Call(2, 1)
			return 1
		}
		ud, _ := L.Get(1).(*lua.LUserData)
		if ud != nil && strings.HasSuffix(name, "_settings") {
			if settings, ok := settingsOf(ud.Value); ok {
				L.Push(ownSettings(L, what, name, settings))
				return 1
			}
		}
		raiseUnknown(L, what, name, append(ownSettingsName(L, ud), names...))
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		raiseReadOnly(L, what, keyText(L.Get(2)))
		return 0
	}))
	for _, operator := range []string{"__call", "__len", "__add", "__pow", "__unm"} {
		meta.RawSetString(operator, lua.LNil)
	}
}

// ownSettings is the settings table when name is that of the running plugin.
func ownSettings(L *lua.LState, what, name string, settings lua.LValue) lua.LValue {
	own := settingsName(callOf(L).plugin)
	shared := callOf(L).plugin.Slug + "_settings"
	if name != own && name != shared {
		L.RaiseError("%s.%s: a plugin sees its own settings only, %s", what, name, own)
	}
	return settings
}

func ownSettingsName(L *lua.LState, ud *lua.LUserData) []string {
	if ud == nil {
		return nil
	}
	if _, ok := settingsOf(ud.Value); !ok {
		return nil
	}
	return []string{settingsName(callOf(L).plugin)}
}

// settingsName is the field that shows a plugin's settings.
func settingsName(meta *engine.PluginMeta) string {
	if meta.SettingsFrom != "" {
		return meta.SettingsFrom + "_settings"
	}
	return meta.Slug + "_settings"
}

func fieldNames(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		if name := typ.Field(i).Tag.Get("luar"); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// instanceList is a fresh table of instance objects.
func (r *pluginRun) instanceList(L *lua.LState, list []engine.InstanceSnapshot) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		in := &list[i]
		t.RawSetInt(i+1, r.object(L, "instance", instanceView{in.ID, in.Name, in.Address, string(in.OverallStatus)}))
	}
	return t
}

// linkedServices is a fresh table of the services that a check belongs to.
func (r *pluginRun) linkedServices(L *lua.LState, list []engine.ServiceSnapshot) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		s := &list[i]
		t.RawSetInt(i+1, r.object(L, "service", linkedServiceView{s.ID, s.Name, s.URL, string(s.OverallStatus)}))
	}
	return t
}

// userList is a fresh table of user objects.
func (r *pluginRun) userList(L *lua.LState, list []engine.UserSnapshot, bound []*binding) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		u := &list[i]
		t.RawSetInt(i+1, r.object(L, "user", userView{
			ID: u.ID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
			TimeZone: u.TimeZone, Role: string(u.Role), Settings: bound[i].table(r.binder.shared),
		}))
	}
	return t
}

// serviceObject is the service of an alert.
func (r *pluginRun) serviceObject(L *lua.LState, in *engine.AlertCall, settings *binding) lua.LValue {
	s := in.Service
	view := serviceView{
		Kind: string(s.Subject.Kind), ID: s.Subject.ID, Name: s.Name, URL: s.URL, Address: s.Address,
		Instances:     r.instanceList(L, s.Instances),
		OverallStatus: string(s.OverallStatus), OldOverallStatus: string(s.OldOverallStatus), WorstStatus: string(s.WorstStatus),
		LastAlertSent: lua.LNil, PageURL: s.PageURL, RunbookLink: s.RunbookLink, AlertKind: string(s.Kind),
		IncidentKey: s.IncidentKey, DeliveryID: s.DeliveryID, Attempt: in.Attempt, AlertNumber: s.AlertNumber,
		EventAt: instant(s.EventAt), IncidentOpenedAt: instant(s.IncidentOpenedAt),
		Settings: settings.table(r.binder.shared),
	}
	if s.LastAlertSent != nil {
		view.LastAlertSent = instant(*s.LastAlertSent)
	}
	view.GetStatusMessage = L.NewFunction(func(L *lua.LState) int {
		a := args{L, "service:get_status_message"}
		withFailing := !a.has(2) || lua.LVAsBool(L.Get(2))
		if a.has(3) {
			L.Push(lua.LString(statusWithin(s, withFailing, a.integer(3, "most", 0, maxBuilt), a.unit(4))))
			return 1
		}
		L.Push(lua.LString(StatusMessage(s, withFailing)))
		return 1
	})
	view.AllFailingChecks = r.records(L, s.Failing)
	view.AllPassingChecks = r.records(L, s.Passing)
	view.UnexpiredAcknowledgment = L.NewFunction(func(L *lua.LState) int {
		L.Push(r.acknowledgement(L, s.Acknowledgement))
		return 1
	})
	view.MarkSent = L.NewFunction(func(L *lua.LState) int { return r.markSent(L, in) })
	return r.object(L, "service", view)
}

func recordNames() []string {
	return []string{"id", "name", "plugin", "importance", "severity", "unknown", "error", "message",
		"description", "since", "runbook_link", "page_url", "metrics"}
}

// records is a method that returns a fresh table of records of checks.
func (r *pluginRun) records(L *lua.LState, checks []engine.CheckRecord) *lua.LFunction {
	return L.NewFunction(func(L *lua.LState) int {
		list := L.CreateTable(len(checks), 0)
		for i := range checks {
			list.RawSetInt(i+1, r.record(L, &checks[i]))
		}
		L.Push(list)
		return 1
	})
}

func (r *pluginRun) record(L *lua.LState, c *engine.CheckRecord) *lua.LTable {
	t := L.CreateTable(0, 13)
	for name, text := range map[string]string{
		"id": c.ID, "name": c.Name, "plugin": c.Plugin, "importance": string(c.Importance),
		"severity": string(c.Severity), "error": c.Error, "message": c.Message,
		"description": c.Description, "runbook_link": c.RunbookLink, "page_url": c.PageURL,
	} {
		t.RawSetString(name, lua.LString(text))
	}
	t.RawSetString("unknown", lua.LBool(c.Unknown))
	t.RawSetString("since", instant(c.Since))
	metrics := L.CreateTable(len(c.Metrics), 0)
	for i := range c.Metrics {
		metrics.RawSetInt(i+1, r.metricTable(L, &c.Metrics[i]))
	}
	t.RawSetString("metrics", metrics)
	t.Metatable = r.binder.shared.record
	return lualib.Freeze("check", t)
}

func (r *pluginRun) metricTable(L *lua.LState, m *engine.Metric) *lua.LTable {
	t := L.CreateTable(0, 7)
	t.RawSetString("name", lua.LString(m.Name))
	t.RawSetString("value", lua.LNumber(m.Value))
	t.RawSetString("unit", lua.LString(m.Unit))
	for name, v := range map[string]*float64{"warn": m.Warn, "fail": m.Fail, "min": m.Min, "max": m.Max} {
		if v != nil {
			t.RawSetString(name, lua.LNumber(*v))
		}
	}
	t.Metatable = r.binder.shared.metric
	return lualib.Freeze("metric", t)
}

func (r *pluginRun) acknowledgement(L *lua.LState, a *engine.AcknowledgementSnapshot) lua.LValue {
	if a == nil || (a.ExpiresAt != nil && !r.call.now().Before(*a.ExpiresAt)) {
		return lua.LNil
	}
	t := L.CreateTable(0, 4)
	t.RawSetString("user", lua.LString(a.User))
	t.RawSetString("comment", lua.LString(a.Comment))
	t.RawSetString("at", instant(a.At))
	if a.ExpiresAt != nil {
		t.RawSetString("expires_at", instant(*a.ExpiresAt))
	}
	t.Metatable = r.binder.shared.ack
	return lualib.Freeze("acknowledgement", t)
}

// markSent records that the delivery reached a user: a user object, or its id.
func (r *pluginRun) markSent(L *lua.LState, in *engine.AlertCall) int {
	id := ""
	switch v := L.Get(2).(type) {
	case lua.LString:
		id = string(v)
	case *lua.LUserData:
		if u, ok := v.Value.(userView); ok {
			id = u.ID
		}
	}
	if id == "" {
		L.RaiseError("bad argument #1 to 'mark_sent' (a user expected, got %s)", L.Get(2).Type().String())
	}
	if !concerns(in, id) {
		L.RaiseError("bad argument #1 to 'mark_sent' (this user is not among users and duty_officers)")
	}
	if in.MarkSent == nil {
		return 0
	}
	r.turn.release()
	err := in.MarkSent(id)
	if gateErr := r.turn.acquire(r.call.ctx, r.vm.rank()); gateErr != nil {
		L.RaiseError("%s", gateErr.Error())
	}
	if err != nil {
		L.RaiseError("mark_sent: %s", err.Error())
	}
	return 0
}

func concerns(in *engine.AlertCall, id string) bool {
	for _, list := range [][]engine.UserSnapshot{in.Users, in.DutyOfficers} {
		for i := range list {
			if list[i].ID == id {
				return true
			}
		}
	}
	return false
}
