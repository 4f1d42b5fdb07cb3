package runner

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
)

// TestRunsBeginAsNew has runs that leave all that a run can leave go before runs that
// leave nothing, with the watchdog looking at all of them.
func TestRunsBeginAsNew(t *testing.T) {
	t.Parallel()
	r := newTestRunner(t)
	loud := loadTest(t, r, `local log = require "log"
local P = { name = "Loud", slug = "loud", version = "1" }
function P:run(check, result)
  log.info("said") result:metric("m", 1, "s") result.message, result.raw_data, result.error = "message", "raw", "wrong"
  result.severity, result.succeeded = "WARNING", false
  return result
end
return P`)
	quiet := loadTest(t, r, `local P = { name = "Quiet", slug = "quiet", version = "1" }
function P:run(check, result)
  if result.message ~= "" or result.raw_data ~= "" or result.error ~= "" or result.severity ~= nil or check.id ~= "quiet" then error("it is not new") end
  result.succeeded = true
  return result
end
return P`)
	stop := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
				r.Machine.Watchdog.Look()
			}
		}
	})
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			for range 100 {
				one := loud.Run(t.Context(), &engine.CheckRun{Check: &engine.Check{Meta: engine.Meta{ID: "loud"}, Plugin: "loud"}})
				got := quiet.Run(t.Context(), &engine.CheckRun{Check: &engine.Check{Meta: engine.Meta{ID: "quiet"}, Plugin: "quiet"}})
				got.Took, got.Waited, got.Instructions, got.Memory = 0, 0, 0, 0
				if want := (engine.RunReport{Succeeded: true}); !reflect.DeepEqual(got, want) {
					t.Errorf("after another run it left %+v, want %+v", got, want)
				}
				if len(one.Log) != 1 || len(one.Metrics) != 1 || one.Message != "message" || one.Error != "wrong" {
					t.Errorf("what a run left has changed: %+v", one)
				}
			}
		})
	}
	runs.Wait()
	close(stop)
	looks.Wait()
}
