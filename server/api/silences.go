package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/edit"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// silences are the routes of silences.
type silences struct {
	engine *monitor.Monitor
}

func (s *silences) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[engine.Silence, edit.SilenceView]{
		Kind: engine.KindSilence, Plural: "silences", One: "a silence", Read: access.Viewer, Write: access.Operator,
		Required: []string{"starts_at", "ends_at"}, Derived: []string{"author"}, Order: "starts_at",
		Note:  "rrule counts in wall time of time_zone; starts_at and ends_at are the first occurrence, which always holds. An UNTIL with a Z is an instant, without it wall time, and a date is the whole of that day.",
		Fresh: engine.NewSilence,
		Get:   func(c *rest.Call, id string) (edit.SilenceView, error) { return s.engine.Silences.Silence(id) },
		All:   func(c *rest.Call) ([]edit.SilenceView, error) { return s.engine.Silences.Silences(), nil },
		Stored: func(c *rest.Call, id string) (engine.Silence, uint64, error) {
			v, err := s.engine.Silences.Silence(id)
			return v.Silence, v.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Silence) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.Silences.SaveSilence(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Validate: func(c *rest.Call, id string, revision uint64, in engine.Silence) error {
			in.ID, in.Revision = id, revision
			return s.engine.Silences.ValidateSilence(c.Request.Context(), c.Actor(), in)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Silences.DeleteSilence(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *edit.SilenceView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, decodeAs[engine.Silence](s.engine, k.Kind))...)
}
