package loader

import (
	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/vm"
)

// Plugin is one plugin of one good version of a file or folder, as it was
// read: what it says about itself, and its code. It is not written after load
// returned it.
type Plugin struct {
	Manifest engine.PluginMeta
	Needs    [][]string // fields without which it cannot send: sets, of which one suffices
	index    int        // in the array that the file returns, from 1; 0: the file returns the plugin itself

	Whole *vm.Code // for cleaning, which needs the forms
	Lean  *vm.Code // for runs: form constructors cut out where they are pure literals

	Layouts       map[engine.FormName]*binding.Layout
	Routes        []engine.ViewRoute
	HasClean      bool
	FormsFrom     int  // index of the plugin whose settings are shared; 0: its own
	NeedsSettings bool // the source speaks of settings, and of view_url
	NeedsViewURL  bool
	ReadsEnv      bool            // a field of the settings falls back to the environment
	Allowed       map[string]bool // environment variables that it may read
}

// Pick finds the plugin's table in what the file's top level returned.
func (v *Plugin) Pick(L *lua.LState, top lua.LValue) *lua.LTable {
	if v.index > 0 {
		if list, ok := top.(*lua.LTable); ok {
			top = list.RawGetInt(v.index)
		}
	}
	t, ok := top.(*lua.LTable)
	if !ok {
		L.RaiseError("the file returned no plugin table this time")
	}
	return t
}
