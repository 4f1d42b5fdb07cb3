package engine

import "time"

// RunStats are counts on plugins' runs since the start.
type RunStats struct {
	Executing int   // runs that execute Lua now
	Waiting   int   // runs that wait for their turn to
	Ended     int64 // runs that were ended because all together held too much memory
	Plugins   map[string]PluginStats
}

// PluginStats are the counts of one plugin; the zero value is that of a plugin
// that never ran.
type PluginStats struct {
	Runs, Errors, Limits, Timeouts, Skipped int64
	Took                                    time.Duration // of all runs together
	Memory                                  uint64        // bytes, the most that a weighed run held; 0 when none was weighed
}

// Mean is the time of one run; 0 when there was none.
func (s PluginStats) Mean() time.Duration {
	if s.Runs == 0 {
		return 0
	}
	return s.Took / time.Duration(s.Runs)
}

// Failed are the runs that ended in an error of the plugin or by a limit.
func (s PluginStats) Failed() int64 { return s.Errors + s.Limits }
