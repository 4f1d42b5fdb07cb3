package luaapi

import (
	"moonwatch/engine"

	lua "github.com/yuin/gopher-lua"
)

// pluginRun is a run of a plugin, and the program of that run: the objects that
// it is given, and what it left behind. What is of checks alone is zero in runs
// of another kind.
type pluginRun struct {
	run
	plugin   owner
	binder   *binder
	settings *binding // of the plugin's site-wide settings
	// then is called with the fresh plugin table, inside the protected call.
	then func(r *pluginRun, L *lua.LState, self *lua.LTable)

	top      lua.LValue // what the file returned this time
	self     *lua.LTable
	returned lua.LValue
	checked
}

// owner is the version of a plugin that a run is of, as far as objects ask it.
type owner interface {
	// pick finds the plugin's table in what the file's top level returned.
	pick(L *lua.LState, top lua.LValue) *lua.LTable
	// layout is that of one of the plugin's forms.
	layout(name engine.FormName) *layout
	// boundConfig is a check's config as Lua sees it.
	boundConfig(check *engine.Check) *binding
}

// checked is what the run of a check is given, and its result so far.
type checked struct {
	checkRun *engine.CheckRun
	ping     *engine.Ping // nil: it is run, not pinged
	bound    *binding     // of the check's config
	check    lua.LUserData
	verdict  lua.LUserData
	objects  checkTables
	result   resultObject
}

// pluginRunOf returns the run of a plugin that L serves now.
func pluginRunOf(L *lua.LState) *pluginRun { return callOf(L).run.program.(*pluginRun) }

func (r *pluginRun) enter(L *lua.LState, top lua.LValue) {
	r.top = top
	r.self = r.plugin.pick(L, top)
	r.then(r, L, r.self)
}

func (r *pluginRun) weigh(s *scale) {
	r.result.weigh(s)
	if r.ping != nil {
		s.sum += uint64(len(r.ping.Body))
	}
	s.root(r.returned)
	s.root(r.top)
	if r.self != nil {
		s.root(r.self)
	}
	for _, v := range r.objects.values(nil) {
		s.root(v)
	}
}

// bindCheck gives the run its check.
func (r *pluginRun) bindCheck(in *engine.CheckRun, bound *binding) {
	r.checkRun, r.bound = in, bound
	r.call.secrets.Add(bound.secrets...)
}
