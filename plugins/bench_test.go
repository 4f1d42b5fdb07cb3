package plugins_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
)

// target answers every request at once.
type target struct{ host.Host }

func (target) HTTP(context.Context, *host.HTTPRequest) (*host.HTTPResponse, error) {
	return &host.HTTPResponse{Status: 200, Body: "ok", Header: http.Header{},
		Timings: host.Timings{FirstByte: 15 * time.Millisecond, Total: 20 * time.Millisecond}}, nil
}

// BenchmarkHTTP is a whole pooled run of the shipped http plugin with its target
// stubbed out: fresh environment, objects, limits, result.
func BenchmarkHTTP(b *testing.B) {
	bench := newBench(b, target{})
	p := bench.plugin("http")
	in := bench.checkRun("http", check{config: map[string]any{"endpoint": "https://example.org/"}})
	in.Check.Interval = engine.Duration(time.Second) // one that runs often
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		report := p.Run(ctx, in)
		cancel()
		if !report.Succeeded {
			b.Fatalf("%+v", report)
		}
	}
}
