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

// maintenance knows when what was in maintenance: the occurrences of the
// silences that say so, over one span of time.
type maintenance struct {
	e    *historyService
	list []occurrences
}

type occurrences struct {
	silence *Silence
	spans   []Span
}

// endedMaintenance is what is kept of a deleted silence: what was maintenance
// until then stays so.
type endedMaintenance struct {
	Silence *Silence  `json:"silence"`
	Ended   time.Time `json:"ended"`
}

const endedPrefix = "maintenance/"

// keepMaintenance remembers a silence that is being deleted.
func (x *tx) keepMaintenance(s *Silence) {
	if s.Maintenance && s.StartsAt.Before(x.now) {
		x.write(KindMark, endedPrefix+s.ID, endedMaintenance{s, x.now.UTC()})
	}
}

// maintenance returns what was in maintenance from from to to, by the silences
// as they are now, and by those that were deleted until their deletion.
func (e *historyService) maintenance(ctx context.Context, from, to time.Time) (*maintenance, error) {
	m := &maintenance{e: e}
	e.mu.RLock()
	for _, s := range e.tables.silences {
		m.add(s, from, to)
	}
	e.mu.RUnlock()
	err := e.endedMaintenance(ctx, func(_ string, ended endedMaintenance) {
		m.add(ended.Silence, from, earlier(to, ended.Ended))
	})
	return m, err
}

func (m *maintenance) add(s *Silence, from, to time.Time) {
	if !s.Maintenance || !from.Before(to) {
		return
	}
	o := occurrences{silence: s}
	for _, w := range s.windows(from, to) {
		o.spans = append(o.spans, Span{w.Start, w.End}.clip(from, to))
	}
	if len(o.spans) > 0 {
		m.list = append(m.list, o)
	}
}

// endedMaintenance calls fn for what is kept of deleted silences.
func (e *historyService) endedMaintenance(ctx context.Context, fn func(id string, ended endedMaintenance)) error {
	var bad error
	err := e.store.Scan(ctx, KindMark, Query{After: endedPrefix}, func(r Record) bool {
		if !strings.HasPrefix(r.ID, endedPrefix) {
			return false
		}
		var ended endedMaintenance
		if bad = json.Unmarshal(r.Data, &ended); bad != nil || ended.Silence == nil {
			bad = errors.Join(bad, fmt.Errorf("read %s", r.ID))
			return false
		}
		fn(r.ID, ended)
		return true
	})
	return errors.Join(err, bad)
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
func (e *historyService) covering(key string) func(*Silence) bool {
	kind, id, _ := strings.Cut(key, ":")
	var tags []string
	e.mu.RLock()
	defer e.mu.RUnlock()
	switch Kind(kind) {
	case KindCheck:
		if c := e.tables.checks[id]; c != nil {
			tags = c.Tags
		}
		return func(s *Silence) bool { return slices.Contains(s.Checks, id) || shareTag(s.Tags, tags) }
	case KindService:
		if s := e.tables.services[id]; s != nil {
			tags = s.Tags
		}
	case KindInstance:
		if i := e.tables.instances[id]; i != nil {
			tags = i.Tags
		}
	}
	return func(s *Silence) bool { return s.whole(Ref{Kind(kind), id}, tags) }
}
