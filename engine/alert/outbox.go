package alert

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Outbox makes the deliveries. Those of one incident through one plugin are a
// lane: they go in order, one at a time. Lanes do not wait for one another, but
// for the number of calls that one plugin may have under way.
type Outbox struct {
	e  *state.State
	mu sync.Mutex
	// lanes holds the lanes that have a goroutine, and how to wake it.
	lanes   map[engine.Lane]chan struct{}
	calls   map[string]chan struct{} // by plugin: its places
	Workers sync.WaitGroup
	ctx     context.Context
	closed  bool
}

// callsPerPlugin is how many deliveries one plugin may have under way.
const callsPerPlugin = 32

func NewOutbox(e *state.State) *Outbox {
	return &Outbox{e: e, lanes: map[engine.Lane]chan struct{}{}, calls: map[string]chan struct{}{}}
}

// Wake looks at a lane anew, starting its goroutine when it has none. It does
// nothing before the engine has started.
func (o *Outbox) Wake(l engine.Lane) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx == nil || o.closed {
		return
	}
	if bell, ok := o.lanes[l]; ok {
		select {
		case bell <- struct{}{}:
		default:
		}
		return
	}
	bell := make(chan struct{}, 1)
	o.lanes[l] = bell
	o.Workers.Add(1)
	go o.work(l, bell)
}

// Start begins with what was active when the engine stopped.
func (o *Outbox) Start(ctx context.Context) {
	o.mu.Lock()
	o.ctx = ctx
	o.mu.Unlock()
	o.e.Mu.RLock()
	lanes := map[engine.Lane]bool{}
	for _, d := range o.e.Tables.Deliveries {
		if d.Active() {
			lanes[d.Lane()] = true
		}
	}
	o.e.Mu.RUnlock()
	for l := range lanes {
		o.Wake(l)
	}
}

// Close lets no further lane begin.
func (o *Outbox) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// work makes the deliveries of one lane until there are none.
func (o *Outbox) work(l engine.Lane, bell chan struct{}) {
	defer o.Workers.Done()
	for o.ctx.Err() == nil {
		d := nextIn(o.e, l)
		if d == nil {
			o.mu.Lock()
			select {
			case <-bell: // woken between looking and leaving
				o.mu.Unlock()
				continue
			default:
			}
			delete(o.lanes, l)
			o.mu.Unlock()
			return
		}
		wait := time.Duration(0)
		if d.NextAttempt != nil {
			wait = d.NextAttempt.Sub(o.e.Now())
		}
		if (d.Kind == engine.AlertFiring || d.Kind == engine.AlertRepeat) && o.e.Grace.Holds(d.Incident, o.e.Now()) {
			wait = max(wait, 250*time.Millisecond)
		}
		if wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-bell:
			case <-o.ctx.Done():
			}
			timer.Stop()
			continue
		}
		o.attempt(d.ID, l)
	}
}

// nextIn returns the delivery of a lane whose turn it is, nil without.
func nextIn(e *state.State, l engine.Lane) *engine.Delivery {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	var found []*engine.Delivery
	if d := e.Tables.Deliveries[l.Incident]; d != nil { // a test is a lane of its own
		found = append(found, d)
	}
	for id := range e.Tables.Waiting[l.Incident] {
		if d := e.Tables.Deliveries[id]; d != nil && d.Plugin == l.Plugin && d.Active() {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *engine.Delivery) int { return cmp.Compare(a.ID, b.ID) })
}

// attempt calls the plugin once. That it is about to be called is on disk
// before, and what came of it after.
func (o *Outbox) attempt(id string, l engine.Lane) {
	place := o.place(l.Plugin)
	select {
	case place <- struct{}{}:
		defer func() { <-place }()
	case <-o.ctx.Done():
		return
	}
	var call *engine.AlertCall
	entry, known := o.e.PluginEntry(l.Plugin)
	err := o.e.Proceed(o.ctx, func(x *state.Tx) error {
		call = BeginAttempt(x, id, entry)
		return nil
	})
	if err != nil || call == nil {
		return
	}
	var report engine.AlertReport
	switch {
	case !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.AlertPlugin:
		report = engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "the alert plugin " + l.Plugin + " is not loaded"}
	case entry.Orphaned && call.Service.Kind != engine.AlertRecovery:
		report = engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "the file of the alert plugin " + l.Plugin + " is gone"}
	default:
		ctx, cancel := context.WithTimeout(o.ctx, engine.AttemptTime)
		report = entry.Plugin.Alert(ctx, call).Settled()
		cancel()
	}
	if o.ctx.Err() != nil && report.Outcome != engine.OutcomeSent {
		return // given up at the stop: the attempt stands as begun, and is tried again after the start
	}
	o.e.Proceed(context.Background(), func(x *state.Tx) error {
		EndAttempt(x, id, report)
		return nil
	})
}

func (o *Outbox) place(plugin string) chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	place := o.calls[plugin]
	if place == nil {
		place = make(chan struct{}, callsPerPlugin)
		o.calls[plugin] = place
	}
	return place
}

// BeginAttempt notes that an attempt begins, and returns what the plugin is to
// be told; nil when the delivery is no longer to be made.
func BeginAttempt(x *state.Tx, id string, entry engine.PluginEntry) *engine.AlertCall {
	d := x.Deliveries.Get(id)
	if d == nil || !d.Active() || d.UnderWay() {
		return nil
	}
	through := meansOf(d.Plugin, entry)
	v := decide(d, x.Incidents.Get(d.Incident), through, func(id string) (*engine.User, *engine.Contact) {
		return x.Users.Get(id), x.Contacts.Get(id)
	}, x.Now)
	for _, p := range v.pending {
		addPending(x, v.delivery, p)
	}
	if v.stepMissed {
		missed(x, v.delivery)
	}
	switch v.drop {
	case engine.DeliverySuperseded:
		putDelivery(x, supersede(v.delivery, v.why))
		return nil
	case engine.DeliverySkipped:
		putDelivery(x, skip(v.delivery, v.why))
		return nil
	}
	d = begin(v.delivery, v.kind, through.version, x.Now)
	if len(d.Attempts) == 1 {
		contacted(x, slices.Concat(d.Users, d.DutyOfficers), through.channel)
	}
	d.Durable = d.Durable && !x.State.MemoryOnly.Load()
	x.Deliveries.Put(id, d)
	return callOf(x, d, through.settingsOf)
}

// callOf is what the plugin is told of an attempt that begins.
func callOf(x *state.Tx, d *engine.Delivery, settingsOf string) *engine.AlertCall {
	snapshot := d.Snapshot
	call := &engine.AlertCall{Service: &snapshot, Attempt: len(d.Attempts), PublicURL: x.Site().PublicURL, Update: d.Update}
	if s := x.Plugins.Get(settingsOf); s != nil {
		call.Settings = s.Values
	}
	people := func(ids []string) (out []engine.UserSnapshot) {
		for _, id := range ids {
			if u := x.Users.Get(id); u != nil && u.Active && !slices.Contains(d.Reached, id) {
				out = append(out, UserSnapshot(u, settingsOf))
			}
		}
		slices.SortFunc(out, func(a, b engine.UserSnapshot) int { return cmp.Compare(a.Username, b.Username) })
		return out
	}
	call.Users, call.DutyOfficers = people(d.Users), people(d.DutyOfficers)
	e, id := x.State, d.ID
	call.MarkSent = func(user string) error { return markSent(e, id, user) }
	return call
}

// EndAttempt records what came of an attempt, and what was told by it.
func EndAttempt(x *state.Tx, id string, report engine.AlertReport) {
	d := x.Deliveries.Get(id)
	if d == nil || !d.UnderWay() {
		return
	}
	d = end(d, report, x.Now)
	if in := x.Incidents.Get(d.Incident); in != nil {
		in = in.Copy()
		noteUnsent(x, in, d, report)
		if report.Outcome == engine.OutcomeSent || report.Outcome == engine.OutcomeUnknown {
			recordNotified(in, d.Plugin, Recipients(d), d.Snapshot.Settings, x.Now)
			if d.Kind != engine.AlertRecovery {
				in.NotifiedStatus = d.Snapshot.Severity()
			}
			lookAtChildren(x, in.Subject)
		}
		if report.Outcome == engine.OutcomeSent {
			now := x.Now
			in.LastSent = &now
			if s := x.Subjects.Get(d.Subject.Key()); s != nil && s.Incident == in.ID {
				c := *s
				c.LastSent = &now
				x.Subjects.Put(d.Subject.Key(), &c)
			}
		}
		x.Incidents.Put(in.ID, in)
		if d.Active() {
			for _, other := range waitingOf(x, d.Incident) {
				if other.Plugin == d.Plugin && other.ID > d.ID {
					d = supersede(d, "a newer event ("+string(other.Kind)+") took its place")
					break
				}
			}
		}
	}
	putDelivery(x, d)
}

// markSent records that a delivery reached a user. It blocks until that is durable.
func markSent(e *state.State, delivery, user string) error {
	return e.Observe(context.Background(), func(x *state.Tx) error {
		d := x.Deliveries.Get(delivery)
		if d == nil || slices.Contains(d.Reached, user) {
			return nil
		}
		list, ok := Recipients(d)[user]
		if !ok {
			return &engine.Error{Kind: engine.NotFound, Message: "the delivery is not for that user"}
		}
		d = d.Copy()
		d.Reached = append(d.Reached, user)
		x.Deliveries.Put(delivery, d)
		if in := x.Incidents.Get(d.Incident); in != nil {
			in = in.Copy()
			recordNotified(in, d.Plugin, map[string]engine.List{user: list}, d.Snapshot.Settings, x.Now)
			x.Incidents.Put(in.ID, in)
		}
		return nil
	})
}

// AwaitAttempts waits until no attempt is under way that began less than most
// ago: whoever heard of an alert and looks right after at the deliveries sees
// what became of it, not the moment between. It blocks for most at the longest.
func (inc *Incidents) AwaitAttempts(ctx context.Context, most time.Duration) {
	l, _ := inc.Hub.Listen(0)
	defer l.Close()
	timer := time.NewTimer(most)
	defer timer.Stop()
	for attemptSince(inc.State, inc.Now().Add(-most)) {
		select {
		case <-l.Bell:
			l.Take()
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-l.Done:
			return
		}
	}
}

// attemptSince reports whether an attempt is under way that began after an instant.
func attemptSince(e *state.State, after time.Time) bool {
	e.Mu.RLock()
	defer e.Mu.RUnlock()
	for _, d := range e.Tables.Deliveries {
		if d.UnderWay() && d.Attempts[len(d.Attempts)-1].At.After(after) {
			return true
		}
	}
	return false
}
