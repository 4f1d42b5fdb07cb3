package luaapi

import (
	"math"

	"moonwatch/engine"
	"moonwatch/luaapi/lualib"

	lua "github.com/yuin/gopher-lua"
)

// resultObject is what the plugin has said so far.
type resultObject struct {
	object *lua.LUserData // what Lua holds

	succeeded bool
	unknown   bool
	text      string // error
	message   string
	rawData   string
	severity  engine.Status
	metrics   []engine.Metric
}

// weigh adds the texts and metrics of the result.
func (o *resultObject) weigh(s *scale) {
	s.sum += uint64(len(o.text) + len(o.message) + len(o.rawData))
	for i := range o.metrics {
		s.sum += uint64(len(o.metrics[i].Name)+len(o.metrics[i].Unit)) + tableWeight
	}
}

// resultNames are the keys of a result.
var resultNames = [...]string{"succeeded", "error", "message", "raw_data", "severity", "unknown", "metric"}

// The bounds of metrics: how many a result holds, further names being dropped,
// and the characters of a name and a unit.
const (
	maxMetrics    = 100
	maxMetricName = 100
	maxMetricUnit = 20
)

// newResult is the result object of a run.
func (r *pluginRun) newResult() *lua.LUserData {
	r.verdict = lua.LUserData{Value: resultMark{}, Metatable: r.binder.shared.resultMeta}
	r.result.object = &r.verdict
	return r.result.object
}

type resultMark struct{}

// resultMeta is the metatable of results. It leads to the method, which most
// runs ask for several times, without a call, and to the fields by resultIndex.
func resultMeta() *lua.LTable {
	methods := newRecord(1)
	methods.RawSetString("metric", goFunction(resultMetric))
	methods.Metatable = hiddenTable(map[string]lua.LValue{"__index": goFunction(resultIndex)})
	return hiddenTable(map[string]lua.LValue{"__index": methods, "__newindex": goFunction(resultNewIndex)})
}

// resultIndex reads a field of the run's result, whatever it is asked of.
func resultIndex(L *lua.LState) int {
	o := &pluginRunOf(L).result
	var v lua.LValue
	switch name := keyText(L.Get(2)); name {
	case "succeeded":
		v = lua.LBool(o.succeeded)
	case "unknown":
		v = lua.LBool(o.unknown)
	case "error":
		v = lua.LString(o.text)
	case "message":
		v = lua.LString(o.message)
	case "raw_data":
		v = lua.LString(o.rawData)
	case "severity":
		v = lua.LNil
		if o.severity != "" {
			v = lua.LString(o.severity)
		}
	default:
		raiseUnknown(L, "result", name, resultNames[:])
	}
	L.Push(v)
	return 1
}

func resultNewIndex(L *lua.LState) int {
	o := &pluginRunOf(L).result
	name, v := keyText(L.Get(2)), L.Get(3)
	switch name {
	case "succeeded":
		o.succeeded = resultBool(L, name, v)
	case "unknown":
		o.unknown = resultBool(L, name, v)
	case "error":
		o.text = resultText(L, name, v)
	case "message":
		o.message = resultText(L, name, v)
	case "raw_data":
		o.rawData = resultText(L, name, v)
	case "severity":
		severity := engine.Status(resultText(L, name, v))
		if severity != "" && !severity.IsSeverity() || v == lua.LString("") {
			L.RaiseError(`result.severity must be "WARNING", "ERROR" or "CRITICAL"`)
		}
		o.severity = severity
	case "metric":
		L.RaiseError("result.metric is a method: call result:metric(name, value)")
	default:
		raiseUnknown(L, "result", name, resultNames[:])
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
	if !ok || ud != r.result.object {
		L.RaiseError("call metric with a colon: result:metric(name, value)")
	}
	name, ok := L.Get(2).(lua.LString)
	if !ok || name == "" {
		L.RaiseError("bad argument #1 to 'metric' (name must be a string that is not empty)")
	}
	value, ok := finite(L.Get(3))
	if !ok {
		if t := L.Get(3).Type(); t != lua.LTNil && t != lua.LTNumber {
			L.RaiseError("bad argument #2 to 'metric' (value must be a number, got %s)", t.String())
		}
		return 0
	}
	m := engine.Metric{Name: r.call.clean(string(name), maxMetricName), Value: value}
	switch options := L.Get(4).(type) {
	case *lua.LNilType:
	case lua.LString:
		m.Unit = r.call.clean(string(options), maxMetricUnit)
	case *lua.LTable:
		metricOptions(L, &m, options)
	default:
		L.RaiseError("bad argument #3 to 'metric' (a unit or a table of options, got %s)", options.Type().String())
	}
	r.result.addMetric(m)
	return 0
}

func (o *resultObject) addMetric(m engine.Metric) {
	for i := range o.metrics {
		if o.metrics[i].Name == m.Name {
			o.metrics[i] = m
			return
		}
	}
	if o.metrics == nil {
		o.metrics = make([]engine.Metric, 0, 4)
	}
	if len(o.metrics) < maxMetrics {
		o.metrics = append(o.metrics, m)
	}
}

var metricOptionNames = [...]string{"unit", "warn", "fail", "min", "max"}

func metricOptions(L *lua.LState, m *engine.Metric, options *lua.LTable) {
	lualib.Reading(options).ForEach(func(k, v lua.LValue) {
		name := keyText(k)
		switch name {
		case "unit":
			unit, ok := v.(lua.LString)
			if !ok {
				L.RaiseError("metric option unit must be a string, got %s", v.Type().String())
			}
			m.Unit = callOf(L).clean(string(unit), maxMetricUnit)
		case "warn":
			m.Warn = metricNumber(L, name, v)
		case "fail":
			m.Fail = metricNumber(L, name, v)
		case "min":
			m.Min = metricNumber(L, name, v)
		case "max":
			m.Max = metricNumber(L, name, v)
		default:
			raiseUnknown(L, "metric", name, metricOptionNames[:])
		}
	})
}

func metricNumber(L *lua.LState, name string, v lua.LValue) *float64 {
	if v.Type() != lua.LTNumber {
		L.RaiseError("metric option %s must be a number, got %s", name, v.Type().String())
	}
	if n, ok := finite(v); ok {
		return &n
	}
	return nil
}

func finite(v lua.LValue) (float64, bool) {
	n, ok := v.(lua.LNumber)
	f := float64(n)
	return f, ok && !math.IsNaN(f) && !math.IsInf(f, 0)
}
