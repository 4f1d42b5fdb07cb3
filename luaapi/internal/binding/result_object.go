package binding

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/memory"
	"moonwatch/luaapi/internal/vm"
	"moonwatch/luaapi/lualib"
)

// resultObject is what the plugin has said so far.
type resultObject struct {
	Object *lua.LUserData // what Lua holds

	Succeeded bool
	Unknown   bool
	Text      string // error
	Message   string
	RawData   string
	Severity  engine.Status
	Metrics   []engine.Metric
}

// Measure adds the texts and metrics of the result.
func (o *resultObject) Measure(s *memory.Meter) {
	s.Sum += uint64(len(o.Text) + len(o.Message) + len(o.RawData))
	for i := range o.Metrics {
		s.Sum += uint64(len(o.Metrics[i].Name)+len(o.Metrics[i].Unit)) + memory.TableSize
	}
}

// ResultNames are the keys of a result.
var ResultNames = [...]string{"succeeded", "error", "message", "raw_data", "severity", "unknown", "metric"}

// The bounds of metrics: how many a result holds, further names being dropped,
// and the characters of a name and a unit.
const (
	MaxMetrics    = 100
	MaxMetricName = 100
	MaxMetricUnit = 20
)

// NewResult is the result object of a run.
func (r *PluginRun) NewResult() *lua.LUserData {
	r.verdict = lua.LUserData{Value: resultMark{}, Metatable: r.Binder.Shared.ResultMeta}
	r.Result.Object = &r.verdict
	return r.Result.Object
}

type resultMark struct{}

// resultMeta is the metatable of results. It leads to the method, which most
// runs ask for several times, without a call, and to the fields by resultIndex.
func resultMeta() *lua.LTable {
	methods := luaval.NewRecord(1)
	methods.RawSetString("metric", luaval.GoFunction(resultMetric))
	methods.Metatable = luaval.HiddenTable(map[string]lua.LValue{"__index": luaval.GoFunction(resultIndex)})
	return luaval.HiddenTable(map[string]lua.LValue{"__index": methods, "__newindex": luaval.GoFunction(resultNewIndex)})
}

// resultIndex reads a field of the run's result, whatever it is asked of.
func resultIndex(L *lua.LState) int {
	o := &pluginRunOf(L).Result
	var v lua.LValue
	switch name := luaval.KeyText(L.Get(2)); name {
	case "succeeded":
		v = lua.LBool(o.Succeeded)
	case "unknown":
		v = lua.LBool(o.Unknown)
	case "error":
		v = lua.LString(o.Text)
	case "message":
		v = lua.LString(o.Message)
	case "raw_data":
		v = lua.LString(o.RawData)
	case "severity":
		v = lua.LNil
		if o.Severity != "" {
			v = lua.LString(o.Severity)
		}
	default:
		luaval.RaiseUnknown(L, "result", name, ResultNames[:])
	}
	L.Push(v)
	return 1
}

func resultNewIndex(L *lua.LState) int {
	o := &pluginRunOf(L).Result
	name, v := luaval.KeyText(L.Get(2)), L.Get(3)
	switch name {
	case "succeeded":
		o.Succeeded = resultBool(L, name, v)
	case "unknown":
		o.Unknown = resultBool(L, name, v)
	case "error":
		o.Text = resultText(L, name, v)
	case "message":
		o.Message = resultText(L, name, v)
	case "raw_data":
		o.RawData = resultText(L, name, v)
	case "severity":
		severity := engine.Status(resultText(L, name, v))
		if severity != "" && !severity.IsSeverity() || v == lua.LString("") {
			L.RaiseError(`result.severity must be "WARNING", "ERROR" or "CRITICAL"`)
		}
		o.Severity = severity
	case "metric":
		L.RaiseError("result.metric is a method: call result:metric(name, value)")
	default:
		luaval.RaiseUnknown(L, "result", name, ResultNames[:])
	}
	return 0
}

func resultBool(L *lua.LState, name string, v lua.LValue) bool {
	switch v := v.(type) {
	case lua.LBool:
		return bool(v)
	case *lua.LNilType:
		return false
	}
	L.RaiseError("result.%s must be a boolean, got %s", name, v.Type().String())
	return false
}

func resultText(L *lua.LState, name string, v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case *lua.LNilType:
		return ""
	}
	L.RaiseError("result.%s must be a string, got %s", name, v.Type().String())
	return ""
}

// resultMetric is result:metric(name, value [, unit | options]). Values that are
// no finite number, or nil, are dropped; the last value of one name wins.
func resultMetric(L *lua.LState) int {
	r := pluginRunOf(L)
	ud, ok := L.Get(1).(*lua.LUserData)
	if !ok || ud != r.Result.Object {
		L.RaiseError("call metric with a colon: result:metric(name, value)")
	}
	name, ok := L.Get(2).(lua.LString)
	if !ok || name == "" {
		L.RaiseError("bad argument #1 to 'metric' (name must be a string that is not empty)")
	}
	value, ok := Finite(L.Get(3))
	if !ok {
		if t := L.Get(3).Type(); t != lua.LTNil && t != lua.LTNumber {
			L.RaiseError("bad argument #2 to 'metric' (value must be a number, got %s)", t.String())
		}
		return 0
	}
	m := engine.Metric{Name: r.Call.Clean(string(name), MaxMetricName), Value: value}
	switch options := L.Get(4).(type) {
	case *lua.LNilType:
	case lua.LString:
		m.Unit = r.Call.Clean(string(options), MaxMetricUnit)
	case *lua.LTable:
		metricOptions(L, &m, options)
	default:
		L.RaiseError("bad argument #3 to 'metric' (a unit or a table of options, got %s)", options.Type().String())
	}
	r.Result.addMetric(m)
	return 0
}

func (o *resultObject) addMetric(m engine.Metric) {
	for i := range o.Metrics {
		if o.Metrics[i].Name == m.Name {
			o.Metrics[i] = m
			return
		}
	}
	if o.Metrics == nil {
		o.Metrics = make([]engine.Metric, 0, 4)
	}
	if len(o.Metrics) < MaxMetrics {
		o.Metrics = append(o.Metrics, m)
	}
}

var MetricOptionNames = [...]string{"unit", "warn", "fail", "min", "max"}

func metricOptions(L *lua.LState, m *engine.Metric, options *lua.LTable) {
	lualib.Reading(options).ForEach(func(k, v lua.LValue) {
		name := luaval.KeyText(k)
		switch name {
		case "unit":
			unit, ok := v.(lua.LString)
			if !ok {
				L.RaiseError("metric option unit must be a string, got %s", v.Type().String())
			}
			m.Unit = vm.CallOf(L).Clean(string(unit), MaxMetricUnit)
		case "warn":
			m.Warn = MetricNumber(L, name, v)
		case "fail":
			m.Fail = MetricNumber(L, name, v)
		case "min":
			m.Min = MetricNumber(L, name, v)
		case "max":
			m.Max = MetricNumber(L, name, v)
		default:
			luaval.RaiseUnknown(L, "metric", name, MetricOptionNames[:])
		}
	})
}

func MetricNumber(L *lua.LState, name string, v lua.LValue) *float64 {
	if v.Type() != lua.LTNumber {
		L.RaiseError("metric option %s must be a number, got %s", name, v.Type().String())
	}
	if n, ok := Finite(v); ok {
		return &n
	}
	return nil
}

func Finite(v lua.LValue) (float64, bool) {
	n, ok := v.(lua.LNumber)
	f := float64(n)
	return f, ok && !math.IsNaN(f) && !math.IsInf(f, 0)
}
