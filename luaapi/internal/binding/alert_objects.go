package binding

import (
	"cmp"
	"reflect"
	"strings"

	lua "github.com/yuin/gopher-lua"
	luar "layeh.com/gopher-luar"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// The objects of the cold paths are bound by gopher-luar, by value: these
// structs are copies, made for one run, of what a plugin may see. A field that
// is nil, a list or a settings table is a Lua value already.

// ServiceView is the service (or instance) of an alert.
type ServiceView struct {
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
	IncidentURL      string     `luar:"incident_url"`
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

// UserView is a user that is told.
type UserView struct {
	ID        string     `luar:"id"`
	Username  string     `luar:"username"`
	FirstName string     `luar:"first_name"`
	LastName  string     `luar:"last_name"`
	Email     string     `luar:"email"`
	TimeZone  string     `luar:"time_zone"`
	Role      string     `luar:"role"`
	Settings  lua.LValue `luar:"-"`
}

// InstanceView is a linked instance.
type InstanceView struct {
	ID            string `luar:"id"`
	Name          string `luar:"name"`
	Address       string `luar:"address"`
	OverallStatus string `luar:"overall_status"`
}

// LinkedServiceView is a service that a check belongs to.
type LinkedServiceView struct {
	ID            string `luar:"id"`
	Name          string `luar:"name"`
	URL           string `luar:"url"`
	OverallStatus string `luar:"overall_status"`
}

// settingsOf gives the table behind `<slug>_settings`, for objects that have one.
func settingsOf(v any) (lua.LValue, bool) {
	switch v := v.(type) {
	case ServiceView:
		return v.Settings, true
	case UserView:
		return v.Settings, true
	}
	return nil, false
}

// object binds a view. The library's metatable of the type is changed once in
// each state: unknown fields and writes raise, and `<slug>_settings` is found.
func (r *PluginRun) object(L *lua.LState, what string, view any) lua.LValue {
	meta := luar.MT(L, view)
	if meta.RawGetString("moonwatch") == lua.LNil {
		wrapObject(L, meta.LTable, what, reflect.TypeOf(view))
	}
	return luar.New(L, view)
}

func wrapObject(L *lua.LState, meta *lua.LTable, what string, typ reflect.Type) {
	inner := meta.RawGetString("__index")
	names := FieldNames(typ)
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	meta.RawSetString("moonwatch", lua.LTrue)
	meta.RawSetString("__metatable", lua.LFalse)
	meta.RawSetString("__index", L.NewFunction(func(L *lua.LState) int {
		name := luaval.KeyText(L.Get(2))
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
		luaval.RaiseUnknown(L, what, name, append(ownSettingsName(L, ud), names...))
		return 0
	}))
	meta.RawSetString("__newindex", L.NewFunction(func(L *lua.LState) int {
		luaval.RaiseReadOnly(L, what, luaval.KeyText(L.Get(2)))
		return 0
	}))
	for _, operator := range []string{"__call", "__len", "__add", "__pow", "__unm"} {
		meta.RawSetString(operator, lua.LNil)
	}
}

// ownSettings is the settings table when name is that of the running plugin.
func ownSettings(L *lua.LState, what, name string, settings lua.LValue) lua.LValue {
	own := settingsName(vm.CallOf(L).Plugin)
	shared := vm.CallOf(L).Plugin.Slug + "_settings"
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
	return []string{settingsName(vm.CallOf(L).Plugin)}
}

// settingsName is the field that shows a plugin's settings.
func settingsName(meta *engine.PluginMeta) string {
	if meta.SettingsFrom != "" {
		return meta.SettingsFrom + "_settings"
	}
	return meta.Slug + "_settings"
}

func FieldNames(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		if name := typ.Field(i).Tag.Get("luar"); name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// instanceList is a fresh table of instance objects.
func (r *PluginRun) instanceList(L *lua.LState, list []engine.InstanceSnapshot) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		in := &list[i]
		t.RawSetInt(i+1, r.object(L, "instance", InstanceView{in.ID, in.Name, in.Address, string(in.OverallStatus)}))
	}
	return t
}

// linkedServices is a fresh table of the services that a check belongs to.
func (r *PluginRun) linkedServices(L *lua.LState, list []engine.ServiceSnapshot) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		s := &list[i]
		t.RawSetInt(i+1, r.object(L, "service", LinkedServiceView{s.ID, s.Name, s.URL, string(s.OverallStatus)}))
	}
	return t
}

// UserList is a fresh table of user objects.
func (r *PluginRun) UserList(L *lua.LState, list []engine.UserSnapshot, bound []*Binding) *lua.LTable {
	t := L.CreateTable(len(list), 0)
	for i := range list {
		u := &list[i]
		t.RawSetInt(i+1, r.object(L, "user", UserView{
			ID: u.ID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email,
			TimeZone: u.TimeZone, Role: string(u.Role), Settings: bound[i].Table(r.Binder.Shared),
		}))
	}
	return t
}

// ServiceObject is the service of an alert.
func (r *PluginRun) ServiceObject(L *lua.LState, in *engine.AlertCall, settings *Binding) lua.LValue {
	s := in.Service
	view := ServiceView{
		Kind: string(s.Subject.Kind), ID: s.Subject.ID, Name: s.Name, URL: s.URL, Address: s.Address,
		Instances:     r.instanceList(L, s.Instances),
		OverallStatus: string(s.OverallStatus), OldOverallStatus: string(s.OldOverallStatus), WorstStatus: string(s.WorstStatus),
		LastAlertSent: lua.LNil, PageURL: s.PageURL, IncidentURL: cmp.Or(s.IncidentURL, s.PageURL), RunbookLink: s.RunbookLink, AlertKind: string(s.Kind),
		IncidentKey: s.IncidentKey, DeliveryID: s.DeliveryID, Attempt: in.Attempt, AlertNumber: s.AlertNumber,
		EventAt: luaval.Instant(s.EventAt), IncidentOpenedAt: luaval.Instant(s.IncidentOpenedAt),
		Settings: settings.Table(r.Binder.Shared),
	}
	if s.LastAlertSent != nil {
		view.LastAlertSent = luaval.Instant(*s.LastAlertSent)
	}
	view.GetStatusMessage = L.NewFunction(func(L *lua.LState) int {
		a := vm.Args{L: L, Fn: "service:get_status_message"}
		withFailing := !a.Has(2) || lua.LVAsBool(L.Get(2))
		if a.Has(3) {
			L.Push(lua.LString(StatusWithin(s, withFailing, a.Integer(3, "most", 0, vm.MaxBuilt), module.Unit(a, 4))))
			return 1
		}
		L.Push(lua.LString(StatusMessage(s, withFailing)))
		return 1
	})
	view.AllFailingChecks = r.records(L, s.Failing)
	view.AllPassingChecks = r.records(L, s.Passing)
	view.UnexpiredAcknowledgment = L.NewFunction(func(L *lua.LState) int {
		L.Push(r.Acknowledgement(L, s.Acknowledgement))
		return 1
	})
	view.MarkSent = L.NewFunction(func(L *lua.LState) int { return r.markSent(L, in) })
	return r.object(L, "service", view)
}

func RecordNames() []string {
	return []string{"id", "name", "plugin", "importance", "severity", "unknown", "error", "message",
		"description", "since", "runbook_link", "page_url", "metrics"}
}

// records is a method that returns a fresh table of records of checks.
func (r *PluginRun) records(L *lua.LState, checks []engine.CheckRecord) *lua.LFunction {
	return L.NewFunction(func(L *lua.LState) int {
		list := L.CreateTable(len(checks), 0)
		for i := range checks {
			list.RawSetInt(i+1, r.Record(L, &checks[i]))
		}
		L.Push(list)
		return 1
	})
}

func (r *PluginRun) Record(L *lua.LState, c *engine.CheckRecord) *lua.LTable {
	t := L.CreateTable(0, 13)
	for name, text := range map[string]string{
		"id": c.ID, "name": c.Name, "plugin": c.Plugin, "importance": string(c.Importance),
		"severity": string(c.Severity), "error": c.Error, "message": c.Message,
		"description": c.Description, "runbook_link": c.RunbookLink, "page_url": c.PageURL,
	} {
		t.RawSetString(name, lua.LString(text))
	}
	t.RawSetString("unknown", lua.LBool(c.Unknown))
	t.RawSetString("since", luaval.Instant(c.Since))
	metrics := L.CreateTable(len(c.Metrics), 0)
	for i := range c.Metrics {
		metrics.RawSetInt(i+1, r.MetricTable(L, &c.Metrics[i]))
	}
	t.RawSetString("metrics", metrics)
	t.Metatable = r.Binder.Shared.record
	return lualib.Freeze("check", t)
}

func (r *PluginRun) MetricTable(L *lua.LState, m *engine.Metric) *lua.LTable {
	t := L.CreateTable(0, 7)
	t.RawSetString("name", lua.LString(m.Name))
	t.RawSetString("value", lua.LNumber(m.Value))
	t.RawSetString("unit", lua.LString(m.Unit))
	for name, v := range map[string]*float64{"warn": m.Warn, "fail": m.Fail, "min": m.Min, "max": m.Max} {
		if v != nil {
			t.RawSetString(name, lua.LNumber(*v))
		}
	}
	t.Metatable = r.Binder.Shared.metric
	return lualib.Freeze("metric", t)
}

func (r *PluginRun) Acknowledgement(L *lua.LState, a *engine.AcknowledgementSnapshot) lua.LValue {
	if a == nil || (a.ExpiresAt != nil && !r.Call.Now().Before(*a.ExpiresAt)) {
		return lua.LNil
	}
	t := L.CreateTable(0, 4)
	t.RawSetString("user", lua.LString(a.User))
	t.RawSetString("comment", lua.LString(a.Comment))
	t.RawSetString("at", luaval.Instant(a.At))
	if a.ExpiresAt != nil {
		t.RawSetString("expires_at", luaval.Instant(*a.ExpiresAt))
	}
	t.Metatable = r.Binder.Shared.ack
	return lualib.Freeze("acknowledgement", t)
}

// markSent records that the delivery reached a user: a user object, or its id.
func (r *PluginRun) markSent(L *lua.LState, in *engine.AlertCall) int {
	id := ""
	switch v := L.Get(2).(type) {
	case lua.LString:
		id = string(v)
	case *lua.LUserData:
		if u, ok := v.Value.(UserView); ok {
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
	r.Permit.Release()
	err := in.MarkSent(id)
	if permitErr := r.Permit.Acquire(r.Call.Ctx, r.VM.Rank()); permitErr != nil {
		L.RaiseError("%s", permitErr.Error())
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
