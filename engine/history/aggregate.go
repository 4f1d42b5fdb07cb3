package history

import (
	"math"
	"time"

	"moonwatch/engine"
)

// aggregate is what is kept of a check's results over an hour, and what several hours
// or single results come to.
type aggregate struct {
	count       uint64 // results, unknown ones included
	failures    uint64 // known and not succeeded
	unknown     uint64
	unknownTime time.Duration // in which the check's state was not known
	maintenance time.Duration
	took        numbers // of known results, seconds
	tooks       sketch
	metrics     map[string]*metricAggregate
}

// numbers are the measures of a row of numbers.
type numbers struct {
	count         uint64
	min, max, sum float64
}

type metricAggregate struct {
	unit string // as last seen
	numbers
}

// maxMetrics bounds the metrics of a check that are summed up; those with
// further names, or with names of more than maxMetricName bytes, are kept raw alone.
const (
	maxMetrics    = 256
	maxMetricName = 200
)

func newAggregate() *aggregate { return &aggregate{metrics: map[string]*metricAggregate{}} }

func (n *numbers) add(v float64) { n.merge(numbers{1, v, v, v}) }

func (n *numbers) merge(o numbers) {
	switch {
	case o.count == 0:
		return
	case n.count == 0:
		*n = o
		return
	}
	n.count += o.count
	n.min, n.max, n.sum = min(n.min, o.min), max(n.max, o.max), n.sum+o.sum
}

func (n *numbers) mean() float64 {
	if n.count == 0 {
		return 0
	}
	return n.sum / float64(n.count)
}

// add counts one result. Results come newest first: the first unit stays.
func (s *aggregate) add(r *engine.Result) {
	s.count++
	switch {
	case r.Unknown:
		s.unknown++
	default:
		if !r.Succeeded {
			s.failures++
		}
		s.took.add(r.Took)
		s.tooks.add(r.Took)
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			continue
		}
		if metric := s.metric(m.Name, m.Unit); metric != nil {
			metric.add(m.Value)
		}
	}
}

// metric returns the aggregate of a metric, nil when there is no room for it.
func (s *aggregate) metric(name, unit string) *metricAggregate {
	if m := s.metrics[name]; m != nil {
		return m
	}
	if len(s.metrics) >= maxMetrics || len(name) > maxMetricName || len(unit) > maxMetricName {
		return nil
	}
	m := &metricAggregate{unit: unit}
	s.metrics[name] = m
	return m
}

// merge adds what an earlier aggregate holds.
func (s *aggregate) merge(o *aggregate) {
	s.count += o.count
	s.failures += o.failures
	s.unknown += o.unknown
	s.unknownTime += o.unknownTime
	s.maintenance += o.maintenance
	s.took.merge(o.took)
	s.tooks.merge(&o.tooks)
	for name, theirs := range o.metrics {
		if ours := s.metric(name, theirs.unit); ours != nil {
			ours.merge(theirs.numbers)
		}
	}
}

// empty reports whether there is nothing to keep.
func (s *aggregate) empty() bool { return s.count == 0 && s.unknownTime == 0 && s.maintenance == 0 }
