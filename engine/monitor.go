package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"moonwatch/engine/access"
)

// viewMonitor is the engine as one call of a plugin's view may use it.
type viewMonitor struct {
	e          *Engine
	slug       string // of the plugin
	version    string
	settingsOf string
	role       access.Role
	public     bool   // the plugin acts by itself, with the role of an operator
	user       string // who calls otherwise
}

func denied(format string, args ...any) error {
	return monitorError(MonitorDenied, conflictf(format, args...))
}

func monitorError(kind MonitorErrorKind, err error) error {
	return &MonitorError{Kind: kind, Message: err.Error()}
}

// need refuses what the caller's role does not include.
func (m *viewMonitor) need(role access.Role) error {
	if !m.role.Can(role) {
		return denied("this needs the role %s", role)
	}
	return nil
}

// Service returns a service or instance as it stands now.
func (m *viewMonitor) Service(_ context.Context, id string) (*AlertSnapshot, error) {
	if err := m.need(access.Viewer); err != nil {
		return nil, err
	}
	m.e.mu.RLock()
	defer m.e.mu.RUnlock()
	x := m.e.begin(m.e.now()) // only read from
	ref, ok := x.subjectNamed(id)
	if !ok {
		return nil, monitorError(MonitorNotFound, missing(KindService))
	}
	s, _ := x.subject(ref)
	now := x.overall(ref)
	was, in := now, &Incident{Subject: ref, SubjectName: s.name, Status: now, Severity: now}
	if state := x.subjects.get(ref.key()); state != nil {
		was = state.Old
		if open := x.incidents.get(state.Incident); open != nil && open.Closed == nil {
			in = open
		}
	}
	a := x.snapshot(s, in, was, Happening{}, in.Number, "", m.slug)
	return &a, nil
}

// subjectNamed finds the service or instance with an id.
func (x *tx) subjectNamed(id string) (Ref, bool) {
	for _, kind := range []Kind{KindService, KindInstance} {
		if _, ok := x.subject(Ref{kind, id}); ok {
			return Ref{kind, id}, true
		}
	}
	return Ref{}, false
}

// Check returns one of the plugin's own checks.
func (m *viewMonitor) Check(_ context.Context, id string) (*CheckRun, error) {
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

func (m *viewMonitor) ownCheck(id string) (*Check, error) {
	c := m.e.checkNow(id)
	if c == nil || c.Plugin != m.slug {
		return nil, &MonitorError{Kind: MonitorNotFound, Message: "this plugin has no such check"}
	}
	return c, nil
}

// Users returns the active users in order of username. Where others than admins
// call, how to reach the others is left out, as everywhere.
func (m *viewMonitor) Users(context.Context) ([]UserSnapshot, error) {
	if err := m.need(access.Viewer); err != nil {
		return nil, err
	}
	m.e.mu.RLock()
	defer m.e.mu.RUnlock()
	var out []UserSnapshot
	for _, u := range m.e.tables.users {
		if u.Active {
			s := userSnapshot(u, m.settingsOf)
			if !m.public && !m.role.Can(access.Admin) && u.ID != m.user {
				s.Email, s.Settings = "", nil
			}
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b UserSnapshot) int { return cmp.Compare(a.Username, b.Username) })
	return out, nil
}

// Acknowledge says that a user takes care of what is failing.
func (m *viewMonitor) Acknowledge(ctx context.Context, service, username string, o AckOptions) error {
	if err := m.need(access.Operator); err != nil {
		return err
	}
	e := m.e
	e.mu.RLock()
	ref, found := e.begin(e.now()).subjectNamed(service)
	u := e.tables.userNamed(username)
	e.mu.RUnlock()
	switch {
	case !found:
		return monitorError(MonitorNotFound, missing(KindService))
	case u == nil || !u.Active:
		return &MonitorError{Kind: MonitorUnknownUser, Message: "no active user has this username"}
	}
	by := Actor{User: u.ID, Name: u.Username, Role: m.role, Via: "plugin " + m.slug}
	_, err := e.Acknowledge(ctx, by, ref, o)
	return asMonitorError(err)
}

// asMonitorError tells a view why a command was refused.
func asMonitorError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errOtherIncident):
		return monitorError(MonitorOtherIncident, err)
	}
	switch KindOf(err) {
	case Conflict:
		return monitorError(MonitorNotFailing, err)
	case NotFound:
		return monitorError(MonitorNotFound, err)
	case Forbidden:
		return monitorError(MonitorDenied, err)
	case Invalid:
		return monitorError(MonitorInvalid, err)
	}
	return monitorError(MonitorUnavailable, err)
}

// Record stores a result of one of the plugin's own checks.
func (m *viewMonitor) Record(ctx context.Context, check string, report RunReport) error {
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
	r := ResultOf(c, report, m.version, m.e.now())
	err = m.e.observe(ctx, func(x *tx) error {
		m.e.finish(x, c.ID, r, report, nil)
		return nil
	})
	return asMonitorError(err)
}
