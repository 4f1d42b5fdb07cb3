package engine

import (
	"time"
)

// SubjectView is what is derived of a service or instance.
type SubjectView struct {
	OverallStatus    Status           `json:"overall_status"`
	OldOverallStatus Status           `json:"old_overall_status"`
	Since            *time.Time       `json:"since"` // of the status
	LastAlertSent    *time.Time       `json:"last_alert_sent"`
	Incident         *string          `json:"incident"` // id of the open one
	Problem          string           `json:"problem"`  // why its status rule does not hold
	Acknowledgement  *Acknowledgement `json:"acknowledgement"`
}

// ServiceView is a service as clients see it.
type ServiceView struct {
	Service
	SubjectView
}

// InstanceView is an instance as clients see it.
type InstanceView struct {
	Instance
	SubjectView
}

// Service returns one service.
func (e *targetService) Service(id string) (ServiceView, error) {
	return oneView(e.State, KindService, e.tables.services, id, e.serviceView)
}

// Services returns all services in order of id.
func (e *targetService) Services() []ServiceView {
	return allViews(e.State, e.tables.services, e.serviceView)
}

// StoredService returns the service as it is stored: what an edit begins from.
func (e *targetService) StoredService(id string) (Service, error) {
	return oneView(e.State, KindService, e.tables.services, id, asStored)
}

func (e *targetService) serviceView(s *Service) ServiceView {
	v := ServiceView{*s, e.subjectView(Ref{KindService, s.ID})}
	v.Alerts = e.publicAlerts(s.Alerts)
	return v
}

func (e *targetService) publicAlerts(alerts []AlertChoice) []AlertChoice {
	out := make([]AlertChoice, len(alerts))
	for i, a := range alerts {
		out[i] = AlertChoice{a.Plugin, e.Public(a.Plugin, ServiceConfigForm, a.Settings)}
	}
	return out
}

func (e *targetService) subjectView(ref Ref) SubjectView {
	v := SubjectView{OverallStatus: StatusPassing, OldOverallStatus: StatusPassing}
	s := e.tables.subjects[ref.key()]
	if s == nil {
		return v
	}
	since := s.Since
	v.OverallStatus, v.OldOverallStatus, v.Since, v.LastAlertSent = s.Overall, s.Old, &since, s.LastSent
	v.Problem = s.Problem
	if s.Incident != "" {
		id := s.Incident
		v.Incident = &id
		if in := e.tables.incidents[id]; in != nil {
			v.Acknowledgement = in.Ack
		}
	}
	return v
}

// Instance returns one instance.
func (e *targetService) Instance(id string) (InstanceView, error) {
	return oneView(e.State, KindInstance, e.tables.instances, id, e.instanceView)
}

// Instances returns all instances in order of id.
func (e *targetService) Instances() []InstanceView {
	return allViews(e.State, e.tables.instances, e.instanceView)
}

// StoredInstance returns the instance as it is stored: what an edit begins from.
func (e *targetService) StoredInstance(id string) (Instance, error) {
	return oneView(e.State, KindInstance, e.tables.instances, id, asStored)
}

func (e *targetService) instanceView(i *Instance) InstanceView {
	v := InstanceView{*i, e.subjectView(Ref{KindInstance, i.ID})}
	v.Alerts = e.publicAlerts(i.Alerts)
	return v
}
