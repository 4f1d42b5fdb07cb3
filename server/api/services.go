package api

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/server/rest"
)

// services are the routes of services.
type services struct {
	engine *engine.Engine
}

func (s *services) routes(known rest.Shapes) []*rest.Route {
	k := &rest.Collection[engine.Service, engine.ServiceView]{
		Kind: engine.KindService, Plural: "services", One: "a service", Read: access.Viewer, Write: access.Editor,
		Required: []string{"name"}, Order: "name",
		Fresh: engine.NewService,
		Get:   func(c *rest.Call, id string) (engine.ServiceView, error) { return s.engine.Service(id) },
		All:   func(c *rest.Call) ([]engine.ServiceView, error) { return s.engine.Services(), nil },
		Stored: func(c *rest.Call, id string) (engine.Service, uint64, error) {
			stored, err := s.engine.StoredService(id)
			return stored, stored.Revision, err
		},
		Save: func(c *rest.Call, id string, revision uint64, in engine.Service) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.SaveService(c.Request.Context(), c.Actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		Remove: func(c *rest.Call, id string, revision *uint64) error {
			return s.engine.DeleteService(c.Request.Context(), c.Actor(), id, revision)
		},
		Meta: func(v *engine.ServiceView) *engine.Meta { return &v.Meta },
	}
	return append(k.Routes(known), revisionRoutes(known, s.engine, k, func(e *engine.Engine, old *engine.Service) { revertAlerts(e, &old.Alerting) })...)
}

// revertAlerts turns the stored settings of alert plugins into what a client
// would send to get them back.
func revertAlerts(e *engine.Engine, a *engine.Alerting) {
	for i := range a.Alerts {
		a.Alerts[i].Settings = e.Public(a.Alerts[i].Plugin, engine.ServiceConfigForm, a.Alerts[i].Settings)
	}
}
