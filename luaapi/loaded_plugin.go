package luaapi

import (
	"moonwatch/engine"

	lua "github.com/yuin/gopher-lua"
)

// loadedPlugin is one plugin of one good version of a file or folder, as it was
// read: what it says about itself, and its code. It is not written after load
// returned it.
type loadedPlugin struct {
	meta  engine.PluginMeta
	needs [][]string // fields without which it cannot send: sets, of which one suffices
	index int        // in the array that the file returns, from 1; 0: the file returns the plugin itself

	whole *code // for cleaning, which needs the forms
	lean  *code // for runs: form constructors cut out where they are pure literals

	layouts       map[engine.FormName]*layout
	views         []engine.ViewRoute
	hasClean      bool
	formsFrom     int  // index of the plugin whose settings are shared; 0: its own
	needsSettings bool // the source speaks of settings, and of view_url
	needsViewURL  bool
	readsEnv      bool            // a field of the settings falls back to the environment
	allowed       map[string]bool // environment variables that it may read
}

// pick finds the plugin's table in what the file's top level returned.
func (v *loadedPlugin) pick(L *lua.LState, top lua.LValue) *lua.LTable {
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
