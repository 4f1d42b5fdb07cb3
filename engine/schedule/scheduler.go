package schedule

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"moonwatch/engine"
)

// Scheduler decides when checks run. Slots lie on an absolute grid with a phase
// of the check's own; between slots it sleeps on monotonic time, so that a wall
// clock that jumps neither loses nor doubles more than the slot at hand.
type Scheduler struct {
	now func() time.Time
	run func(*Slot) // called for each turn, on a goroutine of the pool

	Mu             sync.Mutex
	Entries        map[string]*entry
	queue          entryHeap
	wakeup         chan struct{}
	Limit          int // runs in flight
	InFlight       int
	wakes          time.Time         // when the next turn is meant to come
	spare          int               // runs that this turn may still start
	light          int               // light ones that it may start beyond them
	beyond         int               // of the runs in flight, how many began so
	Overloaded     func() bool       // whether runs begun now would only wait: for connections, processors or the store
	plugins        map[string]*share // by slug
	ready          []string          // slugs with waiting runs, in turn
	Memory         engine.Memory     // nil: nobody knows
	claimed        uint64            // bytes that the runs in flight are likely to hold
	heavy          int               // of those runs, how many are likely to hold more than a light one
	AwaitingMemory []*Slot           // runs for which there was no memory, the longest waiting first
	idle           chan *Slot
	done           chan struct{} // closed by close: idle workers leave
	Workers        sync.WaitGroup
	closed         bool

	Skipped atomic.Int64 // slots that found the run before under way, or got no turn
	Started atomic.Int64
	Lag     lagMeter
}

// entry is a scheduled check.
type entry struct {
	check   *engine.Check
	due     time.Time
	index   int // in the queue, -1 when not in it
	running *Slot
	// again is a run asked for by an edit while one was under way.
	again   bool
	lastEnd time.Time // of the last run, or when it was scheduled first
	heard   time.Time // since when nothing that the check waits for can have been missed
	stale   bool      // staleness was reported since
}

// Slot is one turn of a check.
type Slot struct {
	Check   *engine.Check
	Planned time.Time // when it was due
	expires time.Time // no turn by then: skipped
	begun   time.Time // when it got its turn; zero while it waits
	entry   *entry
	memory  uint64 // bytes that it is likely to hold
	beyond  bool   // it began beyond what its turn started of any kind
	waiters []chan *engine.Result
}

// share is what one plugin has of the runs in flight.
type share struct {
	inFlight int
	waiting  []*Slot
}

const (
	// tick is how finely turns are given: due runs within it start together, which
	// saves waking the process for each of them.
	tick = 2 * time.Millisecond
	// burst is how many runs one turn starts at most: 128,000 a second.
	burst = 256
	// late is the delay of a turn that says that the processors have more to do
	// than they can. Runs begun then would only make those under way slower, and
	// more and more of them larger than the memory: as a rule one begins when one
	// has ended, and what gets no turn by its deadline is skipped.
	late = 10 * time.Millisecond
	// lateBurst is what a late turn starts all the same: it may be others that
	// keep the processors busy, and what is under way may wait for dead targets.
	lateBurst = 4
	// crowdBurst is what a turn starts while hundreds of runs wait for connections
	// of busy hosts: five hundred a second, since others may be for idle hosts.
	crowdBurst = 1
)

func New(now func() time.Time, limit int, run func(*Slot)) *Scheduler {
	return &Scheduler{now: now, run: run, Entries: map[string]*entry{}, wakeup: make(chan struct{}, 1), Limit: limit,
		Overloaded: func() bool { return false }, plugins: map[string]*share{}, idle: make(chan *Slot), done: make(chan struct{})}
}

// Set schedules a check, or takes over its edit. When wait is negative it keeps
// to the grid; else its next run is after wait.
func (s *Scheduler) Set(c *engine.Check, wait time.Duration) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	e := s.Entries[c.ID]
	if !c.Active {
		s.drop(e)
		return
	}
	now := s.now()
	if e == nil {
		e = &entry{index: -1, lastEnd: now, heard: now}
		s.Entries[c.ID] = e
	}
	e.check = c
	s.share(c.Plugin)
	if wait >= 0 && e.running != nil {
		e.again = true
		wait = -1
	}
	if wait < 0 {
		s.enqueue(e, After(c, now))
		return
	}
	s.enqueue(e, now.Add(wait))
}

func (s *Scheduler) Remove(id string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.drop(s.Entries[id])
}

func (s *Scheduler) drop(e *entry) {
	if e == nil {
		return
	}
	if e.index >= 0 {
		heap.Remove(&s.queue, e.index)
	}
	delete(s.Entries, e.check.ID)
}

// RunNow asks for a run at once; a run under way is joined. The channel gets
// the result once it is stored, or nil when the run left none.
func (s *Scheduler) RunNow(c *engine.Check) <-chan *engine.Result {
	done := make(chan *engine.Result, 1)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	e := s.Entries[c.ID]
	if e == nil { // an inactive check may be run by hand
		e = &entry{check: c, index: -1, lastEnd: s.now()}
	}
	if e.running == nil {
		s.launch(e, s.now(), true)
	}
	if e.running == nil { // the scheduler is closed
		done <- nil
		return done
	}
	e.running.waiters = append(e.running.waiters, done)
	if len(s.ready)+len(s.AwaitingMemory) > 0 { // it may wait: the loop ends that at the deadline
		s.ring()
	}
	return done
}

// Hasten brings the next run of a check forward.
func (s *Scheduler) Hasten(id string, at time.Time) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if e := s.Entries[id]; e != nil && e.index >= 0 && at.Before(e.due) {
		s.enqueue(e, at)
	}
}

// HeardSince returns since when the check is watched without a break, zero for one
// that is not scheduled.
func (s *Scheduler) HeardSince(id string) time.Time {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if e := s.Entries[id]; e != nil {
		return e.heard
	}
	return time.Time{}
}

// Deaf notes that the check could not be watched until now.
func (s *Scheduler) Deaf(id string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if e := s.Entries[id]; e != nil {
		e.heard = s.now()
	}
}

// Next returns when a check runs next.
func (s *Scheduler) Next(id string) (time.Time, bool) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if e := s.Entries[id]; e != nil && e.index >= 0 {
		return e.due, true
	}
	return time.Time{}, false
}

func (s *Scheduler) enqueue(e *entry, at time.Time) {
	e.due = at
	if e.index >= 0 {
		heap.Fix(&s.queue, e.index)
	} else {
		heap.Push(&s.queue, e)
	}
	if s.queue[0] == e {
		s.ring()
	}
}

// ring wakes the loop.
func (s *Scheduler) ring() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

// Loop gives turns until ctx ends.
func (s *Scheduler) Loop(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.turn())
		select {
		case <-timer.C:
		case <-s.wakeup:
		case <-ctx.Done():
			return
		}
	}
}

// turn launches what is due and returns how long to sleep.
func (s *Scheduler) turn() time.Duration {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	now := s.now()
	s.spare, s.light = burst, lightBurst
	if s.Overloaded() {
		s.spare = crowdBurst
	} else if !s.wakes.IsZero() && now.Sub(s.wakes) > late {
		s.spare = lateBurst
	}
	s.expire(now)
	s.admit(s.spare)
	s.feed(now)
	for len(s.queue) > 0 && !s.queue[0].due.After(now) {
		e := s.queue[0]
		planned := e.due
		e.due = After(e.check, now)
		heap.Fix(&s.queue, 0)
		if e.running != nil {
			s.Skipped.Add(1)
			continue
		}
		s.launch(e, planned, s.spare > 0)
	}
	sleep := time.Hour
	if len(s.ready) > 0 {
		sleep = tick
	} else if len(s.queue) > 0 {
		sleep = max(s.queue[0].due.Sub(now), tick)
	}
	if len(s.AwaitingMemory) > 0 {
		sleep = min(sleep, hungryWait)
	}
	s.wakes = now.Add(sleep)
	return sleep
}

// launch gives a run its turn when any may begin at once, or it is a light one that
// may, else lets it wait for one. The lock is held.
func (s *Scheduler) launch(e *entry, planned time.Time, atOnce bool) {
	if s.closed {
		return
	}
	t := &Slot{Check: e.check, Planned: planned, expires: planned.Add(e.check.Timeout.Std()), entry: e}
	e.running = t
	p := s.share(e.check.Plugin)
	light := false
	if s.Memory != nil {
		t.memory, light = s.Memory.Expected(e.check)
	}
	beyond := !atOnce && light && s.light > 0 && s.beyond < maxBeyond
	if !s.room(t.memory) {
		s.AwaitingMemory = append(s.AwaitingMemory, t)
		return
	}
	if (atOnce || beyond) && s.InFlight < s.Limit && (p.inFlight < s.fair() || len(s.ready) == 0 && s.open(p)) {
		if beyond {
			t.beyond = true
			s.light--
			s.beyond++
		}
		s.start(p, t)
		return
	}
	if len(p.waiting) == 0 {
		s.ready = append(s.ready, e.check.Plugin)
	}
	p.waiting = append(p.waiting, t)
}

// share returns what a plugin has of the runs in flight.
func (s *Scheduler) share(slug string) *share {
	p := s.plugins[slug]
	if p == nil {
		p = &share{}
		s.plugins[slug] = p
	}
	return p
}

// fair is the share of the runs in flight that a plugin always has.
func (s *Scheduler) fair() int {
	return max(s.Limit/max(len(s.plugins), 1), 1)
}

// open reports whether a plugin may have one more run in flight. Beyond its fair
// share it leaves a quarter of them to the others, however many of its own wait.
func (s *Scheduler) open(p *share) bool {
	return p.inFlight < s.fair() || s.InFlight < s.Limit*3/4
}

func (s *Scheduler) start(p *share, t *Slot) {
	t.begun = s.now()
	s.InFlight++
	s.claim(t.memory)
	s.spare--
	p.inFlight++
	s.Started.Add(1)
	select {
	case s.idle <- t:
	default:
		s.Workers.Add(1)
		go s.worker(t)
	}
}

// worker makes runs, one after the other, and leaves when there were none for a while.
func (s *Scheduler) worker(t *Slot) {
	defer s.Workers.Done()
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	for {
		s.run(t)
		timer.Reset(workerIdle)
		select {
		case t = <-s.idle:
		case <-timer.C:
			return
		case <-s.done:
			return
		}
	}
}

const workerIdle = time.Second

// Settle lets the check of a run that has ended run again, and returns who waits for
// the result. The run stays in flight until Release.
func (s *Scheduler) Settle(t *Slot) []chan *engine.Result {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	e := t.entry
	e.running, e.stale = nil, false
	e.lastEnd = s.now()
	if e.again && s.Entries[e.check.ID] == e {
		e.again = false
		s.enqueue(e, s.now())
	}
	return t.waiters
}

// Release ends the flight of a run whose result is handed over: its place goes to the
// next that waits. Were it to go before, runs would begin at the pace of the plugins
// and not at that of the store, and all that the store cannot take would pile up.
func (s *Scheduler) Release(t *Slot) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.InFlight--
	s.unclaim(t.memory)
	if t.beyond {
		s.beyond--
	}
	s.plugins[t.Check.Plugin].inFlight--
	s.expire(s.now())
	if !s.Overloaded() { // else the runs that wait for connections become fewer first
		s.admit(1)
	}
}

// admit starts up to n of the runs that wait, the plugins in turn.
func (s *Scheduler) admit(n int) {
	now := s.now()
	for passed := 0; n > 0 && s.InFlight < s.Limit && passed < len(s.ready); {
		slug := s.ready[0]
		s.ready = s.ready[1:]
		p := s.plugins[slug]
		if !s.open(p) {
			s.ready = append(s.ready, slug)
			passed++
			continue
		}
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		if len(p.waiting) > 0 {
			s.ready = append(s.ready, slug)
		}
		if passed = 0; !now.Before(next.expires) { // it waited behind one with a longer timeout
			s.skip(next)
			continue
		}
		if !s.room(next.memory) {
			s.AwaitingMemory = append(s.AwaitingMemory, next)
			continue
		}
		s.start(p, next)
		n--
	}
}

// expire drops waiting runs that got no turn before their deadline.
func (s *Scheduler) expire(now time.Time) {
	for i := 0; i < len(s.ready); i++ {
		p := s.plugins[s.ready[i]]
		for len(p.waiting) > 0 && !now.Before(p.waiting[0].expires) {
			s.skip(p.waiting[0])
			p.waiting = p.waiting[1:]
		}
		if len(p.waiting) == 0 {
			s.ready = append(s.ready[:i], s.ready[i+1:]...)
			i--
		}
	}
}

// skip gives up a run that got no turn: it is counted, and leaves no result.
func (s *Scheduler) skip(t *Slot) {
	s.Skipped.Add(1)
	t.entry.running = nil
	for _, w := range t.waiters {
		w <- nil
	}
}

// Close lets no further run begin.
func (s *Scheduler) Close() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.closed = true
	close(s.done)
	s.queue = nil
	for _, e := range s.Entries {
		e.index = -1
	}
}
