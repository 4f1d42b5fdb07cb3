package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// outbox makes the deliveries. Those of one incident through one plugin are a
// lane: they go in order, one at a time. Lanes do not wait for one another, but
// for the number of calls that one plugin may have under way.
type outbox struct {
	e  *State
	mu sync.Mutex
	// lanes holds the lanes that have a goroutine, and how to wake it.
	lanes  map[lane]chan struct{}
	calls  map[string]chan struct{} // by plugin: its places
	wg     sync.WaitGroup
	ctx    context.Context
	closed bool
}

// callsPerPlugin is how many deliveries one plugin may have under way.
const callsPerPlugin = 32

func newOutbox(e *State) *outbox {
	return &outbox{e: e, lanes: map[lane]chan struct{}{}, calls: map[string]chan struct{}{}}
}

// wake looks at a lane anew, starting its goroutine when it has none. It does
// nothing before the engine has started.
func (o *outbox) wake(l lane) {
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
	o.wg.Add(1)
	go o.work(l, bell)
}

// start begins with what was active when the engine stopped.
func (o *outbox) start(ctx context.Context) {
	o.mu.Lock()
	o.ctx = ctx
	o.mu.Unlock()
	o.e.mu.RLock()
	lanes := map[lane]bool{}
	for _, d := range o.e.tables.deliveries {
		if d.Active() {
			lanes[d.lane()] = true
		}
	}
	o.e.mu.RUnlock()
	for l := range lanes {
		o.wake(l)
	}
}

// close lets no further lane begin.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// work makes the deliveries of one lane until there are none.
func (o *outbox) work(l lane, bell chan struct{}) {
	defer o.wg.Done()
	for o.ctx.Err() == nil {
		d := o.e.nextIn(l)
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
			wait = d.NextAttempt.Sub(o.e.now())
		}
		if (d.Kind == AlertFiring || d.Kind == AlertRepeat) && o.e.holding(d.Incident) {
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
func (e *State) nextIn(l lane) *Delivery {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var found []*Delivery
	if d := e.tables.deliveries[l.incident]; d != nil { // a test is a lane of its own
		found = append(found, d)
	}
	for id := range e.tables.waiting[l.incident] {
		if d := e.tables.deliveries[id]; d != nil && d.Plugin == l.plugin && d.Active() {
			found = append(found, d)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *Delivery) int { return cmp.Compare(a.ID, b.ID) })
}

// attempt calls the plugin once. That it is about to be called is on disk
// before, and what came of it after.
func (o *outbox) attempt(id string, l lane) {
	place := o.place(l.plugin)
	select {
	case place <- struct{}{}:
		defer func() { <-place }()
	case <-o.ctx.Done():
		return
	}
	var call *AlertCall
	entry, known := o.e.pluginEntry(l.plugin)
	err := o.e.goOn(o.ctx, func(x *tx) error {
		call = x.beginAttempt(id, entry)
		return nil
	})
	if err != nil || call == nil {
		return
	}
	var report AlertReport
	switch {
	case !known || entry.Plugin == nil || entry.Plugin.Meta().Kind != AlertPlugin:
		report = AlertReport{Outcome: OutcomeFailed, Why: "the alert plugin " + l.plugin + " is not loaded"}
	case entry.Orphaned && call.Service.Kind != AlertRecovery:
		report = AlertReport{Outcome: OutcomeFailed, Why: "the file of the alert plugin " + l.plugin + " is gone"}
	default:
		ctx, cancel := context.WithTimeout(o.ctx, attemptTime)
		report = entry.Plugin.Alert(ctx, call).Settled()
		cancel()
	}
	if o.ctx.Err() != nil && report.Outcome != OutcomeSent {
		return // given up at the stop: the attempt stands as begun, and is tried again after the start
	}
	o.e.goOn(context.Background(), func(x *tx) error {
		x.endAttempt(id, report)
		return nil
	})
}

func (o *outbox) place(plugin string) chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	place := o.calls[plugin]
	if place == nil {
		place = make(chan struct{}, callsPerPlugin)
		o.calls[plugin] = place
	}
	return place
}

// beginAttempt notes that an attempt begins, and returns what the plugin is to
// be told; nil when the delivery is no longer to be made.
func (x *tx) beginAttempt(id string, entry PluginEntry) *AlertCall {
	d := x.deliveries.get(id)
	if d == nil || !d.Active() || d.UnderWay() {
		return nil
	}
	version, settingsOf := "", d.Plugin
	if entry.Plugin != nil {
		version = entry.Plugin.Meta().Version
		if from := entry.Plugin.Meta().SettingsFrom; from != "" {
			settingsOf = from
		}
	}
	kind := d.Kind
	if in := x.incidents.get(d.Incident); in != nil {
		told := in.Told[d.Plugin] != nil
		switch {
		case kind == AlertRecovery && !told:
			x.putDelivery(d.supersede("the incident closed before anybody was told"))
			return nil
		case kind == AlertRecovery:
			d = d.copy()
			d.Users, d.DutyOfficers = in.toldLists(d.Plugin)
		case !told:
			kind = AlertFiring
		}
	}
	channel := ""
	if entry.Plugin != nil {
		channel = cmp.Or(entry.Plugin.Meta().Channel, "other")
	}
	wanted := len(d.Users) + len(d.DutyOfficers)
	d = x.admit(d, channel)
	// A room or a receiver hears of it all the same: only a call and a text have
	// nobody left to go to.
	if d.Step != 0 && len(d.Attempts) == 0 && wanted > 0 && len(d.Users)+len(d.DutyOfficers) == 0 {
		x.missed(d)
	}
	personal := channel == "phone" || channel == "sms"
	if personal && wanted > 0 && len(d.Users)+len(d.DutyOfficers) == 0 && kind != AlertRecovery {
		d = d.copy()
		d.State, d.Why, d.NextAttempt = DeliverySkipped, "everybody it is for was held back", nil
		x.putDelivery(d)
		return nil
	}
	d = d.begin(kind, version, x.now)
	if len(d.Attempts) == 1 {
		x.contacted(slices.Concat(d.Users, d.DutyOfficers), channel)
	}
	d.Durable = d.Durable && !x.e.memoryOnly.Load()
	x.deliveries.put(id, d)
	snapshot := d.Snapshot
	call := &AlertCall{Service: &snapshot, Attempt: len(d.Attempts), PublicURL: x.site().PublicURL, Update: d.Update}
	if s := x.plugins.get(settingsOf); s != nil {
		call.Settings = s.Values
	}
	gather := func(ids []string) (out []UserSnapshot) {
		for _, id := range ids {
			if u := x.users.get(id); u != nil && u.Active && !slices.Contains(d.Reached, id) {
				out = append(out, userSnapshot(u, settingsOf))
			}
		}
		slices.SortFunc(out, func(a, b UserSnapshot) int { return cmp.Compare(a.Username, b.Username) })
		return out
	}
	call.Users, call.DutyOfficers = gather(d.Users), gather(d.DutyOfficers)
	call.MarkSent = func(user string) error { return x.e.markSent(id, user) }
	return call
}

// endAttempt records what came of an attempt, and what was told by it.
func (x *tx) endAttempt(id string, report AlertReport) {
	d := x.deliveries.get(id)
	if d == nil || !d.UnderWay() {
		return
	}
	d = d.end(report, x.now)
	if in := x.incidents.get(d.Incident); in != nil {
		in = in.copy()
		x.noteUnsent(in, d, report)
		if report.Outcome == OutcomeSent || report.Outcome == OutcomeUnknown {
			in.tell(d.Plugin, d.recipients(), d.Snapshot.Settings, x.now)
			if d.Kind != AlertRecovery {
				in.ToldStatus = d.Snapshot.severity()
			}
			x.lookAtChildren(in.Subject)
		}
		if report.Outcome == OutcomeSent {
			now := x.now
			in.LastSent = &now
			if s := x.subjects.get(d.Subject.key()); s != nil && s.Incident == in.ID {
				c := *s
				c.LastSent = &now
				x.subjects.put(d.Subject.key(), &c)
			}
		}
		x.incidents.put(in.ID, in)
		if d.Active() {
			for _, other := range x.waitingOf(d.Incident) {
				if other.Plugin == d.Plugin && other.ID > d.ID {
					d = d.supersede("a newer event (" + string(other.Kind) + ") took its place")
					break
				}
			}
		}
	}
	x.putDelivery(d)
}

// markSent records that a delivery reached a user. It blocks until that is durable.
func (e *State) markSent(delivery, user string) error {
	return e.observe(context.Background(), func(x *tx) error {
		d := x.deliveries.get(delivery)
		if d == nil || slices.Contains(d.Reached, user) {
			return nil
		}
		list, ok := d.recipients()[user]
		if !ok {
			return &Error{Kind: NotFound, Message: "the delivery is not for that user"}
		}
		d = d.copy()
		d.Reached = append(d.Reached, user)
		x.deliveries.put(delivery, d)
		if in := x.incidents.get(d.Incident); in != nil {
			in = in.copy()
			in.tell(d.Plugin, map[string]List{user: list}, d.Snapshot.Settings, x.now)
			x.incidents.put(in.ID, in)
		}
		return nil
	})
}

// AwaitAttempts waits until no attempt is under way that began less than most
// ago: whoever heard of an alert and looks right after at the deliveries sees
// what became of it, not the moment between. It blocks for most at the longest.
func (e *incidentService) AwaitAttempts(ctx context.Context, most time.Duration) {
	l, _ := e.Listen(0)
	defer l.Close()
	timer := time.NewTimer(most)
	defer timer.Stop()
	for e.attemptSince(e.now().Add(-most)) {
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
func (e *State) attemptSince(after time.Time) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, d := range e.tables.deliveries {
		if d.UnderWay() && d.Attempts[len(d.Attempts)-1].At.After(after) {
			return true
		}
	}
	return false
}
