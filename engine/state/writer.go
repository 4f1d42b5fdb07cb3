package state

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"moonwatch/engine"
)

// command is one thing for the writer to do. The changes of one that returns an error
// are forgotten. do may be called a second time, over the state as it was, when the
// store refused the group that it stood in.
type command struct {
	by     engine.Actor
	do     func(*Tx) error
	done   chan error // nil: nobody waits
	simple bool       // do never fails half-way: it needs no transaction of its own
	kept   keptWhen
}

// keptWhen says what becomes of a command while the store refuses writes.
type keptWhen int

const (
	whenDurable keptWhen = iota // it is refused, and nothing of it is kept
	observed                    // it is kept in memory, and who waits is told that it is not durable
	anyway                      // it is kept in memory: the monitor's own doings
)

// writer is the one goroutine that changes the state.
type writer struct {
	*State
	backlog    *backlog // what the store refused; nil while it takes all
	retryStore time.Time
	batches    uint64 // so far
	hold       *time.Timer
	done       []command // of the batch under way
	results    int       // of the last batch
}

// Run is the writer: it returns when the state is stopped. It runs once.
func (st *State) Run() { st.writer.run() }

const (
	maxBatch     = 1024                   // commands in one batch
	maxHold      = 100 * time.Millisecond // how long results that move nothing wait for more
	maxBatchText = 16 << 20               // bytes of results' texts after which a batch takes no further command
	maxRefused   = 10 * time.Second       // how long the store may refuse before the monitor goes on from memory
)

var (
	ErrStopping = errors.New("the monitor is stopping")
	// errRefused answers who asked for a change that could not be made durable.
	errRefused = &engine.Error{Kind: engine.Unavailable, Message: "the store does not accept writes: nothing was changed"}
	// errObserved answers who brought an observation that could not be made durable.
	errObserved = &engine.Error{Kind: engine.Unavailable, Message: "the store does not accept writes: this is known, but not durable"}
)

// Submit hands fn to the writer and waits until its changes are durable. When they
// cannot be made durable, nothing of them is kept, and the error is Unavailable.
func (st *State) Submit(ctx context.Context, by engine.Actor, fn func(*Tx) error) error {
	return st.ask(ctx, command{by: by, do: fn})
}

// Observe is Submit for what happened whether it can be stored or not, as a ping:
// while the store refuses, it is kept in memory, and the error is Unavailable.
func (st *State) Observe(ctx context.Context, fn func(*Tx) error) error {
	return st.ask(ctx, command{by: engine.System, do: fn, kept: observed})
}

// Proceed is Submit for the monitor's own doings, which go on from memory while the
// store refuses.
func (st *State) Proceed(ctx context.Context, fn func(*Tx) error) error {
	return st.ask(ctx, command{by: engine.System, do: fn, kept: anyway})
}

func (st *State) ask(ctx context.Context, o command) error {
	o.done = make(chan error, 1)
	select {
	case st.Asked <- o:
	case <-ctx.Done():
		return &engine.Error{Kind: engine.Unavailable, Message: "the monitor is busy: " + ctx.Err().Error()}
	case <-st.Stopped:
		return &engine.Error{Kind: engine.Unavailable, Message: ErrStopping.Error()}
	}
	select {
	case err := <-o.done:
		return err
	case <-st.Stopped:
		select {
		case err := <-o.done:
			return err
		default:
			return &engine.Error{Kind: engine.Unavailable, Message: ErrStopping.Error()}
		}
	}
}

// Enqueue hands fn to the writer without waiting for it, behind what somebody waits
// for. It blocks while the writer's queue is full. fn must not fail half-way.
func (st *State) Enqueue(fn func(*Tx) error) {
	select {
	case st.Commands <- command{by: engine.System, do: fn, simple: true, kept: anyway}:
	case <-st.Stopped:
	}
}

// Crowded reports whether results come faster than the store takes them: the writer's
// queue is half full. It does not block.
func (st *State) Crowded() bool { return len(st.Commands) > cap(st.Commands)/2 }

// EnqueueLater is Enqueue for callers that must not wait for the writer. The writer
// itself is one: it would wait for ever once its queue is full.
func (st *State) EnqueueLater(fn func(*Tx) error) { st.GoLoop(func() { st.Enqueue(fn) }) }

// run takes commands in groups, and makes each group durable before it becomes
// visible.
func (w *writer) run() {
	defer close(w.Stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	w.hold = time.NewTimer(time.Hour)
	defer w.hold.Stop()
	for {
		w.arm(timer)
		select {
		case o := <-w.Asked:
			w.group(&o)
		case o := <-w.Commands:
			w.group(&o)
		case <-timer.C:
			w.group(nil)
		case <-w.Quit:
			w.drain()
			w.endBacklog()
			return
		}
	}
}

// drain does what is queued still, so that finished runs are not lost at a stop.
func (w *writer) drain() {
	for o, ok := w.queued(); ok; o, ok = w.queued() {
		w.group(&o)
	}
}

// queued is the next command that is there already.
func (w *writer) queued() (o command, ok bool) {
	select {
	case o = <-w.Asked:
		return o, true
	default:
	}
	select {
	case o = <-w.Commands:
		return o, true
	default:
		return o, false
	}
}

// group does first and whatever else is queued, as one batch. A deletion ends the
// group, because a batch names one author of what it deletes.
func (w *writer) group(first *command) {
	x := w.Begin(w.Now())
	x.Results = make([]engine.Result, 0, w.results+w.results/8)
	done, asked := w.done[:0], false
	take := func(o command) {
		asked = asked || o.done != nil
		if w.perform(x, &o) {
			done = append(done, o)
		}
	}
	due := w.timersDue(x)
	if first != nil {
		take(*first)
	}
	waited := false
	for n := 1; n < maxBatch && x.Size < maxBatchText && !x.Deletes; n++ {
		o, ok := w.queued()
		if !ok && !asked && len(due) == 0 {
			o, ok = w.awaitMore(x, &waited)
		}
		if !ok {
			break
		}
		if waited { // time went by
			x.Now = w.Now()
		}
		take(o)
	}
	w.results = len(x.Results)
	err := w.commit(x)
	defer func(all []command) { // what they lead to is not kept
		clear(all)
		w.done = all
	}(done)
	if errors.Is(err, errRefused) {
		done, err = w.withoutAsked(done, due)
	}
	notDurable := w.MemoryOnly.Load()
	for _, o := range done {
		switch {
		case o.done == nil:
		case err == nil && o.kept == observed && notDurable:
			o.done <- errObserved
		default:
			o.done <- err
		}
	}
}

// awaitMore waits for the next command of a batch that holds nothing but results
// which move no status: nobody waits for them, and a batch of a hundred costs the
// disk no more than a batch of one. It reports false when the batch has waited
// for long enough, or is not to wait. waited says that it has waited before.
func (w *writer) awaitMore(x *Tx, waited *bool) (o command, ok bool) {
	hold := maxHold
	if len(w.Timers) > 0 {
		hold = min(hold, w.Timers[0].At.Sub(w.Now()))
	}
	if len(x.Results) == 0 || hold <= 0 || !x.calm() {
		return o, false
	}
	if !*waited {
		*waited = true
		w.hold.Reset(hold)
	}
	select {
	case o = <-w.Asked:
		return o, true
	case o = <-w.Commands:
		return o, true
	case <-w.hold.C:
		return o, false
	case <-w.Quit:
		return o, false
	}
}

// withoutAsked does a group again that the store has refused: what somebody asked
// for is answered and forgotten, and the rest goes on from memory. It returns
// the commands that are left to answer, and with what.
func (w *writer) withoutAsked(done []command, due []Timer) ([]command, error) {
	for _, d := range due {
		w.WakeAt(d)
	}
	x := w.Begin(w.Now())
	w.timersDue(x)
	var left []command
	for _, o := range done {
		if o.kept == whenDurable {
			o.done <- errRefused
		} else if w.perform(x, &o) {
			left = append(left, o)
		}
	}
	return left, w.commit(x)
}

// perform runs one command, and reports whether its changes stand. One that failed is
// answered.
func (w *writer) perform(x *Tx, o *command) bool {
	err := w.try(x, o)
	switch {
	case err == nil:
		return true
	case o.done != nil:
		o.done <- err
	default:
		w.Log.Error("an internal change failed", "error", err)
	}
	return false
}

// try runs one command; a panic in it is an error, and loses that command alone.
func (w *writer) try(x *Tx, o *command) (err error) {
	if o.simple {
		return o.do(x)
	}
	if w.MemoryOnly.Load() && o.kept == whenDurable {
		return errRefused
	}
	c := x.child(o.by)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
			w.Log.Error("a command panicked", "panic", p, "stack", stack())
		}
	}()
	if err := o.do(c); err != nil {
		return err
	}
	x.fold(c)
	return nil
}

// commit makes x durable, then visible. While the store refuses, it tries again
// for ten seconds, and then returns errRefused: nothing of x is visible, and the
// monitor goes on from memory. From then on batches become visible at once, and
// are written with the first that succeeds.
// A batch that no store could keep is refused whole.
func (w *writer) commit(x *Tx) error {
	b := x.batch()
	if err := b.Validate(); err != nil {
		w.Log.Error("a batch was refused", "batch", b.ID, "error", err)
		return &engine.Error{Kind: engine.Invalid, Message: err.Error()}
	}
	switch {
	case w.MemoryOnly.Load():
		w.applyLater(b)
	case !empty(b):
		if err := w.apply(b); err != nil {
			return err
		}
	}
	w.Mu.Lock()
	x.merge()
	w.Mu.Unlock()
	w.announce(x)
	for _, fn := range x.after { // before who waits is told: what they read next follows from it
		fn()
	}
	return nil
}

// batchID names a batch: the start of the engine and a count. Only the writer
// calls it.
func (w *writer) batchID() string {
	w.batches++
	return fmt.Sprintf("%x-%d", w.StartAt.UnixMicro(), w.batches)
}

// apply makes b durable, or turns to memory after ten seconds of trying.
func (w *writer) apply(b *engine.Batch) error {
	began := w.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := w.Store.Apply(context.Background(), b)
		if err == nil {
			return nil
		}
		w.Log.Error("the store refused a batch", "batch", b.ID, "error", err)
		if w.Now().Sub(began) >= maxRefused || w.Stopping() {
			w.Log.Error("the store refuses writes: the monitor goes on from memory, and refuses changes")
			w.backlog = newBacklog()
			w.retryStore = w.Now().Add(time.Second)
			w.MemoryOnly.Store(true)
			return errRefused
		}
		time.Sleep(wait)
	}
}

// applyLater adds b to the backlog, and tries every second to write that.
func (w *writer) applyLater(b *engine.Batch) {
	w.backlog.add(b)
	if !w.Now().Before(w.retryStore) {
		w.writeBacklog(b.ID)
	}
}

func (w *writer) writeBacklog(id string) {
	if err := w.Store.Apply(context.Background(), w.backlog.batch(id)); err != nil {
		w.retryStore = w.Now().Add(time.Second)
		return
	}
	w.backlog = nil
	w.MemoryOnly.Store(false)
	w.Log.Info("the store accepts writes again")
}

// endBacklog tries a last time to write what is in memory alone.
func (w *writer) endBacklog() {
	if w.backlog == nil {
		return
	}
	w.writeBacklog(w.batchID())
	if l := w.backlog; l != nil {
		w.Log.Error("the store still refuses writes: what was in memory alone is lost",
			"results", len(l.results), "records", len(l.puts)+len(l.deletes))
	}
}

// backlog is what the store has refused so far: the last put or delete of each key.
type backlog struct {
	puts    map[engine.Key]engine.Record
	deletes map[engine.Key]bool
	results []engine.Result
}

// backlogResults bounds the results that are kept for a store that refuses; the
// oldest go first.
const backlogResults = 100_000

func newBacklog() *backlog {
	return &backlog{puts: map[engine.Key]engine.Record{}, deletes: map[engine.Key]bool{}}
}

func (l *backlog) add(b *engine.Batch) {
	for _, r := range b.Puts {
		k := engine.Key{Kind: r.Kind, ID: r.ID}
		l.puts[k] = r
		delete(l.deletes, k)
	}
	for _, k := range b.Deletes {
		l.deletes[k] = true
		delete(l.puts, k)
	}
	l.results = append(l.results, b.Results...)
	if over := len(l.results) - backlogResults; over > 0 {
		l.results = append([]engine.Result(nil), l.results[over:]...)
	}
}

func (l *backlog) batch(id string) *engine.Batch {
	b := &engine.Batch{ID: id, Results: l.results}
	for _, r := range l.puts {
		b.Puts = append(b.Puts, r)
	}
	for k := range l.deletes {
		b.Deletes = append(b.Deletes, k)
	}
	return b
}

// Timer is a time at which something is to be looked at again. Entries are never
// removed: one that is no longer true does nothing.
type Timer struct {
	At    time.Time
	Check string
	Ref   engine.Ref
}

type Timers []Timer

func (d Timers) Len() int { return len(d) }
func (d Timers) Less(i, j int) bool {
	a, b := d[i], d[j]
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Ref.Key(), b.Ref.Key())) < 0
}
func (d Timers) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *Timers) Push(v any)   { *d = append(*d, v.(Timer)) }
func (d *Timers) Pop() any {
	old := *d
	v := old[len(old)-1]
	*d = old[:len(old)-1]
	return v
}

func (st *State) WakeAt(d Timer) { heap.Push(&st.Timers, d) }

// arm sets the timer for the next due time.
func (w *writer) arm(timer *time.Timer) {
	wait := time.Hour
	if w.backlog != nil {
		wait = time.Second
	}
	if len(w.Timers) > 0 {
		wait = min(wait, max(w.Timers[0].At.Sub(w.Now()), 0))
	}
	timer.Reset(wait)
}

// timersDue looks at what has come due, and returns it.
func (w *writer) timersDue(x *Tx) (came []Timer) {
	seen := map[Timer]bool{}
	for len(w.Timers) > 0 && !w.Timers[0].At.After(x.Now) {
		d := heap.Pop(&w.Timers).(Timer)
		came = append(came, d)
		d.At = time.Time{}
		if seen[d] {
			continue
		}
		seen[d] = true
		w.Hooks.Due(x, d)
	}
	return came
}

func stack() string { return string(debug.Stack()) }
