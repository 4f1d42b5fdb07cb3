package engine

import (
	"cmp"
	"context"
	"strings"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// PluginKind tells check plugins from alert plugins.
type PluginKind string

// The kinds of plugin.
const (
	CheckPlugin PluginKind = "check"
	AlertPlugin PluginKind = "alert"
)

// PluginKinds are all kinds of plugin.
func PluginKinds() []PluginKind { return []PluginKind{CheckPlugin, AlertPlugin} }

// FormName names one of a plugin's forms, as its Lua key does.
type FormName string

// The forms a plugin can have.
const (
	ConfigForm        FormName = "config_form"
	SettingsForm      FormName = "settings_form"
	UserConfigForm    FormName = "user_config_form"
	ServiceConfigForm FormName = "service_config_form"
)

// PluginMeta is what a version of a plugin says about itself. It is immutable.
type PluginMeta struct {
	Slug         string
	Name         string
	Kind         PluginKind
	Version      string
	Author       string
	Summary      string
	FontIcon     string
	Homepage     string
	License      string
	Channel      string   // alert: phone sms email chat other
	Variables    []string // environment variables it may read
	SettingsFrom string   // slug whose settings and user settings it shares; "" is its own
	File         string   // path as shown to people; "shipped:http.lua" for those in the binary
	Hash         string   // of the sources; changes when anything does
	Forms        map[FormName]form.Form
	HasPing      bool
	HasUpdate    bool // send_alert_update
	HasDescribe  bool
	HasView      bool
}

// Plugin is one immutable version of a plugin. All methods are safe for
// concurrent use, are bounded by ctx's deadline, never panic and never return
// later than a moment after it, whatever the plugin does.
type Plugin interface {
	Meta() *PluginMeta
	// Run makes a check. ctx's deadline is the check's timeout.
	Run(ctx context.Context, in *CheckRun) RunReport
	// Ping hands a ping to a plugin that has one.
	Ping(ctx context.Context, in *CheckRun, p *Ping) RunReport
	// Describe returns the line of the plugin's description function, "" without one.
	Describe(ctx context.Context, in *CheckRun) (string, error)
	// Alert calls send_alert, or send_alert_update when in.Update is set.
	Alert(ctx context.Context, in *AlertCall) AlertReport
	// Cleaning returns the plugin's own clean functions for one of its forms.
	// object is the id under which secrets of these values are sealed.
	Cleaning(name FormName, object string) form.Callbacks
	// Views returns the plugin's own views. The slice is not to be changed.
	Views() []ViewRoute
	// View calls the view that answers the request's path and method. The error
	// is a *ViewError.
	View(ctx context.Context, in *ViewCall) (ViewAnswer, error)
}

// PluginProblem is why a file did not load.
type PluginProblem struct {
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0 is unknown
	Column  int    `json:"column"` // from 1, in characters; 0 is unknown
}

// PluginEntry is what the registry holds under one slug.
type PluginEntry struct {
	Plugin   Plugin         // the running version; nil when no version ever loaded
	Slug     string         // for a file that never loaded: derived from its name
	File     string         // the file that holds (or held) it
	Orphaned bool           // the file is gone; Plugin is its last good version
	Shipped  bool           // from the binary
	Replaces bool           // from the folder, in place of a shipped one
	Problem  *PluginProblem // of the newest file, nil when it is good
	Problems []PluginProblem
	Warnings []PluginProblem
	LoadedAt time.Time
}

// Path is the file or folder that holds (or held) the plugin, within where
// plugins lie.
func (p PluginEntry) Path() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(p.File, "shipped:"), "/")
	return name
}

// Plugins is the registry of plugins. It is safe for concurrent use.
type Plugins interface {
	// Plugin returns the entry of a slug.
	Plugin(slug string) (PluginEntry, bool)
	// List returns all entries in order of slug, with those that never loaded.
	List() []PluginEntry
	// OnChange calls fn after each change of an entry, from the registry's own
	// goroutine; fn must not block. It is called once, before Start of the engine ends.
	OnChange(fn func(slug string))
}

// CheckRun is what one run is told. It is read-only.
type CheckRun struct {
	Check     *Check
	Instances []InstanceSnapshot // linked instances in order of name
	Services  []ServiceSnapshot  // linked services in order of name
	Last      *LastResult        // nil before the first
	PingURL   string             // "" unless the plugin has ping
	// WatchedSince is since when the check has been watched without a break: the
	// monitor's start, or when it was made, activated or its plugin was back. What
	// stayed away before may have come unheard. Zero for a check that is not run.
	WatchedSince time.Time
	Settings     form.Values // site-wide settings of the plugin, sealed
	PublicURL    string      // of the site, "" when not set
}

// LastResult is the result before this run.
type LastResult struct {
	Succeeded bool
	Unknown   bool
	Error     string
	At        time.Time
}

// Ping is a request to a check's ping URL.
type Ping struct {
	Kind    string // success start fail exit log
	Code    int
	RunID   string
	Body    string
	At      time.Time
	Address string
}

// RunReport is what came of a run.
type RunReport struct {
	Succeeded bool
	Unknown   bool
	Cause     Cause // with Unknown
	Severity  Status
	Error     string
	Message   string
	RawData   string
	Metrics   []Metric
	Log       []LogLine
	Traceback string // of an error in the plugin

	None     bool // the plugin returned nil where it may: there is no result
	TimedOut bool // ended at the deadline, as Error says; what was set in result before is kept above
	Limit    bool // ended by a limit on instructions, memory or depth
	Skipped  bool // got no turn before its deadline: neither result nor failure

	Took         time.Duration // of the run itself, without waiting for a turn
	Waited       time.Duration // for a turn
	Instructions int64         // 0 when not counted
	Memory       uint64        // bytes, the most that the run was seen to hold; 0 when it was not weighed
}

// InstanceSnapshot is an instance as plugins see it.
type InstanceSnapshot struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Address       string `json:"address"`
	OverallStatus Status `json:"overall_status"`
}

// ServiceSnapshot is a linked service as check plugins see it.
type ServiceSnapshot struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	URL           string `json:"url"`
	OverallStatus Status `json:"overall_status"`
}

// UserSnapshot is a user as alert plugins see it. Settings hold only those of
// the plugin that is called (or of the one whose settings it shares), sealed
// under the user's id.
type UserSnapshot struct {
	ID        string      `json:"id"`
	Username  string      `json:"username"`
	FirstName string      `json:"first_name"`
	LastName  string      `json:"last_name"`
	Email     string      `json:"email"`
	TimeZone  string      `json:"time_zone"`
	Role      access.Role `json:"role"`
	Settings  form.Values `json:"settings"`
}

// CheckRecord is a check in an alert.
type CheckRecord struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Plugin      string    `json:"plugin"`
	Importance  Status    `json:"importance"`
	Severity    Status    `json:"severity"` // "" when passing
	Unknown     bool      `json:"unknown"`
	Error       string    `json:"error"`
	Message     string    `json:"message"`
	Description string    `json:"description"`
	Since       time.Time `json:"since"`
	RunbookLink string    `json:"runbook_link"`
	PageURL     string    `json:"page_url"`
	Metrics     []Metric  `json:"metrics"`
}

// AcknowledgementSnapshot is an acknowledgement as plugins see it.
type AcknowledgementSnapshot struct {
	User      string     `json:"user"` // username
	Comment   string     `json:"comment"`
	At        time.Time  `json:"at"`
	ExpiresAt *time.Time `json:"expires_at"` // nil: until recovery
}

// AlertKind is the kind of an alert.
type AlertKind string

// The kinds of alert.
const (
	AlertFiring         AlertKind = "firing"
	AlertEscalation     AlertKind = "escalation"
	AlertDeescalation   AlertKind = "deescalation"
	AlertUpdate         AlertKind = "update"
	AlertRepeat         AlertKind = "repeat"
	AlertRecovery       AlertKind = "recovery"
	AlertAcknowledged   AlertKind = "acknowledged"
	AlertUnacknowledged AlertKind = "unacknowledged"
	AlertTest           AlertKind = "test"
)

// AlertKinds are all kinds of alert.
func AlertKinds() []AlertKind {
	return []AlertKind{
		AlertFiring,
		AlertEscalation,
		AlertDeescalation,
		AlertUpdate,
		AlertRepeat,
		AlertRecovery,
		AlertAcknowledged,
		AlertUnacknowledged,
		AlertTest,
	}
}

// AlertSnapshot is the service (or instance) of an event as alert plugins see
// it. It is stored with the delivery and is the same at every attempt.
type AlertSnapshot struct {
	Subject          Ref                      `json:"subject"`
	Name             string                   `json:"name"`
	URL              string                   `json:"url"`
	Address          string                   `json:"address"`
	Instances        []InstanceSnapshot       `json:"instances"`
	OverallStatus    Status                   `json:"overall_status"`
	AlertingStatus   Status                   `json:"alerting_status"` // the overall status less what silences cover; "" in old records; not shown to plugins
	OldOverallStatus Status                   `json:"old_overall_status"`
	WorstStatus      Status                   `json:"worst_status"`
	LastAlertSent    *time.Time               `json:"last_alert_sent"`
	PageURL          string                   `json:"page_url"`
	IncidentURL      string                   `json:"incident_url"` // "" for a test, and in old records
	RunbookLink      string                   `json:"runbook_link"`
	Kind             AlertKind                `json:"kind"`
	Reason           string                   `json:"reason"` // why it closed, when not by a passing result
	IncidentKey      string                   `json:"incident_key"`
	DeliveryID       string                   `json:"delivery_id"`
	AlertNumber      int                      `json:"alert_number"` // events of this incident so far, from 1
	EventAt          time.Time                `json:"event_at"`
	IncidentOpenedAt time.Time                `json:"incident_opened_at"`
	Failing          []CheckRecord            `json:"failing"` // in order of name
	Passing          []CheckRecord            `json:"passing"`
	Acknowledgement  *AcknowledgementSnapshot `json:"acknowledgement"`
	Settings         form.Values              `json:"settings"` // per-service settings of the plugin, sealed under the subject's id
}

// Severity is what the event is about: by it people are reached, and what was
// told is compared.
func (a *AlertSnapshot) Severity() Status { return cmp.Or(a.AlertingStatus, a.OverallStatus) }

// AlertCall is one attempt of a delivery.
type AlertCall struct {
	Service      *AlertSnapshot
	Attempt      int // from 1
	Users        []UserSnapshot
	DutyOfficers []UserSnapshot
	Settings     form.Values // site-wide settings of the plugin, sealed
	PublicURL    string
	Update       bool // call send_alert_update
	// MarkSent records durably that the delivery reached a user; it blocks on the disk.
	MarkSent func(userID string) error
}

// AlertOutcome is what became of an attempt.
type AlertOutcome string

// The outcomes of an attempt.
const (
	OutcomeSent    AlertOutcome = "sent"
	OutcomeSkipped AlertOutcome = "skipped"
	OutcomeFailed  AlertOutcome = "failed"
	OutcomeUnknown AlertOutcome = "unknown" // it may or may not have been sent
)

// AlertReport is what came of an attempt.
type AlertReport struct {
	Outcome AlertOutcome
	Why     string // for all but sent
	// Unanswered says that a request went out whole and no answer came: unless the
	// plugin knows that it was sent, the attempt's outcome is unknown.
	Unanswered bool
	NoRetry    bool          // the plugin said that trying again is useless
	RetryAfter time.Duration // 0: the engine's own back-off
	Log        []LogLine
	Sent       []Message // what it sent, as far as somebody reads it; secrets masked
	Traceback  string
	Took       time.Duration
	Memory     uint64 // bytes, the most that the run was seen to hold; 0 when it was not weighed
}

// Settled returns the report with the outcome that counts, whatever the plugin
// made of a request that got no answer. An attempt that is not known to have come
// to nothing is made again, unless the plugin said that this is useless.
func (r AlertReport) Settled() AlertReport {
	if r.Unanswered && r.Outcome != OutcomeSent {
		r.Outcome = OutcomeUnknown
	}
	return r
}

// Scope is whose data a plugin's store reads: one check or service of one
// plugin, or with an empty Subject the plugin's shared data.
type Scope struct {
	Plugin  string // slug
	Subject string // check id, service id or instance id; "" is shared
}

// PluginData is the key-value store that plugins have. Values are JSON. Limits
// (16 KiB a value, 100 keys a scope) are kept here; errors are fit to show to
// the plugin's author. Every write is durable when the call returns.
type PluginData interface {
	Get(ctx context.Context, s Scope, key string) (value []byte, found bool, err error)
	Set(ctx context.Context, s Scope, key string, value []byte, ttl time.Duration) error // ttl 0: for ever
	Increment(ctx context.Context, s Scope, key string, by float64) (float64, error)
	Delete(ctx context.Context, s Scope, key string) error
}

// PluginSource is the source of the last good version of a plugin file or folder.
type PluginSource struct {
	Path  string            `json:"path"`  // of the file or folder, relative to the plugin folder
	Slugs []string          `json:"slugs"` // what it defines
	Hash  string            `json:"hash"`
	Files map[string]string `json:"files"` // by path relative to Path ("" for a single file)
	Gone  bool              `json:"gone"`
	At    time.Time         `json:"at"`
}

// PluginSources keeps the last good sources, so that they hold over a restart.
type PluginSources interface {
	KeepSource(ctx context.Context, s PluginSource) error
	// KeptSources returns all kept sources in order of path.
	KeptSources(ctx context.Context) ([]PluginSource, error)
	DropSource(ctx context.Context, path string) error
}

// PluginRoute is what routing needs to know of an alert plugin.
type PluginRoute struct {
	HasUpdate bool
	Channel   string // phone sms email chat other
}
