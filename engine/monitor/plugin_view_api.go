package monitor

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/alert"
	"moonwatch/engine/state"
)

// viewMonitor is the engine as one call of a plugin's view may use it.
type viewMonitor struct {
	e          *Monitor
	slug       string // of the plugin
	version    string
	settingsOf string
	role       access.Role
	public     bool   // the plugin acts by itself, with the role of an operator
	user       string // who calls otherwise
}

func denied(format string, args ...any) error {
	return monitorError(engine.MonitorDenied, engine.Conflictf(format, args...))
}

func monitorError(kind engine.MonitorErrorKind, err error) error {
	return &engine.MonitorError{Kind: kind, Message: err.Error()}
}

// need refuses what the caller's role does not include.
func (m *viewMonitor) need(role access.Role) error {
	if !m.role.Can(role) {
		return denied("this needs the role %s", role)
	}
	return nil
}

// Service returns a service or instance as it stands now.
func (m *viewMonitor) Service(_ context.Context, id string) (*engine.AlertSnapshot, error) {
	if err := m.need(access.Viewer); err != nil {
		return nil, err
	}
	m.e.Mu.RLock()
	defer m.e.Mu.RUnlock()
	x := m.e.Begin(m.e.Now()) // only read from
	ref, ok := subjectNamed(x, id)
	if !ok {
		return nil, monitorError(engine.MonitorNotFound, engine.Missing(engine.KindService))
	}
	s, _ := x.Target(ref)
	now := x.Overall(ref)
	was, in := now, &engine.Incident{Subject: ref, SubjectName: s.Name, Status: now, Severity: now}
	if state := x.Subjects.Get(ref.Key()); state != nil {
		was = state.Old
		if open := x.Incidents.Get(state.Incident); open != nil && open.Closed == nil {
			in = open
		}
	}
	a := alert.Snapshot(x, s, in, was, alert.Event{}, in.Number, "", m.slug)
	return &a, nil
}

// subjectNamed finds the service or instance with an id.
func subjectNamed(x *state.Tx, id string) (engine.Ref, bool) {
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		if _, ok := x.Target(engine.Ref{Kind: kind, ID: id}); ok {
			return engine.Ref{Kind: kind, ID: id}, true
		}
	}
	return engine.Ref{}, false
}

// Check returns one of the plugin's own checks.
func (m *viewMonitor) Check(_ context.Context, id string) (*engine.CheckRun, error) {
	if err := m.need(access.Viewer); err != nil {
		return nil, err
	}
	c, err := m.ownCheck(id)
	if err != nil {
		return nil, err
	}
	in, _ := m.e.checkRun(c)
	return in, nil
}

func (m *viewMonitor) ownCheck(id string) (*engine.Check, error) {
	c := m.e.CheckNow(id)
	if c == nil || c.Plugin != m.slug {
		return nil, &engine.MonitorError{Kind: engine.MonitorNotFound, Message: "this plugin has no such check"}
	}
	return c, nil
}

// Users returns the active users in order of username. Where others than admins
// call, how to reach the others is left out, as everywhere.
func (m *viewMonitor) Users(context.Context) ([]engine.UserSnapshot, error) {
	if err := m.need(access.Viewer); err != nil {
		return nil, err
	}
	m.e.Mu.RLock()
	defer m.e.Mu.RUnlock()
	var out []engine.UserSnapshot
	for _, u := range m.e.Tables.Users {
		if u.Active {
			s := alert.UserSnapshot(u, m.settingsOf)
			if !m.public && !m.role.Can(access.Admin) && u.ID != m.user {
				s.Email, s.Settings = "", nil
			}
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b engine.UserSnapshot) int { return cmp.Compare(a.Username, b.Username) })
	return out, nil
}

// Acknowledge says that a user takes care of what is failing.
func (m *viewMonitor) Acknowledge(ctx context.Context, service, username string, o engine.AckOptions) error {
	if err := m.need(access.Operator); err != nil {
		return err
	}
	e := m.e
	e.Mu.RLock()
	ref, found := subjectNamed(e.Begin(e.Now()), service)
	u := e.Tables.UserNamed(username)
	e.Mu.RUnlock()
	switch {
	case !found:
		return monitorError(engine.MonitorNotFound, engine.Missing(engine.KindService))
	case u == nil || !u.Active:
		return &engine.MonitorError{Kind: engine.MonitorUnknownUser, Message: "no active user has this username"}
	}
	by := engine.Actor{User: u.ID, Name: u.Username, Role: m.role, Via: "plugin " + m.slug}
	_, err := e.Incidents.Acknowledge(ctx, by, ref, o)
	return asMonitorError(err)
}

// asMonitorError tells a view why a command was refused.
func asMonitorError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, alert.ErrOtherIncident):
		return monitorError(engine.MonitorOtherIncident, err)
	}
	switch engine.KindOf(err) {
	case engine.Conflict:
		return monitorError(engine.MonitorNotFailing, err)
	case engine.NotFound:
		return monitorError(engine.MonitorNotFound, err)
	case engine.Forbidden:
		return monitorError(engine.MonitorDenied, err)
	case engine.Invalid:
		return monitorError(engine.MonitorInvalid, err)
	}
	return monitorError(engine.MonitorUnavailable, err)
}

// Record stores a result of one of the plugin's own checks.
func (m *viewMonitor) Record(ctx context.Context, check string, report engine.RunReport) error {
	if err := m.need(access.Operator); err != nil {
		return err
	}
	c, err := m.ownCheck(check)
	if err != nil {
		return err
	}
	if !c.Active {
		return denied("the check %s is not active", c.Name)
	}
	r := ResultOf(c, report, m.version, m.e.Now())
	err = m.e.Observe(ctx, func(x *state.Tx) error {
		m.e.finish(x, r, report.None, report.Limit, nil)
		return nil
	})
	return asMonitorError(err)
}
