package monitor

import (
	"context"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/edit"
)

// RunCheck runs a check now and returns its stored result; a run under way is
// joined. nil means that the run left none. It blocks until the run has ended.
func (m *Monitor) RunCheck(ctx context.Context, id string) (*engine.Result, error) {
	c := m.CheckNow(id)
	if c == nil {
		return nil, engine.Missing(engine.KindCheck)
	}
	if !m.Started.Load() || m.Stopping() {
		return nil, &engine.Error{Kind: engine.Unavailable, Message: "the monitor is not running"}
	}
	select {
	case r := <-m.Sched.RunNow(c):
		return r, nil
	case <-ctx.Done():
		return nil, &engine.Error{Kind: engine.Unavailable, Message: "gave up waiting for the run"}
	}
}

// TryCheck runs a check as it would be with the values given, storing nothing.
// c.ID names an existing check whose secrets stay where they are left as they
// are; else none are known.
func (m *Monitor) TryCheck(ctx context.Context, c engine.Check) (*engine.Result, error) {
	old := m.CheckNow(c.ID)
	if old == nil {
		c.ID = m.IDs.New()
		c.Revision = 0
	} else {
		c.Revision = old.Revision
	}
	clean, err := edit.CleanCheck(m.State, ctx, c, old)
	if err != nil {
		return nil, err
	}
	entry, ok := m.PluginEntry(clean.Plugin)
	if !ok || entry.Plugin == nil || entry.Orphaned {
		return nil, engine.Conflictf("the plugin %s is not there", clean.Plugin)
	}
	in, _ := m.checkRun(clean)
	in.Check = clean
	start := m.Now()
	ctx, cancel := context.WithTimeout(ctx, clean.Timeout.Std())
	defer cancel()
	r := ResultOf(clean, entry.Plugin.Run(ctx, in), entry.Plugin.Meta().Version, start)
	return r, nil
}

// RunSubject runs all active checks of a service or instance now and returns
// their results in order of the checks' names.
func (m *Monitor) RunSubject(ctx context.Context, ref engine.Ref) ([]*engine.Result, error) {
	m.Mu.RLock()
	var ids []string
	switch ref.Kind {
	case engine.KindService:
		if s := m.Tables.Services[ref.ID]; s != nil {
			ids = s.StatusChecks
		} else {
			m.Mu.RUnlock()
			return nil, engine.Missing(engine.KindService)
		}
	case engine.KindInstance:
		if i := m.Tables.Instances[ref.ID]; i != nil {
			ids = i.StatusChecks
		} else {
			m.Mu.RUnlock()
			return nil, engine.Missing(engine.KindInstance)
		}
	}
	var checks []*engine.Check
	for _, id := range ids {
		if c := m.Tables.Checks[id]; c != nil && c.Active {
			checks = append(checks, c)
		}
	}
	m.Mu.RUnlock()
	if !m.Started.Load() || m.Stopping() {
		return nil, &engine.Error{Kind: engine.Unavailable, Message: "the monitor is not running"}
	}
	slices.SortFunc(checks, func(a, b *engine.Check) int { return strings.Compare(a.Name, b.Name) })
	var waits []<-chan *engine.Result
	for _, c := range checks {
		waits = append(waits, m.Sched.RunNow(c))
	}
	out := []*engine.Result{}
	for _, w := range waits {
		select {
		case r := <-w:
			if r != nil {
				out = append(out, r)
			}
		case <-ctx.Done():
			return out, nil
		}
	}
	return out, nil
}
