package module

import (
	"errors"
	"testing"
	"time"

	"moonwatch/engine"
)

func TestStore(t *testing.T) {
	b := newBench(t, nil)
	data := newMemoryData()
	b.call.Data = data
	b.gives(`return store.get("k"), store.set("k", { a = { 1, json.null }, s = "x" }), json.encode(store.get("k"))`, `nil | true | {"a":[1,null],"s":"x"}`)
	b.gives(`return store.increment("n"), store.increment("n", 2.5), store.get("n"), store.increment("n", -3.5)`, "1 | 3.5 | 3.5 | 0")
	b.gives(`return store.delete("k"), store.get("k"), store.set("s", "v", 60), store.get("s"), store.set("s", nil), store.get("s")`, "true | nil | true | v | true | nil")
	if data.ttl != time.Minute {
		t.Errorf("ttl = %v", data.ttl)
	}
	b.gives(`store.shared.set("k", "shared") store.set("k", "own") return store.get("k"), store.shared.get("k"), store.shared.increment("n")`, "own | shared | 1")
	if got := data.values[engine.Scope{Plugin: "p"}]["k"]; got != `"shared"` {
		t.Errorf("the shared scope holds %q", got)
	}
	b.gives(`return store.set("big", ("x"):rep(17000))`, "nil | the value is longer than 16 KiB | too_large")
	for script, want := range map[string]string{
		`store.get()`: "bad argument #1 to store.get: key must be text, got nil", `store.get("")`: "key must be 1 to 256 bytes", `store.get(("k"):rep(300))`: "key must be 1 to 256",
		`store.set("k\0", 1)`: "without a zero byte", `store.set("k", print)`: "bad argument #2 to store.set: value: a function cannot be written as JSON",
		`store.set("k", 0/0)`: "NaN", `store.set("k", 1, 0)`: "ttl must be above 0", `store.set("k", 1, "5")`: "ttl must be a number, got text",
		`store.increment("k", "1")`: "by must be a number, got text", `store.increment("k", 1/0)`: "by must be a finite number", `store.shared.get()`: "bad argument #1 to store.shared.get",
	} {
		b.raises(script, want)
	}
	data.err = errors.New("a plugin may keep 100 keys")
	b.gives(`return store.set("k", 1)`, "nil | a plugin may keep 100 keys | invalid")
	b.gives(`return store.get("k")`, "nil | a plugin may keep 100 keys | invalid")
	b.gives(`return select(2, store.increment("k")), select(2, store.delete("k"))`, "a plugin may keep 100 keys | a plugin may keep 100 keys | invalid")
	b.call.Loading = true
	b.raises(`store.get("k")`, "store.get cannot be called while the plugin loads")
	b.call.Loading, b.call.Data = false, nil
	b.raises(`store.get("k")`, "store.get cannot be called here: there is no store")
}
