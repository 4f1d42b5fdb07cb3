package history

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/silence"
	"moonwatch/engine/state"
)

// maintenance knows when what was in maintenance: the occurrences of the
// silences that say so, over one span of time.
type maintenance struct {
	e    *History
	list []occurrences
}

type occurrences struct {
	silence *engine.Silence
	spans   []Span
}

// endedMaintenance is what is kept of a deleted silence: what was maintenance
// until then stays so.
type endedMaintenance struct {
	Silence *engine.Silence `json:"silence"`
	Ended   time.Time       `json:"ended"`
}

const endedPrefix = "maintenance/"

// KeepMaintenance remembers a silence that is being deleted.
func KeepMaintenance(x *state.Tx, s *engine.Silence) {
	if s.Maintenance && s.StartsAt.Before(x.Now) {
		x.Write(engine.KindMark, endedPrefix+s.ID, endedMaintenance{s, x.Now.UTC()})
	}
}

// maintenance returns what was in maintenance from from to to, by the silences
// as they are now, and by those that were deleted until their deletion.
func (hist *History) maintenance(ctx context.Context, from, to time.Time) (*maintenance, error) {
	m := &maintenance{e: hist}
	hist.Mu.RLock()
	for _, s := range hist.Tables.Silences {
		m.add(s, from, to)
	}
	hist.Mu.RUnlock()
	for ended, err := range hist.endedMaintenance(ctx) {
		if err != nil {
			return nil, err
		}
		m.add(ended.Silence, from, Earlier(to, ended.Ended))
	}
	return m, nil
}

func (m *maintenance) add(s *engine.Silence, from, to time.Time) {
	if !s.Maintenance || !from.Before(to) {
		return
	}
	o := occurrences{silence: s}
	for _, w := range silence.Windows(s, from, to) {
		o.spans = append(o.spans, Span{w.Start, w.End}.clip(from, to))
	}
	if len(o.spans) > 0 {
		m.list = append(m.list, o)
	}
}

// endedMaintenance ranges over what is kept of deleted silences.
func (hist *History) endedMaintenance(ctx context.Context) iter.Seq2[*endedMaintenance, error] {
	return func(yield func(*endedMaintenance, error) bool) {
		for ended, err := range state.Scan[endedMaintenance](ctx, hist.Store, engine.KindMark, engine.Query{Prefix: endedPrefix}) {
			if err == nil && ended.Silence == nil {
				err = fmt.Errorf("read the maintenance that ended at %s: it names no silence", ended.Ended)
			}
			if !yield(ended, err) || err != nil {
				return
			}
		}
	}
}

// of returns when a check or subject was in maintenance, as a union. A check is
// so by silences that name it or one of its tags, a service or instance by those
// that cover all its checks.
func (m *maintenance) of(key string) []Span {
	if len(m.list) == 0 {
		return nil
	}
	covers := m.e.covering(key)
	var spans []Span
	for _, o := range m.list {
		if covers(o.silence) {
			spans = append(spans, o.spans...)
		}
	}
	return union(spans)
}

// covering returns which silences cover an object with the tags that it has now.
func (hist *History) covering(key string) func(*engine.Silence) bool {
	kind, id, _ := strings.Cut(key, ":")
	var tags []string
	hist.Mu.RLock()
	defer hist.Mu.RUnlock()
	switch engine.Kind(kind) {
	case engine.KindCheck:
		if c := hist.Tables.Checks[id]; c != nil {
			tags = c.Tags
		}
		return func(s *engine.Silence) bool { return slices.Contains(s.Checks, id) || silence.ShareTag(s.Tags, tags) }
	case engine.KindService:
		if s := hist.Tables.Services[id]; s != nil {
			tags = s.Tags
		}
	case engine.KindInstance:
		if i := hist.Tables.Instances[id]; i != nil {
			tags = i.Tags
		}
	}
	return func(s *engine.Silence) bool {
		return silence.CoversAll(s, engine.Ref{Kind: engine.Kind(kind), ID: id}, tags)
	}
}
