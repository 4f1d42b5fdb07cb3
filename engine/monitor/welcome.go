package monitor

import (
	"context"

	"moonwatch/engine"
	"moonwatch/engine/form"
)

// welcome makes the built-in service once an admin exists: its check asks
// whether the monitor itself answers, so that a newcomer sees a green check.
func (m *Monitor) welcome(ctx context.Context) error {
	m.Mu.RLock()
	ready := m.Started.Load() && !m.Marked.Load()
	admin := ""
	for id, u := range m.Tables.Users {
		if engine.IsAdmin(u) && (admin == "" || id < admin) {
			admin = id
		}
	}
	m.Mu.RUnlock()
	if !ready || admin == "" || m.Options.SelfURL == "" {
		return nil
	}
	c := engine.NewCheck()
	c.Name, c.Plugin = "Moonwatch answers", "http"
	c.Config = form.Values{"endpoint": m.Options.SelfURL + "/healthz", "verify_ssl_certificate": false}
	saved, err := m.Checks.SaveCheck(ctx, engine.System, c)
	if err != nil {
		if engine.KindOf(err) == engine.Invalid { // the http plugin was replaced by another
			m.Log.Warn("the first service was not made", "error", err)
			return nil
		}
		return err
	}
	s := engine.NewService()
	s.ID, s.Name, s.URL = engine.BuiltIn.ID, "Moonwatch", m.Options.SelfURL
	s.StatusChecks = []string{saved.ID}
	if _, err = m.Targets.SaveService(ctx, engine.System, s); engine.KindOf(err) == engine.Invalid {
		s.Name = "Moonwatch (built in)" // somebody was quicker
		_, err = m.Targets.SaveService(ctx, engine.System, s)
	}
	return err
}

// welcomeSoon is welcome for a caller that must not block.
func (m *Monitor) welcomeSoon() {
	if !m.Started.Load() {
		return
	}
	m.GoLoop(func() {
		if err := m.welcome(m.Work); err != nil {
			m.Log.Warn("the first service was not made", "error", err)
		}
	})
}
