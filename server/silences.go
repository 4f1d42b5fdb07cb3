package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// silences are the routes of silences.
type silences struct {
	engine *engine.Engine
}

func (s *silences) routes(known shapes) []*route {
	k := &collection[engine.Silence, engine.SilenceView]{
		kind: engine.KindSilence, plural: "silences", one: "a silence", read: access.Viewer, write: access.Operator,
		required: []string{"starts_at", "ends_at"}, derived: []string{"author"}, order: "starts_at",
		note:  "rrule counts in wall time of time_zone; starts_at and ends_at are the first occurrence, which always holds. An UNTIL with a Z is an instant, without it wall time, and a date is the whole of that day.",
		fresh: engine.NewSilence,
		get:   func(c *call, id string) (engine.SilenceView, error) { return s.engine.Silence(id) },
		all:   func(c *call) ([]engine.SilenceView, error) { return s.engine.Silences(), nil },
		stored: func(c *call, id string) (engine.Silence, uint64, error) {
			v, err := s.engine.Silence(id)
			return v.Silence, v.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Silence) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.SaveSilence(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return s.engine.DeleteSilence(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.SilenceView) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(known), revisionRoutes(known, s.engine, k, nil)...)
}
