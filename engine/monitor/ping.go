package monitor

import (
	"context"
	"fmt"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// PingCheck returns the check whose ping URL holds the token.
func (m *Monitor) PingCheck(token string) (id string, known bool) {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	id = m.Tables.Pings[token]
	return id, token != "" && m.Tables.Checks[id] != nil
}

// Ping hands a ping to the check whose URL holds the token. What the plugin
// makes of it is a result like any other; it may make none. It blocks until the
// result is stored. The plugin of a paused check hears of it as well, so that it
// knows when the last one came; no result comes of that. The error is NotFound
// for an unknown token.
func (m *Monitor) Ping(ctx context.Context, token string, p engine.Ping) error {
	m.Mu.RLock()
	c := m.Tables.Checks[m.Tables.Pings[token]]
	m.Mu.RUnlock()
	if c == nil || token == "" {
		return engine.Missing(engine.KindCheck)
	}
	entry, ok := m.PluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || entry.Orphaned || !entry.Plugin.Meta().HasPing {
		return engine.Missing(engine.KindCheck)
	}
	in, hold := m.checkRun(c)
	if hold != "" {
		return &engine.Error{Kind: engine.Unavailable, Message: hold}
	}
	start := m.Now()
	p.At = start
	ctx, cancel := context.WithTimeout(ctx, c.Timeout.Std())
	defer cancel()
	report := entry.Plugin.Ping(ctx, in, &p)
	if report.Skipped {
		return &engine.Error{Kind: engine.Unavailable, Message: "the monitor is busy"}
	}
	r := ResultOf(in.Check, report, entry.Plugin.Meta().Version, start)
	err := m.Observe(context.WithoutCancel(ctx), func(x *state.Tx) error {
		if now := x.Checks.Get(c.ID); now != nil && !now.Active {
			noteLines(x, now, report.Log) // the plugin has noted it, and there is no result of a paused check
			return nil
		}
		m.finish(x, r, report.None, report.Limit, nil)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the result of a ping: %w", err)
	}
	return nil
}

// noteLines keeps what was logged by a call that gave no result, such as the body of a
// ping that a run of a job began, until the next result, which takes it.
func noteLines(x *state.Tx, c *engine.Check, lines []engine.LogLine) {
	if len(lines) == 0 {
		return
	}
	old := x.States.Get(c.ID)
	if old == nil {
		old = engine.NewCheckState(c.ID, x.Now)
	}
	state := old.Copy()
	state.Noted = engine.LastLines(slices.Concat(old.Noted, lines))
	x.States.Put(c.ID, state)
}
