package engine

import (
	"context"
	"fmt"
	"slices"
)

// PingCheck returns the check whose ping URL holds the token.
func (e *Engine) PingCheck(token string) (id string, known bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	id = e.tables.pings[token]
	return id, token != "" && e.tables.checks[id] != nil
}

// Ping hands a ping to the check whose URL holds the token. What the plugin
// makes of it is a result like any other; it may make none. It blocks until the
// result is stored. The plugin of a paused check hears of it as well, so that it
// knows when the last one came; no result comes of that. The error is NotFound
// for an unknown token.
func (e *Engine) Ping(ctx context.Context, token string, p Ping) error {
	e.mu.RLock()
	c := e.tables.checks[e.tables.pings[token]]
	e.mu.RUnlock()
	if c == nil || token == "" {
		return missing(KindCheck)
	}
	entry, ok := e.pluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || entry.Orphaned || !entry.Plugin.Meta().HasPing {
		return missing(KindCheck)
	}
	in, hold := e.checkRun(c)
	if hold != "" {
		return &Error{Kind: Unavailable, Message: hold}
	}
	start := e.now()
	p.At = start
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Std())
	defer cancel()
	report := entry.Plugin.Ping(ctx, in, &p)
	if report.Skipped {
		return &Error{Kind: Unavailable, Message: "the monitor is busy"}
	}
	r := ResultOf(in.Check, report, entry.Plugin.Meta().Version, start)
	err := e.observe(context.WithoutCancel(ctx), func(x *tx) error {
		if now := x.checks.get(c.ID); now != nil && !now.Active {
			x.noteLines(now, report.Log) // the plugin has noted it, and there is no result of a paused check
			return nil
		}
		e.finish(x, c.ID, r, report, nil)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the result of a ping: %w", err)
	}
	return nil
}

// noteLines keeps what was logged by a call that gave no result, such as the body of a
// ping that a run of a job began, until the next result, which takes it.
func (x *tx) noteLines(c *Check, lines []LogLine) {
	if len(lines) == 0 {
		return
	}
	old := x.states.get(c.ID)
	if old == nil {
		old = NewCheckState(c.ID, x.now)
	}
	state := old.copy()
	state.Noted = lastLines(slices.Concat(old.Noted, lines))
	x.states.put(c.ID, state)
}
