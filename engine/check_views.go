package engine

import (
	"context"
	"slices"
	"time"
)

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
func (e *checkService) checkView(c *Check) CheckView {
	v, t := e.bareCheck(c), e.tables
	if why := c.scheduleProblem(); why != "" {
		v.Problem = why
	}
	v.Config = e.Public(c.Plugin, ConfigForm, c.Config)
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
func (e *checkService) bareCheck(c *Check) CheckView {
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

// pingURL is the address that a check's pings go to, "" when its plugin takes
// none. The read lock is held.
func (e *State) pingURL(c *Check) string {
	entry, ok := e.pluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || !entry.Plugin.Meta().HasPing || c.PingToken == "" {
		return ""
	}
	return e.base(e.tables.site()) + "/ping/" + c.PingToken
}
