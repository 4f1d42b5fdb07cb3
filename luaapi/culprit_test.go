package luaapi

import (
	"testing"

	"moonwatch/engine"
)

// Errors name what was called or indexed where there is one thing that it can be.
func TestCulprit(t *testing.T) {
	const call, index = "attempt to call a non-function object", "attempt to index a non-table object(nil) with key "
	for code, want := range map[string]string{
		`json.pick({}, "a")`:                           call + ": json has no function 'pick'; did you mean 'get'?",
		`print(tostring(json.decod("{}")))`:            call + ": json has no function 'decod'; did you mean 'decode'?",
		`if check.id then json.decod("{}") end`:        call + ": json has no function 'decod'; did you mean 'decode'?",
		`return json.decod("{}")`:                      call + ": json has no function 'decod'; did you mean 'decode'?",
		`nothing()`:                                    call + " (nothing)",
		`upper.nothing(1)`:                             call + " (upper.nothing)",
		`upper:nothing(1)`:                             call + " (upper:nothing)",
		`print(nothing(tostring(1)))`:                  call, // one of three
		`(nothing or upper.nothing)()`:                 call, // one of two
		`local x = nil x()`:                            call,
		`local x = http.get("https://a.example")`:      index + "'get': local http = require \"http\" is missing",
		`local x = nothing.deep`:                       index + "'deep' (nothing)",
		`nothing.deep = 1`:                             index + "'deep' (nothing)",
		`local x = upper.nothing.deep`:                 index + "'deep' (upper.nothing)",
		`local x = upper.nothing:deep()`:               index + "'deep' (upper.nothing)",
		`local x = (nothing or upper.nothing).deep`:    index + "'deep'",
		`local x = nothing.deep or upper.nothing.deep`: index + "'deep'",
	} {
		rt := newTestRuntime(t, map[string]string{"test.lua": "local json, upper = require 'json', {}\n" + checkSource("test", code)})
		got := runOnce(t, rt, "test", nil)
		if got.Cause != engine.CauseError || got.Error != "test.lua:5: "+want {
			t.Errorf("%s\n got %q\nwant %q", code, got.Error, want)
		}
	}
}
