package engine

import (
	"context"
	"slices"
	"strings"
)

// RunCheck runs a check now and returns its stored result; a run under way is
// joined. nil means that the run left none. It blocks until the run has ended.
func (e *Engine) RunCheck(ctx context.Context, id string) (*Result, error) {
	c := e.checkNow(id)
	if c == nil {
		return nil, missing(KindCheck)
	}
	if !e.started.Load() || e.isStopping() {
		return nil, &Error{Kind: Unavailable, Message: "the monitor is not running"}
	}
	select {
	case r := <-e.sched.runNow(c):
		return r, nil
	case <-ctx.Done():
		return nil, &Error{Kind: Unavailable, Message: "gave up waiting for the run"}
	}
}

// TryCheck runs a check as it would be with the values given, storing nothing.
// c.ID names an existing check whose secrets stay where they are left as they
// are; else none are known.
func (e *Engine) TryCheck(ctx context.Context, c Check) (*Result, error) {
	old := e.checkNow(c.ID)
	if old == nil {
		c.ID = e.newID()
		c.Revision = 0
	} else {
		c.Revision = old.Revision
	}
	clean, err := e.cleanCheck(ctx, c, old)
	if err != nil {
		return nil, err
	}
	entry, ok := e.pluginEntry(clean.Plugin)
	if !ok || entry.Plugin == nil || entry.Orphaned {
		return nil, conflictf("the plugin %s is not there", clean.Plugin)
	}
	in, _ := e.checkRun(clean)
	in.Check = clean
	start := e.now()
	ctx, cancel := context.WithTimeout(ctx, clean.Timeout.Std())
	defer cancel()
	r := ResultOf(clean, entry.Plugin.Run(ctx, in), entry.Plugin.Meta().Version, start)
	return &r, nil
}

// RunSubject runs all active checks of a service or instance now and returns
// their results in order of the checks' names.
func (e *Engine) RunSubject(ctx context.Context, ref Ref) ([]*Result, error) {
	e.mu.RLock()
	var ids []string
	switch ref.Kind {
	case KindService:
		if s := e.tables.services[ref.ID]; s != nil {
			ids = s.StatusChecks
		} else {
			e.mu.RUnlock()
			return nil, missing(KindService)
		}
	case KindInstance:
		if i := e.tables.instances[ref.ID]; i != nil {
			ids = i.StatusChecks
		} else {
			e.mu.RUnlock()
			return nil, missing(KindInstance)
		}
	}
	var checks []*Check
	for _, id := range ids {
		if c := e.tables.checks[id]; c != nil && c.Active {
			checks = append(checks, c)
		}
	}
	e.mu.RUnlock()
	if !e.started.Load() || e.isStopping() {
		return nil, &Error{Kind: Unavailable, Message: "the monitor is not running"}
	}
	slices.SortFunc(checks, func(a, b *Check) int { return strings.Compare(a.Name, b.Name) })
	var waits []<-chan *Result
	for _, c := range checks {
		waits = append(waits, e.sched.runNow(c))
	}
	out := []*Result{}
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
