package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/edit"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// services are the routes of services.
type services struct {
	engine *monitor.Monitor
}

func (s *services) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[engine.Service, edit.ServiceView]{
		Kind: engine.KindService, Plural: "services", One: "a service", Read: access.Viewer, Write: access.Editor,
		Required: []string{"name"}, Order: "name",
		Fresh: engine.NewService,
		Get:   func(c *rest.Call, id string) (edit.ServiceView, error) { return s.engine.Targets.Service(id) },
		All:   func(c *rest.Call) ([]edit.ServiceView, error) { return s.engine.Targets.Services(), nil },
		Stored: func(c *rest.Call, id string) (engine.Service, uint64, error) {
			stored, err := s.engine.Targets.StoredService(id)
			return stored, stored.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Service) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.Targets.SaveService(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Validate: func(c *rest.Call, id string, revision uint64, in engine.Service) error {
			in.ID, in.Revision = id, revision
			return s.engine.Targets.ValidateService(c.Request.Context(), c.Actor(), in)
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.Targets.DeleteService(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *edit.ServiceView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, decodeAs[engine.Service](s.engine, k.Kind))...)
}
