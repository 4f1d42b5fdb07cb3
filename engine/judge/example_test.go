package judge_test

import (
	"fmt"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/judge"
)

// A check that lets one failure pass fails with the second, and recovers with the
// first success.
func ExampleJudge() {
	rule := engine.Rule{Importance: engine.StatusError, Debounce: 1, RecoverAfter: 1}
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	state := *engine.NewCheckState("front door", now)
	for i, succeeded := range []bool{true, false, false, true} {
		now = now.Add(time.Minute)
		state = judge.Judge(rule, &state, &engine.Result{Check: "front door", Seq: uint64(i + 1), Succeeded: succeeded, Severity: engine.StatusError}, now)
		fmt.Println(succeeded, state.Status)
	}
	// Output:
	// true PASSING
	// false PASSING
	// false FAILING
	// true PASSING
}
