package config

import (
	"reflect"
	"time"
)

// beginner is an object that has defaults for what is left out.
type beginner interface{ begin() }

// begun returns a new value that holds the defaults of its type.
func begun(t reflect.Type) reflect.Value {
	v := reflect.New(t)
	if b, ok := v.Interface().(beginner); ok {
		b.begin()
	}
	return v
}

func (s *Settings) begin() {
	const day = Duration(24 * time.Hour)
	*s = Settings{Retention: 30 * day, SumRetention: 730 * day, HistoryRetention: 730 * day}
}

func (u *User) begin() {
	*u = User{
		Active:       true,
		Role:         "viewer",
		TimeZone:     "UTC",
		Settings:     map[string]Values{},
		QuietHours:   []QuietHours{},
		ContactRules: []ContactRule{},
	}
}

func (r *Rota) begin() { *r = Rota{TimeZone: "UTC", Overrides: []Override{}} }

func (c *Check) begin() {
	*c = Check{Config: Values{}, Active: true, Importance: "ERROR", Interval: Duration(time.Minute),
		Timeout: Duration(30 * time.Second), RecoverAfter: 1, NoData: "fail", Tags: []string{}}
}

func (a *Alerting) begin() { *a = Alerting{AlertsEnabled: true} }

func (s *Service) begin() { s.Alerting.begin() }

func (i *Instance) begin() { i.Alerting.begin() }

func (s *Silence) begin() { *s = Silence{TimeZone: "UTC"} }
