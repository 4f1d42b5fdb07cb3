package luaapi

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/host/hosttest"
	"moonwatch/luaapi/internal/vm"
)

// togetherRuntime has plugins that hold four megabytes and wait, each in its own
// way, and one that holds little.
func togetherRuntime(t *testing.T, memory uint64) *Runtime {
	h := &hosttest.Fake{OnHTTP: func(ctx context.Context, _ *host.HTTPRequest) (*host.HTTPResponse, error) {
		<-ctx.Done()
		return nil, &host.Error{Kind: host.Timeout, Message: "no answer"}
	}}
	return newTestRuntime(t, map[string]string{
		"sleep.lua": checkSource("sleep", `held = ("x"):rep(4194304) require("time").sleep(20) result.succeeded = true return result`),
		"http.lua":  checkSource("http", `held = ("x"):rep(4194304) require("http").get("http://a/") result.succeeded = true return result`),
		"pcall.lua": checkSource("pcall", `held = ("x"):rep(4194304) while true do pcall(require("time").sleep, 20) end`),
		"spin.lua":  checkSource("spin", `held = ("x"):rep(4194304) while true do end`),
		"small.lua": checkSource("small", `held = ("x"):rep(2000) require("time").sleep(0.2) result.succeeded = true return result`),
	}, func(o *Options) { o.Host, o.SoftHeap, o.RunHeap, o.Memory = h, 24<<20, 16<<20, memory })
}

// TestAllRunsTogether begins sixty runs that hold four megabytes each and wait
// or execute, where all may hold 48: the heaviest are ended at once, wherever
// they stand, and those that hold little are not.
func TestAllRunsTogether(t *testing.T) {
	rt := togetherRuntime(t, 64<<20)
	var all sync.WaitGroup
	var mu sync.Mutex
	ended, small := 0, 0
	ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
	defer stop()
	run := func(slug string, note func(engine.RunReport)) {
		all.Add(1)
		go func() {
			defer all.Done()
			got := plugin(t, rt, slug).Run(ctx, checkRun(slug, nil))
			mu.Lock()
			defer mu.Unlock()
			note(got)
		}()
	}
	begun := time.Now()
	for i := range 60 {
		run([]string{"sleep", "http", "pcall", "spin"}[i%4], func(got engine.RunReport) {
			switch {
			case got.Limit && got.Unknown && strings.HasPrefix(got.Error, "stopped: too much memory: all runs together held "):
				ended++
			case ctx.Err() == nil:
				t.Errorf("ended with %+v", short(got))
			}
		})
		run("small", func(got engine.RunReport) {
			if small++; !got.Succeeded {
				t.Errorf("a run that holds little ended with %+v", short(got))
			}
		})
	}
	for { // until what is left fits, and all small ones have ended
		mu.Lock()
		done := ended >= 48 && small == 60
		mu.Unlock()
		if done || ctx.Err() != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Errorf("%d of 60 runs were ended, and %d of 60 small ones ran", ended, small)
	}
	took := time.Since(begun)
	held, most := rt.RunMemory()
	for ; held > most && ctx.Err() == nil; held, most = rt.RunMemory() {
		time.Sleep(5 * time.Millisecond)
	}
	if held > most || held < 4<<20 {
		t.Errorf("they hold %d MiB, and may hold %d", held>>20, most>>20)
	}
	if n := rt.Stats().Ended; n < 48 || n > 58 {
		t.Errorf("%d were ended, of 60 of which 12 fit", n)
	}
	t.Logf("%d ended after %v", rt.Stats().Ended, took)
	stop()
	all.Wait()
}

// TestHeavyChecksAreKnown holds that a check whose run was heavy is expected to
// be so again, until a run of it was measured that is not.
func TestHeavyChecksAreKnown(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  if check.name == "heavy" then held = ("x"):rep(3000000) end result.succeeded = true return result`)}, measuring)
	for i, tt := range []struct {
		check, name string
		least, most uint64
	}{{"a", "heavy", 3_000_000, 3_100_000}, {"b", "light", 1, 1 << 16}, {"a", "light", 1, 1 << 16}} {
		in := checkRun("test", nil)
		in.Check.ID, in.Check.Name = tt.check, tt.name
		if got := plugin(t, rt, "test").Run(t.Context(), in); !got.Succeeded {
			t.Fatalf("%+v", short(got))
		}
		if got, _ := rt.Expected(in.Check); got < tt.least || got > tt.most {
			t.Errorf("%d: check %s is expected to hold %d, want %d to %d", i, tt.check, got, tt.least, tt.most)
		}
	}
}

// TestAWaitingRunIsEndedByItsOwnLimit holds that one run which receives more
// than one may hold is ended while it waits.
func TestAWaitingRunIsEndedByItsOwnLimit(t *testing.T) {
	h := &hosttest.Fake{OnHTTP: func(ctx context.Context, req *host.HTTPRequest) (*host.HTTPResponse, error) {
		ballast := make([]byte, 32<<20)
		req.Received.Add(17 << 20)
		<-ctx.Done()
		ballast[0] = 1
		return nil, &host.Error{Kind: host.Timeout, Message: "no answer"}
	}}
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `pcall(require("http").get, "http://a/") result.succeeded = true return result`)},
		func(o *Options) { o.Host, o.SoftHeap, o.RunHeap, o.Memory = h, 24<<20, 16<<20, 1<<30 })
	begun := time.Now()
	if got := runOnce(t, rt, "test", nil); got.Error != string(vm.ErrMemory) || !got.Limit || time.Since(begun) > 4*time.Second {
		t.Errorf("after %v: %+v", time.Since(begun), short(got))
	}
}

// TestBusyChecksAreKnown holds that a check whose run did much work, or waited
// for nothing again and again, is known as busy until a run of it was not.
func TestBusyChecksAreKnown(t *testing.T) {
	rt := newTestRuntime(t, map[string]string{"test.lua": checkSource("test", `
  if check.name == "loops" then for i = 1, 200000 do end end
  if check.name == "waits" then for i = 1, 300 do require("time").sleep(0) end end
  result.succeeded = true return result`)}, func(o *Options) { o.Host = &hosttest.Fake{} })
	for i, tt := range []struct {
		name string
		busy bool
	}{{"light", false}, {"loops", true}, {"light", false}, {"waits", true}, {"light", false}} {
		in := checkRun("test", nil)
		if _, light := rt.Expected(in.Check); i == 0 && light {
			t.Error("a check that never ran is known as light")
		}
		in.Check.Name = tt.name
		if got := plugin(t, rt, "test").Run(t.Context(), in); !got.Succeeded {
			t.Fatalf("%+v", short(got))
		}
		if _, got := rt.Expected(in.Check); got == tt.busy {
			t.Errorf("%d: after a run that %s, light is %v", i, tt.name, got)
		}
	}
	// What it was known for says nothing of a changed plugin.
	in := checkRun("test", nil)
	writeFile(t, rt.opts.Dir, "test.lua", checkSource("test", `for i = 1, 1e9 do end`))
	pluginFolder{rt}.scan(t.Context())
	if _, light := rt.Expected(in.Check); light {
		t.Error("a check of a changed plugin is known as light")
	}
}
