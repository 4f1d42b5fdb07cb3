package engine

import (
	"slices"
	"time"
)

// Rule is what of a check's configuration governs the judging of its results.
type Rule struct {
	Importance   Status
	Debounce     int
	RecoverAfter int
	NoData       NoData
	UnknownAfter time.Duration
}

// CheckState is what is derived from a check's results. It is state: it can be
// lost and found again by judging the results anew.
type CheckState struct {
	Check  string      `json:"check"`
	Status CheckStatus `json:"status"` // as shown
	// Confirmed is the status by the counters, PASSING, FAILING or PENDING: what the
	// check would show were it neither unknown nor flapping.
	Confirmed CheckStatus `json:"held"`
	Severity  Status      `json:"severity"` // while it counts as failing, else ""
	// Window holds the severities of the last failed results, oldest first, at
	// most debounce+1. Before the check fails a success empties it; afterwards
	// successes leave it alone.
	Window    []Status `json:"window,omitempty"`
	Successes int      `json:"successes,omitempty"` // in a row, while failing
	Below     []Status `json:"below,omitempty"`     // failed results in a row under Severity

	UnknownSince  *time.Time `json:"unknown_since,omitempty"`
	UnknownCounts bool       `json:"unknown_counts,omitempty"` // unknown for so long that it counts as failing
	Cause         Cause      `json:"cause,omitempty"`          // of the present unknown
	Since         time.Time  `json:"since"`                    // of Status
	History       uint32     `json:"history,omitempty"`        // the last 21 confirmed statuses, newest in bit 0, 1 is failing
	HistoryLen    int        `json:"history_len,omitempty"`
	Flapping      bool       `json:"flapping,omitempty"`
	PassingSince  *time.Time `json:"passing_since,omitempty"`  // unbroken, by confirmed status
	Error         string     `json:"error,omitempty"`          // of the last failed or unknown result
	LastFailed    bool       `json:"last_failed,omitempty"`    // the last counting result failed
	Seq           uint64     `json:"seq,omitempty"`            // of the last result judged
	Description   string     `json:"description,omitempty"`    // the plugin's line on what the check does
	DescribedBy   string     `json:"described_by,omitempty"`   // hash of the version that said so
	Noted         []LogLine  `json:"noted,omitempty"`          // logged since the last result
	Problem       string     `json:"problem,omitempty"`        // why the stored configuration no longer passes
	AwaitingFirst bool       `json:"awaiting_first,omitempty"` // reset by an edit: an open incident waits for the first results
	CountsAs      Status     `json:"counts_as,omitempty"`      // severity that counts while AwaitingFirst
}

// NewCheckState returns the state of a check without results.
func NewCheckState(check string, now time.Time) *CheckState {
	return &CheckState{Check: check, Status: CheckPending, Confirmed: CheckPending, Since: now}
}

// Failing reports whether the check counts as failing for the services that it
// belongs to, and at what severity.
func (s *CheckState) Failing() (Status, bool) {
	severity := Status("")
	switch {
	case s.Confirmed == CheckFailing || s.Flapping:
		severity = s.Severity
	case s.AwaitingFirst && s.CountsAs != "":
		severity = s.CountsAs
	}
	// Unknown never counts for more than WARNING, nor takes away from a failure
	// that was seen before.
	if s.UnknownCounts && severity.Rank() < StatusWarning.Rank() {
		severity = StatusWarning
	}
	return severity, severity != ""
}

// Counting reports whether debounce or recover_after is counting: the next
// result may move the status.
func (s *CheckState) Counting() bool {
	if s.Confirmed == CheckPassing {
		return len(s.Window) > 0
	}
	return s.Successes > 0 || s.Confirmed == CheckPending && len(s.Window) > 0
}

// Copy is a state that may be changed; what is appended to its lists is not seen in s.
func (s *CheckState) Copy() *CheckState {
	c := *s
	c.Window, c.Below = slices.Clip(s.Window), slices.Clip(s.Below)
	return &c
}

// FailingCheck is a check that counts against its subject.
type FailingCheck struct {
	ID       string `json:"id"`
	Severity Status `json:"severity"`
	Flapping bool   `json:"flapping,omitempty"`
}
