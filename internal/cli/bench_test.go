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
	benchEngine(b, "quick", form.Values{}, 1000)
}

// BenchmarkEngineHTTP is the same with HTTP checks of a process on loopback.
func BenchmarkEngineHTTP(b *testing.B) {
	_, url := programtest.StartHelper(b, "target")
	benchEngine(b, "http", form.Values{"endpoint": url}, 64)
}

// benchEngine keeps so many checks running, each as soon as its last result is stored.
func benchEngine(b *testing.B, plugin string, config form.Values, checks int) {
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
	defer network.Close()
	f, err := (dataFlag{Data: filepath.Join(dir, "data")}).open(ctx, quiet, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer f.close()
	lua, err := luaapi.New(luaapi.Options{Host: network, Data: f.engine.Plugins.PluginData(), Opener: f.sealer, Shipped: plugins.Files(), Dir: dir, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	defer lua.Close()
	if err := lua.Load(ctx); err != nil {
		b.Fatal(err)
	}
	if err := f.engine.Start(ctx, lua); err != nil {
		b.Fatal(err)
	}
	actor := engine.Actor{Via: "benchmark"}
	ids := make([]string, checks)
	for i := range ids {
		c := engine.NewCheck()
		c.Name, c.Plugin, c.Active, c.Config = fmt.Sprint("check ", i), plugin, false, config
		saved, err := f.engine.Checks.SaveCheck(ctx, actor, c)
		if err != nil {
			b.Fatal(err)
		}
		ids[i] = saved.ID
	}
	var turn, stored atomic.Int64
	used := ownCPU(b)
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range checks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := turn.Add(1); n <= int64(b.N); n = turn.Add(1) {
				r, err := f.engine.RunCheck(context.Background(), ids[i])
				if err != nil || r == nil || !r.Succeeded {
					b.Errorf("%+v %v", r, err)
					return
				}
				stored.Add(1)
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(stored.Load())/b.Elapsed().Seconds(), "runs/s")
	b.ReportMetric((ownCPU(b)-used).Seconds()*1e6/float64(b.N), "cpu-µs/op")
}

// BenchmarkFloorHTTP is what BenchmarkEngineHTTP is held against: a plain client
// with as many workers, against the same kind of target.
func BenchmarkFloorHTTP(b *testing.B) {
	_, url := programtest.StartHelper(b, "target")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	var turn atomic.Int64
	var wg sync.WaitGroup
	used := ownCPU(b)
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for turn.Add(1) <= int64(b.N) {
				r, err := client.Get(url)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		}()
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric((ownCPU(b)-used).Seconds()*1e6/float64(b.N), "cpu-µs/op")
}

// ownCPU is the processor time that this process has used.
func ownCPU(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
