package engine

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// op is one thing for the keeper to do. Changes of an op that returns an error
// are forgotten. do may be called a second time, over the state as it was, when
// the group it stood in was refused by the store.
type op struct {
	by     Actor
	do     func(*tx) error
	done   chan error // nil: nobody waits
	simple bool       // do never fails half-way: it needs no transaction of its own
	kept   keptWhen
}

// keptWhen says what becomes of an op while the store refuses writes.
type keptWhen int

const (
	whenDurable keptWhen = iota // it is refused, and nothing of it is kept
	observed                    // it is kept in memory, and who waits is told that it is not durable
	anyway                      // it is kept in memory: the monitor's own doings
)

const (
	groupMost   = 1024 // ops in one batch
	groupBusy   = 8    // ops in the batch before from which on the next one is let grow
	groupPause  = 8 * time.Millisecond
	groupSize   = 16 << 20         // bytes of results' texts after which a batch takes no further op
	refusedMost = 10 * time.Second // how long the store may refuse before the monitor goes on from memory
)

var (
	errStopping = errors.New("the monitor is stopping")
	// errRefused answers who asked for a change that could not be made durable.
	errRefused = &Error{Kind: Unavailable, Message: "the store does not accept writes: nothing was changed"}
	// errObserved answers who brought an observation that could not be made durable.
	errObserved = &Error{Kind: Unavailable, Message: "the store does not accept writes: this is known, but not durable"}
)

// do hands fn to the keeper and waits until its changes are durable. When they
// cannot be made durable, nothing of them is kept, and the error is Unavailable.
func (e *State) do(ctx context.Context, by Actor, fn func(*tx) error) error {
	return e.ask(ctx, op{by: by, do: rehearsed(ctx, fn)})
}

// observe is do for what happened whether it can be stored or not, as a ping:
// while the store refuses, it is kept in memory, and the error is Unavailable.
func (e *State) observe(ctx context.Context, fn func(*tx) error) error {
	return e.ask(ctx, op{by: system, do: fn, kept: observed})
}

// goOn is do for the monitor's own doings, which go on from memory while the
// store refuses.
func (e *State) goOn(ctx context.Context, fn func(*tx) error) error {
	return e.ask(ctx, op{by: system, do: fn, kept: anyway})
}

func (e *State) ask(ctx context.Context, o op) error {
	o.done = make(chan error, 1)
	select {
	case e.ops <- o:
	case <-ctx.Done():
		return &Error{Kind: Unavailable, Message: "the monitor is busy: " + ctx.Err().Error()}
	case <-e.stopped:
		return &Error{Kind: Unavailable, Message: errStopping.Error()}
	}
	select {
	case err := <-o.done:
		return err
	case <-e.stopped:
		select {
		case err := <-o.done:
			return err
		default:
			return &Error{Kind: Unavailable, Message: errStopping.Error()}
		}
	}
}

// post hands fn to the keeper without waiting for it. It blocks while the
// keeper's queue is full. fn must not fail half-way.
func (e *State) post(fn func(*tx) error) {
	select {
	case e.ops <- op{by: system, do: fn, simple: true, kept: anyway}:
	case <-e.stopped:
	}
}

// postLater is post for who must not wait for the keeper, as the keeper itself:
// it would wait for ever once its queue is full.
func (e *State) postLater(fn func(*tx) error) { e.goLoop(func() { e.post(fn) }) }

// keep is the keeper: it owns all state, takes ops in groups, and makes each
// group durable before it becomes visible.
func (e *State) keep() {
	defer close(e.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		e.arm(timer)
		select {
		case o, ok := <-e.ops:
			if !ok {
				return
			}
			e.breathe(&o)
			e.group(&o)
		case <-timer.C:
			e.group(nil)
		case <-e.quit:
			e.drain()
			e.endBacklog()
			return
		}
	}
}

// breathe lets further results gather when they come thick: a commit costs much
// the same for one as for a hundred.
func (e *State) breathe(first *op) {
	if first.simple && e.grouped >= groupBusy {
		time.Sleep(groupPause)
	}
}

// drain does what is queued still, so that finished runs are not lost at a stop.
func (e *State) drain() {
	for {
		select {
		case o := <-e.ops:
			e.group(&o)
		default:
			return
		}
	}
}

// group does first and whatever else is queued, as one batch. A deletion ends the
// group, because a batch names one author of what it deletes.
func (e *State) group(first *op) {
	x := e.begin(e.now())
	var done []op
	take := func(o op) {
		if e.perform(x, &o) {
			done = append(done, o)
		}
	}
	due := e.due(x)
	if first != nil {
		take(*first)
	}
	e.grouped = 1
	for n := 1; n < groupMost && x.size < groupSize && !x.deletes; n++ {
		select {
		case o := <-e.ops:
			take(o)
			e.grouped++
			continue
		default:
		}
		break
	}
	err := e.commit(x)
	if errors.Is(err, errRefused) {
		done, err = e.withoutAsked(done, due)
	}
	notDurable := e.memoryOnly.Load()
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

// withoutAsked does a group again that the store has refused: what somebody asked
// for is answered and forgotten, and the rest goes on from memory. It returns
// the ops that are left to answer, and with what.
func (e *State) withoutAsked(done []op, due []due) ([]op, error) {
	for _, d := range due {
		e.remind(d)
	}
	x := e.begin(e.now())
	e.due(x)
	var left []op
	for _, o := range done {
		if o.kept == whenDurable {
			o.done <- errRefused
		} else if e.perform(x, &o) {
			left = append(left, o)
		}
	}
	return left, e.commit(x)
}

// perform runs one op, and reports whether its changes stand. An op that failed
// is answered.
func (e *State) perform(x *tx, o *op) bool {
	err := e.try(x, o)
	switch {
	case err == nil:
		return true
	case o.done != nil:
		o.done <- err
	default:
		e.log.Error("an internal change failed", "error", err)
	}
	return false
}

// try runs one op; a panic in it is an error, and loses the op alone.
func (e *State) try(x *tx, o *op) (err error) {
	if o.simple {
		return o.do(x)
	}
	if e.memoryOnly.Load() && o.kept == whenDurable {
		return errRefused
	}
	c := x.child(o.by)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
			e.log.Error("a command panicked", "panic", p, "stack", stack())
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
func (e *State) commit(x *tx) error {
	b := x.batch()
	if err := b.Validate(); err != nil {
		e.log.Error("a batch was refused", "batch", b.ID, "error", err)
		return &Error{Kind: Invalid, Message: err.Error()}
	}
	switch {
	case e.memoryOnly.Load():
		e.applyLater(b)
	case !b.empty():
		if err := e.apply(b); err != nil {
			return err
		}
	}
	e.mu.Lock()
	x.merge()
	e.mu.Unlock()
	e.announce(x)
	for _, fn := range x.after { // before who waits is told: what they read next follows from it
		fn()
	}
	return nil
}

// batchID names a batch: the start of the engine and a count. Only the keeper
// calls it.
func (e *State) batchID() string {
	e.batches++
	return fmt.Sprintf("%x-%d", e.startAt.UnixMicro(), e.batches)
}

// apply makes b durable, or turns to memory after ten seconds of trying.
func (e *State) apply(b *Batch) error {
	began := e.now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := e.store.Apply(context.Background(), b)
		if err == nil {
			return nil
		}
		e.log.Error("the store refused a batch", "batch", b.ID, "error", err)
		if e.now().Sub(began) >= refusedMost || e.isStopping() {
			e.log.Error("the store refuses writes: the monitor goes on from memory, and refuses changes")
			e.backlog = newBacklog()
			e.retryStore = e.now().Add(time.Second)
			e.memoryOnly.Store(true)
			return errRefused
		}
		time.Sleep(wait)
	}
}

// applyLater adds b to the backlog, and tries every second to write that.
func (e *State) applyLater(b *Batch) {
	e.backlog.add(b)
	if !e.now().Before(e.retryStore) {
		e.writeBacklog(b.ID)
	}
}

func (e *State) writeBacklog(id string) {
	if err := e.store.Apply(context.Background(), e.backlog.batch(id)); err != nil {
		e.retryStore = e.now().Add(time.Second)
		return
	}
	e.backlog = nil
	e.memoryOnly.Store(false)
	e.log.Info("the store accepts writes again")
}

// endBacklog tries a last time to write what is in memory alone.
func (e *State) endBacklog() {
	if e.backlog == nil {
		return
	}
	e.writeBacklog(e.batchID())
	if l := e.backlog; l != nil {
		e.log.Error("the store still refuses writes: what was in memory alone is lost",
			"results", len(l.results), "records", len(l.puts)+len(l.deletes))
	}
}

// backlog is what the store has refused so far: the last put or delete of each key.
type backlog struct {
	puts    map[Key]Record
	deletes map[Key]bool
	results []Result
}

// backlogResults bounds the results that are kept for a store that refuses; the
// oldest go first.
const backlogResults = 100_000

func newBacklog() *backlog {
	return &backlog{puts: map[Key]Record{}, deletes: map[Key]bool{}}
}

func (l *backlog) add(b *Batch) {
	for _, r := range b.Puts {
		k := Key{r.Kind, r.ID}
		l.puts[k] = r
		delete(l.deletes, k)
	}
	for _, k := range b.Deletes {
		l.deletes[k] = true
		delete(l.puts, k)
	}
	l.results = append(l.results, b.Results...)
	if over := len(l.results) - backlogResults; over > 0 {
		l.results = append([]Result(nil), l.results[over:]...)
	}
}

func (l *backlog) batch(id string) *Batch {
	b := &Batch{ID: id, Results: l.results}
	for _, r := range l.puts {
		b.Puts = append(b.Puts, r)
	}
	for k := range l.deletes {
		b.Deletes = append(b.Deletes, k)
	}
	return b
}

// due is a time at which something is to be looked at again. Entries are never
// removed: one that is no longer true does nothing.
type due struct {
	at    time.Time
	check string
	ref   Ref
}

type dues []due

func (d dues) Len() int { return len(d) }
func (d dues) Less(i, j int) bool {
	a, b := d[i], d[j]
	return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.check, b.check), cmp.Compare(a.ref.key(), b.ref.key())) < 0
}
func (d dues) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(v any)   { *d = append(*d, v.(due)) }
func (d *dues) Pop() any {
	old := *d
	v := old[len(old)-1]
	*d = old[:len(old)-1]
	return v
}

func (e *State) remind(d due) { heap.Push(&e.dues, d) }

// arm sets the timer for the next due time.
func (e *State) arm(timer *time.Timer) {
	wait := time.Hour
	if e.backlog != nil {
		wait = time.Second
	}
	if len(e.dues) > 0 {
		wait = min(wait, max(e.dues[0].at.Sub(e.now()), 0))
	}
	timer.Reset(wait)
}

// due looks at what has come due, and returns it.
func (e *State) due(x *tx) (came []due) {
	seen := map[due]bool{}
	for len(e.dues) > 0 && !e.dues[0].at.After(x.now) {
		d := heap.Pop(&e.dues).(due)
		came = append(came, d)
		d.at = time.Time{}
		if seen[d] {
			continue
		}
		seen[d] = true
		e.hooks.due(x, d)
	}
	return came
}

func stack() string { return string(debug.Stack()) }
