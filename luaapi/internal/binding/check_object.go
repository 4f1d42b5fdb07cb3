package binding

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/lualib"
)

// ReservedNames are the fields of a check that no config field may bear. The
// contract promises that the list is complete.
var ReservedNames = [...]string{
	"id", "name", "instance_set", "service_set", "importance", "interval", "timeout",
	"active", "config", "last_result", "ping_url",
}

// LaterNames are fields of a check that came after that promise: a config field of
// the same name hides them.
var LaterNames = [...]string{"watched_since"}

// checkTables are the tables of the check object that this run has asked for.
type checkTables struct {
	config    *lua.LTable
	instances *lua.LTable
	services  *lua.LTable
	last      lua.LValue
	fields    []fieldValue // config fields that are tables
}

// fieldValue is the Lua value of the config field at an index.
type fieldValue struct {
	at int
	v  lua.LValue
}

// values appends the tables to roots: a plugin may write to them.
func (t *checkTables) values(roots []lua.LValue) []lua.LValue {
	for _, table := range []*lua.LTable{t.config, t.instances, t.services} {
		if table != nil {
			roots = append(roots, table)
		}
	}
	for _, field := range t.fields {
		roots = append(roots, field.v)
	}
	return roots
}

// NewCheck is the check object of a run. The check stands behind it in the run;
// nothing that Lua holds points into the engine.
func (r *PluginRun) NewCheck() *lua.LUserData {
	meta := r.Binder.Shared.checkMeta
	if r.bound != nil && r.bound.quick != nil {
		meta = r.bound.quick
	}
	r.check = lua.LUserData{Value: checkMark{}, Metatable: meta}
	return &r.check
}

// checkMark is what the check object holds: nothing.
type checkMark struct{}

// checkIndex reads a field of the check.
func checkIndex(L *lua.LState) int {
	r := pluginRunOf(L)
	name := luaval.KeyText(L.Get(2))
	if r.bound != nil {
		if i, ok := r.bound.layout.at[name]; ok {
			L.Push(r.configField(i))
			return 1
		}
	}
	v, ok := r.checkField(L, name)
	if !ok {
		names := slices.Concat(ReservedNames[:], LaterNames[:])
		if r.bound != nil {
			names = append(names, r.bound.layout.names...)
		}
		luaval.RaiseUnknown(L, "check", name, names)
	}
	L.Push(v)
	return 1
}

func checkNewIndex(L *lua.LState) int {
	luaval.RaiseReadOnly(L, "check", luaval.KeyText(L.Get(2)))
	return 0
}

// configField is the value of one config field; a table is made once a run.
func (r *PluginRun) configField(i int) lua.LValue {
	if v := r.bound.plain(i); v != nil {
		return v
	}
	for _, made := range r.objects.fields {
		if made.at == i {
			return made.v
		}
	}
	v := r.bound.value(r.Binder.Shared, i)
	r.objects.fields = append(r.objects.fields, fieldValue{i, v})
	return v
}

func (r *PluginRun) checkField(L *lua.LState, name string) (lua.LValue, bool) {
	in := r.CheckRun
	switch name {
	case "id":
		return lua.LString(in.Check.ID), true
	case "name":
		return lua.LString(in.Check.Name), true
	case "importance":
		return lua.LString(in.Check.Importance), true
	case "interval":
		return lua.LNumber(in.Check.Interval.Std().Seconds()), true
	case "timeout":
		return lua.LNumber(in.Check.Timeout.Std().Seconds()), true
	case "active":
		return lua.LBool(in.Check.Active), true
	case "ping_url":
		return lua.LString(in.PingURL), true
	case "watched_since":
		return luaval.Instant(in.WatchedSince), true
	case "config":
		if r.objects.config == nil {
			r.objects.config = r.configTable(L)
		}
		return r.objects.config, true
	case "last_result":
		if r.objects.last == nil {
			r.objects.last = LastResult(L, r.Binder.Shared, in.Last)
		}
		return r.objects.last, true
	case "instance_set":
		if r.objects.instances == nil {
			r.objects.instances = r.instanceList(L, in.Instances)
		}
		return r.objects.instances, true
	case "service_set":
		if r.objects.services == nil {
			r.objects.services = r.linkedServices(L, in.Services)
		}
		return r.objects.services, true
	}
	return lua.LNil, false
}

// configTable is check.config; its tables are those that the check's own fields show.
func (r *PluginRun) configTable(L *lua.LState) *lua.LTable {
	if r.bound == nil {
		return L.CreateTable(0, 0)
	}
	return r.bound.tableOf(r.configField)
}

func LastResult(L *lua.LState, shared *Shared, last *engine.LastResult) lua.LValue {
	if last == nil {
		return lua.LNil
	}
	t := L.CreateTable(0, 4)
	t.RawSetString("succeeded", lua.LBool(last.Succeeded))
	t.RawSetString("unknown", lua.LBool(last.Unknown))
	t.RawSetString("error", lua.LString(last.Error))
	t.RawSetString("at", luaval.Instant(last.At))
	t.Metatable = shared.lastResult
	return lualib.Freeze("last_result", t)
}
