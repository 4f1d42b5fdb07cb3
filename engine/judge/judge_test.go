package judge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/schedule"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// play judges a line of results, a minute apart: p passes; w, e and c fail at
// WARNING, ERROR and CRITICAL; f fails without a severity of its own; n is
// unknown by the plugin; x unknown by an error. It returns the last state.
func play(t *testing.T, rule engine.Rule, line string) *engine.CheckState {
	t.Helper()
	s := engine.NewCheckState("c1", epoch)
	for i, ch := range strings.ReplaceAll(line, " ", "") {
		now := epoch.Add(time.Duration(i) * time.Minute)
		r := engine.Result{Seq: uint64(i + 1), Started: now}
		switch ch {
		case 'p':
			r.Succeeded = true
		case 'w':
			r.Severity = engine.StatusWarning
		case 'e':
			r.Severity = engine.StatusError
		case 'c':
			r.Severity = engine.StatusCritical
		case 'f':
		case 'n':
			r.Unknown, r.Cause = true, engine.CausePlugin
		case 'x':
			r.Unknown, r.Cause = true, engine.CauseError
		default:
			t.Fatalf("unknown result %q", ch)
		}
		before := *s
		next := judged(rule, s, &r, now)
		if fmt.Sprint(before) != fmt.Sprint(*s) {
			t.Fatalf("Judge changed the state it was given")
		}
		s = next
	}
	return s
}

func RuleOf(change func(*engine.Rule)) engine.Rule {
	r := engine.Rule{Importance: engine.StatusError, RecoverAfter: 1, NoData: engine.NoDataFail, UnknownAfter: 5 * time.Minute}
	if change != nil {
		change(&r)
	}
	return r
}

func TestJudge(t *testing.T) {
	plainRule := RuleOf(nil)
	debounce := func(n int) engine.Rule { return RuleOf(func(r *engine.Rule) { r.Debounce = n }) }
	recover := func(n int) engine.Rule { return RuleOf(func(r *engine.Rule) { r.RecoverAfter = n }) }
	noData := func(n engine.NoData) engine.Rule { return RuleOf(func(r *engine.Rule) { r.NoData = n }) }
	tests := []struct {
		name     string
		rule     engine.Rule
		line     string
		status   engine.CheckStatus
		severity engine.Status // that counts; "" is not failing
	}{
		{"pending before its first result", plainRule, "", engine.CheckPending, ""},
		{"a success passes", plainRule, "p", engine.CheckPassing, ""},
		{"pending while the first successes are fewer than recover_after", recover(3), "p p", engine.CheckPending, ""},
		{"passing after recover_after, from the start", recover(3), "p p p", engine.CheckPassing, ""},
		{"a failure between starts them anew", recover(2), "p f p", engine.CheckFailing, engine.StatusError},
		{"pending while the first failures are within debounce", debounce(2), "f f", engine.CheckPending, ""},
		{"failing after debounce + 1, from the start", debounce(2), "f f f", engine.CheckFailing, engine.StatusError},
		{"a success ends the first failures", debounce(2), "f f p", engine.CheckPassing, ""},
		{"pending between too few of either", RuleOf(func(r *engine.Rule) { r.Debounce, r.RecoverAfter = 2, 2 }), "f p f p", engine.CheckPending, ""},
		{"a failure fails at the importance", plainRule, "f", engine.CheckFailing, engine.StatusError},
		{"a failure fails at its own severity", plainRule, "w", engine.CheckFailing, engine.StatusWarning},
		{"recovers", plainRule, "p f p", engine.CheckPassing, ""},
		{"debounce allows failures", debounce(2), "p f f", engine.CheckPassing, ""},
		{"debounce + 1 in a row fail", debounce(2), "p f f f", engine.CheckFailing, engine.StatusError},
		{"a success between starts debounce anew", debounce(2), "p f f p f f", engine.CheckPassing, ""},
		{"debounce over 10, one short", debounce(12), "p" + strings.Repeat("f", 12), engine.CheckPassing, ""},
		{"debounce over 10", debounce(12), "p" + strings.Repeat("f", 13), engine.CheckFailing, engine.StatusError},
		{"recover_after counts successes", recover(3), "f p p", engine.CheckFailing, engine.StatusError},
		{"recover_after reached", recover(3), "f p p p", engine.CheckPassing, ""},
		{"a failure between starts recovery anew", recover(3), "f p p f p p", engine.CheckFailing, engine.StatusError},
		{"fails at the lowest of debounce + 1", debounce(2), "c w e", engine.CheckFailing, engine.StatusWarning},
		{"rises to the lowest of the last debounce + 1", debounce(1), "w w c", engine.CheckFailing, engine.StatusWarning},
		{"rises when all of them are higher", debounce(1), "w w c c", engine.CheckFailing, engine.StatusCritical},
		{"rises without debounce at once", plainRule, "w c", engine.CheckFailing, engine.StatusCritical},
		{"falls after recover_after results below", recover(2), "c w", engine.CheckFailing, engine.StatusCritical},
		{"falls when they are there", recover(2), "c w w", engine.CheckFailing, engine.StatusWarning},
		{"falls to the worst of them", recover(2), "c w e", engine.CheckFailing, engine.StatusError},
		{"a result at the severity starts the fall anew", recover(2), "c w c w", engine.CheckFailing, engine.StatusCritical},
		{"falls at once by default", plainRule, "c w", engine.CheckFailing, engine.StatusWarning},
		{"successes do not move the severity", recover(3), "c p p", engine.CheckFailing, engine.StatusCritical},
		{"successes do not break the rise", RuleOf(func(r *engine.Rule) { r.Debounce, r.RecoverAfter = 1, 3 }), "w w c p c", engine.CheckFailing, engine.StatusCritical},
		{"no data fails", noData(engine.NoDataFail), "p n", engine.CheckFailing, engine.StatusError},
		{"no data passes", noData(engine.NoDataPass), "f n", engine.CheckPassing, ""},
		{"no data keeps failing", noData(engine.NoDataKeep), "f n", engine.CheckFailing, engine.StatusError},
		{"no data keeps passing", noData(engine.NoDataKeep), "p n", engine.CheckPassing, ""},
		{"no data keeps counters", RuleOf(func(r *engine.Rule) { r.NoData, r.Debounce = engine.NoDataKeep, 1 }), "p f n f", engine.CheckFailing, engine.StatusError},
		{"an error in the plugin shows unknown", plainRule, "p x", engine.CheckUnknown, ""},
		{"unknown is not governed by no_data", noData(engine.NoDataFail), "p x x", engine.CheckUnknown, ""},
		{"unknown moves no counter", debounce(1), "p f x f", engine.CheckFailing, engine.StatusError},
		{"unknown does not break recovery", recover(2), "f p x p", engine.CheckPassing, ""},
		{"unknown keeps what failed before", plainRule, "c x", engine.CheckUnknown, engine.StatusCritical},
		{"unknown for long counts at WARNING", plainRule, "p x x x x x x", engine.CheckUnknown, engine.StatusWarning},
		{"never at more", RuleOf(func(r *engine.Rule) { r.Importance = engine.StatusCritical }), "p x x x x x x x", engine.CheckUnknown, engine.StatusWarning},
		{"nor does it lessen a failure", plainRule, "c x x x x x x x", engine.CheckUnknown, engine.StatusCritical},
		{"a result ends unknown", plainRule, "p x x x x x x p", engine.CheckPassing, ""},
		{"unknown before the first result", plainRule, "x", engine.CheckUnknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := play(t, tt.rule, tt.line)
			severity, _ := s.Failing()
			if s.Status != tt.status || severity != tt.severity {
				t.Errorf("after %q: %s at %q, want %s at %q", tt.line, s.Status, severity, tt.status, tt.severity)
			}
		})
	}
}

// TestEveryCauseButPlugin holds that no_data governs the plugin's own unknown
// alone: every other cause moves no counter, shows UNKNOWN, and counts at
// WARNING once it has lasted.
func TestEveryCauseButPlugin(t *testing.T) {
	for _, noData := range []engine.NoData{engine.NoDataFail, engine.NoDataPass, engine.NoDataKeep} {
		r := RuleOf(func(r *engine.Rule) { r.NoData, r.Debounce, r.Importance = noData, 1, engine.StatusCritical })
		for _, cause := range []engine.Cause{engine.CauseError, engine.CausePluginGone, engine.CauseSuspended, engine.CauseConfig, engine.CauseOffline, engine.CauseStale} {
			before := play(t, r, "p f")
			s, now := before, epoch.Add(2*time.Minute)
			for range 3 {
				now = now.Add(time.Minute)
				s = judged(r, s, &engine.Result{Unknown: true, Cause: cause, Error: "why", Severity: engine.StatusCritical}, now)
			}
			severity, failing := s.Failing()
			if s.Status != engine.CheckUnknown || s.Confirmed != before.Confirmed || len(s.Window) != 1 || s.History != before.History || failing || s.Cause != cause {
				t.Errorf("%s with no_data %s: %+v at %q", cause, noData, s, severity)
			}
			s = judged(r, s, &engine.Result{Unknown: true, Cause: cause}, now.Add(5*time.Minute))
			if severity, _ := s.Failing(); severity != engine.StatusWarning || s.Status != engine.CheckUnknown {
				t.Errorf("%s for long with no_data %s: %s at %q", cause, noData, s.Status, severity)
			}
		}
	}
}

// TestUnknownAfter holds its default of 3 intervals, at least 5 minutes.
func TestUnknownAfter(t *testing.T) {
	for _, tt := range []struct{ interval, own, want time.Duration }{
		{time.Second, 0, 5 * time.Minute}, {100 * time.Second, 0, 5 * time.Minute}, {10 * time.Minute, 0, 30 * time.Minute},
		{10 * time.Minute, time.Minute, time.Minute},
	} {
		c := engine.NewCheck()
		c.Interval, c.UnknownAfter = engine.Duration(tt.interval), engine.Duration(tt.own)
		if got := schedule.RuleOf(&c, epoch).UnknownAfter; got != tt.want {
			t.Errorf("interval %s, set to %s: %s, want %s", tt.interval, tt.own, got, tt.want)
		}
	}
}

func TestAgeOfUnknown(t *testing.T) {
	r := RuleOf(nil)
	s := play(t, r, "p x")
	at, ok := AgeDue(r, s)
	if want := epoch.Add(time.Minute + 5*time.Minute); !ok || !at.Equal(want) {
		t.Fatalf("due at %v %v, want %v", at, ok, want)
	}
	if got := Age(r, s, at.Add(-time.Second)); got != s {
		t.Error("aged too early")
	}
	aged := Age(r, s, at)
	if severity, failing := aged.Failing(); !failing || severity != engine.StatusWarning || aged.Status != engine.CheckUnknown {
		t.Errorf("after unknown_after: %s %q", aged.Status, severity)
	}
}

func TestFlapping(t *testing.T) {
	r := RuleOf(nil)
	if s := play(t, r, "p f p f p"); s.Flapping {
		t.Error("four changes are below 30 %")
	}
	s := play(t, r, "p f p f p f p f")
	if !s.Flapping {
		t.Fatalf("seven changes in a row: %.1f %%", flapPercent(s.History, s.HistoryLen))
	}
	s = play(t, r, "p f p f p f p f p p")
	if severity, failing := s.Failing(); !s.Flapping || !failing || severity != engine.StatusError || s.Status != engine.CheckFailing {
		t.Errorf("while flapping a passing check counts as failing: %+v", s)
	}
	s = play(t, r, "p f p f p f p f p"+strings.Repeat("p", 20))
	if _, failing := s.Failing(); s.Flapping || failing || s.Status != engine.CheckPassing {
		t.Errorf("flapping has stopped and the check passes: %+v", s)
	}
	flapping := play(t, r, "p f p f p f p f p p")
	at, ok := AgeDue(r, flapping)
	if !ok || !at.Equal(epoch.Add(8*time.Minute+time.Hour)) {
		t.Fatalf("an hour of unbroken passing ends it at %v %v", at, ok)
	}
	if aged := Age(r, flapping, at); aged.Flapping || aged.Status != engine.CheckPassing {
		t.Errorf("after an hour of passing: %+v", aged)
	}
}

func TestFlapPercentIsNagios(t *testing.T) {
	// All 20 changes weigh 0.75 to 1.25 and so sum up to 100 %.
	if got := flapPercent(0b010101010101010101010, 21); got < 99.9 || got > 100.1 {
		t.Errorf("all changes give %.2f %%, want 100", got)
	}
	// The oldest change alone weighs 0.75, the newest 1.25.
	if got := flapPercent(1<<20, 21); got < 3.74 || got > 3.76 {
		t.Errorf("the oldest change gives %.2f %%, want 3.75", got)
	}
	if got := flapPercent(1, 21); got < 6.24 || got > 6.26 {
		t.Errorf("the newest change gives %.2f %%, want 6.25", got)
	}
}

func TestReset(t *testing.T) {
	s := Reset(play(t, RuleOf(nil), "c"), epoch)
	if severity, failing := s.Failing(); s.Status != engine.CheckPending || !failing || severity != engine.StatusCritical {
		t.Errorf("an edit shows PENDING and closes nothing: %s %q", s.Status, severity)
	}
	next := judged(RuleOf(nil), s, &engine.Result{Succeeded: true}, epoch)
	if _, failing := next.Failing(); failing || next.Status != engine.CheckPassing {
		t.Errorf("the first result decides: %+v", next)
	}
	slow := RuleOf(func(r *engine.Rule) { r.Debounce, r.RecoverAfter = 1, 2 })
	for _, succeeded := range []bool{true, false} { // one result decides nothing yet
		next := judged(slow, s, &engine.Result{Succeeded: succeeded}, epoch)
		if severity, failing := next.Failing(); next.Status != engine.CheckPending || !failing || severity != engine.StatusCritical {
			t.Errorf("one result, succeeded %v, of two: %s at %q", succeeded, next.Status, severity)
		}
		next = judged(slow, next, &engine.Result{Succeeded: succeeded}, epoch)
		if _, failing := next.Failing(); failing == succeeded || next.AwaitingFirst {
			t.Errorf("two results, succeeded %v: %+v", succeeded, next)
		}
	}
	if s := Reset(play(t, RuleOf(nil), "p"), epoch); s.AwaitingFirst {
		t.Error("a passing check counts for nothing after an edit")
	}
}

func TestOverall(t *testing.T) {
	if got := Overall(nil); got != engine.StatusPassing {
		t.Errorf("none failing: %s", got)
	}
	if got := Overall([]engine.FailingCheck{{ID: "a", Severity: engine.StatusWarning, Flapping: false}, {ID: "b", Severity: engine.StatusCritical, Flapping: false}, {ID: "c", Severity: engine.StatusError, Flapping: false}}); got != engine.StatusCritical {
		t.Errorf("the highest: %s", got)
	}
}

// judged is where Judge leads, for a next result.
func judged(rule engine.Rule, old *engine.CheckState, r *engine.Result, now time.Time) *engine.CheckState {
	s := Judge(rule, old, r, now)
	return &s
}
