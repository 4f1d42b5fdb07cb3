package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/permit"
	"moonwatch/luaapi/internal/vm"
)

// ViewLimit is the deadline of a view.
const ViewLimit = 10 * time.Second

// Views returns the plugin's own views.
func (v *Version) Views() []engine.ViewRoute { return v.Routes }

// View calls the view that answers the request's path and method.
func (v *Version) View(ctx context.Context, in *engine.ViewCall) (answer engine.ViewAnswer, failed error) {
	settings := v.boundSettings(in.Settings)
	if settings.Problem != nil {
		return engine.ViewAnswer{}, &engine.ViewError{Message: luaval.CutRunes(settings.Problem.Error(), vm.MaxError)}
	}
	r, cancel, err := v.start(ctx, vm.RunKind{Rank: permit.Fresh, Limit: ViewLimit}, settings)
	if err != nil {
		v.counts.skipped.Add(1)
		return engine.ViewAnswer{}, &engine.ViewError{Message: err.Error()}
	}
	defer cancel()
	defer r.Contain(func() { answer, failed = engine.ViewAnswer{}, &engine.ViewError{Message: vm.ErrInternal.Error()} })
	var refused error
	r.Then = func(r *binding.PluginRun, L *lua.LState, self *lua.LTable) {
		v.prepareSelf(r, L, self, in.PublicURL)
		L.Push(findView(L, self, &in.Request))
		L.Push(self)
		L.Push(r.RequestObject(L, in))
		L.Call(2, 1)
		answer, refused = readAnswer(L.Get(-1), vm.Looking(L))
		L.Pop(1)
	}
	err = r.Execute()
	if err == nil && refused != nil {
		err = &vm.PluginError{Text: "the view " + in.Request.Method + " " + in.Request.Path + " returned " + refused.Error()}
	}
	took := time.Since(r.Started)
	v.measureEnd(r)
	r.End(v.Pool, err == nil)
	v.countView(took, err)
	log := r.FinishLog()
	if err != nil {
		return engine.ViewAnswer{}, &engine.ViewError{
			Message:   r.Call.Clean(reason(r, err), vm.MaxError),
			Traceback: r.Call.Clean(r.Trace, vm.MaxTrace),
			Log:       log,
		}
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
			methods = loader.ReadMethods(list, func(string) {})
		}
		if slices.Contains(methods, q.Method) {
			return t.RawGetString("view")
		}
	}
	L.RaiseError("the file defined no view for %s %s this time", q.Method, q.Path)
	return lua.LNil
}

func (v *Version) countView(took time.Duration, err error) {
	v.counts.runs.Add(1)
	v.counts.nanos.Add(int64(took))
	var limit vm.LimitError
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
