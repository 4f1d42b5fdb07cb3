package luaapi

import (
	"slices"

	"moonwatch/engine/form"
)

// NoFunction says that a module does not have the function that was called.
func (r *run) NoFunction(module, name string) string {
	open := r.opener(module)
	if open == nil {
		return ""
	}
	names := r.machine.tools.names(module, open)
	if slices.Contains(names, name) {
		return ""
	}
	if near := form.Closest(name, names); near != "" {
		return ": " + module + " has no function '" + name + "'; did you mean '" + near + "'?"
	}
	return ": " + module + " has no function '" + name + "'"
}

// NotRequired says that a module was not required.
func (r *run) NotRequired(global string) string {
	if r.opener(global) == nil {
		return ""
	}
	return ": local " + global + " = require \"" + global + "\" is missing"
}
