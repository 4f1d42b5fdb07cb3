package binding

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/vm"
)

// PluginRun is a run of a plugin, and the program of that run: the objects that
// it is given, and what it left behind. What is of checks alone is zero in runs
// of another kind.
type PluginRun struct {
	vm.Run
	Plugin   Owner
	Binder   *Binder
	Settings *Binding // of the plugin's site-wide settings
	// Then is called with the fresh plugin table, inside the protected call.
	Then func(r *PluginRun, L *lua.LState, self *lua.LTable)

	Top      lua.LValue // what the file returned this time
	self     *lua.LTable
	Returned lua.LValue
	checked
}

// Owner is the version of a plugin that a run is of, as far as objects ask it.
type Owner interface {
	// Pick finds the plugin's table in what the file's top level returned.
	Pick(L *lua.LState, top lua.LValue) *lua.LTable
	// Layout is that of one of the plugin's forms.
	Layout(name engine.FormName) *Layout
	// BoundConfig is a check's config as Lua sees it.
	BoundConfig(check *engine.Check) *Binding
}

// checked is what the run of a check is given, and its result so far.
type checked struct {
	CheckRun *engine.CheckRun
	Ping     *engine.Ping // nil: it is run, not pinged
	bound    *Binding     // of the check's config
	check    lua.LUserData
	verdict  lua.LUserData
	objects  checkTables
	Result   resultObject
}

// pluginRunOf returns the run of a plugin that L serves now.
func pluginRunOf(L *lua.LState) *PluginRun { return vm.CallOf(L).Run.Program.(*PluginRun) }

func (r *PluginRun) Enter(L *lua.LState, top lua.LValue) {
	r.Top = top
	r.self = r.Plugin.Pick(L, top)
	r.Then(r, L, r.self)
}

func (r *PluginRun) Measure(s *memory.Meter) {
	r.Result.Measure(s)
	if r.Ping != nil {
		s.Sum += uint64(len(r.Ping.Body))
	}
	s.Root(r.Returned)
	s.Root(r.Top)
	if r.self != nil {
		s.Root(r.self)
	}
	for _, v := range r.objects.values(nil) {
		s.Root(v)
	}
}

// BindCheck gives the run its check.
func (r *PluginRun) BindCheck(in *engine.CheckRun, bound *Binding) {
	r.CheckRun, r.bound = in, bound
	r.Call.Secrets.Add(bound.Secrets...)
}
