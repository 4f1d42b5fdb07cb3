package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/config/importer"
	"moonwatch/engine/edit"
	"moonwatch/engine/history"
	"moonwatch/engine/judge"
	"moonwatch/engine/oncall"
	"moonwatch/engine/plugindata"
	"moonwatch/engine/schedule"
	"moonwatch/engine/state"
)

// Monitor is the monitor. New loads it; between New and Start it answers
// queries and takes commands, but runs and sends nothing.
type Monitor struct {
	*state.State
	Checks    *edit.Checks
	Targets   *edit.Targets
	Users     *edit.Users
	Tokens    *edit.Tokens
	Sessions  *edit.Sessions
	Rotas     *edit.Rotas
	Silences  *edit.Silences
	Site      *edit.Site
	Revisions *edit.Revisions
	Incidents *alert.Incidents
	OnCall    *oncall.Service
	History   *history.History
	Config    *importer.Config
	Plugins   *Plugins

	outbox    *alert.Outbox
	describer *describer
	usages    map[string]*usage // the writer's, by plugin
	self      selfCheck

	runs     context.Context // ends when runs are to be given up
	endRuns  context.CancelFunc
	stopOnce sync.Once
}

// New builds an engine over a store and loads what the store holds. It blocks
// on the disk.
func New(ctx context.Context, o engine.Options) (*Monitor, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("build the engine: %w", err)
	}
	s := state.New(o)
	e := &Monitor{
		State:     s,
		Checks:    &edit.Checks{State: s},
		Targets:   &edit.Targets{State: s},
		Users:     &edit.Users{State: s},
		Tokens:    &edit.Tokens{State: s},
		Sessions:  &edit.Sessions{State: s},
		Rotas:     &edit.Rotas{State: s},
		Silences:  &edit.Silences{State: s},
		Site:      &edit.Site{State: s},
		Revisions: &edit.Revisions{State: s},
		Incidents: &alert.Incidents{State: s},
		OnCall:    &oncall.Service{State: s},
		History:   &history.History{State: s},
		usages:    map[string]*usage{},
		describer: newDescriber(),
	}
	e.Config = &importer.Config{State: s, Checks: e.Checks, Targets: e.Targets, Users: e.Users, Rotas: e.Rotas, Silences: e.Silences}
	e.runs, e.endRuns = context.WithCancel(context.Background())
	e.Sched = schedule.New(o.Now, o.RunsInFlight, e.runSlot)
	e.Sched.Overloaded = func() bool { return s.Crowded() || o.Overloaded != nil && o.Overloaded() }
	e.Sched.Memory = o.Memory
	e.outbox = alert.NewOutbox(s)
	e.Plugins = &Plugins{State: s, m: e, data: plugindata.New(s), views: newViewDispatcher()}
	e.OnCall.Duty = oncall.NewDuty(s)
	s.Duty = e.OnCall.Duty
	s.Hooks = state.Hooks{
		Due: func(x *state.Tx, d state.Timer) {
			if d.Check != "" {
				alert.AgeCheck(x, d.Check)
			} else {
				alert.Evaluate(x, d.Ref, "")
			}
		},
		Deliver:     e.outbox.Wake,
		Describe:    e.askDescription,
		DeleteCheck: e.Plugins.data.DeleteCheck,
		AdminMade:   e.welcomeSoon,
	}
	if err := e.Load(ctx); err != nil {
		return nil, fmt.Errorf("load the monitor: %w", err)
	}
	if err := e.History.Progress.Load(ctx, e.Store); err != nil {
		return nil, fmt.Errorf("load the monitor: %w", err)
	}
	go e.Run()
	return e, nil
}

// Start begins to run checks and to deliver alerts with the plugins given. It
// blocks until what a stop or crash left half-done is in order.
func (m *Monitor) Start(ctx context.Context, plugins engine.Plugins) error {
	m.Registry = plugins
	plugins.OnChange(m.changedPlugin)
	if err := m.OnCall.Duty.LoadFeeds(ctx); err != nil {
		return fmt.Errorf("read the feeds of rotas: %w", err)
	}
	m.Routes.Update(m.Registry)
	if err := m.Proceed(ctx, func(x *state.Tx) error { return recoverFromStop(x) }); err != nil {
		return fmt.Errorf("put the outbox in order: %w", err)
	}
	if err := m.History.Start(ctx); err != nil {
		return err
	}
	m.Config.ResumeImports(ctx)
	m.schedule()
	m.outbox.Start(m.Work)
	m.GoLoop(func() { m.Sched.Loop(m.Work) })
	m.GoLoop(m.describeLoop)
	m.GoLoop(m.expiryLoop)
	m.GoLoop(func() { edit.SealLoop(m.State) })
	m.GoLoop(m.OnCall.Duty.Loop)
	m.GoLoop(m.heartbeatLoop)
	m.Started.Store(true)
	alert.NoteNeeds(m.State)
	for slug := range m.usedPlugins() {
		m.changedPlugin(slug)
	}
	return m.welcome(ctx)
}

// recoverFromStop ends the attempts that a stop or crash interrupted, as
// attempts that may have reached somebody, and reminds of what is due.
func recoverFromStop(x *state.Tx) error {
	for id, d := range x.Tables.Deliveries {
		if d.UnderWay() {
			alert.EndAttempt(x, id, engine.AlertReport{
				Outcome:    engine.OutcomeUnknown,
				Why:        "interrupted by a restart of the monitor",
				RetryAfter: time.Millisecond,
			})
		}
	}
	awaited := map[string]map[string]bool{}
	for id, in := range x.Tables.Incidents {
		if in.Closed == nil {
			awaited[id] = map[string]bool{}
			for _, f := range in.Failing {
				awaited[id][f.ID] = true
			}
			x.State.WakeAt(state.Timer{At: x.Now.Add(time.Second), Ref: in.Subject})
			x.State.WakeAt(state.Timer{At: x.Now.Add(state.MaxGrace), Ref: in.Subject}) // what was held back though no result came
		}
	}
	x.State.Grace.Begin(awaited, x.Now.Add(state.MaxGrace))
	for id, s := range x.Tables.States {
		if c := x.Tables.Checks[id]; c != nil {
			if at, ok := judge.AgeDue(schedule.RuleOf(c, x.Now), s); ok {
				x.State.WakeAt(state.Timer{At: at, Check: id})
			}
		}
	}
	alert.ApplyRules(x)
	return nil
}

// schedule puts all checks on their grids.
func (m *Monitor) schedule() {
	m.Mu.RLock()
	defer m.Mu.RUnlock()
	now := m.Now()
	for id, c := range m.Tables.Checks {
		wait := time.Duration(-1)
		var last time.Time
		if r := m.Tables.Latest[id]; r != nil {
			last = r.Started
		}
		if schedule.MissedSlot(c, last, now) {
			wait = schedule.FirstWait(id, schedule.Every(c, now))
		}
		m.Sched.Set(c, wait)
	}
}

// expiryLoop does what is to be done now and then.
func (m *Monitor) expiryLoop() {
	ticker := time.NewTicker(15 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range m.Sched.StaleChecks() {
				m.noteStale(c)
			}
			edit.EndSessions(m.State)
		case <-m.Work.Done():
			return
		}
	}
}

func (m *Monitor) noteStale(c *engine.Check) {
	r := &engine.Result{
		Check:   c.ID,
		Started: m.Now().UTC(),
		Unknown: true,
		Cause:   engine.CauseStale,
		Error:   "no result for too long: no run has ended in time",
	}
	m.Enqueue(func(x *state.Tx) error {
		m.finish(x, r, false, false, nil)
		return nil
	})
}

// Stop ends the engine: nothing new begins, runs and deliveries under way get
// StopTime to end, and what they left is stored. It is idempotent.
func (m *Monitor) Stop() {
	m.stopOnce.Do(func() {
		m.LoopMu.Lock()
		m.EndWork()
		m.LoopMu.Unlock()
		m.outbox.Close()
		m.Sched.Close()
		ended := make(chan struct{})
		go func() {
			m.Loops.Wait()
			m.outbox.Workers.Wait()
			m.Sched.Workers.Wait()
			close(ended)
		}()
		select {
		case <-ended:
			m.endRuns()
		case <-time.After(m.Options.StopTime * 8 / 10):
			m.endRuns()
			select {
			case <-ended:
			case <-time.After(m.Options.StopTime / 5):
				m.Log.Warn("gave up waiting for runs that do not end")
			}
		}
		close(m.Quit)
		<-m.Stopped
		m.Hub.Close()
	})
}

// Ready reports why the monitor is not ready to be relied on, nil when it is.
func (m *Monitor) Ready() error {
	switch {
	case m.MemoryOnly.Load():
		return errors.New("the store refuses writes: the monitor goes on from memory")
	case !m.Started.Load():
		return errors.New("the monitor has not started yet")
	case m.Stopping():
		return state.ErrStopping
	}
	return nil
}
