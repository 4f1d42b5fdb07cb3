package engine

import (
	"context"
	"fmt"
)

// pingURL is the address that a check's pings go to, "" when its plugin takes
// none. The read lock is held.
func (e *Engine) pingURL(c *Check) string {
	entry, ok := e.pluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || !entry.Plugin.Meta().HasPing || c.PingToken == "" {
		return ""
	}
	return e.base(e.tables.site()) + "/ping/" + c.PingToken
}

// Ping hands a ping to the check whose URL holds the token. What the plugin
// makes of it is a result like any other; it may make none. It blocks until the
// result is stored. The error is NotFound for an unknown token.
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
	if !c.Active {
		return nil // heard, and of no consequence
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
		x.finish(c.ID, r, report, nil)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the result of a ping: %w", err)
	}
	return nil
}
