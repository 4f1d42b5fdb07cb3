package demo

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/history"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
)

// Results of the past: single ones of the last day, of which the newest are as
// close together as the check runs; of what was before there are sums alone, of a
// few results an hour.
const (
	newest   = 70
	rawEvery = 5 * time.Minute
	rawSpan  = 24 * time.Hour
	sumEvery = 30 * time.Minute
)

// past writes what was before the demo begins.
type past struct {
	city  *City
	m     *monitor.Monitor
	clock *Clock
	begin time.Time
	now   time.Time

	// Read by several goroutines, and not changed once they begin.
	checks   map[string]*engine.Check // by name
	subjects map[string]engine.Ref    // likewise
	people   map[string]*engine.User
	versions map[string]string // of plugins, by slug
}

// WritePast imports the city into an empty monitor that is not started, and writes
// its history up to now. The monitor's clock is the one given, and runs when it is
// done; its plugins are set. It blocks on the disk.
func (c *City) WritePast(ctx context.Context, m *monitor.Monitor, clock *Clock, now time.Time, password string) error {
	p := &past{city: c, m: m, clock: clock, now: now, begin: now.AddDate(0, 0, -Days)}
	defer clock.Run()
	clock.Set(p.begin)
	document, err := c.Document(now, password)
	if err != nil {
		return fmt.Errorf("write the city's configuration: %w", err)
	}
	by := engine.Actor{Name: "moonwatch demo", Role: access.Admin, Via: "cli"}
	report, err := m.Config.Import(ctx, by, document, importer.ImportOptions{})
	if err != nil {
		return fmt.Errorf("import the city: %w (%v)", err, report.Problems)
	}
	p.look()
	written := make(chan error, 1)
	go func() { written <- p.writeResults(ctx) }()
	replayed := p.replay(ctx)
	if err := <-written; err != nil {
		return err
	}
	if replayed != nil {
		return fmt.Errorf("replay what happened: %w", replayed)
	}
	marks := &engine.Batch{ID: "demo-marks", Puts: []engine.Record{history.SummedRecord(now.Truncate(time.Hour)), history.RawRecord(now.Add(-rawSpan).Truncate(time.Hour))}}
	if err := m.Store.Apply(ctx, marks); err != nil {
		return fmt.Errorf("mark the history: %w", err)
	}
	return m.History.Progress.Load(ctx, m.Store)
}

// look finds what was imported.
func (p *past) look() {
	p.checks, p.subjects = map[string]*engine.Check{}, map[string]engine.Ref{}
	p.people, p.versions = map[string]*engine.User{}, map[string]string{}
	p.m.Mu.RLock()
	defer p.m.Mu.RUnlock()
	t := p.m.Tables
	for _, c := range t.Checks {
		p.checks[c.Name] = c
		if entry, ok := p.m.Registry.Plugin(c.Plugin); ok && entry.Plugin != nil {
			p.versions[c.Plugin] = entry.Plugin.Meta().Version
		}
	}
	for id, s := range t.Services {
		p.subjects[s.Name] = engine.Ref{Kind: engine.KindService, ID: id}
	}
	for id, i := range t.Instances {
		p.subjects[i.Name] = engine.Ref{Kind: engine.KindInstance, ID: id}
	}
	for _, u := range t.Users {
		p.people[u.Username] = u
	}
}

// result is what a check found at an instant.
func (p *past) result(k *check, at time.Time) engine.Result {
	c := p.checks[k.name]
	r := *monitor.ResultOf(c, p.city.report(k, at), p.versions[c.Plugin], at)
	r.Seq = uint64(at.UnixMicro())
	return r
}

// slots are the instants at which a check ran: those of from to to at most.
func (k *check) slots(from, to time.Time, every time.Duration) func(yield func(time.Time) bool) {
	every = max(every, k.interval)
	first := from.Truncate(every).Add(time.Duration(k.number % uint64(k.interval)).Truncate(time.Millisecond))
	return func(yield func(time.Time) bool) {
		for at := first; at.Before(to); at = at.Add(every) {
			if !at.Before(from) && !yield(at) {
				return
			}
		}
	}
}

// writeResults writes sums and single results of all checks.
func (p *past) writeResults(ctx context.Context) error {
	todo := make(chan *check)
	var all sync.WaitGroup
	var once sync.Once
	var failed error
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for k := range todo {
				if err := p.m.Store.Apply(ctx, p.resultsOf(k)); err != nil {
					once.Do(func() { failed = fmt.Errorf("write the results of %s: %w", k.name, err) })
				}
			}
		})
	}
	for _, k := range p.city.ordered() {
		todo <- k
	}
	close(todo)
	all.Wait()
	return failed
}

// resultsOf is all of a check's past but its changes of status.
func (p *past) resultsOf(k *check) *engine.Batch {
	c := p.checks[k.name]
	b := &engine.Batch{ID: "demo-" + c.ID}
	day := p.begin.UTC().Truncate(24 * time.Hour)
	var results []engine.Result
	for ; day.Before(p.now); day = day.AddDate(0, 0, 1) {
		results = results[:0]
		for at := range k.slots(history.Later(day, p.begin), history.Earlier(day.AddDate(0, 0, 1), p.now.Truncate(time.Hour)), sumEvery) {
			results = append(results, p.result(k, at))
		}
		results = p.troubledResults(results, k, day)
		b.Puts = append(b.Puts, history.DayRecord(c.ID, day, results))
	}
	close := p.now.Add(-newest * k.interval)
	for at := range k.slots(p.now.Add(-rawSpan-time.Hour), close, rawEvery) {
		b.Results = append(b.Results, p.result(k, at))
	}
	for at := range k.slots(history.Later(close, p.now.Add(-rawSpan)), p.now.Add(-k.interval), k.interval) {
		b.Results = append(b.Results, p.result(k, at))
	}
	return b
}

// troubledResults adds results from while something was wrong, so that sums show what
// lasted for less than the time between theirs.
func (p *past) troubledResults(results []engine.Result, k *check, day time.Time) []engine.Result {
	for _, t := range p.city.troubles[k.name] {
		from, to := history.Later(t.at, day), history.Earlier(t.end(), history.Earlier(day.AddDate(0, 0, 1), p.now.Truncate(time.Hour)))
		if to.Sub(from) > 3*time.Hour {
			continue // it shows anyway
		}
		for at := range k.slots(from, to, time.Minute) {
			results = append(results, p.result(k, at))
		}
	}
	return results
}

// submit hands the writer something that happens at the instant that the clock shows.
func (p *past) submit(ctx context.Context, fn func(x *state.Tx)) error {
	return p.m.Proceed(ctx, func(x *state.Tx) error { fn(x); return nil })
}
