package alert

import (
	"cmp"
	"slices"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// The bounds of what an incident keeps of its failing checks.
const (
	maxFailures     = 40
	maxFailureError = 300 // runes
)

// noteFailures keeps with an incident, which is the caller's copy, which checks
// fail and with what, and since when and until when each did. A check that fails
// at another severity from now on is a failure of its own.
func noteFailures(x *state.Tx, in *engine.Incident, e *evaluation) {
	failing := e.failing
	if in.Closed != nil {
		failing = nil
	}
	goesOn := map[string]bool{}
	for i := range in.Failures {
		f := &in.Failures[i]
		if f.Until != nil {
			continue
		}
		same := func(c engine.FailingCheck) bool { return c.ID == f.Check && c.Severity == f.Severity }
		if goesOn[f.Check] = slices.ContainsFunc(failing, same); !goesOn[f.Check] {
			now := x.Now
			f.Until = &now
		}
	}
	var own []engine.CheckRecord
	beyond := 0
	for _, c := range failing {
		switch {
		case goesOn[c.ID]:
		case len(in.Failures) >= maxFailures:
			beyond++
		default:
			if own == nil && e.ref == engine.BuiltIn {
				own = slices.Concat(rotaRecords(x), unsentRecords(x))
			}
			in.Failures = append(in.Failures, failureOf(x, c, own))
		}
	}
	in.MoreFailures = max(in.MoreFailures, beyond) // the same ones are met at each evaluation
}

// failureOf is how a check fails now; own are the checks that the built-in service
// has besides real ones.
func failureOf(x *state.Tx, c engine.FailingCheck, own []engine.CheckRecord) engine.Failure {
	f := engine.Failure{Check: c.ID, Name: c.ID, Severity: c.Severity, Since: x.Now}
	if check := x.Checks.Get(c.ID); check != nil {
		f.Name = check.Name
	}
	if known := x.States.Get(c.ID); known != nil {
		f.Error = known.Error
	}
	for _, one := range own {
		if one.ID == c.ID {
			f.Name, f.Error = one.Name, one.Error
		}
	}
	if text := []rune(f.Error); len(text) > maxFailureError {
		f.Error = string(text[:maxFailureError]) + "…"
	}
	return f
}

// WorstFailure is the failure that an incident is best told by: of those that go
// on, or else of all, the most severe and then the first. It is pure, and false
// where none is kept.
func WorstFailure(failures []engine.Failure) (engine.Failure, bool) {
	if len(failures) == 0 {
		return engine.Failure{}, false
	}
	return slices.MinFunc(failures, func(a, b engine.Failure) int {
		goesOn := func(f engine.Failure) int {
			if f.Until == nil {
				return 0
			}
			return 1
		}
		return cmp.Or(goesOn(a)-goesOn(b), b.Severity.Rank()-a.Severity.Rank(), a.Since.Compare(b.Since))
	}), true
}
