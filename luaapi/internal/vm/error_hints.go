package vm

import (
	"slices"

	"moonwatch/engine/form"
)

// NoFunction says that a module does not have the function that was called.
func (r *Run) NoFunction(module, name string) string {
	open := r.opener(module)
	if open == nil {
		return ""
	}
	names := r.machine.Tools.names(module, open)
	if slices.Contains(names, name) {
		return ""
	}
	if near := form.Closest(name, names); near != "" {
		return ": " + module + " has no function '" + name + "'; did you mean '" + near + "'?"
	}
	return ": " + module + " has no function '" + name + "'"
}

// NotRequired says that a module was not required.
func (r *Run) NotRequired(global string) string {
	if r.opener(global) == nil {
		return ""
	}
	return ": local " + global + " = require \"" + global + "\" is missing"
}
