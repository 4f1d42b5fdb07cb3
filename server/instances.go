package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

func (s *Server) instanceRoutes() []*route {
	k := &collection[engine.Instance, engine.InstanceView]{
		kind: engine.KindInstance, plural: "instances", one: "an instance", read: access.Viewer, write: access.Editor,
		required: []string{"name"}, order: "name",
		fresh: engine.NewInstance,
		get:   func(c *call, id string) (engine.InstanceView, error) { return c.engine.Instance(id) },
		all:   func(c *call) ([]engine.InstanceView, error) { return c.engine.Instances(), nil },
		stored: func(c *call, id string) (engine.Instance, uint64, error) {
			stored, err := c.engine.StoredInstance(id)
			return stored, stored.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Instance) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := c.engine.SaveInstance(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return c.engine.DeleteInstance(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.InstanceView) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(s), revisionRoutes(s, k, func(e *engine.Engine, old *engine.Instance) { revertAlerts(e, &old.Alerting) })...)
}
