package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// IncidentView is an incident with its timeline.
type IncidentView struct {
	ID          string          `json:"id"`
	Subject     Ref             `json:"subject"`
	SubjectName string          `json:"subject_name"`
	Key         string          `json:"key"`
	Opened      time.Time       `json:"opened"`
	Closed      *time.Time      `json:"closed"`
	Severity    Status          `json:"severity"`
	Status      Status          `json:"status"`
	Reason      string          `json:"reason"`
	Notes       []Note          `json:"notes"`
	Events      []IncidentEvent `json:"events"`
}

// Check returns one check.
func (e *Engine) Check(id string) (CheckView, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := e.tables.checks[id]
	if c == nil {
		return CheckView{}, missing(KindCheck)
	}
	return e.checkView(c), nil
}

// Checks returns all checks in order of id.
func (e *Engine) Checks() []CheckView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]CheckView, 0, len(e.tables.checks))
	for _, c := range e.tables.checks {
		out = append(out, e.checkView(c))
	}
	slices.SortFunc(out, func(a, b CheckView) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// StoredCheck returns the check as it is stored, secrets sealed: what an edit
// begins from.
func (e *Engine) StoredCheck(id string) (Check, error) {
	if c := e.checkNow(id); c != nil {
		return *c, nil
	}
	return Check{}, missing(KindCheck)
}

// checkView builds the view of a check. The read lock is held.
func (e *Engine) checkView(c *Check) CheckView {
	v := CheckView{Check: *c, Status: CheckPending, Services: []string{}, InstanceIDs: []string{}}
	v.Config = e.public(c.Plugin, ConfigForm, c.Config)
	v.PingToken, v.PingURL = "", e.pingURL(c)
	t := e.tables
	if s := t.states[c.ID]; s != nil {
		since := s.Since
		v.Status, v.Flapping, v.Since, v.Cause = s.Status, s.Flapping, &since, s.Cause
		v.Severity, _ = s.Failing()
		v.Description, v.Problem = s.Description, s.Problem
		if v.Severity != "" || s.Status == CheckUnknown || s.LastFailed {
			v.Error = s.Error
		}
	}
	if r := t.latest[c.ID]; r != nil {
		started := r.Started
		v.LastRun, v.Message = &started, r.Message
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

// public masks values by the schema of their form, or without it when the
// plugin is not there.
func (e *Engine) public(slug string, name FormName, values form.Values) form.Values {
	if entry, ok := e.pluginEntry(slug); ok && entry.Plugin != nil {
		return entry.Plugin.Meta().Forms[name].Public(values)
	}
	if m, ok := form.Mask(map[string]any(values)).(map[string]any); ok && m != nil {
		return m
	}
	return form.Values{}
}

// Public returns values of a plugin's form as clients may see them.
func (e *Engine) Public(slug string, name FormName, values form.Values) form.Values {
	return e.public(slug, name, values)
}

// Service returns one service.
func (e *Engine) Service(id string) (ServiceView, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.tables.services[id]
	if s == nil {
		return ServiceView{}, missing(KindService)
	}
	return e.serviceView(s), nil
}

// Services returns all services in order of id.
func (e *Engine) Services() []ServiceView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]ServiceView, 0, len(e.tables.services))
	for _, s := range e.tables.services {
		out = append(out, e.serviceView(s))
	}
	slices.SortFunc(out, func(a, b ServiceView) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// StoredService returns the service as it is stored: what an edit begins from.
func (e *Engine) StoredService(id string) (Service, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if s := e.tables.services[id]; s != nil {
		return *s, nil
	}
	return Service{}, missing(KindService)
}

func (e *Engine) serviceView(s *Service) ServiceView {
	v := ServiceView{*s, e.subjectView(Ref{KindService, s.ID})}
	v.Alerts = e.publicAlerts(s.Alerts)
	return v
}

func (e *Engine) publicAlerts(alerts []AlertChoice) []AlertChoice {
	out := make([]AlertChoice, len(alerts))
	for i, a := range alerts {
		out[i] = AlertChoice{a.Plugin, e.public(a.Plugin, ServiceConfigForm, a.Settings)}
	}
	return out
}

func (e *Engine) subjectView(ref Ref) SubjectView {
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
func (e *Engine) Instance(id string) (InstanceView, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	i := e.tables.instances[id]
	if i == nil {
		return InstanceView{}, missing(KindInstance)
	}
	return e.instanceView(i), nil
}

// Instances returns all instances in order of id.
func (e *Engine) Instances() []InstanceView {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]InstanceView, 0, len(e.tables.instances))
	for _, i := range e.tables.instances {
		out = append(out, e.instanceView(i))
	}
	slices.SortFunc(out, func(a, b InstanceView) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// StoredInstance returns the instance as it is stored: what an edit begins from.
func (e *Engine) StoredInstance(id string) (Instance, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if i := e.tables.instances[id]; i != nil {
		return *i, nil
	}
	return Instance{}, missing(KindInstance)
}

func (e *Engine) instanceView(i *Instance) InstanceView {
	v := InstanceView{*i, e.subjectView(Ref{KindInstance, i.ID})}
	v.Alerts = e.publicAlerts(i.Alerts)
	return v
}

// User returns one user, without the password's hash.
func (e *Engine) User(id string) (User, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	u := e.tables.users[id]
	if u == nil {
		return User{}, missing(KindUser)
	}
	return e.userView(u), nil
}

// Users returns all users in order of id, without their passwords' hashes.
func (e *Engine) Users() []User {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]User, 0, len(e.tables.users))
	for _, u := range e.tables.users {
		out = append(out, e.userView(u))
	}
	slices.SortFunc(out, func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// StoredUser returns the user as stored: what an edit begins from.
func (e *Engine) StoredUser(id string) (User, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if u := e.tables.users[id]; u != nil {
		return *u, nil
	}
	return User{}, missing(KindUser)
}

// UserNamed returns the id of the user with a username.
func (e *Engine) UserNamed(username string) (string, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	id, ok := e.tables.names[KindUser][username]
	return id, ok
}

func (e *Engine) userView(u *User) User {
	v := *u
	v.PasswordHash, v.FeedToken = "", ""
	v.IsFallback = e.tables.isFallback(u.ID)
	v.Settings = map[string]form.Values{}
	for slug, values := range u.Settings {
		v.Settings[slug] = e.public(slug, UserConfigForm, values)
	}
	return v
}

// Tokens returns all tokens in order of id, without their hashes.
func (e *Engine) Tokens() []Token {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := make([]Token, 0, len(e.tables.tokens))
	for _, t := range e.tables.tokens {
		v := *t
		v.Hash = ""
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Token) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Sessions returns the sessions of a user, the newest first.
func (e *Engine) Sessions(user string) []Session {
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
func (e *Engine) Results(ctx context.Context, check string, from, to time.Time, fn func(*Result) bool) error {
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
func (e *Engine) ResultsBefore(ctx context.Context, check string, from time.Time, before uint64, fn func(*Result) bool) error {
	if e.checkNow(check) == nil {
		return missing(KindCheck)
	}
	low := uint64(0)
	if !from.IsZero() {
		low = uint64(max(from.UnixMicro(), 0))
	}
	return e.store.Results(ctx, check, low, before, fn)
}

// IncidentQuery selects incidents, the newest first.
type IncidentQuery struct {
	Subject *Ref
	Open    *bool
	Before  string // only ids below it; "" is from the newest
	Limit   int
	Events  bool // with their timelines
}

// Incidents returns incidents, the newest first.
func (e *Engine) Incidents(ctx context.Context, q IncidentQuery) ([]IncidentView, error) {
	term := ""
	switch {
	case q.Subject != nil:
		term = q.Subject.key()
	case q.Open != nil && *q.Open:
		term = "open"
	}
	out := []IncidentView{}
	var bad error
	err := e.store.Scan(ctx, KindIncident, Query{Term: term, After: q.Before, Reverse: true}, func(r Record) bool {
		var in Incident
		if bad = json.Unmarshal(r.Data, &in); bad != nil {
			return false
		}
		if q.Open == nil || *q.Open == (in.Closed == nil) {
			out = append(out, in.view())
		}
		return q.Limit <= 0 || len(out) < q.Limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	if q.Events {
		for i := range out {
			if out[i].Events, err = e.incidentEvents(ctx, out[i].ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// Incident returns one incident with its timeline.
func (e *Engine) Incident(ctx context.Context, id string) (IncidentView, error) {
	in, err := e.incident(ctx, id)
	if err != nil {
		return IncidentView{}, err
	}
	v := in.view()
	v.Events, err = e.incidentEvents(ctx, id)
	return v, err
}

func (e *Engine) incident(ctx context.Context, id string) (*Incident, error) {
	in := new(Incident)
	if err := e.read(ctx, KindIncident, id, in); err != nil {
		return nil, err
	}
	return in, nil
}

// read decodes one record of the store.
func (e *Engine) read(ctx context.Context, kind Kind, id string, into any) error {
	if id == "" || len(id) > MaxID || strings.ContainsRune(id, 0) {
		return missing(kind)
	}
	r, err := e.store.Get(ctx, kind, id)
	if errors.Is(err, ErrNotFound) {
		return missing(kind)
	}
	if err == nil {
		err = json.Unmarshal(r.Data, into)
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return nil
}

func (in *Incident) view() IncidentView {
	return IncidentView{ID: in.ID, Subject: in.Subject, SubjectName: in.SubjectName, Key: in.Key, Opened: in.Opened, Closed: in.Closed,
		Severity: in.Severity, Status: in.Status, Reason: in.Reason, Notes: orEmpty(in.Notes), Events: []IncidentEvent{}}
}

func (e *Engine) incidentEvents(ctx context.Context, id string) ([]IncidentEvent, error) {
	out := []IncidentEvent{}
	var bad error
	err := e.store.Scan(ctx, KindIncidentEvent, Query{Term: "incident:" + id}, func(r Record) bool {
		var v IncidentEvent
		if bad = json.Unmarshal(r.Data, &v); bad != nil {
			return false
		}
		out = append(out, v)
		return true
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read the timeline of incident %s: %w", id, err)
	}
	return out, nil
}

// DeliveryQuery selects deliveries, the newest first.
type DeliveryQuery struct {
	Incident string
	Plugin   string
	State    DeliveryState
	Subject  *Ref
	Before   string // only ids below it; "" is from the newest
	Limit    int
}

// Deliveries returns deliveries, the newest first.
func (e *Engine) Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) {
	term := ""
	switch { // the narrowest first
	case q.Incident != "":
		term = "incident:" + q.Incident
	case q.Subject != nil:
		term = q.Subject.key()
	case q.State != "":
		term = "state:" + string(q.State)
	case q.Plugin != "":
		term = "plugin:" + q.Plugin
	}
	out := []Delivery{}
	var bad error
	err := e.store.Scan(ctx, KindDelivery, Query{Term: term, After: q.Before, Reverse: true}, func(r Record) bool {
		var d Delivery
		if bad = json.Unmarshal(r.Data, &d); bad != nil {
			return false
		}
		if (q.Incident == "" || d.Incident == q.Incident) && (q.Subject == nil || d.Subject == *q.Subject) &&
			(q.State == "" || d.State == q.State) && (q.Plugin == "" || d.Plugin == q.Plugin) {
			out = append(out, e.deliveryView(d))
		}
		return q.Limit <= 0 || len(out) < q.Limit
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return out, nil
}

// Delivery returns one delivery.
func (e *Engine) Delivery(ctx context.Context, id string) (Delivery, error) {
	var d Delivery
	if err := e.read(ctx, KindDelivery, id, &d); err != nil {
		return Delivery{}, err
	}
	return e.deliveryView(d), nil
}

// deliveryView leaves out what is sealed.
func (e *Engine) deliveryView(d Delivery) Delivery {
	d.Snapshot.Settings = e.public(d.Plugin, ServiceConfigForm, d.Snapshot.Settings)
	return d
}

// RetryDelivery tries a failed or dead delivery again at once.
func (e *Engine) RetryDelivery(ctx context.Context, by Actor, id string) (*Delivery, error) {
	stored := new(Delivery)
	if err := e.read(ctx, KindDelivery, id, stored); err != nil {
		return nil, err
	}
	var in *Incident
	if stored.Incident != "" {
		var err error
		if in, err = e.incident(ctx, stored.Incident); err != nil {
			return nil, err
		}
	}
	var out Delivery
	err := e.do(ctx, by, func(x *tx) error {
		d := x.deliveries.get(id)
		if d == nil {
			d = stored
		}
		if d.State != DeliveryFailed && d.State != DeliveryDead || d.UnderWay() {
			return conflict("a delivery that is %s cannot be tried again", d.State)
		}
		if in != nil && x.incidents.get(in.ID) == nil {
			x.incidents.put(in.ID, in)
		}
		if now := x.incidents.get(d.Incident); now != nil && now.Closed != nil && d.Kind != AlertRecovery && d.Kind != AlertTest {
			return conflict("the incident is over: there is nothing to tell any more")
		}
		next := x.now
		c := d.copy()
		c.State, c.Why, c.NextAttempt, c.RetryFrom = DeliveryPending, "", &next, x.now
		x.putDelivery(c)
		x.audit("retry", KindDelivery, id, string(c.Kind)+" through "+c.Plugin, nil, nil)
		out = e.deliveryView(*c)
		return nil
	})
	return &out, err
}

// Revisions returns the history of a configured object, the newest first.
func (e *Engine) Revisions(ctx context.Context, kind Kind, id string) ([]Revision, error) {
	return e.store.Revisions(ctx, kind, id)
}

// Stats are the engine's figures for metrics and the dashboard.
type Stats struct {
	Checks        map[CheckStatus]int
	Subjects      map[Status]int
	Scheduled     int
	UnderWay      int
	Started       int64 // runs since the start
	Skipped       int64 // slots without a run since the start
	LagBounds     []time.Duration
	LagBuckets    []int64 // one more than LagBounds: the last is above all
	LagSum        time.Duration
	LagMax        time.Duration // about the last minute
	OpenIncidents int
	Deliveries    map[DeliveryState]int // active ones
	MemoryOnly    bool
	Since         time.Time
}

// Stats returns the engine's figures.
func (e *Engine) Stats() Stats {
	s := Stats{Checks: map[CheckStatus]int{}, Subjects: map[Status]int{}, Deliveries: map[DeliveryState]int{},
		MemoryOnly: e.memoryOnly.Load(), Since: e.startAt}
	e.mu.RLock()
	for id, c := range e.tables.checks {
		if !c.Active {
			continue
		}
		status := CheckPending
		if state := e.tables.states[id]; state != nil {
			status = state.Status
		}
		s.Checks[status]++
	}
	for _, state := range e.tables.subjects {
		s.Subjects[state.Overall]++
	}
	for _, in := range e.tables.incidents {
		if in.Closed == nil {
			s.OpenIncidents++
		}
	}
	for _, d := range e.tables.deliveries {
		s.Deliveries[d.State]++
	}
	e.mu.RUnlock()
	e.sched.mu.Lock()
	s.Scheduled, s.UnderWay = len(e.sched.entries), e.sched.flying
	e.sched.mu.Unlock()
	s.Started, s.Skipped = e.sched.started.Load(), e.sched.skipped.Load()
	l := &e.sched.lag
	l.mu.Lock()
	s.LagBounds, s.LagBuckets, s.LagSum, s.LagMax = lagBounds[:], slices.Clone(l.Buckets[:]), l.Sum, l.Max
	l.mu.Unlock()
	return s
}
