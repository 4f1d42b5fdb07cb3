package history

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// CheckKey is what Uptime calls a check; a service or instance is called by
// its Ref's Term.
func CheckKey(id string) string { return string(engine.KindCheck) + ":" + id }

// monitorKey is whose transitions say when the monitor itself did not run.
const (
	monitorKey     = "monitor"
	monitorRunning = "RUNNING"
	monitorStopped = "STOPPED"
)

// recordSkew is how much later than its transition an id may have been made.
const recordSkew = time.Minute

// timeID is what the ids made at an instant begin with: ids made before it sort
// below, all others above.
func timeID(at time.Time) string {
	var b [10]byte
	state.Encode(b[:], uint64(max(at.UnixMilli(), 0)))
	return string(b[:])
}

// transitions returns the recorded changes of an object that say how it stood
// from from to to: the last one at or before from, those between, and the first
// one after, as far as there are such.
func (hist *History) transitions(ctx context.Context, of string, from, to time.Time) ([]state.Transition, error) {
	var list []state.Transition
	later := engine.Query{Prefix: of + "/", After: of + "/" + timeID(from.Add(recordSkew))}
	earlier := later
	earlier.Reverse = true
	for t, err := range state.Scan[state.Transition](ctx, hist.Store, engine.KindTransition, earlier) {
		if err != nil {
			return nil, err
		}
		list = append(list, *t)
		if !t.At.After(from) {
			break
		}
	}
	slices.Reverse(list)
	if n := len(list); n > 0 && !list[n-1].At.Before(to) {
		return list, nil
	}
	for t, err := range state.Scan[state.Transition](ctx, hist.Store, engine.KindTransition, later) {
		if err != nil {
			return nil, err
		}
		list = append(list, *t)
		if !t.At.Before(to) {
			break
		}
	}
	return list, nil
}

// origin is what is known of an object besides its transitions.
type origin struct {
	exists   bool
	created  time.Time
	standing category // now
}

// origin looks an object up.
func (hist *History) origin(of string) origin {
	hist.Mu.RLock()
	defer hist.Mu.RUnlock()
	kind, id, _ := strings.Cut(of, ":")
	t := hist.Tables
	switch engine.Kind(kind) {
	case engine.KindCheck:
		if c := t.Checks[id]; c != nil {
			o := origin{true, c.Created, standingOf(string(engine.CheckPending), c.Active)}
			if s := t.States[id]; s != nil {
				o.standing = standingOf(string(s.Status), c.Active)
			}
			return o
		}
	case engine.KindService:
		if s := t.Services[id]; s != nil {
			return origin{true, s.Created, subjectStanding(t, of)}
		}
	case engine.KindInstance:
		if i := t.Instances[id]; i != nil {
			return origin{true, i.Created, subjectStanding(t, of)}
		}
	}
	return origin{}
}

func subjectStanding(t *state.Tables, of string) category {
	if s := t.Subjects[of]; s != nil {
		return standingOf(string(s.Overall), true)
	}
	return standingPassing
}

// standingOf says how a status of a check or subject counts.
func standingOf(status string, active bool) category {
	if !active {
		return standingInactive
	}
	switch status {
	case string(engine.CheckPassing): // as StatusPassing
		return standingPassing
	case string(engine.CheckFailing):
		return standingFailing
	case string(engine.CheckUnknown), string(engine.CheckPending), monitorStopped:
		return standingUnknown
	case string(engine.StatusWarning):
		return standingWarning
	case string(engine.StatusError):
		return standingError
	case string(engine.StatusCritical):
		return standingCritical
	case monitorRunning:
		return standingPassing
	}
	return standingInactive
}

// before says how the object counted until the transition.
func before(t *state.Transition) category {
	active := t.Active
	switch {
	case t.To == "": // deleted
		active = true
	case t.From == t.To: // switched on or off
		active = !t.Active
	}
	return standingOf(t.From, active)
}

// statusLine returns how an object stood from from to to, as its transitions
// alone say it. The line has no gaps.
func (hist *History) statusLine(ctx context.Context, of string, from, to time.Time) ([]segment, error) {
	list, err := hist.transitions(ctx, of, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", of, err)
	}
	return lineOf(list, hist.origin(of), from, to), nil
}

func lineOf(list []state.Transition, o origin, from, to time.Time) []segment {
	now := o.standing
	if len(list) > 0 {
		now = before(&list[0])
	}
	line := []segment{{Span{from, to}, now}}
	if o.exists && o.created.After(from) { // what was before is known without a transition
		line = []segment{{Span{from, Earlier(o.created, to)}, standingInactive}, {Span{Earlier(o.created, to), to}, now}}
	}
	for i := range list {
		t, last := &list[i], &line[len(line)-1]
		at := Later(last.From, t.At)
		if !at.Before(to) {
			break
		}
		last.To = at
		line = append(line, segment{Span{at, to}, standingOf(t.To, t.Active)})
	}
	return join(line)
}

// join makes one of neighbours that count alike, and drops empty ones.
func join(line []segment) []segment {
	out := line[:0]
	for _, s := range line {
		if s.empty() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].standing == s.standing {
			out[n-1].To = s.To
		} else {
			out = append(out, s)
		}
	}
	return out
}

// stops returns when the monitor itself did not run.
func (hist *History) stops(ctx context.Context, from, to time.Time) ([]Span, error) {
	list, err := hist.transitions(ctx, monitorKey, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the history of the monitor: %w", err)
	}
	var out []Span
	for _, s := range lineOf(list, origin{standing: standingPassing}, from, to) {
		if s.standing == standingUnknown {
			out = append(out, s.Span)
		}
	}
	return out, nil
}
