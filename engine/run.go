package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// runSlot makes one run of a check, on a worker's goroutine.
func (e *Engine) runSlot(t *slot) {
	start := e.now()
	e.sched.lag.add(max(start.Sub(t.planned), 0), start)
	c, report, version, ok := e.runCheck(t.check, start)
	if !ok { // given up at the stop, or skipped: no result
		for _, w := range e.sched.landed(t) {
			w <- nil
		}
		return
	}
	r := ResultOf(c, report, version, start)
	if !report.None && !r.Succeeded && !r.Unknown && e.offline() {
		r.Unknown, r.Cause = true, CauseOffline
		r.Error = "the monitor's own self-check target fails too: " + r.Error
	}
	waiters := e.sched.landed(t)
	e.post(func(x *tx) error {
		e.finish(x, c.ID, r, report, waiters)
		return nil
	})
}

// runCheck runs the check's plugin. It returns the check as configured now, and
// false when the run leaves no result.
func (e *Engine) runCheck(c *Check, start time.Time) (*Check, RunReport, string, bool) {
	in, hold := e.checkRun(c)
	c = in.Check
	entry, known := e.pluginEntry(c.Plugin)
	unknown := func(cause Cause, format string, args ...any) (*Check, RunReport, string, bool) {
		e.sched.deaf(c.ID) // its pings were refused, too
		return c, RunReport{Unknown: true, Cause: cause, Error: fmt.Sprintf(format, args...)}, "", true
	}
	switch {
	case !known || entry.Plugin == nil:
		return unknown(CausePluginGone, "the plugin %s is not there", c.Plugin)
	case entry.Orphaned:
		return unknown(CausePluginGone, "the file of the plugin %s (%s) is gone", c.Plugin, entry.File)
	case entry.Plugin.Meta().Kind != CheckPlugin:
		return unknown(CausePluginGone, "the plugin %s is no longer a check plugin", c.Plugin)
	case hold != "":
		return unknown(CauseSuspended, "%s", hold)
	}
	if why := c.scheduleProblem(); why != "" {
		return unknown(CauseConfig, "%s", why)
	}
	ctx, cancel := context.WithDeadline(e.runs, start.Add(c.Timeout.Std()))
	defer cancel()
	report := entry.Plugin.Run(ctx, in)
	if report.Skipped {
		e.sched.skipped.Add(1)
		return c, report, "", false
	}
	if e.runs.Err() != nil && (report.TimedOut || report.Unknown || !report.Succeeded) {
		return c, report, "", false // ended by the stop, not by itself
	}
	return c, report, entry.Plugin.Meta().Version, true
}

// checkRun gathers what a run is told, and why the check is suspended, if it is.
func (e *Engine) checkRun(c *Check) (*CheckRun, string) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.tables
	if now := t.checks[c.ID]; now != nil {
		c = now
	}
	in := &CheckRun{Check: c, PublicURL: t.site().PublicURL, PingURL: e.pingURL(c),
		WatchedSince: e.sched.heardSince(c.ID)}
	for ref := range t.subjectsOf[c.ID] {
		overall := StatusPassing
		if s := t.subjects[ref.key()]; s != nil {
			overall = s.Overall
		}
		if ref.Kind == KindService {
			if s := t.services[ref.ID]; s != nil {
				in.Services = append(in.Services, ServiceSnapshot{s.ID, s.Name, s.URL, overall})
			}
		} else if i := t.instances[ref.ID]; i != nil {
			in.Instances = append(in.Instances, InstanceSnapshot{i.ID, i.Name, i.Address, overall})
		}
	}
	if len(in.Services) > 1 {
		slices.SortFunc(in.Services, func(a, b ServiceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	}
	if len(in.Instances) > 1 {
		slices.SortFunc(in.Instances, func(a, b InstanceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	}
	if last := t.latest[c.ID]; last != nil {
		in.Last = &LastResult{Succeeded: last.Succeeded, Unknown: last.Unknown, Error: last.Error, At: last.Started}
	}
	if s := t.plugins[c.Plugin]; s != nil {
		in.Settings = s.Values
	}
	if len(t.breakers) > 0 {
		now := e.now()
		if why, held := t.breakers[pluginBreaker(c.Plugin)].Suspended(now); held {
			return in, why
		}
		if why, held := t.breakers[checkBreaker(c.ID)].Suspended(now); held {
			return in, why
		}
	}
	return in, ""
}

// ResultOf makes the result that is stored of a report on a run that began at start.
func ResultOf(c *Check, p RunReport, version string, start time.Time) Result {
	r := Result{Check: c.ID, PluginVersion: version, Started: start.UTC(), Took: p.Took.Seconds(), Succeeded: p.Succeeded,
		Unknown: p.Unknown, Cause: p.Cause, Severity: p.Severity, Error: p.Error, Message: p.Message, RawData: p.RawData,
		Metrics: p.Metrics, Log: p.Log, Traceback: p.Traceback}
	if p.TimedOut {
		r.Succeeded, r.Unknown, r.Cause = false, false, ""
		if why := "timed out after " + c.Timeout.String(); !strings.HasPrefix(p.Error, why) {
			r.Error = strings.TrimSuffix(why+": "+p.Error, ": ")
		}
	}
	if r.Unknown {
		r.Succeeded = false
		if r.Cause == "" {
			r.Cause = CausePlugin
		}
		if r.Error == "" {
			r.Error = "unknown"
		}
	}
	if r.Succeeded {
		r.Error, r.Severity = "", ""
	} else {
		if r.Error == "" {
			r.Error = "failed"
		}
		if r.Severity == "" && !r.Unknown {
			r.Severity = c.Importance
		}
	}
	return r
}

// finish judges a run's result, and tells who waits for it once it is stored.
func (e *Engine) finish(x *tx, id string, r Result, report RunReport, waiters []chan *Result) {
	answer := func(r *Result) {
		if len(waiters) > 0 {
			x.whenDurable(func() {
				for _, w := range waiters {
					w <- r
				}
			})
		}
	}
	c := x.checks.get(id)
	if c != nil && report.None {
		x.noteLines(c, report.Log)
	}
	if c == nil || report.None {
		answer(nil)
		return
	}
	e.watchLimits(x, c, report.Limit, r.Error)
	stored := x.judge(c, r)
	answer(stored)
	if c.RetryInterval > 0 && x.states.get(id).Counting() {
		e.sched.hasten(id, x.now.Add(c.RetryInterval.Std()))
	}
}

// offline reports whether the monitor's own self-check target fails, asking at
// most every five seconds.
func (e *Engine) offline() bool {
	e.mu.RLock()
	target := e.tables.site().SelfCheckTarget
	e.mu.RUnlock()
	if target == "" || e.o.Prober == nil {
		return false
	}
	return e.self.offline(e.runs, target, e.now, e.o.Prober)
}
