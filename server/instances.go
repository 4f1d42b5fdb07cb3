package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// instances are the routes of instances.
type instances struct {
	engine *engine.Engine
}

func (s *instances) routes(known shapes) []*route {
	k := &collection[engine.Instance, engine.InstanceView]{
		kind: engine.KindInstance, plural: "instances", one: "an instance", read: access.Viewer, write: access.Editor,
		required: []string{"name"}, order: "name",
		fresh: engine.NewInstance,
		get:   func(c *call, id string) (engine.InstanceView, error) { return s.engine.Instance(id) },
		all:   func(c *call) ([]engine.InstanceView, error) { return s.engine.Instances(), nil },
		stored: func(c *call, id string) (engine.Instance, uint64, error) {
			stored, err := s.engine.StoredInstance(id)
			return stored, stored.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Instance) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.SaveInstance(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return s.engine.DeleteInstance(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.InstanceView) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(known), revisionRoutes(known, s.engine, k, func(e *engine.Engine, old *engine.Instance) { revertAlerts(e, &old.Alerting) })...)
}
