package engine

// Status is the overall status of a service or instance, and, without PASSING,
// the severity of a failure.
type Status string

// The statuses, from harmless to worst.
const (
	StatusPassing  Status = "PASSING"
	StatusWarning  Status = "WARNING"
	StatusError    Status = "ERROR"
	StatusCritical Status = "CRITICAL"
)

// Statuses are all statuses, from harmless to worst.
func Statuses() []Status { return []Status{StatusPassing, StatusWarning, StatusError, StatusCritical} }

// Rank orders statuses: 0 for PASSING (and the empty status) to 3 for CRITICAL.
func (s Status) Rank() int {
	switch s {
	case StatusWarning:
		return 1
	case StatusError:
		return 2
	case StatusCritical:
		return 3
	}
	return 0
}

// IsSeverity reports whether s is a status that a failure can have.
func (s Status) IsSeverity() bool { return s.Rank() > 0 }

// CheckStatus is what a check shows.
type CheckStatus string

// The statuses of a check.
const (
	CheckPassing CheckStatus = "PASSING"
	CheckFailing CheckStatus = "FAILING"
	CheckUnknown CheckStatus = "UNKNOWN"
	CheckPending CheckStatus = "PENDING"
)

// CheckStatuses are all statuses of checks.
func CheckStatuses() []CheckStatus {
	return []CheckStatus{CheckPassing, CheckFailing, CheckUnknown, CheckPending}
}

// Cause says why a result is unknown.
type Cause string

// The causes of an unknown result.
const (
	CausePlugin     Cause = "plugin"      // the plugin said so
	CauseError      Cause = "error"       // an error or a limit in the plugin
	CausePluginGone Cause = "plugin_gone" // the plugin's file is gone
	CauseSuspended  Cause = "suspended"   // the circuit breaker holds the check or its plugin
	CauseConfig     Cause = "config"      // stored values that no longer convert
	CauseOffline    Cause = "offline"     // the monitor's own self-check target fails
	CauseStale      Cause = "stale"       // no result for too long
)

// Causes are all causes of an unknown result.
func Causes() []Cause {
	return []Cause{
		CausePlugin,
		CauseError,
		CausePluginGone,
		CauseSuspended,
		CauseConfig,
		CauseOffline,
		CauseStale,
	}
}
