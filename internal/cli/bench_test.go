package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
	"moonwatch/internal/programtest"
	"moonwatch/luaapi"
	"moonwatch/luaapi/host"
	"moonwatch/plugins"
)

// BenchmarkEngineRuns makes runs of a plugin without I/O on a real data folder
// that syncs every write: a run counts when its result is stored.
func BenchmarkEngineRuns(b *testing.B) {
	benchEngine(b, plainChecks(b, 1000))
}

// BenchmarkEngineHTTP is the same with HTTP checks of a process on loopback.
func BenchmarkEngineHTTP(b *testing.B) {
	_, url := programtest.StartHelper(b, "target")
	benchEngine(b, httpChecks(b, 64, url))
}

// BenchmarkFloorHTTP is what BenchmarkEngineHTTP is held against: a plain client
// with as many workers, against the same kind of target.
func BenchmarkFloorHTTP(b *testing.B) {
	_, url := programtest.StartHelper(b, "target")
	benchEngine(b, plainClient(b, url))
}

func benchEngine(b *testing.B, run func(n int)) {
	used := ownCPU(b)
	b.ReportAllocs()
	b.ResetTimer()
	run(b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric((ownCPU(b)-used).Seconds()*1e6/float64(b.N), "cpu-µs/op")
}

func plainChecks(b testing.TB, checks int) (run func(n int)) {
	return engineRuns(b, "quick", form.Values{}, checks)
}

func httpChecks(b testing.TB, checks int, url string) (run func(n int)) {
	return engineRuns(b, "http", form.Values{"endpoint": url}, checks)
}

// engineRuns is a monitor in this process. run makes n runs of its checks, each
// check's next as soon as its last result is stored.
func engineRuns(b testing.TB, plugin string, config form.Values, checks int) (run func(n int)) {
	ctx := b.Context()
	quiet := slog.New(slog.DiscardHandler)
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "quick.lua"), []byte(programtest.QuickCheck("1")), 0o644); err != nil {
		b.Fatal(err)
	}
	network, err := host.New(host.DefaultOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { network.Close() })
	f, err := (dataFlag{Data: filepath.Join(dir, "data")}).open(ctx, quiet, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.close() })
	lua, err := luaapi.New(luaapi.Options{Host: network, Data: f.engine.Plugins.PluginData(), Opener: f.sealer, Shipped: plugins.Files(), Dir: dir, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { lua.Close() })
	if err := lua.Load(ctx); err != nil {
		b.Fatal(err)
	}
	if err := f.engine.Start(ctx, lua); err != nil {
		b.Fatal(err)
	}
	actor := engine.Actor{Via: "benchmark"}
	ids := make([]string, checks)
	var next atomic.Int64
	inTurn(64, checks, func(int) bool {
		i := int(next.Add(1)) - 1
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Active, c.Interval, c.Config = fmt.Sprint("check ", i), plugin, false, engine.Duration(time.Second), config
		saved, err := f.engine.Checks.SaveCheck(ctx, actor, c)
		if err != nil {
			b.Error(err)
			return false
		}
		ids[i] = saved.ID
		return true
	})
	return func(n int) {
		inTurn(checks, n, func(worker int) bool {
			r, err := f.engine.RunCheck(context.Background(), ids[worker])
			if err != nil || r == nil || !r.Succeeded {
				b.Errorf("%+v %v", r, err)
				return false
			}
			return true
		})
	}
}

// plainClient makes n requests with 64 workers that keep their connections.
func plainClient(b testing.TB, url string) (run func(n int)) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	return func(n int) {
		inTurn(64, n, func(int) bool {
			r, err := client.Get(url)
			if err != nil {
				b.Error(err)
				return false
			}
			io.Copy(io.Discard, r.Body)
			r.Body.Close()
			return true
		})
	}
}

// inTurn has workers do one thing n times in all, until one of them fails.
func inTurn(workers, n int, do func(worker int) bool) {
	var turn atomic.Int64
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for turn.Add(1) <= int64(n) && do(i) {
			}
		})
	}
	all.Wait()
}

// ownCPU is the processor time that this process has used.
func ownCPU(b testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
