package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Engine is the monitor. New loads it; between New and Start it answers
// queries and takes commands, but runs and sends nothing.
type Engine struct {
	*State
	*checkService
	*targetService
	*userService
	*rotaService
	*silenceService
	*siteService
	*revisionService
	*incidentService
	*onCallService
	*historyService
	*configService

	outbox    *outbox
	data      *pluginData
	views     *viewDesk
	describer *describer
	usages    map[string]*usage // the writer's, by plugin
	self      selfCheck

	saving  sync.Mutex            // held while a plugin is written
	writing atomic.Pointer[Actor] // who saves a plugin at the moment

	runs     context.Context // ends when runs are to be given up
	endRuns  context.CancelFunc
	stopOnce sync.Once
}

// New builds an engine over a store and loads what the store holds. It blocks
// on the disk.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("build the engine: %w", err)
	}
	s := newState(o)
	e := &Engine{State: s, checkService: &checkService{s}, targetService: &targetService{s}, userService: &userService{s},
		rotaService: &rotaService{s}, silenceService: &silenceService{s}, siteService: &siteService{s}, revisionService: &revisionService{s},
		incidentService: &incidentService{s}, onCallService: &onCallService{State: s}, historyService: &historyService{State: s},
		configService: &configService{State: s, checks: &checkService{s}, targets: &targetService{s}, users: &userService{s}, rotas: &rotaService{s}, silences: &silenceService{s}}, usages: map[string]*usage{}, describer: newDescriber(), views: newViewDesk()}
	e.runs, e.endRuns = context.WithCancel(context.Background())
	e.sched = newScheduler(o.Now, o.RunsInFlight, e.runSlot)
	if o.Crowded != nil {
		e.sched.crowded = o.Crowded
	}
	e.sched.memory = o.Memory
	e.outbox = newOutbox(s)
	e.data = newPluginData(s)
	e.onCallService.duty = newDuty(s)
	s.duty = e.onCallService.duty
	s.hooks = hooks{
		due: func(x *tx, d due) {
			if d.check != "" {
				x.age(d.check)
			} else {
				x.evaluate(d.ref, "")
			}
		},
		deliver:     e.outbox.wake,
		describe:    e.askDescription,
		deleteCheck: e.data.deleteCheck,
		adminMade:   e.welcomeSoon,
	}
	if err := e.load(ctx); err != nil {
		return nil, fmt.Errorf("load the monitor: %w", err)
	}
	if err := e.history.load(ctx, e.store); err != nil {
		return nil, fmt.Errorf("load the monitor: %w", err)
	}
	go e.keep()
	return e, nil
}

// Start begins to run checks and to deliver alerts with the plugins given. It
// blocks until what a stop or crash left half-done is in order.
func (e *Engine) Start(ctx context.Context, plugins Plugins) error {
	e.plugins = plugins
	plugins.OnChange(e.changedPlugin)
	if err := e.onCallService.duty.loadFeeds(ctx); err != nil {
		return fmt.Errorf("read the feeds of rotas: %w", err)
	}
	e.updateRoutes()
	if err := e.goOn(ctx, func(x *tx) error { return x.recoverFromStop() }); err != nil {
		return fmt.Errorf("put the outbox in order: %w", err)
	}
	if err := e.startHistory(ctx); err != nil {
		return err
	}
	e.resumeImports(ctx)
	e.schedule()
	e.outbox.start(e.work)
	e.goLoop(func() { e.sched.loop(e.work) })
	e.goLoop(e.describeLoop)
	e.goLoop(e.houseLoop)
	e.goLoop(func() { e.sealLoop() })
	e.goLoop(e.onCallService.duty.loop)
	e.goLoop(e.heartbeatLoop)
	e.started.Store(true)
	e.noteNeeds()
	for slug := range e.usedPlugins() {
		e.changedPlugin(slug)
	}
	return e.welcome(ctx)
}

// recoverFromStop ends the attempts that a stop or crash interrupted, as
// attempts that may have reached somebody, and reminds of what is due.
func (x *tx) recoverFromStop() error {
	for id, d := range x.t.deliveries {
		if d.UnderWay() {
			x.endAttempt(id, AlertReport{Outcome: OutcomeUnknown, Why: "interrupted by a restart of the monitor", RetryAfter: time.Millisecond})
		}
	}
	awaited := map[string]map[string]bool{}
	for id, in := range x.t.incidents {
		if in.Closed == nil {
			awaited[id] = map[string]bool{}
			for _, f := range in.Failing {
				awaited[id][f.ID] = true
			}
			x.e.remind(due{at: x.now.Add(time.Second), ref: in.Subject})
			x.e.remind(due{at: x.now.Add(holdMost), ref: in.Subject}) // what was held back though no result came
		}
	}
	x.e.hold.begin(awaited, x.now.Add(holdMost))
	for id, s := range x.t.states {
		if c := x.t.checks[id]; c != nil {
			if at, ok := AgeDue(c.rule(), s); ok {
				x.e.remind(due{at: at, check: id})
			}
		}
	}
	x.applyRules()
	return nil
}

// schedule puts all checks on their grids.
func (e *Engine) schedule() {
	e.mu.RLock()
	defer e.mu.RUnlock()
	now := e.now()
	for id, c := range e.tables.checks {
		wait := time.Duration(-1)
		var last time.Time
		if r := e.tables.latest[id]; r != nil {
			last = r.Started
		}
		if missedSlot(c, last, now) {
			wait = firstWait(id, c.every())
		}
		e.sched.set(c, wait)
	}
}

// houseLoop does what is to be done now and then.
func (e *Engine) houseLoop() {
	ticker := time.NewTicker(15 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, c := range e.sched.staleChecks() {
				e.noteStale(c)
			}
			e.endSessions()
		case <-e.work.Done():
			return
		}
	}
}

func (e *Engine) noteStale(c *Check) {
	r := Result{Check: c.ID, Started: e.now().UTC(), Unknown: true, Cause: CauseStale, Error: "no result for too long: no run has ended in time"}
	e.post(func(x *tx) error {
		e.finish(x, c.ID, r, RunReport{}, nil)
		return nil
	})
}

// Stop ends the engine: nothing new begins, runs and deliveries under way get
// StopTime to end, and what they left is stored. It is idempotent.
func (e *Engine) Stop() {
	e.stopOnce.Do(func() {
		e.loopMu.Lock()
		e.endWork()
		e.loopMu.Unlock()
		e.outbox.close()
		e.sched.close()
		ended := make(chan struct{})
		go func() {
			e.loops.Wait()
			e.outbox.wg.Wait()
			e.sched.workers.Wait()
			close(ended)
		}()
		select {
		case <-ended:
			e.endRuns()
		case <-time.After(e.o.StopTime * 8 / 10):
			e.endRuns()
			select {
			case <-ended:
			case <-time.After(e.o.StopTime / 5):
				e.log.Warn("gave up waiting for runs that do not end")
			}
		}
		close(e.quit)
		<-e.stopped
		e.hub.close()
	})
}

// Ready reports why the monitor is not ready to be relied on, nil when it is.
func (e *Engine) Ready() error {
	switch {
	case e.memoryOnly.Load():
		return errors.New("the store refuses writes: the monitor goes on from memory")
	case !e.started.Load():
		return errors.New("the monitor has not started yet")
	case e.isStopping():
		return errStopping
	}
	return nil
}
