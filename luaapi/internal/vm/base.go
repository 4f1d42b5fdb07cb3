package vm

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine/form"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/patch"
	"moonwatch/luaapi/lualib"
)

// coreBase returns the global functions that know of the run they serve. With
// lualib.Base they are all that a plugin finds: anything else is not there.
func coreBase() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"pcall":   basePCall,
		"xpcall":  baseXPCall,
		"print":   BasePrint,
		"require": baseRequire,
	}
}

// basePCall is pcall, but that it does not catch the end of the run: a deadline
// or a limit is raised again until nothing is left to catch it.
func basePCall(L *lua.LState) int {
	if L.GetTop() == 0 {
		L.RaiseError("bad argument #1 to 'pcall' (value expected)")
	}
	results, err := CallProtected(L, stackValues(L))
	if err != nil {
		Reraise(L, err)
		L.Push(lua.LFalse)
		L.Push(ErrorObject(err))
		return 2
	}
	return pushResults(L, results)
}

// baseXPCall is xpcall. The handler is called when the error has unwound: there
// is no debug library that could tell.
func baseXPCall(L *lua.LState) int {
	handler, ok := L.Get(2).(*lua.LFunction)
	if !ok {
		L.RaiseError("bad argument #2 to 'xpcall' (function expected, got %s)", L.Get(2).Type().String())
	}
	results, err := CallProtected(L, []lua.LValue{L.Get(1)})
	if err == nil {
		return pushResults(L, results)
	}
	Reraise(L, err)
	results, err = CallProtected(L, []lua.LValue{handler, ErrorObject(err)})
	L.Push(lua.LFalse)
	if err != nil {
		Reraise(L, err)
		L.Push(ErrorObject(err))
		return 2
	}
	for _, v := range results {
		L.Push(v)
	}
	return 1 + len(results)
}

func stackValues(L *lua.LState) []lua.LValue {
	values := make([]lua.LValue, L.GetTop())
	for i := range values {
		values[i] = L.Get(i + 1)
	}
	return values
}

func pushResults(L *lua.LState, results []lua.LValue) int {
	L.Push(lua.LTrue)
	for _, v := range results {
		L.Push(v)
	}
	return 1 + len(results)
}

// Reraise raises err again when it is the end of the run.
func Reraise(L *lua.LState, err error) {
	api, _ := err.(*lua.ApiError)
	if api != nil && api.Type == lua.ApiErrorPanic {
		noteFault(L, api)
	}
	if runEnded(L, ErrorObject(err)) {
		if c := CallOf(L); c != nil && c.Run != nil && api != nil {
			c.Run.keepTrace(api.StackTrace)
		}
		L.Error(ErrorObject(err), 0)
	}
}

// noteFault ends the run after a Go panic in a host function. The stack's own
// overflow arrives as a panic too.
func noteFault(L *lua.LState, api *lua.ApiError) {
	v, ok := L.Context().(*Context)
	if !ok || v.ended != nil {
		return
	}
	if patch.Overflow(api.Object.String()) {
		v.ended = errDepth
		return
	}
	v.ended = ErrInternal
	if v.call.Run != nil {
		v.call.Run.fault = api.Object.String()
	}
}

// runEnded reports whether the run has ended, of which obj may be the sign.
func runEnded(L *lua.LState, obj lua.LValue) bool {
	ctx := L.Context()
	if ctx == nil {
		return false
	}
	if v, ok := ctx.(*Context); ok && v.ended == nil {
		if s, ok := obj.(lua.LString); ok && patch.Overflow(string(s)) {
			v.ended = errDepth
		}
	}
	return ctx.Err() != nil
}

func ErrorObject(err error) lua.LValue {
	if api, ok := err.(*lua.ApiError); ok && api.Object != nil {
		return api.Object
	}
	return lua.LString(err.Error())
}

// BasePrint writes to the run's log.
func BasePrint(L *lua.LState) int {
	c := CallOf(L)
	if c == nil || c.Log == nil {
		return 0
	}
	parts := make([]string, L.GetTop())
	for i := range parts {
		parts[i] = luaval.CutBytes(c.mask(lualib.ToString(L, L.Get(i+1))), MaxLogLine)
	}
	c.Log("info", strings.Join(parts, "\t"))
	return 0
}

// baseRequire returns a module: one of the host's, or a file of the plugin's folder.
func baseRequire(L *lua.LState) int {
	name, ok := L.Get(1).(lua.LString)
	if !ok {
		L.RaiseError("bad argument #1 to 'require' (string expected, got %s)", L.Get(1).Type().String())
	}
	c := CallOf(L)
	if c == nil || c.Run == nil {
		L.RaiseError("require cannot be called here")
	}
	L.Push(c.Run.require(L, string(name)))
	return 1
}

// loadedModule is a module that this run has required.
type loadedModule struct {
	name  string
	value lua.LValue // nil while it is being loaded
}

// require finds or loads a module for this run.
func (r *Run) require(L *lua.LState, name string) lua.LValue {
	for i := range r.loaded {
		if r.loaded[i].name == name {
			if r.loaded[i].value == nil {
				L.RaiseError("module '%s' requires itself", name)
			}
			return r.loaded[i].value
		}
	}
	if open := r.opener(name); open != nil {
		module := r.machine.Tools.module(name, open)
		r.loaded = append(r.loaded, loadedModule{name, module})
		return module
	}
	chunk := r.code.Modules[name]
	if chunk == nil {
		L.RaiseError("%s", r.unknownModule(name))
	}
	at := len(r.loaded)
	r.loaded = append(r.loaded, loadedModule{name: name})
	fn := L.NewFunctionFromProto(chunk)
	fn.Env = r.env
	L.Push(fn)
	L.Push(lua.LString(name))
	L.Call(1, 1)
	value := L.Get(-1)
	L.Pop(1)
	if value == lua.LNil {
		value = lua.LTrue
	}
	r.loaded[at].value = value
	return value
}

func (r *Run) opener(name string) ModuleOpener {
	if open := r.Extra[name]; open != nil {
		return open
	}
	return r.machine.Builtin[name]
}

func (r *Run) unknownModule(name string) string {
	names := make([]string, 0, len(r.machine.Builtin)+len(r.code.Modules))
	for known := range r.machine.Builtin {
		names = append(names, known)
	}
	for known := range r.code.Modules {
		names = append(names, known)
	}
	sort.Strings(names)
	if near := form.Nearest(name, names); near != "" {
		return "module '" + name + "' not found; did you mean '" + near + "'?"
	}
	return "module '" + name + "' not found: a plugin can require the modules of the contract, those that ship, and the files of its own folder"
}
