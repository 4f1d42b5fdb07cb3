package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"
)

// bench is one round of a part. It stands in for the testing.TB that programtest
// asks for: as in a test, what is fatal ends the goroutine of the part alone, so
// that the other parts still run.
type bench struct {
	testing.TB // nil: the interface has a private method
	*options
	part   string
	round  int
	work   string // a folder that outlives the round
	report *report
	made   int // checks of this round, which names count

	ctx    context.Context
	cancel context.CancelFunc
	begun  time.Time

	mu       sync.Mutex // guards what follows
	cleanups []func()
	failed   bool
}

func newBench(o *options, part string, round int, work string, r *report) *bench {
	b := &bench{options: o, part: part, round: round, work: work, report: r, begun: time.Now()}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// start runs a part in a goroutine of its own, and closes done when it has ended
// and everything it started is gone.
func (b *bench) start(run func(*bench)) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		defer b.clean()
		defer func() {
			if v := recover(); v != nil { // a fault of bench itself
				b.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		run(b)
	}()
	return done
}

// clean calls what Cleanup was given, the last first.
func (b *bench) clean() {
	b.cancel()
	for {
		b.mu.Lock()
		n := len(b.cleanups)
		if n == 0 {
			b.mu.Unlock()
			return
		}
		fn := b.cleanups[n-1]
		b.cleanups = b.cleanups[:n-1]
		b.mu.Unlock()
		fn()
	}
}

// less records a figure that is better when it is less.
func (b *bench) less(name string, value float64, unit string) {
	b.report.add(b.part, name, unit, false, value)
}

// more records a figure that is better when it is more.
func (b *bench) more(name string, value float64, unit string) {
	b.report.add(b.part, name, unit, true, value)
}

// spread records median, 99th percentile and maximum of durations in milliseconds.
func (b *bench) spread(name string, took []time.Duration) {
	slices.Sort(took)
	b.less(name+" p50", ms(percentile(took, 50)), "ms")
	if len(took) >= 30 { // of fewer it is the maximum
		b.less(name+" p99", ms(percentile(took, 99)), "ms")
	}
	b.less(name+" max", ms(percentile(took, 100)), "ms")
}

// The methods of testing.TB that programtest uses.

func (b *bench) Helper()                  {}
func (b *bench) Name() string             { return fmt.Sprintf("%s, round %d", b.part, b.round) }
func (b *bench) Context() context.Context { return b.ctx }

func (b *bench) Cleanup(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cleanups = append(b.cleanups, fn)
}

func (b *bench) Failed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

func (b *bench) TempDir() string {
	dir, err := os.MkdirTemp(b.work, "")
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// Logf says on standard error how things go.
func (b *bench) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s, %.0f s: %s\n", b.Name(), time.Since(b.begun).Seconds(), fmt.Sprintf(format, args...))
}

func (b *bench) Errorf(format string, args ...any) {
	b.mu.Lock()
	b.failed = true
	b.mu.Unlock()
	b.Logf("FAILED: "+format, args...)
}

func (b *bench) Fatalf(format string, args ...any) {
	b.Errorf(format, args...)
	runtime.Goexit()
}

func (b *bench) Skipf(format string, args ...any) {
	b.Logf("left out: "+format, args...)
	runtime.Goexit()
}

func (b *bench) Error(args ...any) { b.Errorf("%s", fmt.Sprint(args...)) }
func (b *bench) Fatal(args ...any) { b.Fatalf("%s", fmt.Sprint(args...)) }
