package edit

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// SubjectView is what is derived of a service or instance.
type SubjectView struct {
	OverallStatus    engine.Status           `json:"overall_status"`
	OldOverallStatus engine.Status           `json:"old_overall_status"`
	Since            *time.Time              `json:"since"` // of the status
	LastAlertSent    *time.Time              `json:"last_alert_sent"`
	Incident         *string                 `json:"incident"` // id of the open one
	Problem          string                  `json:"problem"`  // why its status rule does not hold
	Acknowledgement  *engine.Acknowledgement `json:"acknowledgement"`
}

// ServiceView is a service as clients see it.
type ServiceView struct {
	engine.Service
	SubjectView
}

// InstanceView is an instance as clients see it.
type InstanceView struct {
	engine.Instance
	SubjectView
}

// Service returns one service.
func (t *Targets) Service(id string) (ServiceView, error) {
	return state.OneView(t.State, engine.KindService, t.Tables.Services, id, t.serviceView)
}

// Services returns all services in order of id.
func (t *Targets) Services() []ServiceView {
	return state.AllViews(t.State, t.Tables.Services, t.serviceView)
}

// StoredService returns the service as it is stored: what an edit begins from.
func (t *Targets) StoredService(id string) (engine.Service, error) {
	return state.OneView(t.State, engine.KindService, t.Tables.Services, id, state.AsStored)
}

func (t *Targets) serviceView(s *engine.Service) ServiceView {
	v := ServiceView{*s, t.subjectView(engine.Ref{Kind: engine.KindService, ID: s.ID})}
	v.Alerts = t.publicAlerts(s.Alerts)
	return v
}

func (t *Targets) publicAlerts(alerts []engine.AlertChoice) []engine.AlertChoice {
	out := make([]engine.AlertChoice, len(alerts))
	for i, a := range alerts {
		out[i] = engine.AlertChoice{Plugin: a.Plugin, Settings: t.Public(a.Plugin, engine.ServiceConfigForm, a.Settings)}
	}
	return out
}

func (t *Targets) subjectView(ref engine.Ref) SubjectView {
	v := SubjectView{OverallStatus: engine.StatusPassing, OldOverallStatus: engine.StatusPassing}
	s := t.Tables.Subjects[ref.Key()]
	if s == nil {
		return v
	}
	since := s.Since
	v.OverallStatus, v.OldOverallStatus, v.Since, v.LastAlertSent = s.Overall, s.Old, &since, s.LastSent
	v.Problem = s.Problem
	if s.Incident != "" {
		id := s.Incident
		v.Incident = &id
		if in := t.Tables.Incidents[id]; in != nil {
			v.Acknowledgement = in.Ack
		}
	}
	return v
}

// Instance returns one instance.
func (t *Targets) Instance(id string) (InstanceView, error) {
	return state.OneView(t.State, engine.KindInstance, t.Tables.Instances, id, t.instanceView)
}

// Instances returns all instances in order of id.
func (t *Targets) Instances() []InstanceView {
	return state.AllViews(t.State, t.Tables.Instances, t.instanceView)
}

// StoredInstance returns the instance as it is stored: what an edit begins from.
func (t *Targets) StoredInstance(id string) (engine.Instance, error) {
	return state.OneView(t.State, engine.KindInstance, t.Tables.Instances, id, state.AsStored)
}

func (t *Targets) instanceView(i *engine.Instance) InstanceView {
	v := InstanceView{*i, t.subjectView(engine.Ref{Kind: engine.KindInstance, ID: i.ID})}
	v.Alerts = t.publicAlerts(i.Alerts)
	return v
}
