package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

const (
	aggregateBatch     = 128     // records of aggregates that are written at once
	aggregateBatchSize = 1 << 20 // and about how many bytes
	// minCatchUp is how far back hours are summed up after a long stop, or when
	// nothing was summed up before; further, when results are kept for longer.
	minCatchUp = 32 * day
)

// aggregatePass sums up the results of all checks over some finished hours. Records
// are put whole, so that a pass that was cut short is done again.
type aggregatePass struct {
	e      *History
	w      *timelineReader // over the hours, and one hour more
	puts   []engine.Record
	checks []string // of puts
	size   int
	began  time.Time
}

// aggregateHours sums up the finished hours that are not summed up yet.
func (hist *History) aggregateHours(ctx context.Context) error {
	h := &hist.Progress
	now := hist.Now().UTC()
	to := now.Add(-aggregateGrace).Truncate(time.Hour)
	h.mu.Lock()
	from := h.summed
	h.mu.Unlock()
	if oldest := now.Add(-max(hist.Settings().Retention.Std(), minCatchUp)).Truncate(time.Hour); from.Before(oldest) {
		from = oldest
	}
	from = Later(from, aggregatesFrom(now, hist.Settings().SumRetention))
	if !from.Before(to) {
		return nil
	}
	w, err := hist.newTimelineReader(ctx, Span{from.Add(-time.Hour), to})
	if err != nil {
		return err
	}
	p := &aggregatePass{e: hist, w: w, began: hist.Now()}
	for i, c := range hist.checksInOrder() {
		if err := p.check(ctx, c, from, to); err != nil {
			return fmt.Errorf("sum up the results of check %s: %w", c.ID, err)
		}
		if i%aggregateBatch == aggregateBatch-1 {
			if err := p.throttle(ctx); err != nil {
				return err
			}
		}
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	if hist.MemoryOnly.Load() {
		return errNotStored
	}
	return hist.Proceed(ctx, func(x *state.Tx) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.summed = to
		x.Write(engine.KindMark, summedMark, to)
		return nil
	})
}

func (hist *History) checksInOrder() []*engine.Check {
	hist.Mu.RLock()
	defer hist.Mu.RUnlock()
	out := make([]*engine.Check, 0, len(hist.Tables.Checks))
	for _, c := range hist.Tables.Checks {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *engine.Check) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// check sums up the hours of one check.
func (p *aggregatePass) check(ctx context.Context, c *engine.Check, from, to time.Time) error {
	if c.Timeout.Std() > aggregateGrace {
		from = from.Add(-time.Hour) // a run begun in that hour may have ended after it was summed up
	}
	hours, err := p.hours(ctx, c, from, to)
	if err != nil {
		return err
	}
	for len(hours) > 0 {
		start := hours[0].at.Truncate(day)
		n := 1
		for n < len(hours) && hours[n].at.Truncate(day).Equal(start) {
			n++
		}
		if err := p.day(ctx, c.ID, start, hours[:n]); err != nil {
			return err
		}
		hours = hours[n:]
	}
	return nil
}

type hourAggregate struct {
	at time.Time
	*aggregate
}

// hours returns what happened in the hours in which something did, in order.
func (p *aggregatePass) hours(ctx context.Context, c *engine.Check, from, to time.Time) ([]hourAggregate, error) {
	line, err := p.line(ctx, c, from, to)
	if err != nil {
		return nil, err
	}
	byHour := map[time.Time]*aggregate{}
	hour := func(at time.Time) *aggregate {
		at = at.Truncate(time.Hour)
		if byHour[at] == nil {
			byHour[at] = newAggregate()
		}
		return byHour[at]
	}
	err = p.e.Store.Results(ctx, c.ID, uint64(from.UnixMicro()), uint64(to.UnixMicro()), func(r *engine.Result) bool {
		hour(seqTime(r.Seq)).add(r)
		return true
	})
	if err != nil {
		return nil, err
	}
	blank(line, time.Hour, func(at time.Time, s category, took time.Duration) {
		hour(at).addTime(s, took)
	})
	var out []hourAggregate
	for at, s := range byHour {
		out = append(out, hourAggregate{at, s})
	}
	slices.SortFunc(out, func(a, b hourAggregate) int { return a.at.Compare(b.at) })
	return out, nil
}

// seqTime is the instant that a sequence number stands for.
func seqTime(seq uint64) time.Time { return time.UnixMicro(int64(seq)).UTC() }

// line returns how the check stood. Nothing is read for one whose status has
// not changed since.
func (p *aggregatePass) line(ctx context.Context, c *engine.Check, from, to time.Time) ([]segment, error) {
	p.e.Mu.RLock()
	state := p.e.Tables.States[c.ID]
	p.e.Mu.RUnlock()
	var line []segment
	if state != nil && !state.Since.After(from) && !c.Updated.After(from) {
		line = []segment{{Span{from, to}, standingOf(string(state.Status), c.Active)}}
	} else {
		var err error
		if line, err = p.e.statusLine(ctx, CheckKey(c.ID), from, to); err != nil {
			return nil, err
		}
	}
	return cut(p.w.finish(CheckKey(c.ID), line, nil), from, to), nil
}

// blank calls fn for the unknown and maintenance time of a line, split at the
// multiples of step.
func blank(line []segment, step time.Duration, fn func(at time.Time, s category, took time.Duration)) {
	for _, s := range line {
		if s.standing != standingUnknown && s.standing != standingMaintenance {
			continue
		}
		for at := s.From; at.Before(s.To); {
			next := Earlier(gridFloor(at, step).Add(step), s.To)
			fn(at, s.standing, next.Sub(at))
			at = next
		}
	}
}

// gridFloor returns the last multiple of step since the epoch at or before t.
func gridFloor(t time.Time, step time.Duration) time.Time {
	n := t.UnixNano()
	rest := n % int64(step)
	if rest < 0 {
		rest += int64(step)
	}
	return time.Unix(0, n-rest).UTC()
}

func (s *aggregate) addTime(standing category, took time.Duration) {
	if standing == standingUnknown {
		s.unknownTime += took
	} else {
		s.maintenance += took
	}
}

// day puts the hours of one day into its record.
func (p *aggregatePass) day(ctx context.Context, check string, start time.Time, hours []hourAggregate) error {
	id := dayID(check, start)
	d := new(aggregateDay)
	r, err := p.e.Store.Get(ctx, engine.KindAggregate, id)
	switch {
	case err == nil:
		if d, err = readDay(r); err != nil {
			p.e.Log.Error("aggregates are damaged and begun anew", "error", err)
			d = new(aggregateDay)
		}
	case !errors.Is(err, engine.ErrNotFound):
		return err
	}
	for _, h := range hours {
		d.hours[h.at.UTC().Hour()] = h.aggregate
	}
	data := d.encode()
	p.puts = append(p.puts, engine.Record{Kind: engine.KindAggregate, ID: id, At: start, Data: data})
	p.checks = append(p.checks, check)
	if p.size += len(data); len(p.puts) >= aggregateBatch || p.size >= aggregateBatchSize {
		return p.flush(ctx)
	}
	return nil
}

// flush writes the records so far, but for checks deleted meanwhile.
func (p *aggregatePass) flush(ctx context.Context) error {
	if len(p.puts) == 0 {
		return nil
	}
	err := p.e.Proceed(ctx, func(x *state.Tx) error {
		for i, r := range p.puts {
			if x.Checks.Get(p.checks[i]) != nil {
				x.WriteRecord(r)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.puts, p.checks, p.size = nil, nil, 0
	return p.throttle(ctx)
}

func (p *aggregatePass) throttle(ctx context.Context) error {
	err := p.e.throttle(ctx, p.began)
	p.began = p.e.Now()
	return err
}
