package luaapi

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"time"

	"moonwatch/engine"
	"moonwatch/luaapi/host"
	"moonwatch/luaapi/internal/binding"
	"moonwatch/luaapi/internal/module"
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

	MaxExecuting int           // runs that execute Lua at one time; 0 is twice the cores
	Instructions int64         // that one run may use; 0 is DefaultInstructions
	SoftHeap     uint64        // bytes of heap from which runs are weighed; 0 is DefaultSoftHeap
	RunHeap      uint64        // bytes that one run may hold once they are weighed; 0 is half of SoftHeap, or of Memory when that is less
	Memory       uint64        // bytes that all runs together may take, of which a quarter is left to the collector; 0 is DefaultMemory
	Weigh        bool          // weigh every run again and again, for people who look at what it took; a run that computes much takes about twice as long
	Settle       time.Duration // quiet time after a change of the folder before it is read; 0 is DefaultSettle
	Rescan       time.Duration // the folder is read again at least this often; 0 is DefaultRescan
}

// The defaults of Options.
const (
	DefaultInstructions = 500_000_000 // about five seconds of one core
	DefaultSoftHeap     = 96 << 20
	DefaultMemory       = 1 << 30
	DefaultSettle       = 100 * time.Millisecond
	DefaultRescan       = 5 * time.Second
)

// withDefaults fills what was left zero, and reports every problem.
func (o Options) withDefaults() (Options, error) {
	var problems []error
	if o.MaxExecuting < 0 {
		problems = append(problems, errors.New("option MaxExecuting is negative"))
	}
	if o.Settle < 0 || o.Rescan < 0 {
		problems = append(problems, errors.New("options Settle and Rescan cannot be negative"))
	}
	if o.Instructions < 0 {
		problems = append(problems, errors.New("option Instructions is negative"))
	}
	if o.MaxExecuting == 0 {
		o.MaxExecuting = 2 * runtime.GOMAXPROCS(0)
	}
	if o.Instructions == 0 {
		o.Instructions = DefaultInstructions
	}
	if o.SoftHeap == 0 {
		o.SoftHeap = DefaultSoftHeap
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.RunHeap == 0 {
		o.RunHeap = min(o.SoftHeap, o.Memory) / 2
	}
	if o.Settle == 0 {
		o.Settle = DefaultSettle
	}
	if o.Rescan == 0 {
		o.Rescan = DefaultRescan
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(problems...)
}

// NewScratch returns a store for the time of one run on the command line. It
// keeps to the limits of the real one; now is the clock of its expiries.
func NewScratch(now func() time.Time) engine.PluginData { return module.NewScratch(now) }
