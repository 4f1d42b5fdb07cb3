package config

import "time"

// Document is all configuration of a monitor. A section that is nil does not
// stand in the document; an empty one does.
type Document struct {
	Version        int              `yaml:"moonwatch"`
	Encryption     *Encryption      `yaml:"encryption,omitempty"`
	Settings       *Settings        `yaml:"settings,omitempty"`
	PluginSettings []PluginSettings `yaml:"plugin_settings,omitempty"`
	Users          []User           `yaml:"users,omitempty"`
	Rotas          []Rota           `yaml:"rotas,omitempty"`
	Checks         []Check          `yaml:"checks,omitempty"`
	Instances      []Instance       `yaml:"instances,omitempty"`
	Services       []Service        `yaml:"services,omitempty"`
	Silences       []Silence        `yaml:"silences,omitempty"`

	root *Node // what it was read from, for lines
}

// Duration is written with units ("1h30m"), zero as null.
type Duration time.Duration

// Values are the values of a plugin's form: nil, bool, float64, string, []any,
// map[string]any, Number and Secret.
type Values map[string]any

// Number is a number that is written in another way than numbers are shown: with
// the text of it, for a field that takes text (1.10, 007).
type Number struct {
	Value float64
	Text  string
}

// Secret is a secret value that is not in the clear: `{secret: true}` says only
// that one is set, `{encrypted: …}` holds it for those who know the passphrase.
type Secret struct {
	Encrypted string // "" when the document only says that it is set
}

// SecretText is a text that is secret: exports hold it as a Secret, people may
// write it in the clear.
type SecretText struct {
	Text   string
	Secret *Secret // nil when it is in the clear
	Given  bool    // the document that was read says something of it
}

// Settings are the site's own.
type Settings struct {
	PublicURL        string              `yaml:"public_url"`
	RepeatInterval   map[string]Duration `yaml:"repeat_interval"`
	Retention        Duration            `yaml:"retention"`
	SumRetention     Duration            `yaml:"sum_retention"`
	HistoryRetention Duration            `yaml:"history_retention"`
	SelfCheckTarget  string              `yaml:"self_check_target"`
	PauseAlerts      bool                `yaml:"pause_alerts"`
	TrustedProxies   []string            `yaml:"trusted_proxies"`
	HeartbeatURL     string              `yaml:"heartbeat_url"`
	DefaultRota      string              `yaml:"default_rota"`  // name
	FallbackUser     string              `yaml:"fallback_user"` // username
}

// PluginSettings are the site-wide settings of one plugin.
type PluginSettings struct {
	Plugin string `yaml:"plugin,key"` // slug
	Values Values `yaml:"values"`
}

// User is a person. Password is a new one in plain; it is never exported.
type User struct {
	Username      string            `yaml:"username,key"`
	FirstName     string            `yaml:"first_name"`
	LastName      string            `yaml:"last_name"`
	Email         string            `yaml:"email"`
	Active        bool              `yaml:"active"`
	Role          string            `yaml:"role"`
	TimeZone      string            `yaml:"time_zone"`
	Settings      map[string]Values `yaml:"settings"`
	QuietHours    []QuietHours      `yaml:"quiet_hours"`
	QuietCritical bool              `yaml:"quiet_critical"`
	ContactRules  []ContactRule     `yaml:"contact_rules"`
	PasswordHash  *Secret           `yaml:"password_hash"`
	Password      string            `yaml:"password,omitempty"`
}

// QuietHours are hours in which a user is not disturbed.
type QuietHours struct {
	Days  []string `yaml:"days"`
	Start string   `yaml:"start"`
	End   string   `yaml:"end"`
}

// ContactRule says from which severity on a channel may be used.
type ContactRule struct {
	Channel  string `yaml:"channel"`
	Severity string `yaml:"severity"`
}

// Rota says who is on duty.
type Rota struct {
	Name         string     `yaml:"name,key"`
	TimeZone     string     `yaml:"time_zone"`
	FallbackUser string     `yaml:"fallback_user"` // username
	ICalURL      SecretText `yaml:"ical_url"`
	Rotation     *Rotation  `yaml:"rotation"`
	Overrides    []Override `yaml:"overrides"`
	Dealt        *Dealt     `yaml:"dealt"`
}

// Dealt is what edits of a rotation left as it was: before Until only the shifts
// count, and First is the place, from 0, of the member whose turn begins at
// Rotation.Starts. Written by exports alone.
type Dealt struct {
	Until  time.Time  `yaml:"until"`
	First  int        `yaml:"first"`
	Shifts []Override `yaml:"shifts"`
}

// Rotation are people who take turns.
type Rotation struct {
	Members []string `yaml:"members"` // usernames
	Every   string   `yaml:"every"`
	Starts  string   `yaml:"starts"`
}

// Override puts somebody else on duty for a while.
type Override struct {
	User  string    `yaml:"user"` // username
	Start time.Time `yaml:"start"`
	End   time.Time `yaml:"end"`
}

// Check is one check.
type Check struct {
	Name          string    `yaml:"name,key"`
	Plugin        string    `yaml:"plugin"`
	Config        Values    `yaml:"config"`
	Active        bool      `yaml:"active"`
	Importance    string    `yaml:"importance"`
	Interval      Duration  `yaml:"interval"`
	Schedule      *Schedule `yaml:"schedule"`
	Timeout       Duration  `yaml:"timeout"`
	Debounce      int       `yaml:"debounce"`
	RecoverAfter  int       `yaml:"recover_after"`
	RetryInterval Duration  `yaml:"retry_interval"`
	NoData        string    `yaml:"no_data"`
	UnknownAfter  Duration  `yaml:"unknown_after"`
	RunbookLink   string    `yaml:"runbook_link"`
	Tags          []string  `yaml:"tags"`
	PingToken     *Secret   `yaml:"ping_token,omitempty"` // encrypted alone
}

// Schedule is a timetable in place of an interval.
type Schedule struct {
	Cron        string `yaml:"cron"`
	TimeZone    string `yaml:"time_zone"`
	ActiveHours string `yaml:"active_hours"`
}

// Alerting is what services and instances have in common.
type Alerting struct {
	StatusChecks   []string            `yaml:"status_checks"`   // names
	UsersToNotify  []string            `yaml:"users_to_notify"` // usernames
	Alerts         []Alert             `yaml:"alerts"`
	AlertsEnabled  bool                `yaml:"alerts_enabled"`
	RepeatInterval map[string]Duration `yaml:"repeat_interval"`
	Rotas          []string            `yaml:"rotas"` // names
	Escalation     []Escalation        `yaml:"escalation"`
	DependsOn      []Ref               `yaml:"depends_on"`
	StatusRule     string              `yaml:"status_rule"`
	IsPublic       bool                `yaml:"is_public"`
	RunbookLink    string              `yaml:"runbook_link"`
	Tags           []string            `yaml:"tags"`
}

// Alert is one alert plugin with its settings.
type Alert struct {
	Plugin   string `yaml:"plugin"`
	Settings Values `yaml:"settings"`
}

// Escalation is one step that widens the circle of an incident.
type Escalation struct {
	After   Duration `yaml:"after"`
	Users   []string `yaml:"users"` // usernames
	Rotas   []string `yaml:"rotas"` // names
	Plugins []string `yaml:"plugins"`
}

// Ref names a service or an instance; one of the two is set.
type Ref struct {
	Service  string `yaml:"service,omitempty"`
	Instance string `yaml:"instance,omitempty"`
}

// Service is one service.
type Service struct {
	Name      string   `yaml:"name,key"`
	BuiltIn   bool     `yaml:"built_in,omitempty"` // the service by which the monitor watches itself
	URL       string   `yaml:"url"`
	Instances []string `yaml:"instances"` // names
	Alerting  `yaml:",inline"`
}

// Instance is one machine, container or address.
type Instance struct {
	Name     string `yaml:"name,key"`
	Address  string `yaml:"address"`
	Alerting `yaml:",inline"`
}

// Silence stops sends for what it covers. It has no name: two silences are the
// same when all of their fields are.
type Silence struct {
	Comment     string    `yaml:"comment"`
	Services    []string  `yaml:"services"`  // names
	Instances   []string  `yaml:"instances"` // names
	Checks      []string  `yaml:"checks"`    // names
	Tags        []string  `yaml:"tags"`
	StartsAt    time.Time `yaml:"starts_at"`
	EndsAt      time.Time `yaml:"ends_at"`
	RRule       string    `yaml:"rrule"`
	TimeZone    string    `yaml:"time_zone"`
	Author      string    `yaml:"author"`
	Maintenance bool      `yaml:"maintenance"`
}
