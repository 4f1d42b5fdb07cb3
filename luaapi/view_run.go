package luaapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"

	lua "github.com/yuin/gopher-lua"
)

// viewLimit is the deadline of a view.
const viewLimit = 10 * time.Second

// Views returns the plugin's own views.
func (v *version) Views() []engine.ViewRoute { return v.views }

// View calls the view that answers the request's path and method.
func (v *version) View(ctx context.Context, in *engine.ViewCall) (answer engine.ViewAnswer, failed error) {
	settings := v.boundSettings(in.Settings)
	if settings.problem != nil {
		return engine.ViewAnswer{}, &engine.ViewError{Message: cutRunes(settings.problem.Error(), maxError)}
	}
	r, cancel, err := v.start(ctx, runKind{rank: fresh, limit: viewLimit}, settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.ViewAnswer{}, &engine.ViewError{Message: err.Error()}
	}
	defer cancel()
	defer r.contain(func() { answer, failed = engine.ViewAnswer{}, &engine.ViewError{Message: errInternal.Error()} })
	var refused error
	r.then = func(r *pluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(findView(L, self, &in.Request))
		L.Push(self)
		L.Push(r.requestObject(L, in))
		L.Call(2, 1)
		answer, refused = readAnswer(L.Get(-1))
		L.Pop(1)
	}
	err = r.execute()
	if err == nil && refused != nil {
		err = &pluginError{"the view " + in.Request.Method + " " + in.Request.Path + " returned " + refused.Error()}
	}
	took := time.Since(r.started)
	v.weighEnd(r)
	r.end(v.pool, err == nil)
	v.countView(took, err)
	log := r.finishLog()
	if err != nil {
		return engine.ViewAnswer{}, &engine.ViewError{Message: r.call.clean(r.reason(err), maxError), Traceback: r.call.clean(r.trace, maxTrace), Log: log}
	}
	answer.Log = log
	return answer, nil
}

// findView finds the function of the view in what the top level made this time.
func findView(L *lua.LState, self *lua.LTable, q *engine.ViewRequest) lua.LValue {
	list, _ := L.GetField(self, "urls").(*lua.LTable)
	for i := 1; list != nil && i <= list.Len(); i++ {
		t, ok := list.RawGetInt(i).(*lua.LTable)
		if !ok {
			continue
		}
		path, ok := t.RawGetString("path").(lua.LString)
		if !ok || strings.TrimPrefix(string(path), "/") != q.Path {
			continue
		}
		methods := []string{"GET"}
		if list, ok := t.RawGetString("methods").(*lua.LTable); ok {
			methods = readMethods(list, func(string) {})
		}
		if slices.Contains(methods, q.Method) {
			return t.RawGetString("view")
		}
	}
	L.RaiseError("the file defined no view for %s %s this time", q.Method, q.Path)
	return lua.LNil
}

func (v *version) countView(took time.Duration, err error) {
	v.counts.runs.Add(1)
	v.counts.nanos.Add(int64(took))
	var limit limitError
	switch {
	case err == nil:
	case errors.As(err, &limit):
		v.counts.limits.Add(1)
	case errors.Is(err, context.DeadlineExceeded):
		v.counts.timeouts.Add(1)
	default:
		v.counts.errors.Add(1)
	}
}
