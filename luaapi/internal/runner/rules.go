package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"moonwatch/engine"
	"moonwatch/luaapi/internal/loader"
	"moonwatch/luaapi/internal/luaval"
	"moonwatch/luaapi/internal/module"
	"moonwatch/luaapi/internal/vm"
)

// The bounds of one run of a status rule. A machine that is busy with something
// else can use up the time of a rule that is fast: it is given another chance,
// which is harmless, since a rule has no effects.
const (
	ruleTime         = time.Millisecond
	ruleTries        = 3
	ruleInstructions = 100_000
	// ruleString is the longest text, in bytes, that a rule may build: what one
	// instruction can do takes no longer than a rule may.
	ruleString = 64 << 10
	// rulePatience is how long all tries of a rule may take: one instruction may
	// have held up the first for longer than a rule may take.
	rulePatience = 10 * time.Millisecond
	// ruleHold is how long a rule that went beyond its bounds is left alone.
	ruleHold = 10 * time.Second
	// rulesKept is how many bytes of sources are kept compiled.
	rulesKept = 1 << 20
	// ruleFile is what a rule's source is called in its errors.
	ruleFile = "status_rule"
)

// rules runs services' status rules. Its states are its own: a rule waits for no
// plugin's permit.
type rules struct {
	runner *Runner
	pool   *vm.Pool
	check  *lua.LTable // metatable of the checks

	mu       sync.Mutex // guards what follows
	compiled map[string]*rule
	kept     int // bytes of their sources
}

// rule is one compiled source.
type rule struct {
	code *vm.Code
	err  error // why it is none

	mu      sync.Mutex // guards what follows
	until   time.Time  // it is left alone until then
	failure error      // and this is why
}

func newRules(r *Runner) *rules {
	return &rules{
		runner:   r,
		pool:     r.newPool(),
		check:    luaval.Strict("check", []string{"name", "status", "severity", "tags"}),
		compiled: map[string]*rule{},
	}
}

// Check reports why a source is no status rule: it does not compile, or
// returns no function.
func (s *rules) Check(source string) error {
	one := s.compile(source)
	if one.err != nil {
		return one.err
	}
	return s.try(context.Background(), one, func(*lua.LState, *lua.LFunction) error { return nil })
}

// Apply returns the status that a rule gives for checks.
func (s *rules) Apply(ctx context.Context, source string, checks []engine.RuleCheck) (engine.Status, error) {
	one := s.compile(source)
	if one.err != nil {
		return "", one.err
	}
	now := time.Now()
	one.mu.Lock()
	failure, until := one.failure, one.until
	one.mu.Unlock()
	if failure != nil && now.Before(until) {
		return "", failure
	}
	var status engine.Status
	err := s.try(ctx, one, func(L *lua.LState, fn *lua.LFunction) (err error) {
		L.Push(fn)
		L.Push(s.table(checks))
		L.Call(1, 1)
		status, err = ruleStatus(L.Get(-1))
		L.Pop(1)
		return err
	})
	one.mu.Lock()
	one.failure = nil
	if beyond(err) {
		one.failure, one.until = err, now.Add(ruleHold)
	}
	one.mu.Unlock()
	return status, err
}

// errRuleTime says that a rule used up its time.
const errRuleTime vm.LimitError = "stopped: took longer than 1ms"

// beyond reports whether a rule was ended by one of its bounds.
func beyond(err error) bool {
	var limit vm.LimitError
	return errors.As(err, &limit)
}

// compile returns the compiled rule of a source, from the cache if it is there.
func (s *rules) compile(source string) *rule {
	s.mu.Lock()
	one := s.compiled[source]
	s.mu.Unlock()
	if one != nil {
		return one
	}
	one, source = &rule{}, strings.Clone(source)
	if proto, err := loader.CompileFile(ruleFile, source, false); err != nil {
		problem := loader.SourceProblem(ruleFile, err)
		one.err = fmt.Errorf("line %d: %s", max(problem.Line, 1), problem.Message)
	} else {
		// A state serves all rules, so each gets Lua's own libraries afresh; os is not pure.
		one.code = &vm.Code{Main: proto, Libs: []bool{true, true, true, false}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept += len(source) + 100; s.kept > rulesKept {
		clear(s.compiled)
		s.kept = len(source)
	}
	s.compiled[source] = one
	return one
}

// try runs the rule's top level and hands the function that it returns to use,
// again when the time was up.
func (s *rules) try(ctx context.Context, one *rule, use func(*lua.LState, *lua.LFunction) error) (err error) {
	began := time.Now()
	for range ruleTries {
		if err = s.run(ctx, one, use); !errors.Is(err, errRuleTime) || time.Since(began) > rulePatience {
			break
		}
	}
	return err
}

func (s *rules) run(ctx context.Context, one *rule, use func(*lua.LState, *lua.LFunction) error) (failed error) {
	ctx, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	var refused error
	enter := vm.Entered(func(L *lua.LState, top lua.LValue) {
		fn, ok := top.(*lua.LFunction)
		if !ok {
			refused = fmt.Errorf("the rule must return function(checks) … end, and returned %s", luaval.TypeName(top))
			return
		}
		refused = use(L, fn)
	})
	r := &vm.Run{}
	s.runner.Machine.BeginBare(ctx, r, enter, one.code, s.pool, ruleInstructions, ruleString, s.environment)
	defer r.Contain(func() { failed = vm.ErrInternal })
	err := r.Execute()
	if errors.Is(err, context.DeadlineExceeded) {
		err = errRuleTime
	}
	if err == nil {
		err = refused
	}
	r.End(s.pool, err == nil)
	var plain *vm.PluginError
	if errors.As(err, &plain) {
		return errors.New(r.Call.Clean(plain.Text, vm.MaxError))
	}
	return err
}

// environment is a run's globals without what is not pure.
func (s *rules) environment(st *vm.State, libs []bool) *lua.LTable {
	env := st.Environment(libs)
	for _, name := range []string{"require", "print"} {
		env.RawSetString(name, notInRules(name))
	}
	if math, ok := st.Libs.RawGetString("math").(*lua.LTable); ok {
		math.RawSetString("random", notInRules("math.random"))
		math.RawSetString("randomseed", notInRules("math.randomseed"))
	}
	return env
}

func notInRules(name string) *lua.LFunction {
	return luaval.GoFunction(func(L *lua.LState) int {
		L.RaiseError("%s cannot be called in a status rule", name)
		return 0
	})
}

// table is a fresh table of checks.
func (s *rules) table(checks []engine.RuleCheck) *lua.LTable {
	list := luaval.NewTable()
	for i := range checks {
		c := &checks[i]
		t := luaval.NewRecord(4)
		t.RawSetString("name", lua.LString(c.Name))
		t.RawSetString("status", lua.LString(c.Status))
		t.RawSetString("severity", lua.LString(c.Severity))
		t.RawSetString("tags", module.TextTable(c.Tags))
		t.Metatable = s.check
		list.Append(t)
	}
	return list
}

// ruleStatus reads what a rule returned.
func ruleStatus(v lua.LValue) (engine.Status, error) {
	text, _ := v.(lua.LString)
	status := engine.Status(text)
	if status == engine.StatusPassing || status.IsSeverity() {
		return status, nil
	}
	got := luaval.TypeName(v)
	if v.Type() == lua.LTString {
		got = fmt.Sprintf("%q", luaval.KeyText(v))
	}
	return "", fmt.Errorf(`the rule returned %s: return "PASSING", "WARNING", "ERROR" or "CRITICAL"`, got)
}
