package demo

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/history"
	"moonwatch/engine/oncall"
	"moonwatch/engine/state"
)

// happening is something that the engine is told of at an instant of the past.
type happening struct {
	at time.Time
	in func(x *state.Tx)               // by the monitor itself; nil with by
	by func(ctx context.Context) error // by a person
}

// replay lets the engine judge what changed statuses, at the instants at which it
// happened, with what people did then.
func (p *past) replay(ctx context.Context) error {
	all := p.happenings()
	slices.SortStableFunc(all, func(a, b happening) int { return a.at.Compare(b.at) })
	var derived time.Time
	for len(all) > 0 && !all[0].at.After(p.now) {
		if all[0].at.Sub(derived) > 20*24*time.Hour { // shifts are known for some weeks alone
			derived = all[0].at
			p.clock.Set(derived)
			p.turnRotas()
		}
		n := 0
		for n < len(all) && all[n].by == nil && !all[n].at.After(p.now) {
			n++
		}
		until := p.now
		if n < len(all) && all[n].by != nil {
			until = history.Earlier(all[n].at, p.now)
		}
		if err := p.submit(ctx, func(x *state.Tx) { p.live(x, all[:n], until) }); err != nil {
			return err
		}
		if all = all[n:]; len(all) > 0 && all[0].by != nil {
			p.clock.Set(all[0].at)
			if err := all[0].by(ctx); err != nil {
				return fmt.Errorf("replay what somebody did at %s: %w", all[0].at.Format(time.RFC3339), err)
			}
			all = all[1:]
		}
	}
	return p.submit(ctx, func(x *state.Tx) {
		p.live(x, nil, p.now)
		p.takeAll(x)
	})
}

// turnRotas has the shifts around the present instant computed.
func (p *past) turnRotas() {
	p.m.Mu.RLock()
	ids := slices.Collect(maps.Keys(p.m.Tables.Rotas))
	p.m.Mu.RUnlock()
	for _, id := range ids {
		p.m.OnCall.Duty.Changed(id, false)
	}
}

// live does what happened, and what came due meanwhile, up to an instant.
func (p *past) live(x *state.Tx, all []happening, until time.Time) {
	for _, h := range all {
		p.wait(x, h.at)
		h.in(x)
		p.deliver(x)
	}
	p.wait(x, until)
}

// wait looks at what comes due until an instant, as the writer does whose clock goes on.
func (p *past) wait(x *state.Tx, until time.Time) {
	timers := &x.State.Timers
	for len(*timers) > 0 && !(*timers)[0].At.After(until) {
		p.set(x, history.Later((*timers)[0].At, x.Now.Add(moment)))
		seen := map[state.Timer]bool{} // one that is set for now again comes a moment later
		for len(*timers) > 0 && !(*timers)[0].At.After(x.Now) {
			due := heap.Pop(timers).(state.Timer)
			if due.At = (time.Time{}); !seen[due] {
				seen[due] = true
				x.State.Hooks.Due(x, due)
			}
		}
		p.deliver(x)
	}
	p.set(x, history.Later(until, x.Now))
}

// moment is how long the writer takes from one look to the next.
const moment = 20 * time.Millisecond

// set sets the clock and the transaction's.
func (p *past) set(x *state.Tx, at time.Time) {
	x.Now = at
	p.clock.Set(at)
}

// happenings are all that is replayed, in no order.
func (p *past) happenings() []happening {
	all := []happening{{at: p.begin.Add(time.Minute), in: p.takeAll}}
	for _, k := range p.city.ordered() {
		for _, t := range p.city.troubles[k.name] {
			all = append(all, p.troubled(k, t)...)
			if t.script != nil {
				all = append(all, p.scripted(t)...)
			}
		}
	}
	return append(all, p.edits()...)
}

// takeAll judges a result of each check.
func (p *past) takeAll(x *state.Tx) {
	for _, k := range p.city.ordered() {
		r := p.result(k, x.Now)
		alert.TakeResult(x, p.checks[k.name], &r)
	}
}

// troubled are the results that move the status of a check.
func (p *past) troubled(k *check, t trouble) (all []happening) {
	take := func(at time.Time) {
		all = append(all, happening{at: at, in: func(x *state.Tx) {
			r := p.result(k, at)
			alert.TakeResult(x, p.checks[k.name], &r)
		}})
	}
	all = append(all, happening{at: t.at, in: func(x *state.Tx) { p.rested(x, k) }})
	jitter := time.Duration(k.number % uint64(min(k.interval, 20*time.Second)/2)).Truncate(time.Millisecond)
	for _, ph := range t.phases {
		if !ph.fails() {
			continue
		}
		first := t.at.Add(ph.from + jitter)
		runs := k.debounce + 2
		if ph.odd {
			runs = int(history.Earlier(p.now, t.at.Add(ph.to)).Sub(first) / k.interval)
		}
		for i := range runs {
			take(first.Add(time.Duration(i) * min(k.interval, time.Minute)))
		}
	}
	take(t.end().Add(jitter))
	return all
}

// rested stands for the many results that passed since the last trouble: without them
// a check that failed now and then in 90 days seems to flap.
func (p *past) rested(x *state.Tx, k *check) {
	if st := x.States.Get(p.checks[k.name].ID); st != nil {
		c := st.Copy()
		c.History, c.HistoryLen = 0, 21
		x.States.Put(c.Check, c)
	}
}

// scripted is what people do about a trouble.
func (p *past) scripted(t trouble) (all []happening) {
	s := t.script
	ref := p.subjects[s.service]
	by := engine.Actor{}
	if s.acked > 0 {
		all = append(all, happening{at: t.at.Add(s.acked), by: func(ctx context.Context) error {
			by = p.actor(ctx, s)
			_, err := p.m.Incidents.Acknowledge(ctx, by, ref, engine.AckOptions{Comment: s.comment, ExpiresIn: new(time.Duration)})
			return unlessOver(err)
		}})
	}
	for _, n := range s.notes {
		all = append(all, happening{at: t.at.Add(n.after), by: func(ctx context.Context) error {
			return note(ctx, p.m.Incidents, by, openIncident(p.m.State, ref), n)
		}})
	}
	return all
}

// unlessOver drops the error that nothing fails any more.
func unlessOver(err error) error {
	if engine.KindOf(err) == engine.Conflict {
		return nil
	}
	return err
}

func note(ctx context.Context, in *alert.Incidents, by engine.Actor, incident string, n remark) error {
	if incident == "" {
		return nil
	}
	add := in.AddNote
	if n.public {
		add = in.AddPublicNote
	}
	_, err := add(ctx, by, incident, n.text)
	return err
}

// openIncident is the open incident of a subject, "" without.
func openIncident(st *state.State, ref engine.Ref) string {
	st.Mu.RLock()
	defer st.Mu.RUnlock()
	if s := st.Tables.Subjects[ref.Key()]; s != nil {
		return s.Incident
	}
	return ""
}

// actor is who acts by a script: who is on duty for the service, unless it names somebody.
func (p *past) actor(ctx context.Context, s *script) engine.Actor {
	name := s.by
	_ = p.submit(ctx, func(x *state.Tx) {
		target, ok := x.Target(p.subjects[s.service])
		if !ok || name != "" {
			return
		}
		for _, id := range oncall.OnDuty(x, target.Rotas) {
			if u := x.Users.Get(id); u != nil {
				name = u.Username
			}
		}
	})
	return actorOf(p.people[cmp.Or(name, Operator)])
}

func actorOf(u *engine.User) engine.Actor {
	return engine.Actor{User: u.ID, Name: u.Username, Role: u.Role, Via: "page"}
}

// deliver makes the deliveries that are due, as the outbox of a monitor that runs.
func (p *past) deliver(x *state.Tx) {
	for range 6 {
		due := dueNow(x)
		if len(due) == 0 {
			return
		}
		began, calls := x.Now, map[string]*engine.AlertCall{}
		for _, d := range due {
			if entry, ok := x.State.PluginEntry(d.Plugin); ok {
				calls[d.ID] = alert.BeginAttempt(x, d.ID, entry)
			}
		}
		p.set(x, began.Add(420*time.Millisecond))
		for _, d := range due {
			if call := calls[d.ID]; call != nil {
				alert.EndAttempt(x, d.ID, p.outcome(x, d, call))
			}
		}
		p.set(x, began.Add(1600*time.Millisecond))
	}
}

// dueNow are the deliveries to be made now, one of each lane.
func dueNow(x *state.Tx) (out []*engine.Delivery) {
	lanes := map[engine.Lane]*engine.Delivery{}
	for _, d := range x.Deliveries.All() {
		if d.Active() && !d.UnderWay() && (lanes[d.Lane()] == nil || d.ID < lanes[d.Lane()].ID) {
			lanes[d.Lane()] = d
		}
	}
	for _, d := range lanes {
		if d.NextAttempt == nil || !d.NextAttempt.After(x.Now) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *engine.Delivery) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// outcome is what came of an attempt: now and then the first is in vain.
func (p *past) outcome(x *state.Tx, d *engine.Delivery, call *engine.AlertCall) engine.AlertReport {
	entry, _ := x.State.PluginEntry(d.Plugin)
	if call.Attempt == 1 && crc32.ChecksumIEEE([]byte(d.ID))%23 == 0 {
		return engine.AlertReport{Outcome: engine.OutcomeFailed, Why: "the answer was 503 Service Unavailable", Took: 300 * time.Millisecond}
	}
	return sent(entry.Plugin.Meta(), call, x.Now)
}

// edits are changes of the configuration that people made meanwhile.
func (p *past) edits() (all []happening) {
	rng := rand.New(rand.NewPCG(p.city.seed, 11))
	checks := p.city.ordered()
	for i := range 16 {
		name := checks[rng.IntN(len(checks))].name
		at := p.begin.AddDate(0, 0, 3+i*5).Truncate(24 * time.Hour).Add(time.Duration(9*60+rng.IntN(480)) * time.Minute)
		by := actorOf(p.people[[]string{Admin, "aisha", "aisha"}[i%3]])
		all = append(all, happening{at: at, by: func(ctx context.Context) error {
			c := *p.m.CheckNow(p.checks[name].ID)
			switch i % 3 {
			case 0:
				c.RunbookLink = "https://wiki." + domain + "/runbooks/checks"
			case 1:
				c.Timeout = engine.Duration(20 * time.Second)
			default:
				c.Tags = append(slices.Clone(c.Tags), "winter")
			}
			_, err := p.m.Checks.SaveCheck(ctx, by, c) // judging goes by nothing that was changed
			return err
		}})
	}
	return all
}
