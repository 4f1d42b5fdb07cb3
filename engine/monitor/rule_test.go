package monitor_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/enginetest"
)

// ruledPlugins is a registry with status rules that are Go functions.
type ruledPlugins struct {
	*enginetest.Plugins

	mu   sync.Mutex // guards rule
	rule func(checks []engine.RuleCheck) (engine.Status, error)
}

func (p *ruledPlugins) CheckRule(source string) error {
	if source == "bad" {
		return errors.New("line 1: it is bad")
	}
	return nil
}

func (p *ruledPlugins) ApplyRule(_ context.Context, _ string, checks []engine.RuleCheck) (engine.Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rule(checks)
}

func (p *ruledPlugins) set(rule func([]engine.RuleCheck) (engine.Status, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// twoFail is CRITICAL when two checks fail, WARNING for one.
func twoFail(checks []engine.RuleCheck) (engine.Status, error) {
	failing := 0
	for _, c := range checks {
		if c.Status == engine.CheckFailing {
			failing++
		}
	}
	return [...]engine.Status{engine.StatusPassing, engine.StatusWarning, engine.StatusCritical}[min(failing, 2)], nil
}

// ruled runs a test on a bench whose registry has rules.
func ruled(t *testing.T, fn func(b *bench, rules *ruledPlugins)) {
	in(t, func(b *bench) {
		rules := &ruledPlugins{Plugins: b.plugins, rule: twoFail}
		b.registry = rules
		b.start()
		fn(b, rules)
	})
}

// withRule is a service over checks with a rule of its own.
func (b *bench) withRule(checks ...*engine.Check) *engine.Service {
	b.t.Helper()
	s := *b.service("site", []string{"mail"}, checks...)
	s.StatusRule = "rule"
	saved, err := b.e.Targets.SaveService(b.t.Context(), admin, s)
	if err != nil {
		b.t.Fatal(err)
	}
	return saved
}

func (b *bench) wantOverall(s *engine.Service, want engine.Status, problem string) {
	b.t.Helper()
	v, err := b.e.Targets.Service(s.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	if v.OverallStatus != want || !strings.HasPrefix(v.Problem, problem) || (problem == "") != (v.Problem == "") {
		b.t.Errorf("overall %s with problem %q, want %s and %q", v.OverallStatus, v.Problem, want, problem)
	}
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestStatusRule(t *testing.T) {
	ruled(t, func(b *bench, _ *ruledPlugins) {
		one, two := b.check("one", nil), b.check("two", nil)
		s := b.withRule(one, two)
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusPassing, "")
		b.set("one", "ERROR")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusWarning, "")
		b.wantHeard("mail firing")
		b.set("two", "WARNING")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusCritical, "")
		b.wantHeard("mail escalation")
		b.set("one", "")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusWarning, "")
		b.wantHeard("mail deescalation")
		b.set("two", "")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusPassing, "")
		b.wantHeard("mail recovery")
	})
}

// By the default rule the status would stay CRITICAL as one of two such checks
// recovers: only the rule sees the fall, and it must not be taken for a silence.
func TestStatusRuleFallIsNoSilence(t *testing.T) {
	ruled(t, func(b *bench, _ *ruledPlugins) {
		one, two := b.check("one", nil), b.check("two", nil)
		b.withRule(one, two)
		b.set("one", "CRITICAL")
		b.set("two", "CRITICAL")
		pass(3 * time.Second)
		b.heard()
		b.set("one", "")
		pass(3 * time.Second)
		b.wantHeard("mail deescalation")
	})
}

func TestStatusRuleSeesSilencedAsPassing(t *testing.T) {
	ruled(t, func(b *bench, _ *ruledPlugins) {
		one, two := b.check("one", nil), b.check("two", nil)
		s := b.withRule(one, two)
		_, err := b.e.Silences.SaveSilence(b.t.Context(), admin, engine.Silence{Checks: []string{one.ID}, StartsAt: time.Now(), EndsAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		b.set("one", "CRITICAL")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusWarning, "")
		b.wantHeard()
		b.set("two", "CRITICAL")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusCritical, "")
		b.wantHeard("mail firing")
		pass(30 * time.Minute) // an alerting status of WARNING repeats every two hours, one of CRITICAL every ten minutes
		b.wantHeard()
	})
}

func TestStatusRuleThatFails(t *testing.T) {
	ruled(t, func(b *bench, rules *ruledPlugins) {
		one := b.check("one", nil)
		s := b.withRule(one)
		pass(3 * time.Second)
		rules.set(func([]engine.RuleCheck) (engine.Status, error) { return "", errors.New("status_rule:1: broken") })
		b.set("one", "ERROR")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusError, "the status rule failed, and the default rule holds: status_rule:1: broken")
		b.wantHeard("mail firing")
		rules.set(twoFail)
		pass(time.Minute) // it is tried again though nothing changes
		b.wantOverall(s, engine.StatusWarning, "")
		b.wantHeard("mail deescalation")
	})
}

// A rule sees statuses that count for nothing by the default rule.
func TestStatusRuleSeesEveryStatus(t *testing.T) {
	ruled(t, func(b *bench, rules *ruledPlugins) {
		rules.set(func(checks []engine.RuleCheck) (engine.Status, error) {
			if len(checks) == 1 && checks[0].Status == engine.CheckUnknown && checks[0].Severity == "" && checks[0].Tags[0] == "edge" {
				return engine.StatusWarning, nil
			}
			return engine.StatusPassing, nil
		})
		one := b.check("one", func(c *engine.Check) { c.Tags, c.NoData = []string{"edge"}, engine.NoDataKeep })
		s := b.withRule(one)
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusPassing, "")
		b.set("one", "limit")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusWarning, "")
		b.set("one", "")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusPassing, "")
	})
}

func TestStatusRuleIsChecked(t *testing.T) {
	ruled(t, func(b *bench, _ *ruledPlugins) {
		s := *b.service("site", nil)
		for source, want := range map[string]string{"bad": "status_rule: line 1: it is bad", strings.Repeat("x", 10_001): "status_rule: at most 10000 characters"} {
			s.StatusRule = source
			if _, err := b.e.Targets.SaveService(b.t.Context(), admin, s); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
	in(t, func(b *bench) { // a registry without rules
		b.start()
		s := *b.service("site", nil)
		s.StatusRule = "rule"
		if _, err := b.e.Targets.SaveService(b.t.Context(), admin, s); err == nil || !strings.Contains(err.Error(), "status rules cannot be run here") {
			t.Errorf("got %v", err)
		}
	})
}

// What was kept from before a start is judged by its rule again.
func TestStatusRuleHoldsOverRestart(t *testing.T) {
	ruled(t, func(b *bench, rules *ruledPlugins) {
		one := b.check("one", nil)
		s := b.withRule(one)
		b.set("one", "CRITICAL")
		pass(3 * time.Second)
		b.wantOverall(s, engine.StatusWarning, "")
		b.e.Stop()
		rules.set(func([]engine.RuleCheck) (engine.Status, error) { return engine.StatusError, nil })
		b.start()
		synctest.Wait()
		b.wantOverall(s, engine.StatusError, "")
	})
}
