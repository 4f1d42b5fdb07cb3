package storagetest

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"moonwatch/engine"
)

// addResult keeps r in its place. m.mu is held.
func (m *Memory) addResult(r engine.Result) {
	list := m.results[r.Check]
	i, found := searchSeq(list, r.Seq)
	if found {
		list[i] = r
		return
	}
	m.results[r.Check] = slices.Insert(list, i, r)
}

// Results implements engine.Store. It holds no lock while fn runs.
func (m *Memory) Results(ctx context.Context, check string, from, to uint64, fn func(*engine.Result) bool) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	list := m.results[check]
	low, _ := searchSeq(list, from)
	high := len(list)
	if to > 0 {
		high, _ = searchSeq(list, to)
	}
	var found []engine.Result
	if low < high {
		found = slices.Clone(list[low:high])
	}
	m.mu.Unlock()
	slices.Reverse(found)
	return deliver(ctx, found, fn)
}

// LatestResults implements engine.Store. It holds no lock while fn runs.
func (m *Memory) LatestResults(ctx context.Context, fn func(*engine.Result) bool) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	var found []engine.Result
	for _, check := range slices.Sorted(maps.Keys(m.results)) {
		list := m.results[check]
		found = append(found, list[len(list)-1])
	}
	m.mu.Unlock()
	return deliver(ctx, found, fn)
}

func deliver(ctx context.Context, found []engine.Result, fn func(*engine.Result) bool) error {
	for i := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := cloneResult(&found[i])
		if !fn(&r) {
			break
		}
	}
	return nil
}

// DropResults implements engine.Store.
func (m *Memory) DropResults(ctx context.Context, check string, before uint64) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	list := m.results[check]
	i := len(list)
	if before > 0 {
		i, _ = searchSeq(list, before)
	}
	if i == len(list) {
		delete(m.results, check)
		return nil
	}
	m.results[check] = slices.Clone(list[i:])
	return nil
}

func searchSeq(list []engine.Result, seq uint64) (int, bool) {
	return slices.BinarySearchFunc(list, seq, func(r engine.Result, seq uint64) int { return compare(r.Seq, seq) })
}

// cloneResult is a deep copy of r as it comes back from a disk: times in UTC and
// whole microseconds, empty lists nil.
func cloneResult(r *engine.Result) engine.Result {
	c := *r
	c.Started = cleanTime(r.Started).Truncate(time.Microsecond)
	c.Took = math.Round(r.Took*1e6) / 1e6
	c.Metrics, c.Log = nil, nil
	for _, metric := range r.Metrics {
		metric.Warn, metric.Fail = clonePointer(metric.Warn), clonePointer(metric.Fail)
		metric.Min, metric.Max = clonePointer(metric.Min), clonePointer(metric.Max)
		c.Metrics = append(c.Metrics, metric)
	}
	for _, line := range r.Log {
		line.At = cleanTime(line.At).Truncate(time.Microsecond)
		c.Log = append(c.Log, line)
	}
	return c
}

func clonePointer(p *float64) *float64 {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
