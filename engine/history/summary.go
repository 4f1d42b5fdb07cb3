package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// SummaryPoint is what the results of a check that began in one step of time
// come to.
type SummaryPoint struct {
	At                 time.Time       `json:"at"`       // start of the step
	Count              uint64          `json:"count"`    // results, failures and unknown ones included
	Failures           uint64          `json:"failures"` // known and not succeeded
	Unknown            uint64          `json:"unknown"`
	UnknownSeconds     float64         `json:"unknown_seconds"` // see Uptime
	MaintenanceSeconds float64         `json:"maintenance_seconds"`
	Took               *TookSummary    `json:"took"` // of known results; null without any
	Metrics            []MetricSummary `json:"metrics"`
}

// TookSummary says how long runs took, in seconds. The percentiles are within 2 %.
type TookSummary struct {
	Min float64 `json:"min"`
	Avg float64 `json:"avg"`
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// MetricSummary is what a metric measured, in order of name.
type MetricSummary struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Count uint64  `json:"count"`
	Min   float64 `json:"min"`
	Avg   float64 `json:"avg"`
	Max   float64 `json:"max"`
}

// MaxSummaryPoints bounds the points of one summary, empty ones counted.
const MaxSummaryPoints = 10_000

// Summary returns what the results of a check come to, step by step: the steps
// that hold any of from to to, on a grid that begins at the epoch, without those
// in which nothing happened. A step of 0 is one that gives some 200 points. Steps
// of whole hours come from the hourly aggregates, as far as there are such; finer
// steps from results, and where these are dropped, an hour's aggregate stands in the
// step in which the hour begins. It blocks on the disk and returns an *Error.
func (hist *History) Summary(ctx context.Context, check string, from, to time.Time, step time.Duration) ([]SummaryPoint, error) {
	c := hist.CheckNow(check)
	if c == nil {
		return nil, engine.Missing(engine.KindCheck)
	}
	to = Earlier(to, hist.Now()).UTC()
	from = Later(from, to.Add(-hist.Settings().SumRetention.Std()-day)).UTC()
	if step == 0 {
		step = summaryStep(to.Sub(from))
	}
	var p engine.Problems
	switch {
	case !from.Before(to):
		p.Add("from", "max", "from must be before to, and not in the future")
	case step < time.Second:
		p.Add("step", "min", "at least 1s")
	case step%time.Second != 0 || step > time.Hour && step%time.Hour != 0:
		p.Add("step", "invalid", "whole seconds, and from an hour on whole hours")
	case to.Sub(from)/step >= MaxSummaryPoints:
		p.Add("step", "min", "at least %s for this span", form.FormatDuration(nextStep(to.Sub(from)/MaxSummaryPoints)))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	s := &summary{e: hist, check: c, step: step, points: map[time.Time]*aggregate{}}
	s.span = Span{gridFloor(from, step), gridFloor(to.Add(step-1), step)}
	if err := s.collect(ctx); err != nil {
		return nil, fmt.Errorf("sum up the results of check %s: %w", check, err)
	}
	return s.result(), nil
}

// summarySteps are those chosen for people.
func summarySteps() []time.Duration {
	return []time.Duration{time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
		time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day, 30 * day}
}

// nextStep returns the first of the steps for people that is at least d.
func nextStep(d time.Duration) time.Duration {
	steps := summarySteps()
	for _, s := range steps {
		if s >= d {
			return s
		}
	}
	return steps[len(steps)-1]
}

// summaryStep returns a step that divides span into about 200 points.
func summaryStep(span time.Duration) time.Duration { return nextStep(span / 240) }

// summary is a summary under way.
type summary struct {
	e      *History
	check  *engine.Check
	step   time.Duration
	span   Span
	points map[time.Time]*aggregate
}

func (s *summary) at(t time.Time) *aggregate {
	at := gridFloor(t, s.step)
	if s.points[at] == nil {
		s.points[at] = newAggregate()
	}
	return s.points[at]
}

// collect takes sums up to some hour, and results from there on.
func (s *summary) collect(ctx context.Context) error {
	h := &s.e.Progress
	h.mu.Lock()
	summed, raw := h.summed, h.rawFrom
	h.mu.Unlock()
	if s.step%time.Hour == 0 {
		raw = summed
	}
	raw = Later(s.span.From, Earlier(raw, summed))
	if err := s.aggregates(ctx, s.span.From, Earlier(raw, s.span.To)); err != nil {
		return err
	}
	if raw.Before(s.span.To) {
		return s.results(ctx, raw, s.span.To)
	}
	return nil
}

// aggregates adds the hourly aggregates of the hours that begin in from to to.
func (s *summary) aggregates(ctx context.Context, from, to time.Time) error {
	if !from.Before(to) {
		return nil
	}
	days := engine.Query{Prefix: s.check.ID + "/", After: dayID(s.check.ID, from.Add(-day))}
	for r, err := range engine.Records(ctx, s.e.Store, engine.KindAggregate, days) {
		if err != nil {
			return err
		}
		_, start, ok := dayOf(r.ID)
		if !ok || !start.Before(to) {
			break
		}
		d, err := readDay(r)
		if err != nil { // one bad day must not take two years away
			s.e.Log.Error("aggregates are left out", "error", err)
			continue
		}
		for i, hour := range d.hours {
			if at := start.Add(time.Duration(i) * time.Hour); hour != nil && !at.Before(from) && at.Before(to) {
				s.at(at).merge(hour)
			}
		}
	}
	return nil
}

// results adds the results from from to to, and the unknown and maintenance time.
func (s *summary) results(ctx context.Context, from, to time.Time) error {
	err := s.e.Store.Results(ctx, s.check.ID, uint64(max(from.UnixMicro(), 0)), uint64(max(to.UnixMicro(), 1)), func(r *engine.Result) bool {
		s.at(seqTime(r.Seq)).add(r)
		return true
	})
	if err != nil {
		return err
	}
	to = Earlier(to, s.e.Now())
	if !from.Before(to) {
		return nil
	}
	w, err := s.e.newTimelineReader(ctx, Span{from, to})
	if err != nil {
		return err
	}
	line, err := w.line(ctx, CheckKey(s.check.ID))
	if err != nil {
		return err
	}
	blank(line, s.step, func(at time.Time, standing category, took time.Duration) {
		s.at(at).addTime(standing, took)
	})
	return nil
}

// result returns the points in order of time.
func (s *summary) result() []SummaryPoint {
	out := make([]SummaryPoint, 0, len(s.points))
	for at, a := range s.points {
		if !a.empty() {
			out = append(out, a.point(at))
		}
	}
	slices.SortFunc(out, func(a, b SummaryPoint) int { return a.At.Compare(b.At) })
	return out
}

func (s *aggregate) point(at time.Time) SummaryPoint {
	p := SummaryPoint{At: at, Count: s.count, Failures: s.failures, Unknown: s.unknown, UnknownSeconds: s.unknownTime.Seconds(),
		MaintenanceSeconds: s.maintenance.Seconds(), Metrics: make([]MetricSummary, 0, len(s.metrics))}
	if n := &s.took; n.count > 0 {
		quantile := func(q float64) float64 { return min(max(s.tooks.quantile(q), n.min), n.max) }
		p.Took = &TookSummary{Min: n.min, Avg: n.mean(), P50: quantile(0.5), P95: quantile(0.95), P99: quantile(0.99), Max: n.max}
	}
	for name, m := range s.metrics {
		p.Metrics = append(p.Metrics, MetricSummary{Name: name, Unit: m.unit, Count: m.count, Min: m.min, Avg: m.mean(), Max: m.max})
	}
	slices.SortFunc(p.Metrics, func(a, b MetricSummary) int { return cmp.Compare(a.Name, b.Name) })
	return p
}
