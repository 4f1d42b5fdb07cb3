package monitor

import (
	"context"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// welcome makes the built-in service once an admin exists: its check asks
// whether the monitor itself answers, so that a newcomer sees a green check.
func (e *Monitor) welcome(ctx context.Context) error {
	e.Mu.RLock()
	ready := e.Started.Load() && !e.Marked.Load()
	admin := ""
	for id, u := range e.Tables.Users {
		if engine.IsAdmin(u) && (admin == "" || id < admin) {
			admin = id
		}
	}
	e.Mu.RUnlock()
	if !ready || admin == "" || e.Options.SelfURL == "" {
		return nil
	}
	c := engine.NewCheck()
	c.Name, c.Plugin = "Moonwatch answers", "http"
	c.Config = form.Values{"endpoint": e.Options.SelfURL + "/healthz", "verify_ssl_certificate": false}
	saved, err := e.Checks.SaveCheck(ctx, engine.System, c)
	if err != nil {
		if engine.KindOf(err) == engine.Invalid { // the http plugin was replaced by another
			e.Log.Warn("the first service was not made", "error", err)
			return nil
		}
		return err
	}
	s := engine.NewService()
	s.ID, s.Name, s.URL = engine.BuiltIn.ID, "Moonwatch", e.Options.SelfURL
	s.StatusChecks = []string{saved.ID}
	if _, err = e.Targets.SaveService(ctx, engine.System, s); engine.KindOf(err) == engine.Invalid {
		s.Name = "Moonwatch (built in)" // somebody was quicker
		_, err = e.Targets.SaveService(ctx, engine.System, s)
	}
	return err
}

// welcomeSoon is welcome for a caller that must not block.
func (e *Monitor) welcomeSoon() {
	if !e.Started.Load() {
		return
	}
	e.GoLoop(func() {
		if err := e.welcome(e.Work); err != nil {
			e.Log.Warn("the first service was not made", "error", err)
		}
	})
}
