package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what an engine is built from.
type Options struct {
	Store  Store
	Sealer Sealer // seals secrets; the engine itself never opens one
	Logger *slog.Logger
	// SelfURL is the address that the monitor answers on, without a trailing
	// slash: links in alerts begin with it while no public URL is set, and the
	// first service checks it.
	SelfURL string
	// RunsInFlight bounds the runs under way at once, waiting ones included.
	RunsInFlight int
	// Prober reaches the self-check target; nil: never offline.
	Prober Prober
	// Crowded reports whether so many runs wait for a connection that those begun
	// now would only wait, too; nil: never. It is called hundreds of times a second
	// and must not block.
	Crowded func() bool
	// Memory tells what runs take; nil: they are begun whatever they take.
	Memory Memory
	// Fetcher reads the feeds of rotas and the outbound heartbeat; nil: neither is done.
	Fetcher Fetcher
	// NoEditing keeps plugins from being written through the monitor.
	NoEditing bool
	// Now is the clock.
	Now func() time.Time
	// Random gives the random part of ids; nil is the system's. It must be
	// safe for concurrent use.
	Random io.Reader
	// StopTime is how long Stop waits for runs and deliveries under way.
	StopTime time.Duration
}

// Prober tries to reach a target ("host:port" or a URL). It may block until ctx ends.
type Prober interface {
	Probe(ctx context.Context, target string) error
}

// Memory knows how much memory the runs of checks take. Its methods are called
// for each run that is to begin and must not block.
type Memory interface {
	// RunMemory is how many bytes all runs under way hold, and how many they may.
	RunMemory() (held, most uint64)
	// ExpectedMemory is how many bytes a run of a check is likely to hold.
	ExpectedMemory(c *Check) uint64
	// LightCheck reports whether the last run of a check did little work and held
	// little, with the plugin as it is now.
	LightCheck(c *Check) bool
}

// DefaultOptions returns options that want a Store and a Sealer.
func DefaultOptions() Options {
	return Options{Logger: slog.Default(), RunsInFlight: 20_000, Now: time.Now, StopTime: 10 * time.Second}
}

func (o *Options) validate() error {
	var errs []error
	if o.Store == nil {
		errs = append(errs, errors.New("Store is missing"))
	}
	if o.Sealer == nil {
		errs = append(errs, errors.New("Sealer is missing"))
	}
	if o.RunsInFlight < 1 {
		errs = append(errs, errors.New("RunsInFlight must be at least 1"))
	}
	if o.Now == nil {
		errs = append(errs, errors.New("Now is missing"))
	}
	return errors.Join(errs...)
}

// Engine is the monitor. New loads it; between New and Start it answers
// queries and takes commands, but runs and sends nothing.
type Engine struct {
	o        Options
	store    Store
	log      *slog.Logger
	now      func() time.Time
	ids      ids
	eventIDs ids

	mu     sync.RWMutex // guards tables; only the keeper writes
	tables *tables

	ops        chan op
	quit       chan struct{}
	stopped    chan struct{}
	stopOnce   sync.Once
	dues       dues     // keeper's
	backlog    *backlog // keeper's
	retryStore time.Time
	batches    uint64 // keeper's: batches so far
	grouped    int    // keeper's: ops in the last batch
	memoryOnly atomic.Bool
	usages     map[string]*usage // keeper's, by plugin
	needsMu    sync.Mutex
	needsNoted map[string]string // guarded by needsMu: what noteNeeds logged last, by plugin

	sched   *scheduler
	outbox  *outbox
	hub     *hub
	self    selfCheck
	duty    *duty
	plugins Plugins
	routes  atomic.Pointer[map[string]PluginRoute]
	hold    holdback
	history history
	data    *pluginData
	saving  sync.Mutex            // held while a plugin is written
	writing atomic.Pointer[Actor] // who saves a plugin at the moment
	views   *viewDesk

	runs      context.Context // ends when runs are to be given up
	endRuns   context.CancelFunc
	work      context.Context // ends when nothing new is to begin
	endWork   context.CancelFunc
	loopMu    sync.Mutex // makes goLoop and Stop take turns
	loops     sync.WaitGroup
	started   atomic.Bool
	marked    atomic.Bool // the first service was made, or is not to be
	startAt   time.Time
	describer *describer
	importing sync.Mutex // imports take turns

	sealMu    sync.Mutex    // guards sealQueue
	sealQueue []string      // plugins whose stored values are to be looked through for plain secrets
	sealBell  chan struct{} // holds one while the queue is not empty
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
	e := &Engine{o: o, store: o.Store, log: o.Logger, now: o.Now, tables: newTables(), ops: make(chan op, 8192),
		quit: make(chan struct{}), stopped: make(chan struct{}), usages: map[string]*usage{}, describer: newDescriber(), sealBell: make(chan struct{}, 1)}
	e.ids.from, e.eventIDs.from = o.Random, o.Random
	if o.Random == nil {
		e.ids.from, e.eventIDs.from = rand.Reader, rand.Reader
	}
	e.startAt = e.now()
	e.runs, e.endRuns = context.WithCancel(context.Background())
	e.work, e.endWork = context.WithCancel(context.Background())
	e.sched = newScheduler(o.Now, o.RunsInFlight, e.runSlot)
	if o.Crowded != nil {
		e.sched.crowded = o.Crowded
	}
	e.sched.memory = o.Memory
	e.outbox = newOutbox(e)
	e.hub = newHub(uint64(e.startAt.UnixMicro()))
	e.data = newPluginData(e)
	e.views = newViewDesk()
	e.duty = newDuty(e)
	e.routes.Store(&map[string]PluginRoute{})
	if err := e.load(ctx); err != nil {
		return nil, fmt.Errorf("load the monitor: %w", err)
	}
	go e.keep()
	return e, nil
}

// load reads configuration and state into memory.
func (e *Engine) load(ctx context.Context) error {
	t := e.tables
	x := e.begin(e.now())
	err := errors.Join(
		load(ctx, e, KindService, &x.services, ""), load(ctx, e, KindInstance, &x.instances, ""), load(ctx, e, KindCheck, &x.checks, ""),
		load(ctx, e, KindUser, &x.users, ""), load(ctx, e, KindToken, &x.tokens, ""), load(ctx, e, KindSettings, &x.settings, ""),
		load(ctx, e, KindPluginSettings, &x.plugins, ""), load(ctx, e, KindCheckState, &x.states, ""),
		load(ctx, e, KindSubjectState, &x.subjects, ""), load(ctx, e, KindIncident, &x.incidents, "open"),
		load(ctx, e, KindDelivery, &x.deliveries, "active"), load(ctx, e, KindSession, &x.sessions, ""),
		load(ctx, e, KindBreaker, &x.breakers, ""), load(ctx, e, KindSilence, &x.silences, ""), load(ctx, e, KindRota, &x.rotas, ""),
		load(ctx, e, KindContact, &x.contacts, ""))
	if err != nil {
		return err
	}
	for _, d := range x.deliveries.puts { // closed incidents with deliveries to make
		if d.Incident != "" && x.incidents.get(d.Incident) == nil {
			r, err := e.store.Get(ctx, KindIncident, d.Incident)
			if err != nil {
				return fmt.Errorf("read the incident of delivery %s: %w", d.ID, err)
			}
			in := new(Incident)
			if err := json.Unmarshal(r.Data, in); err != nil {
				return fmt.Errorf("read incident %s: %w", r.ID, err)
			}
			x.incidents.put(in.ID, in)
		}
	}
	x.merge()
	if err := e.history.load(ctx, e.store); err != nil {
		return err
	}
	switch _, err := e.store.Get(ctx, KindMark, welcomeMark); {
	case err == nil:
		e.marked.Store(true)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return e.store.LatestResults(ctx, func(r *Result) bool {
		if t.checks[r.Check] != nil {
			c := *r
			t.latest[r.Check] = &c
			if s := t.states[r.Check]; s != nil && s.Seq < r.Seq {
				s.Seq = r.Seq
			}
		}
		return true
	})
}

func load[T any](ctx context.Context, e *Engine, kind Kind, l *layer[T], term string) error {
	var bad error
	err := e.store.Scan(ctx, kind, Query{Term: term}, func(r Record) bool {
		v := new(T)
		if bad = json.Unmarshal(r.Data, v); bad != nil {
			bad = fmt.Errorf("read %s %s: %w", kind, r.ID, bad)
			return false
		}
		l.put(r.ID, v)
		return true
	})
	return errors.Join(err, bad)
}

// Start begins to run checks and to deliver alerts with the plugins given. It
// blocks until what a stop or crash left half-done is in order.
func (e *Engine) Start(ctx context.Context, plugins Plugins) error {
	e.plugins = plugins
	plugins.OnChange(e.changedPlugin)
	if err := e.duty.loadFeeds(ctx); err != nil {
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
	e.goLoop(e.sealLoop)
	e.goLoop(e.duty.loop)
	e.goLoop(e.heartbeatLoop)
	e.started.Store(true)
	e.noteNeeds()
	for slug := range e.usedPlugins() {
		e.changedPlugin(slug)
	}
	return e.welcome(ctx)
}

// goLoop runs fn on a goroutine that Stop waits for; once the engine stops it
// does nothing.
func (e *Engine) goLoop(fn func()) {
	e.loopMu.Lock()
	defer e.loopMu.Unlock()
	if e.isStopping() {
		return
	}
	e.loops.Add(1)
	go func() {
		defer e.loops.Done()
		fn()
	}()
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
		x.finish(c.ID, r, RunReport{}, nil)
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

func (e *Engine) isStopping() bool { return e.work.Err() != nil }

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

func stack() string { return string(debug.Stack()) }
