package engine

import (
	"context"
)

// RuleCheck is a check as a service's status rule sees it.
type RuleCheck struct {
	Name     string
	Status   CheckStatus
	Severity Status // "" while the check does not count as failing
	Tags     []string
}

// StatusRules runs services' own status rules. A registry of plugins that can
// implements it. It is safe for concurrent use.
type StatusRules interface {
	// CheckRule reports why a source is no rule, fit to be shown.
	CheckRule(source string) error
	// ApplyRule returns the status that a rule gives. It returns within a few
	// milliseconds, whatever the rule does; the error is fit to be shown.
	ApplyRule(ctx context.Context, source string, checks []RuleCheck) (Status, error)
}
