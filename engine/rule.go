package engine

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// ruleRetry is how often a rule that failed is tried again.
const ruleRetry = 30 * time.Second

// ruleMost bounds the source of a status rule, in characters.
const ruleMost = 10_000

// cleanRule validates a status rule that was changed.
func (e *State) cleanRule(p *problems, a, old *Alerting) {
	if a.StatusRule == "" || old != nil && old.StatusRule == a.StatusRule {
		return
	}
	before := len(p.list)
	p.text("status_rule", a.StatusRule, false, ruleMost)
	if len(p.list) > before {
		return // it is not compiled
	}
	rules, ok := e.plugins.(StatusRules)
	if !ok {
		p.add("status_rule", "invalid", "status rules cannot be run here")
		return
	}
	if err := rules.CheckRule(a.StatusRule); err != nil {
		p.add("status_rule", "invalid", "%s", err)
	}
}

// overallOf is the overall status of a subject over its failing checks, by its
// own rule when it has one. Covered checks are under a silence and count as
// passing. The problem says why the default rule took the place of its own.
func (x *tx) overallOf(s subject, failing []FailingCheck, covered []string) (overall Status, problem string) {
	counting := uncovered(failing, covered)
	if s.StatusRule == "" {
		return Overall(counting), ""
	}
	rules, ok := x.e.plugins.(StatusRules)
	if !ok { // before the start nothing runs Lua
		return Overall(counting), ""
	}
	overall, err := rules.ApplyRule(context.Background(), s.StatusRule, x.ruleChecks(s, covered))
	if err != nil {
		return Overall(counting), "the status rule failed, and the default rule holds: " + err.Error()
	}
	return overall, ""
}

// ruleChecks are the active checks of a subject in order of name.
func (x *tx) ruleChecks(s subject, covered []string) []RuleCheck {
	var out []RuleCheck
	for _, id := range x.checksOf(s) {
		c, state := x.checks.get(id), x.states.get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		one := RuleCheck{Name: c.Name, Status: state.Status, Tags: c.Tags}
		if one.Severity, _ = state.Failing(); slices.Contains(covered, id) {
			one.Status, one.Severity = CheckPassing, ""
		}
		out = append(out, one)
	}
	if s.ref == builtIn {
		for _, r := range x.rotaRecords() {
			out = append(out, RuleCheck{Name: r.Name, Status: CheckFailing, Severity: r.Severity, Tags: []string{}})
		}
	}
	slices.SortFunc(out, func(a, b RuleCheck) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// applyRules evaluates the subjects that have a rule of their own: what was
// saved before the start was not.
func (x *tx) applyRules() {
	for id, s := range x.services.all() {
		if s.StatusRule != "" {
			x.evaluate(Ref{KindService, id}, "")
		}
	}
	for id, i := range x.instances.all() {
		if i.StatusRule != "" {
			x.evaluate(Ref{KindInstance, id}, "")
		}
	}
}
