package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CheckKey is what Uptime calls a check; a service or instance is called by
// its Ref's Term.
func CheckKey(id string) string { return string(KindCheck) + ":" + id }

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
	encode(b[:], uint64(max(at.UnixMilli(), 0)))
	return string(b[:])
}

// transitions returns the recorded changes of an object that say how it stood
// from from to to: the last one at or before from, those between, and the first
// one after, as far as there are such.
func (e *historyService) transitions(ctx context.Context, of string, from, to time.Time) ([]Transition, error) {
	var list []Transition
	var bad error
	read := func(r Record) (Transition, bool) {
		var t Transition
		if !strings.HasPrefix(r.ID, of+"/") {
			return t, false
		}
		if bad = json.Unmarshal(r.Data, &t); bad != nil {
			bad = fmt.Errorf("read transition %s: %w", r.ID, bad)
		}
		return t, bad == nil
	}
	middle := of + "/" + timeID(from.Add(recordSkew))
	err := e.store.Scan(ctx, KindTransition, Query{After: middle, Reverse: true}, func(r Record) bool {
		t, ok := read(r)
		if ok {
			list = append(list, t)
		}
		return ok && t.At.After(from)
	})
	if err = errors.Join(err, bad); err != nil {
		return nil, err
	}
	slices.Reverse(list)
	if n := len(list); n > 0 && !list[n-1].At.Before(to) {
		return list, nil
	}
	err = e.store.Scan(ctx, KindTransition, Query{After: middle}, func(r Record) bool {
		t, ok := read(r)
		if ok {
			list = append(list, t)
		}
		return ok && t.At.Before(to)
	})
	return list, errors.Join(err, bad)
}

// origin is what is known of an object besides its transitions.
type origin struct {
	exists   bool
	created  time.Time
	standing standing // now
}

// origin looks an object up.
func (e *historyService) origin(of string) origin {
	e.mu.RLock()
	defer e.mu.RUnlock()
	kind, id, _ := strings.Cut(of, ":")
	t := e.tables
	switch Kind(kind) {
	case KindCheck:
		if c := t.checks[id]; c != nil {
			o := origin{true, c.Created, standingOf(string(CheckPending), c.Active)}
			if s := t.states[id]; s != nil {
				o.standing = standingOf(string(s.Status), c.Active)
			}
			return o
		}
	case KindService:
		if s := t.services[id]; s != nil {
			return origin{true, s.Created, t.subjectStanding(of)}
		}
	case KindInstance:
		if i := t.instances[id]; i != nil {
			return origin{true, i.Created, t.subjectStanding(of)}
		}
	}
	return origin{}
}

func (t *tables) subjectStanding(of string) standing {
	if s := t.subjects[of]; s != nil {
		return standingOf(string(s.Overall), true)
	}
	return standingPassing
}

// standingOf says how a status of a check or subject counts.
func standingOf(status string, active bool) standing {
	if !active {
		return standingInactive
	}
	switch status {
	case string(CheckPassing): // as StatusPassing
		return standingPassing
	case string(CheckFailing):
		return standingFailing
	case string(CheckUnknown), string(CheckPending), monitorStopped:
		return standingUnknown
	case string(StatusWarning):
		return standingWarning
	case string(StatusError):
		return standingError
	case string(StatusCritical):
		return standingCritical
	case monitorRunning:
		return standingPassing
	}
	return standingInactive
}

// before says how the object counted until the transition.
func (t *Transition) before() standing {
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
func (e *historyService) statusLine(ctx context.Context, of string, from, to time.Time) ([]stretch, error) {
	list, err := e.transitions(ctx, of, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", of, err)
	}
	return lineOf(list, e.origin(of), from, to), nil
}

func lineOf(list []Transition, o origin, from, to time.Time) []stretch {
	now := o.standing
	if len(list) > 0 {
		now = list[0].before()
	}
	line := []stretch{{Span{from, to}, now}}
	if o.exists && o.created.After(from) { // what was before is known without a transition
		line = []stretch{{Span{from, earlier(o.created, to)}, standingInactive}, {Span{earlier(o.created, to), to}, now}}
	}
	for i := range list {
		t, last := &list[i], &line[len(line)-1]
		at := later(last.From, t.At)
		if !at.Before(to) {
			break
		}
		last.To = at
		line = append(line, stretch{Span{at, to}, standingOf(t.To, t.Active)})
	}
	return join(line)
}

// join makes one of neighbours that count alike, and drops empty ones.
func join(line []stretch) []stretch {
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
func (e *historyService) stops(ctx context.Context, from, to time.Time) ([]Span, error) {
	list, err := e.transitions(ctx, monitorKey, from, to)
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
