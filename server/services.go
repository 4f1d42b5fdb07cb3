package server

import (
	"moonwatch/engine"
	"moonwatch/engine/access"
)

// services are the routes of services.
type services struct {
	engine *engine.Engine
}

func (s *services) routes(known shapes) []*route {
	k := &collection[engine.Service, engine.ServiceView]{
		kind: engine.KindService, plural: "services", one: "a service", read: access.Viewer, write: access.Editor,
		required: []string{"name"}, order: "name",
		fresh: engine.NewService,
		get:   func(c *call, id string) (engine.ServiceView, error) { return s.engine.Service(id) },
		all:   func(c *call) ([]engine.ServiceView, error) { return s.engine.Services(), nil },
		stored: func(c *call, id string) (engine.Service, uint64, error) {
			stored, err := s.engine.StoredService(id)
			return stored, stored.Revision, err
		},
		save: func(c *call, id string, revision uint64, in engine.Service) (string, error) {
			in.ID, in.Revision = id, revision
			saved, err := s.engine.SaveService(c.r.Context(), c.actor(), in)
			if err != nil {
				return "", err
			}
			return saved.ID, nil
		},
		remove: func(c *call, id string, revision *uint64) error {
			return s.engine.DeleteService(c.r.Context(), c.actor(), id, revision)
		},
		meta: func(v *engine.ServiceView) *engine.Meta { return &v.Meta },
	}
	return append(k.routes(known), revisionRoutes(known, s.engine, k, func(e *engine.Engine, old *engine.Service) { revertAlerts(e, &old.Alerting) })...)
}

// revertAlerts turns the stored settings of alert plugins into what a client
// would send to get them back.
func revertAlerts(e *engine.Engine, a *engine.Alerting) {
	for i := range a.Alerts {
		a.Alerts[i].Settings = e.Public(a.Alerts[i].Plugin, engine.ServiceConfigForm, a.Alerts[i].Settings)
	}
}
