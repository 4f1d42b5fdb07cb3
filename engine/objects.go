package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/rota"
)

// Meta is what every configured object has. Objects are immutable once the
// engine holds them: an edit replaces the object by a new one.
type Meta struct {
	ID       string    `json:"id"`
	Revision uint64    `json:"revision"` // from 1; the object's ETag
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
}

// Check is what a person configured of a check.
type Check struct {
	Meta
	Name          string      `json:"name"`
	Plugin        string      `json:"plugin"` // slug
	Config        form.Values `json:"config"` // stored shape, secrets sealed
	Active        bool        `json:"active"`
	Importance    Status      `json:"importance"`
	Interval      Duration    `json:"interval"` // 1s to a year
	Schedule      *Schedule   `json:"schedule"` // in place of the interval; nil is none
	Timeout       Duration    `json:"timeout"`
	Debounce      int         `json:"debounce"`       // failures allowed before it counts as failing
	RecoverAfter  int         `json:"recover_after"`  // successes before it counts as passing, at least 1
	RetryInterval Duration    `json:"retry_interval"` // 0 is none
	NoData        NoData      `json:"no_data"`
	UnknownAfter  Duration    `json:"unknown_after"` // 0 is 3 intervals, at least 5m
	RunbookLink   string      `json:"runbook_link"`
	Tags          []string    `json:"tags"`
	// PingToken is the secret in the check's ping URL. It is given at creation.
	PingToken string `json:"ping_token,omitempty"`
}

// Schedule is a check's timetable in place of an interval.
type Schedule struct {
	Cron        string `json:"cron"`
	TimeZone    string `json:"time_zone"`
	ActiveHours string `json:"active_hours"`
}

// NoData says how an unknown result of cause "plugin" counts.
type NoData string

// The ways to count an unknown result.
const (
	NoDataFail NoData = "fail"
	NoDataPass NoData = "pass"
	NoDataKeep NoData = "keep"
)

// NoDataWays are all ways to count an unknown result.
func NoDataWays() []NoData { return []NoData{NoDataFail, NoDataPass, NoDataKeep} }

// Alerting is what a service and an instance have in common: their checks, and
// who is told how.
type Alerting struct {
	RunbookLink    string              `json:"runbook_link"`
	StatusChecks   []string            `json:"status_checks"`   // check ids
	UsersToNotify  []string            `json:"users_to_notify"` // user ids
	Alerts         []AlertChoice       `json:"alerts"`
	AlertsEnabled  bool                `json:"alerts_enabled"`
	RepeatInterval map[Status]Duration `json:"repeat_interval"` // a severity left out takes the site's
	Rotas          []string            `json:"rotas"`
	Escalation     []EscalationStep    `json:"escalation"`
	DependsOn      []Ref               `json:"depends_on"`
	StatusRule     string              `json:"status_rule"` // Lua; "" is the default rule
	IsPublic       bool                `json:"is_public"`
	Tags           []string            `json:"tags"`
}

// AlertChoice is one alert plugin of a service with its per-service settings.
type AlertChoice struct {
	Plugin   string      `json:"plugin"`
	Settings form.Values `json:"settings"`
}

// EscalationStep widens the circle of an incident that nobody acknowledged.
type EscalationStep struct {
	After   Duration `json:"after"`
	Users   []string `json:"users"`
	Rotas   []string `json:"rotas"`
	Plugins []string `json:"plugins"`
}

// Service is what a person configured of a service.
type Service struct {
	Meta
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	Instances []string `json:"instances"` // instance ids
	Alerting
}

// Instance is a machine, container or address; it alerts as a service does.
type Instance struct {
	Meta
	Name    string `json:"name"`
	Address string `json:"address"`
	Alerting
}

// User is a person who can log in and be told.
type User struct {
	Meta
	Username     string                 `json:"username"`
	FirstName    string                 `json:"first_name"`
	LastName     string                 `json:"last_name"`
	Email        string                 `json:"email"`
	Active       bool                   `json:"active"`
	Role         access.Role            `json:"role"`
	TimeZone     string                 `json:"time_zone"` // IANA name; "" is UTC
	Settings     map[string]form.Values `json:"settings"`  // by alert plugin's slug, secrets sealed
	PasswordHash string                 `json:"password_hash,omitempty"`

	QuietHours []QuietHours `json:"quiet_hours"`
	// QuietCritical holds CRITICAL back too during quiet hours; by default it passes.
	QuietCritical bool          `json:"quiet_critical"`
	ContactRules  []ContactRule `json:"contact_rules"`
	IsFallback    bool          `json:"is_fallback"` // derived: the site's or a rota's fallback; read only
	// FeedToken is the secret in the address of the user's own iCal feed; "" is none.
	FeedToken string `json:"feed_token,omitempty"`
}

// QuietHours are hours of wall time in the user's zone in which they are not
// disturbed. An end at or before the start is on the next day.
type QuietHours struct {
	Days  []string `json:"days"`  // mon tue wed thu fri sat sun, of the start; empty is every day
	Start string   `json:"start"` // "22:00"
	End   string   `json:"end"`   // "07:00"
}

// ContactRule says from which severity on a channel may be used; a channel
// without a rule may be used for all.
type ContactRule struct {
	Channel  string `json:"channel"`  // phone sms email chat other
	Severity Status `json:"severity"` // the least; "" never uses the channel
}

// Rota says who is on duty: by an iCal feed, or by a rotation by hand, either
// with overrides.
type Rota struct {
	Meta
	Name         string         `json:"name"`
	TimeZone     string         `json:"time_zone"`
	FallbackUser string         `json:"fallback_user"` // user id, "" is the site's
	ICalURL      string         `json:"ical_url"`      // "" in what is stored: it is sealed there
	ICalSealed   form.Sealed    `json:"ical_sealed,omitzero"`
	Rotation     *RotaRotation  `json:"rotation"`
	Overrides    []RotaOverride `json:"overrides"`
	// Dealt is what edits of the rotation left as it was; nil is nothing. The
	// engine alone sets it.
	Dealt *rota.Dealt `json:"dealt,omitempty"`
	// FeedToken is the secret in the address of the rota's own iCal feed; "" is none.
	FeedToken string `json:"feed_token,omitempty"`
}

// RotaRotation are people who take turns.
type RotaRotation = rota.Rotation

// RotaOverride puts somebody else on duty for a while.
type RotaOverride = rota.Override

// Silence stops sends for what it covers. Checks and statuses go on.
type Silence struct {
	Meta
	Services    []string  `json:"services"`
	Instances   []string  `json:"instances"`
	Checks      []string  `json:"checks"`
	Tags        []string  `json:"tags"` // of services, instances and checks
	StartsAt    time.Time `json:"starts_at"`
	EndsAt      time.Time `json:"ends_at"` // of the first occurrence
	RRule       string    `json:"rrule"`   // RFC 5545, wall time of TimeZone; "" is once
	TimeZone    string    `json:"time_zone"`
	Comment     string    `json:"comment"`
	Author      string    `json:"author"`      // username
	Maintenance bool      `json:"maintenance"` // its time is left out of uptime figures
}

// Token is an API token; only its hash is kept.
type Token struct {
	Meta
	Name    string      `json:"name"`
	User    string      `json:"user"` // user id
	Hash    string      `json:"hash,omitempty"`
	Role    access.Role `json:"role"` // the most that the token may do; "" is the user's own role
	Expires *time.Time  `json:"expires"`
}

// Session is a browser's login. It is state, not configuration.
type Session struct {
	ID      string    `json:"id"` // the hash of the cookie
	User    string    `json:"user"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
}

// PluginSettings are the site-wide settings of one plugin; their id is the slug.
type PluginSettings struct {
	Meta
	Values form.Values `json:"values"`
}

// Settings are the site's own; there is one, with the id "site".
type Settings struct {
	Meta
	PublicURL      string              `json:"public_url"`
	RepeatInterval map[Status]Duration `json:"repeat_interval"`
	Retention      Duration            `json:"retention"`         // raw results
	SumRetention   Duration            `json:"sum_retention"`     // hourly and daily sums
	HistoryKept    Duration            `json:"history_retention"` // incidents, deliveries, audit
	// SelfCheckTarget is an address (host:port or URL) that answers while the
	// monitor itself is online; "" is none.
	SelfCheckTarget string   `json:"self_check_target"`
	PauseAlerts     bool     `json:"pause_alerts"`
	TrustedProxies  []string `json:"trusted_proxies"` // CIDR
	HeartbeatURL    string   `json:"heartbeat_url"`
	DefaultRota     string   `json:"default_rota"`
	FallbackUser    string   `json:"fallback_user"`
}

// Ref names a service or an instance. In JSON it is {"service": id} or {"instance": id}.
type Ref struct {
	Kind Kind // KindService or KindInstance
	ID   string
}

// MarshalJSON writes {"service": id} or {"instance": id}.
func (r Ref) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{string(r.Kind): r.ID})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Ref) UnmarshalJSON(data []byte) error {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if len(m) == 1 {
		for k, id := range m {
			if Kind(k) == KindService || Kind(k) == KindInstance {
				*r = Ref{Kind(k), id}
				return nil
			}
		}
	}
	return fmt.Errorf("a reference is {\"service\": id} or {\"instance\": id}")
}

// Contact is when a user was contacted lately through the channels that have a
// flood limit. It is state, under the user's id.
type Contact struct {
	User string                 `json:"user"`
	Sent map[string][]time.Time `json:"sent"` // by channel
}

// Breaker holds a check or a plugin whose runs were ended by limits again and
// again. It is state, under the id "check:<id>" or "plugin:<slug>".
type Breaker struct {
	ID     string      `json:"id"`
	Limits []time.Time `json:"limits"` // ends by a limit in the last ten minutes
	Until  *time.Time  `json:"until"`  // check: suspended until
	Level  int         `json:"level"`  // check: how often it was suspended in a row
	Held   bool        `json:"held"`   // plugin: suspended until its file changes or a person resumes it
	Reason string      `json:"reason"`
	Hash   string      `json:"hash"` // of the plugin's version then: another one is given a new chance
}

// Suspended reports whether the breaker holds at the instant now, and why.
func (b *Breaker) Suspended(now time.Time) (string, bool) {
	if b == nil {
		return "", false
	}
	if b.Held {
		return b.Reason, true
	}
	if b.Until != nil && now.Before(*b.Until) {
		return b.Reason, true
	}
	return "", false
}

// SubjectState is what is derived of a service or instance.
type SubjectState struct {
	Subject  Ref        `json:"subject"`
	Overall  Status     `json:"overall_status"`
	Old      Status     `json:"old_overall_status"`
	Since    time.Time  `json:"since"`
	LastSent *time.Time `json:"last_alert_sent"`
	Incident string     `json:"incident"`          // of the open incident, "" without
	Problem  string     `json:"problem,omitempty"` // why the default rule took the place of the subject's own
}

func (r Ref) Key() string { return string(r.Kind) + ":" + r.ID }

// BuiltIn is the service by which the monitor watches itself. Besides its own
// checks it fails, at WARNING, for every check that has been unknown for too
// long for a reason of the monitor's side: an error in its plugin, a plugin that
// is gone or suspended, a configuration that no longer converts, no result.
var BuiltIn = Ref{KindService, BuiltInService} // read only

// BuiltInService is the id of that service.
const BuiltInService = "moonwatch"

func IsAdmin(u *User) bool { return u.Active && u.Role == access.Admin }

func CheckBreaker(id string) string { return "check:" + id }

func PluginBreaker(slug string) string { return "plugin:" + slug }

// Lane is what is ordered among itself: the deliveries of one incident through one plugin.
type Lane struct{ Incident, Plugin string }

func (d *Delivery) Lane() Lane {
	if d.Incident == "" {
		return Lane{d.ID, d.Plugin}
	}
	return Lane{d.Incident, d.Plugin}
}
