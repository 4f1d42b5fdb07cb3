package engine

import (
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// NewCheck returns a check with the defaults of one that a person begins.
func NewCheck() Check {
	return Check{Config: form.Values{}, Active: true, Importance: StatusError, Interval: Duration(time.Minute),
		Timeout: Duration(30 * time.Second), RecoverAfter: 1, NoData: NoDataFail, Tags: []string{}}
}

func newAlerting() Alerting {
	return Alerting{StatusChecks: []string{}, UsersToNotify: []string{}, Alerts: []AlertChoice{}, AlertsEnabled: true,
		RepeatInterval: map[Status]Duration{}, Rotas: []string{}, Escalation: []EscalationStep{}, DependsOn: []Ref{}, Tags: []string{}}
}

// NewService returns a service with the defaults of one that a person begins.
func NewService() Service { return Service{Instances: []string{}, Alerting: newAlerting()} }

// NewInstance returns an instance with the defaults of one that a person begins.
func NewInstance() Instance { return Instance{Alerting: newAlerting()} }

// NewUser returns a user with the defaults of one that an admin begins.
func NewUser() User {
	return User{
		Active:       true,
		Role:         access.Viewer,
		TimeZone:     "UTC",
		Settings:     map[string]form.Values{},
		QuietHours:   []QuietHours{},
		ContactRules: []ContactRule{},
	}
}

// NewRota returns a rota with the defaults of one that a person begins.
func NewRota() Rota { return Rota{TimeZone: "UTC", Overrides: []RotaOverride{}} }

// NewSilence returns a silence with the defaults of one that a person begins.
func NewSilence() Silence {
	return Silence{Services: []string{}, Instances: []string{}, Checks: []string{}, Tags: []string{}, TimeZone: "UTC"}
}
