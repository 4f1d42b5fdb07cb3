package schedule

import (
	"hash/fnv"
	"time"

	"moonwatch/engine"
)

// phaseOf spreads ids evenly over d.
func phaseOf(id string, d time.Duration) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(id))
	// FNV's low bits differ little for ids that differ in the end: mix them.
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	v *= 0xc4ceb9fe1a85ec53
	v ^= v >> 33
	return time.Duration(v % uint64(d))
}

// nextSlot returns how long after now the next slot of the grid is: more than
// zero, at most one interval.
func nextSlot(id string, interval time.Duration, now time.Time) time.Duration {
	since := time.Duration(now.UnixNano()) - phaseOf(id, interval)
	into := since % interval
	if into < 0 {
		into += interval
	}
	return interval - into
}

// FirstWait returns how long after a start a check waits that has missed its
// last slot: spread over the interval, at most a minute.
func FirstWait(id string, interval time.Duration) time.Duration {
	return phaseOf(id, min(interval, time.Minute))
}

// MissedSlot reports whether the last slot before now has no result. Stores keep
// the start of the last run cut to a microsecond: a run that began with its slot
// must not seem to have begun before it.
func MissedSlot(c *engine.Check, last, now time.Time) bool {
	return !After(c, last.Add(time.Microsecond)).After(now)
}
