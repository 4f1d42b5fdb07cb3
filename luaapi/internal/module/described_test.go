package module

import (
	"slices"
	"strings"
	"testing"

	"moonwatch/luaapi/describe"
	"moonwatch/luaapi/host/hosttest"
)

// TestArgumentsAreDescribed calls each function of the modules with a function
// as one argument: the error must call it by the name that is described.
func TestArgumentsAreDescribed(t *testing.T) {
	valid := map[string]string{"string": `"x"`, "integer": "1", "number": "1", "table": "{}", "hash": `"md5"`, "user[]": "{}", "service": "{}",
		"http.request": `{ url = "http://x" }`, "table|string": `"x"`, "string|string[]": `"x"`, "string[]": "{}", "any": "1"}
	anything := map[string]bool{"json.encode": true, "json.get value": true, "store.set value": true, "utf8.line escape": true} // take any value, or complain of what is in it
	b := newBench(t, &hosttest.Fake{})
	b.call.Data = NewScratch(b.call.Now)
	looked := 0
	for _, m := range describe.Modules() {
		if m.Name == "forms" || m.Name == "testing" || m.Name == "log" {
			continue
		}
		for _, f := range m.Functions {
			what := m.Name + "." + f.Name
			var before []string
			for _, p := range f.Params {
				args := strings.Join(append(slices.Clone(before), "print"), ", ")
				if !anything[what] && !anything[what+" "+p.Name] {
					looked++
					_, err := b.do("return " + what + "(" + args + ")")
					if err == nil || !strings.Contains(err.Error(), p.Name) {
						t.Errorf("%s(%s): got %v, want an error that names %s", what, args, err, p.Name)
					}
				}
				if p.Optional {
					before = append(before, "nil")
				} else {
					before = append(before, valid[p.Type])
				}
			}
		}
	}
	if looked < 80 {
		t.Errorf("looked at %d arguments", looked)
	}
}
