package alert

import (
	"cmp"
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/judge"
	"moonwatch/engine/state"
)

// ruleRetry is how often a rule that failed is tried again.
const ruleRetry = 30 * time.Second

// maxRule bounds the source of a status rule, in characters.
const maxRule = 10_000

// CleanRule validates a status rule that was changed.
func CleanRule(e *state.State, p *engine.Problems, a, old *engine.Alerting) {
	if a.StatusRule == "" || old != nil && old.StatusRule == a.StatusRule {
		return
	}
	before := len(p.List)
	p.Text("status_rule", a.StatusRule, false, maxRule)
	if len(p.List) > before {
		return // it is not compiled
	}
	rules, ok := e.Registry.(engine.StatusRules)
	if !ok {
		p.Add("status_rule", "invalid", "status rules cannot be run here")
		return
	}
	if err := rules.CheckRule(a.StatusRule); err != nil {
		p.Add("status_rule", "invalid", "%s", err)
	}
}

// overallOf is the overall status of a subject over its failing checks, by its
// own rule when it has one. Covered checks are under a silence and count as
// passing. The problem says why the default rule took the place of its own.
func overallOf(x *state.Tx, s state.Target, failing []engine.FailingCheck, covered []string) (overall engine.Status, problem string) {
	counting := uncovered(failing, covered)
	if s.StatusRule == "" {
		return judge.Overall(counting), ""
	}
	rules, ok := x.State.Registry.(engine.StatusRules)
	if !ok { // before the start nothing runs Lua
		return judge.Overall(counting), ""
	}
	overall, err := rules.ApplyRule(context.Background(), s.StatusRule, ruleChecks(x, s, covered))
	if err != nil {
		return judge.Overall(counting), "the status rule failed, and the default rule holds: " + err.Error()
	}
	return overall, ""
}

// ruleChecks are the active checks of a subject in order of name.
func ruleChecks(x *state.Tx, s state.Target, covered []string) []engine.RuleCheck {
	var out []engine.RuleCheck
	for _, id := range checksOf(x, s) {
		c, state := x.Checks.Get(id), x.States.Get(id)
		if c == nil || state == nil || !c.Active {
			continue
		}
		one := engine.RuleCheck{Name: c.Name, Status: state.Status, Tags: c.Tags}
		if one.Severity, _ = state.Failing(); slices.Contains(covered, id) {
			one.Status, one.Severity = engine.CheckPassing, ""
		}
		out = append(out, one)
	}
	if s.Ref == engine.BuiltIn {
		for _, r := range rotaRecords(x) {
			out = append(out, engine.RuleCheck{Name: r.Name, Status: engine.CheckFailing, Severity: r.Severity, Tags: []string{}})
		}
	}
	slices.SortFunc(out, func(a, b engine.RuleCheck) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// ApplyRules evaluates the subjects that have a rule of their own: what was
// saved before the start was not.
func ApplyRules(x *state.Tx) {
	for id, s := range x.Services.All() {
		if s.StatusRule != "" {
			Evaluate(x, engine.Ref{Kind: engine.KindService, ID: id}, "")
		}
	}
	for id, i := range x.Instances.All() {
		if i.StatusRule != "" {
			Evaluate(x, engine.Ref{Kind: engine.KindInstance, ID: id}, "")
		}
	}
}
