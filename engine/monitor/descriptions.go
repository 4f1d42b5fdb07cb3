package monitor

import (
	"context"
	"sync"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// describer asks plugins what their checks do, when a check or a version
// changes. A check waits once, however often it is asked for.
type describer struct {
	mu      sync.Mutex
	waiting map[string]bool
	bell    chan struct{}
}

func newDescriber() *describer {
	return &describer{waiting: map[string]bool{}, bell: make(chan struct{}, 1)}
}

// askDescription asks for a check's description soon. It does not block.
func (m *Monitor) askDescription(id string) {
	d := m.describer
	d.mu.Lock()
	d.waiting[id] = true
	d.mu.Unlock()
	select {
	case d.bell <- struct{}{}:
	default:
	}
}

func (m *Monitor) describeLoop() {
	d := m.describer
	for {
		select {
		case <-d.bell:
		case <-m.Work.Done():
			return
		}
		for m.Work.Err() == nil {
			id, ok := d.next()
			if !ok {
				break
			}
			m.describeCheck(id)
		}
	}
}

func (d *describer) next() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.waiting {
		delete(d.waiting, id)
		return id, true
	}
	return "", false
}

// describeTime is how long a plugin's line on a check is waited for; a plugin ends
// itself far earlier, but it may have to wait for its turn.
const describeTime = time.Minute

// describeCheck keeps the plugin's line on a check, and whether the stored
// configuration still passes the version's form.
func (m *Monitor) describeCheck(id string) {
	c := m.CheckNow(id)
	if c == nil {
		return
	}
	entry, ok := m.PluginEntry(c.Plugin)
	if !ok || entry.Plugin == nil || entry.Plugin.Meta().Kind != engine.CheckPlugin {
		return
	}
	meta := entry.Plugin.Meta()
	in, _ := m.checkRun(c)
	ctx, cancel := context.WithTimeout(m.Work, describeTime)
	text, err := entry.Plugin.Describe(ctx, in)
	cancel()
	if err != nil {
		text = ""
		m.Log.Warn("a plugin failed to describe a check", "plugin", c.Plugin, "check", c.Name, "error", err)
	}
	problem := ""
	if errs := meta.Forms[engine.ConfigForm].Check(c.Config); len(errs) > 0 {
		problem = errs.Error()
	}
	m.Enqueue(func(x *state.Tx) error {
		state := x.States.Get(id)
		if state == nil || state.Description == text && state.DescribedBy == meta.Hash && state.Problem == problem {
			return nil
		}
		s := state.Copy()
		s.Description, s.DescribedBy, s.Problem = text, meta.Hash, problem
		x.States.Put(id, s)
		return nil
	})
}
