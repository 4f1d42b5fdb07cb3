package edit

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// CheckView is a check as clients see it.
type CheckView struct {
	engine.Check
	Status      engine.CheckStatus `json:"status"`
	Severity    engine.Status      `json:"severity"` // "" while it does not count as failing
	Flapping    bool               `json:"flapping"`
	Since       *time.Time         `json:"since"` // of the status
	Error       string             `json:"error"` // of the last failed or unknown result, while it is failing or unknown
	Message     string             `json:"message"`
	Cause       engine.Cause       `json:"cause"`
	LastRun     *time.Time         `json:"last_run"`
	NextRun     *time.Time         `json:"next_run"`
	Description string             `json:"description"`
	Problem     string             `json:"problem"` // why the stored configuration no longer passes
	Suspended   string             `json:"suspended"`
	PingURL     string             `json:"ping_url"`  // "" unless its plugin takes pings
	Services    []string           `json:"services"`  // ids of the services it is linked to
	InstanceIDs []string           `json:"instances"` // ids of the instances it is linked to
	// Log is what was logged since the last result by calls that gave none, such as
	// pings at the start of a job; the next result takes it.
	Log []engine.LogLine `json:"log"`
}

// Check returns one check.
func (cs *Checks) Check(id string) (CheckView, error) {
	return state.OneView(cs.State, engine.KindCheck, cs.Tables.Checks, id, cs.checkView)
}

// Checks returns all checks in order of id.
func (cs *Checks) Checks() []CheckView {
	return state.AllViews(cs.State, cs.Tables.Checks, cs.checkView)
}

// StoredCheck returns the check as it is stored, secrets sealed: what an edit
// begins from.
func (cs *Checks) StoredCheck(id string) (engine.Check, error) {
	return state.OneView(cs.State, engine.KindCheck, cs.Tables.Checks, id, state.AsStored)
}

// checkView builds the view of a check. The read lock is held.
func (cs *Checks) checkView(c *engine.Check) CheckView {
	t := cs.Tables
	v := bareCheck(c, t.States[c.ID], t.Latest[c.ID])
	if why := schedule.ScheduleProblem(c); why != "" {
		v.Problem = why
	}
	v.Config = cs.Public(c.Plugin, engine.ConfigForm, c.Config)
	v.PingURL = PingURL(cs.State, c)
	v.targets(t.TargetsOf[c.ID])
	v.Log = []engine.LogLine{}
	if s := t.States[c.ID]; s != nil && len(s.Noted) > 0 {
		v.Log = slices.Clone(s.Noted)
	}
	if at, ok := cs.Sched.Next(c.ID); ok {
		at = at.UTC().Round(0)
		v.NextRun = &at
	}
	if len(t.Breakers) > 0 {
		now := cs.Now()
		if why, suspended := t.Breakers[engine.PluginBreaker(c.Plugin)].Suspended(now); suspended {
			v.Suspended = why
		} else if why, suspended := t.Breakers[engine.CheckBreaker(c.ID)].Suspended(now); suspended {
			v.Suspended = why
		}
	}
	return v
}

// targets fills in what the check belongs to.
func (v *CheckView) targets(all map[engine.Ref]bool) {
	v.Services, v.InstanceIDs = []string{}, []string{}
	for ref := range all {
		if ref.Kind == engine.KindService {
			v.Services = append(v.Services, ref.ID)
		} else {
			v.InstanceIDs = append(v.InstanceIDs, ref.ID)
		}
	}
	slices.Sort(v.Services)
	slices.Sort(v.InstanceIDs)
}

// bareCheck builds what of a check's view costs no time to find out, see
// BareChecks. The state and the last result may be nil; the view points into them.
func bareCheck(c *engine.Check, s *engine.CheckState, last *engine.Result) CheckView {
	v := CheckView{Check: *c, Status: engine.CheckPending}
	v.Config, v.PingToken = nil, ""
	if s != nil {
		v.Status, v.Flapping, v.Since, v.Cause = s.Status, s.Flapping, &s.Since, s.Cause
		v.Severity, _ = s.Failing()
		v.Description, v.Problem = s.Description, s.Problem
		if v.Severity != "" || s.Status == engine.CheckUnknown || s.LastFailed {
			v.Error = s.Error
		}
	}
	if last != nil {
		v.LastRun, v.Message = &last.Started, last.Message
	}
	return v
}

// Results calls fn for the results of a check that started in [from, to), the
// newest first, until fn returns false. A zero time is no bound.
func (cs *Checks) Results(ctx context.Context, check string, from, to time.Time, fn func(*engine.Result) bool) error {
	if cs.CheckNow(check) == nil {
		return engine.Missing(engine.KindCheck)
	}
	seq := func(at time.Time) uint64 {
		if at.IsZero() || at.UnixMicro() < 0 {
			return 0
		}
		return uint64(at.UnixMicro())
	}
	return cs.Store.Results(ctx, check, seq(from), seq(to), fn)
}

// ResultsBefore is Results for paging: those with a sequence number below before
// (0: from the newest).
func (cs *Checks) ResultsBefore(ctx context.Context, check string, from time.Time, before uint64, fn func(*engine.Result) bool) error {
	if cs.CheckNow(check) == nil {
		return engine.Missing(engine.KindCheck)
	}
	low := uint64(0)
	if !from.IsZero() {
		low = uint64(max(from.UnixMicro(), 0))
	}
	return cs.Store.Results(ctx, check, low, before, fn)
}

// BareChecks returns all checks in no order, without what costs time to find
// out: Config, NextRun, PingURL, Services, InstanceIDs and Suspended are empty.
// It is for choosing among many checks; Check gives the rest.
func (cs *Checks) BareChecks() []CheckView {
	known := cs.known()
	out := make([]CheckView, len(known))
	for i, k := range known {
		out[i] = bareCheck(k.check, k.state, k.last)
	}
	return out
}

// knownCheck is what the tables hold of a check. It is never changed.
type knownCheck struct {
	check *engine.Check
	state *engine.CheckState
	last  *engine.Result
}

// known notes what the tables hold of all checks: the lock, for which the writer
// waits, is not held while the views are built.
func (cs *Checks) known() []knownCheck {
	cs.Mu.RLock()
	defer cs.Mu.RUnlock()
	t := cs.Tables
	all := make([]knownCheck, 0, len(t.Checks))
	for id, c := range t.Checks {
		all = append(all, knownCheck{c, t.States[id], t.Latest[id]})
	}
	return all
}

// Tally is how many checks stand how. Those that are active are one of passing,
// failing, pending and unknown.
type Tally struct {
	Active, Paused                     int
	Passing, Failing, Pending, Unknown int
	Critical                           int // of those that fail
}

// Tally counts the checks.
func (cs *Checks) Tally() Tally {
	var t Tally
	cs.Mu.RLock()
	defer cs.Mu.RUnlock()
	for id, c := range cs.Tables.Checks {
		t.add(c, cs.Tables.States[id])
	}
	return t
}

// add counts a check. It reports whether the check is in trouble: it is active, and
// fails, is unknown, or is held to be failing still.
func (t *Tally) add(c *engine.Check, s *engine.CheckState) (trouble bool) {
	if !c.Active {
		t.Paused++
		return false
	}
	t.Active++
	if s == nil {
		t.Pending++
		return false
	}
	severity, _ := s.Failing()
	switch s.Status {
	case engine.CheckPassing:
		t.Passing++
		return severity != ""
	case engine.CheckPending:
		t.Pending++
		return severity != ""
	case engine.CheckFailing:
		t.Failing++
		if severity == engine.StatusCritical {
			t.Critical++
		}
	default:
		t.Unknown++
	}
	return true
}

// Troubled counts all checks, and returns those that are in trouble in no order: as
// BareChecks does, with Services and InstanceIDs. What it takes goes with what is in
// trouble, not with what there is.
func (cs *Checks) Troubled() (Tally, []CheckView) {
	cs.Mu.RLock()
	defer cs.Mu.RUnlock()
	var (
		tally Tally
		out   []CheckView
		t     = cs.Tables
	)
	for id, c := range t.Checks {
		if s := t.States[id]; tally.add(c, s) {
			v := bareCheck(c, s, t.Latest[id])
			v.targets(t.TargetsOf[id])
			out = append(out, v)
		}
	}
	return tally, out
}

// PingURL is the address that a check's pings go to, "" when its plugin takes
// none. The read lock is held.
func PingURL(e *state.State, c *engine.Check) string {
	entry, ok := e.PluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || !entry.Plugin.Meta().HasPing || c.PingToken == "" {
		return ""
	}
	return e.Base(e.Tables.Site()) + "/ping/" + c.PingToken
}
