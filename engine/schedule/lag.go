package schedule

import (
	"sync"
	"time"
)

// lagMeter keeps how late runs started: buckets for the metrics.
type lagMeter struct {
	Mu      sync.Mutex
	Buckets [len(LagBounds) + 1]int64
	Sum     time.Duration
	Last    time.Duration
	Max     time.Duration // over the last minute, roughly
	minute  int64
}

var LagBounds = [...]time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond,
	500 * time.Millisecond, 2 * time.Second, 10 * time.Second}

func (l *lagMeter) Add(lag time.Duration, now time.Time) {
	l.Mu.Lock()
	defer l.Mu.Unlock()
	i := 0
	for i < len(LagBounds) && lag > LagBounds[i] {
		i++
	}
	l.Buckets[i]++
	l.Sum += lag
	l.Last = lag
	if m := now.Unix() / 60; m != l.minute {
		l.minute, l.Max = m, 0
	}
	l.Max = max(l.Max, lag)
}
