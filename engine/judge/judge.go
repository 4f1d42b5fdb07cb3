package judge

import (
	"slices"
	"time"

	"moonwatch/engine"
)

const (
	historyLen     = 21 // Nagios keeps 21 statuses and so counts 20 transitions
	flapStart      = 30.0
	flapStop       = 20.0
	flapEndPassing = time.Hour
)

// Judge returns the state after a result at the instant now. It is pure: the
// state given is left as it is.
func Judge(rule engine.Rule, old *engine.CheckState, r *engine.Result, now time.Time) engine.CheckState {
	s := old.Copy()
	take(s, &rule, r, now)
	return *s
}

// take moves a state by a result.
func take(s *engine.CheckState, rule *engine.Rule, r *engine.Result, now time.Time) {
	s.Seq = r.Seq
	failed := !r.Succeeded
	if r.Unknown {
		if r.Cause != engine.CausePlugin {
			s.Error = r.Error
			unknown(s, rule, r.Cause, now)
			return
		}
		switch rule.NoData {
		case engine.NoDataKeep:
			return
		case engine.NoDataPass:
			failed = false
		default:
			failed = true
		}
	}
	s.UnknownSince, s.UnknownCounts, s.Cause = nil, false, ""
	s.LastFailed = failed
	if failed {
		s.Error = r.Error
		severity := r.Severity
		if !severity.IsSeverity() {
			severity = rule.Importance
		}
		fail(s, rule, severity)
	} else {
		succeed(s, rule)
	}
	if s.Confirmed != engine.CheckPending { // a first failure within debounce does not close an incident
		s.AwaitingFirst, s.CountsAs = false, ""
	}
	flap(s, now)
	show(s, now)
}

// Age returns the state at the instant now without a new result: an unknown
// that has lasted begins to count, flapping ends after an hour of passing. It
// returns old itself when nothing changes.
func Age(rule engine.Rule, old *engine.CheckState, now time.Time) *engine.CheckState {
	due, ok := AgeDue(rule, old)
	if !ok || now.Before(due) {
		return old
	}
	s := old.Copy()
	if s.UnknownSince != nil && !now.Before(s.UnknownSince.Add(rule.UnknownAfter)) {
		s.UnknownCounts = true
	}
	if s.Flapping && s.PassingSince != nil && !now.Before(s.PassingSince.Add(flapEndPassing)) {
		s.Flapping, s.History = false, 0
		if s.Confirmed != engine.CheckFailing {
			s.Severity = ""
		}
	}
	show(s, now)
	return s
}

// AgeDue returns when Age will next change the state.
func AgeDue(rule engine.Rule, s *engine.CheckState) (time.Time, bool) {
	var due time.Time
	if s.UnknownSince != nil && !s.UnknownCounts {
		due = s.UnknownSince.Add(rule.UnknownAfter)
	}
	if s.Flapping && s.PassingSince != nil {
		if at := s.PassingSince.Add(flapEndPassing); due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return due, !due.IsZero()
}

// Reset returns the state after an edit of the check's plugin or configuration:
// PENDING, while what it counted for goes on to count until the first results
// have decided, so that the edit closes no incident.
func Reset(old *engine.CheckState, now time.Time) *engine.CheckState {
	s := engine.NewCheckState(old.Check, now)
	s.Noted = old.Noted
	s.Seq, s.Description, s.DescribedBy = old.Seq, old.Description, old.DescribedBy
	if severity, failing := old.Failing(); failing {
		s.AwaitingFirst, s.CountsAs = true, severity
		s.Error = old.Error
	}
	return s
}

// unknown shows UNKNOWN and moves nothing else.
func unknown(s *engine.CheckState, rule *engine.Rule, cause engine.Cause, now time.Time) {
	s.Cause = cause
	if s.UnknownSince == nil {
		since := now
		s.UnknownSince = &since
	}
	if !now.Before(s.UnknownSince.Add(rule.UnknownAfter)) {
		s.UnknownCounts = true
	}
	show(s, now)
}

func fail(s *engine.CheckState, rule *engine.Rule, severity engine.Status) {
	s.Successes = 0
	need := rule.Debounce + 1
	s.Window = append(s.Window, severity)
	if over := len(s.Window) - need; over > 0 {
		s.Window = slices.Delete(s.Window, 0, over)
	}
	if s.Confirmed != engine.CheckFailing {
		if len(s.Window) == need {
			s.Confirmed = engine.CheckFailing
			s.Severity = lowest(s.Window)
			s.Below = nil
		}
		return
	}
	if severity.Rank() >= s.Severity.Rank() {
		s.Below = nil
	} else {
		s.Below = append(s.Below, severity)
	}
	if low := lowest(s.Window); len(s.Window) == need && low.Rank() > s.Severity.Rank() {
		s.Severity, s.Below = low, nil
	} else if n := max(rule.RecoverAfter, 1); len(s.Below) >= n {
		// It falls no further than the worst of the results that brought it down.
		s.Severity, s.Below = highest(s.Below), nil
	}
}

func succeed(s *engine.CheckState, rule *engine.Rule) {
	if s.Confirmed != engine.CheckFailing {
		s.Window = nil
		if s.Confirmed == engine.CheckPending {
			s.Successes++
			if s.Successes < max(rule.RecoverAfter, 1) {
				return
			}
		}
		s.Confirmed, s.Successes = engine.CheckPassing, 0
		return
	}
	s.Successes++
	if s.Successes >= max(rule.RecoverAfter, 1) {
		s.Confirmed, s.Successes = engine.CheckPassing, 0
		s.Window, s.Below = nil, nil // the severity goes in flap, which may still need it
	}
}

// flap measures as Nagios does: each change of status among the last 21 weighs
// from 0.75 (the oldest) to 1.25 (the newest), in percent of 20 changes.
// https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/flapping.html
func flap(s *engine.CheckState, now time.Time) {
	if s.Confirmed == engine.CheckPending {
		return
	}
	bit := uint32(0)
	if s.Confirmed == engine.CheckFailing {
		bit = 1
	}
	s.History = (s.History<<1 | bit) & (1<<historyLen - 1)
	s.HistoryLen = min(s.HistoryLen+1, historyLen)
	if bit == 1 {
		s.PassingSince = nil
	} else if s.PassingSince == nil {
		since := now // now itself stays on the stack
		s.PassingSince = &since
	}
	percent := flapPercent(s.History, s.HistoryLen)
	if !s.Flapping && percent >= flapStart {
		s.Flapping = true
	} else if s.Flapping && percent < flapStop {
		s.Flapping = false
	}
	if !s.Flapping && s.Confirmed == engine.CheckPassing {
		s.Severity = ""
	}
}

func flapPercent(history uint32, n int) float64 {
	sum := 0.0
	for i := 0; i+1 < n; i++ { // i = 0 is the newest change
		if history>>i&1 != history>>(i+1)&1 {
			sum += 1.25 - 0.5*float64(i)/float64(historyLen-2)
		}
	}
	return sum * 100 / float64(historyLen-1)
}

// show derives the status that people see.
func show(s *engine.CheckState, now time.Time) {
	status := s.Confirmed
	if s.Flapping {
		status = engine.CheckFailing
	}
	if s.UnknownSince != nil {
		status = engine.CheckUnknown
	}
	if status != s.Status {
		s.Status, s.Since = status, now
	}
}

func lowest(of []engine.Status) engine.Status {
	return slices.MinFunc(of, func(a, b engine.Status) int { return a.Rank() - b.Rank() })
}

func highest(of []engine.Status) engine.Status {
	return slices.MaxFunc(of, func(a, b engine.Status) int { return a.Rank() - b.Rank() })
}

// Overall returns the default overall status of a subject: the highest severity
// among its failing checks.
func Overall(failing []engine.FailingCheck) engine.Status {
	status := engine.StatusPassing
	for _, f := range failing {
		if f.Severity.Rank() > status.Rank() {
			status = f.Severity
		}
	}
	return status
}
