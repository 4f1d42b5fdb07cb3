package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/edit"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// instances are the routes of instances.
type instances struct {
	engine *monitor.Monitor
}

func (s *instances) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[engine.Instance, edit.InstanceView]{
		Kind: engine.KindInstance, Plural: "instances", One: "an instance", Read: access.Viewer, Write: access.Editor,
		Required: []string{"name"}, Order: "name",
		Fresh: engine.NewInstance,
		Get:   func(c *rest.Call, id string) (edit.InstanceView, error) { return s.engine.Targets.Instance(id) },
		All:   func(c *rest.Call) ([]edit.InstanceView, error) { return s.engine.Targets.Instances(), nil },
		Stored: func(c *rest.Call, id string) (engine.Instance, uint64, error) {
			stored, err := s.engine.Targets.StoredInstance(id)
			return stored, stored.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Instance) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.Targets.SaveInstance(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Validate: func(c *rest.Call, id string, revision uint64, in engine.Instance) error {
			in.ID, in.Revision = id, revision
			return s.engine.Targets.ValidateInstance(c.Request.Context(), c.Actor(), in)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Targets.DeleteInstance(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *edit.InstanceView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, decodeAs[engine.Instance](s.engine, k.Kind))...)
}
