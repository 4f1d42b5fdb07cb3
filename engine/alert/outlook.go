package alert

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// Coming is what an incident does by itself at an instant.
type Coming struct {
	At   time.Time
	Kind engine.AlertKind
	Step int // of an escalation, from 1
	// AckEnds says that an acknowledgement ends then, and what else comes is due
	// since.
	AckEnds bool
	User    string // id of who alone is told then, since they were held back until,
	Plugin  string // and through what
}

// Ahead returns what comes next in an open incident when nothing happens: it lets
// the incident react at the instants at which it is due. It is pure, and false
// where nothing comes.
func Ahead(in *engine.Incident, s Conditions) (Coming, bool) {
	next, ok := reactsNext(in, s)
	for _, p := range in.Pending {
		if !ok || p.Until.Before(next.At) {
			next, ok = Coming{At: p.Until, Kind: engine.AlertRepeat, User: p.User, Plugin: p.Plugin}, true
		}
	}
	return next, ok
}

// maxIdle is how often an incident may look at itself in vain before nothing is
// taken to come.
const maxIdle = 4

func reactsNext(in *engine.Incident, s Conditions) (Coming, bool) {
	for range maxIdle {
		at, ok := ReactDue(in, s)
		if !ok {
			break
		}
		var events []Event
		if in, events = React(in, s, at); len(events) == 0 {
			continue
		}
		c := Coming{At: at}
		for _, e := range events { // what tells most people stands last
			c.AckEnds = c.AckEnds || e.Kind == engine.AlertUnacknowledged
			c.Kind, c.Step = e.Kind, max(c.Step, e.Step)
		}
		return c, true
	}
	return Coming{}, false
}

// standing are the conditions under which an incident was last acted upon: those
// of its subject now, with nothing changed.
func standing(in *engine.Incident, site *engine.Settings, a *engine.Alerting) Conditions {
	c := Conditions{
		Overall:  in.Status,
		Alerting: in.Alerting,
		Failing:  in.Failing,
		Covered:  in.Covered,
		Before:   in.Alerting,
		Held:     in.HeldBy,
		Silence:  in.HeldBy,
		Planned:  in.Maintenance,
		Steps:    stepTimes(a),
		Plugins:  in.Plugins,
		Enabled:  in.Enabled,
		Repeat:   repeat(site, a),
	}
	if in.Fired {
		c.Held = ""
	}
	if len(in.Failing) > 0 && len(in.Covered) == len(in.Failing) {
		c.Alerting = engine.StatusPassing
	}
	return c
}

// Outlook is how an open incident stands between people and the monitor.
type Outlook struct {
	Told []Told // in order of time
	Next *Coming
	Step engine.EscalationStep // of Next, when that is one
	Held string                // why nobody is told now, "" when nothing holds it
}

// Told is that one plugin told some people.
type Told struct {
	Plugin string
	At     time.Time
	Users  []string // ids
}

// Outlook tells how an open incident stands; of one that is over it is empty. It
// does not block on the disk.
func (inc *Incidents) Outlook(id string) Outlook {
	now := inc.Now()
	grace := inc.Grace.Holds(id, now)
	inc.Mu.RLock()
	defer inc.Mu.RUnlock()
	in := inc.Tables.Incidents[id]
	if in == nil || in.Closed != nil {
		return Outlook{}
	}
	a := alertingFor(inc.Tables, in.Subject)
	o := Outlook{Told: toldOf(in)}
	c := standing(in, inc.Tables.Site(), a)
	if grace {
		c.Repeat = nil
	}
	switch {
	case inc.Tables.Site().PauseAlerts:
		o.Held = "all alerts are paused in the settings"
	case !a.AlertsEnabled:
		o.Held = "alerts of this " + string(in.Subject.Kind) + " are turned off"
	case !in.Fired || c.Alerting == engine.StatusPassing:
		o.Held = cmp.Or(in.HeldBy, "silenced")
	}
	if next, ok := Ahead(in, c); ok && o.Held == "" {
		if next.At.Before(now) {
			next.At = now
		}
		o.Next = &next
		if steps := stepsOf(a); next.Step > 0 && next.Step <= len(steps) {
			o.Step = steps[next.Step-1]
		}
	}
	return o
}

func alertingFor(t *state.Tables, ref engine.Ref) *engine.Alerting {
	if s := t.Services[ref.ID]; s != nil && ref.Kind == engine.KindService {
		return &s.Alerting
	}
	if i := t.Instances[ref.ID]; i != nil && ref.Kind == engine.KindInstance {
		return &i.Alerting
	}
	return &engine.Alerting{}
}

func toldOf(in *engine.Incident) []Told {
	out := []Told{}
	for plugin, n := range in.Notified {
		out = append(out, Told{Plugin: plugin, At: n.At, Users: slices.Sorted(maps.Keys(n.Users))})
	}
	slices.SortFunc(out, func(a, b Told) int { return a.At.Compare(b.At) })
	return out
}
