package storage

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Options are the settings of a DB. Start from DefaultOptions.
type Options struct {
	Logger *slog.Logger // nil is slog.Default

	// MinFree is the free space in bytes that must be left on the disk; below it
	// batches are refused: Badger takes nothing more until a restart once its log
	// could not grow. 0 does not look.
	MinFree uint64

	// Maintain is how often the background work that reclaims space runs; 0 is
	// never. Results are folded into blocks as they come in either case.
	Maintain time.Duration

	// NoSync leaves syncing to the operating system: a crash of the process
	// loses nothing, one of the machine loses the last batches. For tests.
	NoSync bool

	// free tells the free space of the disk of a path; nil is the system's. For tests.
	free func(path string) (uint64, error)
}

// DefaultOptions returns the options of a monitor in earnest.
func DefaultOptions() Options {
	return Options{MinFree: 128 << 20, Maintain: 10 * time.Minute}
}

// Badger gives its files their blocks when it makes them, and goes on without end
// where it cannot. So the space is looked at before.
const (
	openFree  = 64 << 20 // bytes that opening takes beside those of the logs that it replays
	closeFree = 32 << 20 // bytes that closing takes
)

// Sizes that decide how much memory an idle process takes. A value at or above
// largeValue lies in the value log, which has to be collected; it must stay
// below 15 % of the memtable, Badger's bound of a transaction.
const (
	memtableSize = 8 << 20
	blockCache   = 8 << 20
	indexCache   = 16 << 20
	valueLogSize = 16 << 20
	largeValue   = 64 << 10
)

// topTables is how many tables are gathered before they are merged into the base
// level, and baseLevel how large that one grows, in bytes, before it is merged into
// the next. Together they stay below MinFree, the space that a merge finds. With 8
// tables and 32 MiB a check without I/O cost a tenth less at 15,000 a second, but each
// merge took so long that at 10,000 HTTP checks a second slots were skipped meanwhile.
const (
	topTables = 5
	baseLevel = 10 << 20
)

func (o *Options) badger(dir string) badger.Options {
	return badger.DefaultOptions(dir).
		WithSyncWrites(!o.NoSync).
		WithDetectConflicts(false). // there is one writer
		WithNumVersionsToKeep(1).
		WithMetricsEnabled(false).
		WithCompression(options.Snappy). // verify relies on it
		WithVerifyValueChecksum(true).   // the tables' are verified before it opens
		WithMemTableSize(memtableSize).
		WithNumMemtables(2).
		WithBlockCacheSize(blockCache).
		WithIndexCacheSize(indexCache).
		WithValueLogFileSize(valueLogSize).
		WithValueThreshold(largeValue).
		WithNumLevelZeroTables(topTables).
		WithNumLevelZeroTablesStall(3 * topTables).
		WithBaseLevelSize(baseLevel).
		WithNumCompactors(2).
		WithNumGoroutines(2).
		WithLogger(badgerLog{o.Logger})
}

// badgerLog passes Badger's own lines on: what goes wrong as warnings, the rest
// for those who look closely.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.log.Warn(line(format, args)) }
func (l badgerLog) Warningf(format string, args ...any) { l.log.Warn(line(format, args)) }
func (l badgerLog) Infof(format string, args ...any)    { l.log.Debug(line(format, args)) }

// Debugf is called at every write: nothing is formatted that nobody reads.
func (l badgerLog) Debugf(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(line(format, args))
	}
}

func line(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
