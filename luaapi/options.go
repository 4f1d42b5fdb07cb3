package luaapi

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/runner"
)

// Options are what a Runtime is built from. Every field may be left zero but
// Host, without which modules that reach outside answer with an error.
type Options struct {
	Host    host.Host
	Data    engine.PluginData    // the store that plugins have; nil: module store raises
	Sources engine.PluginSources // keeps the last good sources; nil: nothing holds over a restart
	Opener  binding.Opener       // opens secrets; nil: every secret reads as unset
	Shipped fs.FS                // the plugins of the binary, at its top level, and the modules that ship in its folder shipped; nil is none
	Dir     string               // the plugin folder; "" is none. It need not exist yet
	// Env reads an environment variable; nil is os.LookupEnv.
	Env    func(string) (string, bool)
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // the clock that plugins read; nil is time.Now

	MaxExecuting int           // runs that execute Lua at one time, beside light ones, four times as many; 0 is one and a half times the cores
	Instructions int64         // that one run may use; 0 is DefaultInstructions
	SoftHeap     uint64        // bytes of heap from which runs are measured; 0 is DefaultSoftHeap
	RunHeap      uint64        // bytes that one run may hold once they are measured; 0 is half of SoftHeap, or of Memory when that is less
	Memory       uint64        // bytes that all runs together may take, of which a quarter is left to the collector; 0 is DefaultMemory
	Measure      bool          // measure every run again and again, for people who look at what it took; a run that computes much takes about twice as long
	Settle       time.Duration // quiet time after a change of the folder before it is read; 0 is DefaultSettle
	Rescan       time.Duration // the folder is read again at least this often; 0 is DefaultRescan
}

// The defaults of Options.
const (
	DefaultInstructions = runner.DefaultInstructions
	DefaultSoftHeap     = runner.DefaultSoftHeap
	DefaultMemory       = runner.DefaultMemory
	DefaultSettle       = 100 * time.Millisecond
	DefaultRescan       = 5 * time.Second
)

// withDefaults fills what was left zero, and reports every problem.
func (o Options) withDefaults() (Options, error) {
	var problems []error
	runs, err := o.runs().WithDefaults()
	problems = append(problems, err)
	if o.Settle < 0 || o.Rescan < 0 {
		problems = append(problems, errors.New("options Settle and Rescan cannot be negative"))
	}
	if o.Settle == 0 {
		o.Settle = DefaultSettle
	}
	if o.Rescan == 0 {
		o.Rescan = DefaultRescan
	}
	o.Env, o.Logger, o.Now = runs.Env, runs.Logger, runs.Now
	o.MaxExecuting, o.Instructions = runs.MaxExecuting, runs.Instructions
	o.SoftHeap, o.RunHeap, o.Memory = runs.SoftHeap, runs.RunHeap, runs.Memory
	return o, errors.Join(problems...)
}

// runs is the part of the options that runs need.
func (o Options) runs() runner.Options {
	return runner.Options{
		Host: o.Host, Data: o.Data, Opener: o.Opener, Shipped: o.Shipped, Env: o.Env, Logger: o.Logger, Now: o.Now,
		MaxExecuting: o.MaxExecuting, Instructions: o.Instructions,
		SoftHeap: o.SoftHeap, RunHeap: o.RunHeap, Memory: o.Memory, Measure: o.Measure,
	}
}

// NewScratch returns a store for the time of one run on the command line. It
// keeps to the limits of the real one; now is the clock of its expiries.
func NewScratch(now func() time.Time) engine.PluginData { return module.NewScratch(now) }
