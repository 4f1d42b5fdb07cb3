package monitor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// runSlot makes one run of a check, on a worker's goroutine.
func (m *Monitor) runSlot(t *schedule.Slot) {
	defer m.Sched.Release(t)
	start := m.Now()
	m.Sched.Lag.Add(max(start.Sub(t.Planned), 0), start)
	c, report, version, ok := m.runCheck(t.Check, start)
	if !ok { // given up at the stop, or skipped: no result
		for _, w := range m.Sched.Settle(t) {
			w <- nil
		}
		return
	}
	r := ResultOf(c, report, version, start)
	if !report.None && !r.Succeeded && !r.Unknown && m.offline() {
		r.Unknown, r.Cause = true, engine.CauseOffline
		r.Error = "the monitor's own self-check target fails too: " + r.Error
	}
	waiters, none, limited := m.Sched.Settle(t), report.None, report.Limit
	m.Enqueue(func(x *state.Tx) error {
		m.finish(x, r, none, limited, waiters)
		return nil
	})
}

// runCheck runs the check's plugin. It returns the check as configured now, and
// false when the run leaves no result.
func (m *Monitor) runCheck(c *engine.Check, start time.Time) (*engine.Check, engine.RunReport, string, bool) {
	in, hold := m.checkRun(c)
	c = in.Check
	entry, known := m.PluginEntry(c.Plugin)
	unknown := func(cause engine.Cause, format string, args ...any) (*engine.Check, engine.RunReport, string, bool) {
		m.Sched.Deaf(c.ID) // its pings were refused, too
		return c, engine.RunReport{Unknown: true, Cause: cause, Error: fmt.Sprintf(format, args...)}, "", true
	}
	switch {
	case !known || entry.Plugin == nil:
		return unknown(engine.CausePluginGone, "the plugin %s is not there", c.Plugin)
	case entry.Orphaned:
		return unknown(engine.CausePluginGone, "the file of the plugin %s (%s) is gone", c.Plugin, entry.File)
	case entry.Plugin.Meta().Kind != engine.CheckPlugin:
		return unknown(engine.CausePluginGone, "the plugin %s is no longer a check plugin", c.Plugin)
	case hold != "":
		return unknown(engine.CauseSuspended, "%s", hold)
	}
	if why := schedule.ScheduleProblem(c); why != "" {
		return unknown(engine.CauseConfig, "%s", why)
	}
	ctx, cancel := context.WithDeadline(m.runs, start.Add(c.Timeout.Std()))
	defer cancel()
	report := entry.Plugin.Run(ctx, in)
	if report.Skipped {
		m.Sched.Skipped.Add(1)
		return c, report, "", false
	}
	if m.runs.Err() != nil && (report.TimedOut || report.Unknown || !report.Succeeded) {
		return c, report, "", false // ended by the stop, not by itself
	}
	return c, report, entry.Plugin.Meta().Version, true
}

// checkRun gathers what a run is told, and why the check is suspended, if it is.
func (m *Monitor) checkRun(c *engine.Check) (*engine.CheckRun, string) {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	t := m.Tables
	if now := t.Checks[c.ID]; now != nil {
		c = now
	}
	in := &engine.CheckRun{Check: c, PublicURL: t.Site().PublicURL, PingURL: edit.PingURL(m.State, c),
		WatchedSince: m.Sched.HeardSince(c.ID)}
	for ref := range t.TargetsOf[c.ID] {
		overall := engine.StatusPassing
		if s := t.Subjects[ref.Key()]; s != nil {
			overall = s.Overall
		}
		if ref.Kind == engine.KindService {
			if s := t.Services[ref.ID]; s != nil {
				in.Services = append(in.Services, engine.ServiceSnapshot{ID: s.ID, Name: s.Name, URL: s.URL, OverallStatus: overall})
			}
		} else if i := t.Instances[ref.ID]; i != nil {
			in.Instances = append(in.Instances, engine.InstanceSnapshot{ID: i.ID, Name: i.Name, Address: i.Address, OverallStatus: overall})
		}
	}
	if len(in.Services) > 1 {
		slices.SortFunc(in.Services, func(a, b engine.ServiceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	}
	if len(in.Instances) > 1 {
		slices.SortFunc(in.Instances, func(a, b engine.InstanceSnapshot) int { return cmp.Compare(a.Name, b.Name) })
	}
	if last := t.Latest[c.ID]; last != nil {
		in.Last = &engine.LastResult{Succeeded: last.Succeeded, Unknown: last.Unknown, Error: last.Error, At: last.Started}
	}
	if s := t.Plugins[c.Plugin]; s != nil {
		in.Settings = s.Values
	}
	if len(t.Breakers) > 0 {
		now := m.Now()
		if why, held := t.Breakers[engine.PluginBreaker(c.Plugin)].Suspended(now); held {
			return in, why
		}
		if why, held := t.Breakers[engine.CheckBreaker(c.ID)].Suspended(now); held {
			return in, why
		}
	}
	return in, ""
}

// ResultOf makes the result that is stored of a report on a run that began at start.
func ResultOf(c *engine.Check, p engine.RunReport, version string, start time.Time) *engine.Result {
	r := &engine.Result{Check: c.ID, PluginVersion: version, Started: start.UTC(), Took: p.Took.Seconds(), Succeeded: p.Succeeded,
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
			r.Cause = engine.CausePlugin
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

// finish judges a run's result, and tells who waits for it once it is stored. none is
// whether the run left none: its log is kept. limited is whether a limit ended it.
func (m *Monitor) finish(x *state.Tx, r *engine.Result, none, limited bool, waiters []chan *engine.Result) {
	answer := func(r *engine.Result) {
		if len(waiters) > 0 {
			x.WhenDurable(func() {
				for _, w := range waiters {
					w <- r
				}
			})
		}
	}
	c := x.Checks.Get(r.Check)
	if c != nil && none {
		noteLines(x, c, r.Log)
	}
	if c == nil || none {
		answer(nil)
		return
	}
	m.watchLimits(x, c, limited, r.Error)
	stored := alert.TakeResult(x, c, r)
	answer(stored)
	if c.RetryInterval > 0 && x.States.Get(c.ID).Counting() {
		m.Sched.Hasten(c.ID, x.Now.Add(c.RetryInterval.Std()))
	}
}

// offline reports whether the monitor's own self-check target fails, asking at
// most every five seconds.
func (m *Monitor) offline() bool {
	m.Mu.RLock()
	target := m.Tables.Site().SelfCheckTarget
	m.Mu.RUnlock()
	if target == "" || m.Options.Prober == nil {
		return false
	}
	return m.self.offline(m.runs, target, m.Now, m.Options.Prober)
}
