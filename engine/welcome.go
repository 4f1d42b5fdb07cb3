package engine

import (
	"context"
	"moonwatch/engine/form"
)

// welcome makes the built-in service once an admin exists: its check asks
// whether the monitor itself answers, so that a newcomer sees a green check.
func (e *Engine) welcome(ctx context.Context) error {
	e.mu.RLock()
	ready := e.started.Load() && !e.marked.Load()
	admin := ""
	for id, u := range e.tables.users {
		if isAdmin(u) && (admin == "" || id < admin) {
			admin = id
		}
	}
	e.mu.RUnlock()
	if !ready || admin == "" || e.o.SelfURL == "" {
		return nil
	}
	c := NewCheck()
	c.Name, c.Plugin = "Moonwatch answers", "http"
	c.Config = form.Values{"endpoint": e.o.SelfURL + "/healthz", "verify_ssl_certificate": false}
	saved, err := e.SaveCheck(ctx, system, c)
	if err != nil {
		if KindOf(err) == Invalid { // the http plugin was replaced by another
			e.log.Warn("the first service was not made", "error", err)
			return nil
		}
		return err
	}
	s := NewService()
	s.ID, s.Name, s.URL = builtIn.ID, "Moonwatch", e.o.SelfURL
	s.StatusChecks = []string{saved.ID}
	if _, err = e.SaveService(ctx, system, s); KindOf(err) == Invalid {
		s.Name = "Moonwatch (built in)" // somebody was quicker
		_, err = e.SaveService(ctx, system, s)
	}
	return err
}

// welcomeSoon is welcome for a caller that must not block.
func (e *Engine) welcomeSoon() {
	if !e.started.Load() {
		return
	}
	e.goLoop(func() {
		if err := e.welcome(e.work); err != nil {
			e.log.Warn("the first service was not made", "error", err)
		}
	})
}
