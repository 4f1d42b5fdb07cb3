package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"moonwatch/engine/form"
)

// Views are what clients see: the configured object with what is derived of it.
// Secrets in them show as {"set": true}. Views are the caller's own.

// CheckView is a check as clients see it.
type CheckView struct {
	Check
	Status      CheckStatus `json:"status"`
	Severity    Status      `json:"severity"` // "" while it does not count as failing
	Flapping    bool        `json:"flapping"`
	Since       *time.Time  `json:"since"` // of the status
	Error       string      `json:"error"` // of the last failed or unknown result, while it is failing or unknown
	Message     string      `json:"message"`
	Cause       Cause       `json:"cause"`
	LastRun     *time.Time  `json:"last_run"`
	NextRun     *time.Time  `json:"next_run"`
	Description string      `json:"description"`
	Problem     string      `json:"problem"` // why the stored configuration no longer passes
	Suspended   string      `json:"suspended"`
	PingURL     string      `json:"ping_url"`  // "" unless its plugin takes pings
	Services    []string    `json:"services"`  // ids of the services it is linked to
	InstanceIDs []string    `json:"instances"` // ids of the instances it is linked to
	// Log is what was logged since the last result by calls that gave none, such as
	// pings at the start of a job; the next result takes it.
	Log []LogLine `json:"log"`
}

// SubjectView is what is derived of a service or instance.
type SubjectView struct {
	OverallStatus    Status           `json:"overall_status"`
	OldOverallStatus Status           `json:"old_overall_status"`
	Since            *time.Time       `json:"since"` // of the status
	LastAlertSent    *time.Time       `json:"last_alert_sent"`
	Incident         *string          `json:"incident"` // id of the open one
	Problem          string           `json:"problem"`  // why its status rule does not hold
	Acknowledgement  *Acknowledgement `json:"acknowledgement"`
}

// ServiceView is a service as clients see it.
type ServiceView struct {
	Service
	SubjectView
}

// InstanceView is an instance as clients see it.
type InstanceView struct {
	Instance
	SubjectView
}

// Check returns one check.
func (e *checkService) Check(id string) (CheckView, error) {
	return oneView(e.State, KindCheck, e.tables.checks, id, e.checkView)
}

// Checks returns all checks in order of id.
func (e *checkService) Checks() []CheckView { return allViews(e.State, e.tables.checks, e.checkView) }

// StoredCheck returns the check as it is stored, secrets sealed: what an edit
// begins from.
func (e *checkService) StoredCheck(id string) (Check, error) {
	return oneView(e.State, KindCheck, e.tables.checks, id, asStored)
}

// checkView builds the view of a check. The read lock is held.
func (e *State) checkView(c *Check) CheckView {
	v, t := e.bareCheck(c), e.tables
	if why := c.scheduleProblem(); why != "" {
		v.Problem = why
	}
	v.Config = e.public(c.Plugin, ConfigForm, c.Config)
	v.PingURL = e.pingURL(c)
	v.Services, v.InstanceIDs, v.Log = []string{}, []string{}, []LogLine{}
	if s := t.states[c.ID]; s != nil && len(s.Noted) > 0 {
		v.Log = slices.Clone(s.Noted)
	}
	if at, ok := e.sched.next(c.ID); ok {
		at = at.UTC().Round(0)
		v.NextRun = &at
	}
	for ref := range t.subjectsOf[c.ID] {
		if ref.Kind == KindService {
			v.Services = append(v.Services, ref.ID)
		} else {
			v.InstanceIDs = append(v.InstanceIDs, ref.ID)
		}
	}
	slices.Sort(v.Services)
	slices.Sort(v.InstanceIDs)
	if len(t.breakers) > 0 {
		now := e.now()
		if why, held := t.breakers[pluginBreaker(c.Plugin)].Suspended(now); held {
			v.Suspended = why
		} else if why, held := t.breakers[checkBreaker(c.ID)].Suspended(now); held {
			v.Suspended = why
		}
	}
	return v
}

// bareCheck builds what of a check's view costs no time to find out, see
// BareChecks. The read lock is held.
func (e *State) bareCheck(c *Check) CheckView {
	v := CheckView{Check: *c, Status: CheckPending}
	v.Config, v.PingToken = nil, ""
	if s := e.tables.states[c.ID]; s != nil {
		since := s.Since
		v.Status, v.Flapping, v.Since, v.Cause = s.Status, s.Flapping, &since, s.Cause
		v.Severity, _ = s.Failing()
		v.Description, v.Problem = s.Description, s.Problem
		if v.Severity != "" || s.Status == CheckUnknown || s.LastFailed {
			v.Error = s.Error
		}
	}
	if r := e.tables.latest[c.ID]; r != nil {
		started := r.Started
		v.LastRun, v.Message = &started, r.Message
	}
	return v
}

// Service returns one service.
func (e *targetService) Service(id string) (ServiceView, error) {
	return oneView(e.State, KindService, e.tables.services, id, e.serviceView)
}

// Services returns all services in order of id.
func (e *targetService) Services() []ServiceView {
	return allViews(e.State, e.tables.services, e.serviceView)
}

// StoredService returns the service as it is stored: what an edit begins from.
func (e *targetService) StoredService(id string) (Service, error) {
	return oneView(e.State, KindService, e.tables.services, id, asStored)
}

func (e *State) serviceView(s *Service) ServiceView {
	v := ServiceView{*s, e.subjectView(Ref{KindService, s.ID})}
	v.Alerts = e.publicAlerts(s.Alerts)
	return v
}

func (e *State) publicAlerts(alerts []AlertChoice) []AlertChoice {
	out := make([]AlertChoice, len(alerts))
	for i, a := range alerts {
		out[i] = AlertChoice{a.Plugin, e.public(a.Plugin, ServiceConfigForm, a.Settings)}
	}
	return out
}

func (e *State) subjectView(ref Ref) SubjectView {
	v := SubjectView{OverallStatus: StatusPassing, OldOverallStatus: StatusPassing}
	s := e.tables.subjects[ref.key()]
	if s == nil {
		return v
	}
	since := s.Since
	v.OverallStatus, v.OldOverallStatus, v.Since, v.LastAlertSent = s.Overall, s.Old, &since, s.LastSent
	v.Problem = s.Problem
	if s.Incident != "" {
		id := s.Incident
		v.Incident = &id
		if in := e.tables.incidents[id]; in != nil {
			v.Acknowledgement = in.Ack
		}
	}
	return v
}

// Instance returns one instance.
func (e *targetService) Instance(id string) (InstanceView, error) {
	return oneView(e.State, KindInstance, e.tables.instances, id, e.instanceView)
}

// Instances returns all instances in order of id.
func (e *targetService) Instances() []InstanceView {
	return allViews(e.State, e.tables.instances, e.instanceView)
}

// StoredInstance returns the instance as it is stored: what an edit begins from.
func (e *targetService) StoredInstance(id string) (Instance, error) {
	return oneView(e.State, KindInstance, e.tables.instances, id, asStored)
}

func (e *State) instanceView(i *Instance) InstanceView {
	v := InstanceView{*i, e.subjectView(Ref{KindInstance, i.ID})}
	v.Alerts = e.publicAlerts(i.Alerts)
	return v
}

// User returns one user, without the password's hash.
func (e *userService) User(id string) (User, error) {
	return oneView(e.State, KindUser, e.tables.users, id, e.userView)
}

// Users returns all users in order of id, without their passwords' hashes.
func (e *userService) Users() []User { return allViews(e.State, e.tables.users, e.userView) }

// StoredUser returns the user as stored: what an edit begins from.
func (e *userService) StoredUser(id string) (User, error) {
	return oneView(e.State, KindUser, e.tables.users, id, asStored)
}

// UserNamed returns the id of the user with a username, in any case.
func (e *userService) UserNamed(username string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	u := e.tables.userNamed(username)
	if u == nil {
		return "", false
	}
	return u.ID, true
}

func (e *State) userView(u *User) User {
	v := *u
	v.PasswordHash, v.FeedToken = "", ""
	v.IsFallback = isFallback(u.ID, e.tables.site(), maps.All(e.tables.rotas))
	v.Settings = map[string]form.Values{}
	for slug, values := range u.Settings {
		v.Settings[slug] = e.public(slug, UserConfigForm, values)
	}
	return v
}

// Tokens returns all tokens in order of id, without their hashes.
func (e *userService) Tokens() []Token { return allViews(e.State, e.tables.tokens, tokenView) }

// Token returns one token, without its hash.
func (e *userService) Token(id string) (Token, error) {
	return oneView(e.State, KindToken, e.tables.tokens, id, tokenView)
}

func tokenView(t *Token) Token {
	v := *t
	v.Hash = ""
	return v
}

// Sessions returns the sessions of a user, the newest first.
func (e *userService) Sessions(user string) []Session {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []Session
	for _, s := range e.tables.sessions {
		if s.User == user {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Session) int { return b.Created.Compare(a.Created) })
	return out
}

// Plugins returns the registry's entries in order of slug.
func (e *Engine) Plugins() []PluginEntry {
	if e.plugins == nil {
		return nil
	}
	return e.plugins.List()
}

// Plugin returns one entry of the registry.
func (e *Engine) Plugin(slug string) (PluginEntry, error) {
	if entry, ok := e.pluginEntry(slug); ok {
		return entry, nil
	}
	return PluginEntry{}, &Error{Kind: NotFound, Message: "no such plugin"}
}

// PluginSuspended reports whether the circuit breaker holds a plugin, and why.
func (e *Engine) PluginSuspended(slug string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.tables.breakers[pluginBreaker(slug)].Suspended(e.now())
}

// Results calls fn for the results of a check that started in [from, to), the
// newest first, until fn returns false. A zero time is no bound.
func (e *checkService) Results(ctx context.Context, check string, from, to time.Time, fn func(*Result) bool) error {
	if e.checkNow(check) == nil {
		return missing(KindCheck)
	}
	seq := func(at time.Time) uint64 {
		if at.IsZero() || at.UnixMicro() < 0 {
			return 0
		}
		return uint64(at.UnixMicro())
	}
	return e.store.Results(ctx, check, seq(from), seq(to), fn)
}

// ResultsBefore is Results for paging: those with a sequence number below before
// (0: from the newest).
func (e *checkService) ResultsBefore(ctx context.Context, check string, from time.Time, before uint64, fn func(*Result) bool) error {
	if e.checkNow(check) == nil {
		return missing(KindCheck)
	}
	low := uint64(0)
	if !from.IsZero() {
		low = uint64(max(from.UnixMicro(), 0))
	}
	return e.store.Results(ctx, check, low, before, fn)
}

// BareChecks returns all checks in no order, without what costs time to find
// out: Config, NextRun, PingURL, Services, InstanceIDs and Suspended are empty.
// It is for choosing among many checks; Check gives the rest.
func (e *checkService) BareChecks() []CheckView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]CheckView, 0, len(e.tables.checks))
	for _, c := range e.tables.checks {
		out = append(out, e.bareCheck(c))
	}
	return out
}
