package engine

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// ViewRoute is one of a plugin's own views. A path may have several, that
// differ in their methods.
type ViewRoute struct {
	Path    string   // below the plugin's slug, exact, without a slash in front
	Methods []string // in capitals
	Public  bool     // anybody may call it; the plugin itself looks at who does
	Role    access.Role
}

// Answers reports whether the view answers a request's method: HEAD is answered
// by a view that answers GET.
func (r ViewRoute) Answers(method string) bool {
	return slices.Contains(r.Methods, method) || method == "HEAD" && slices.Contains(r.Methods, "GET")
}

// ViewRequest is an HTTP request to a view, as the plugin sees it.
type ViewRequest struct {
	Method  string
	URL     string // external, as requested
	Path    string // below the slug, without a slash in front
	Query   map[string][]string
	Headers map[string][]string // without what says who the caller is
	Body    []byte
	User    *UserSnapshot // who is logged in; nil in a public view
	Role    access.Role   // of the caller; "" in a public view
	Address string        // of the client
}

// ViewCall is one call of a view. It is read-only.
type ViewCall struct {
	Request   ViewRequest
	Settings  form.Values // site-wide settings of the plugin, sealed
	PublicURL string      // of the site, "" when not set
	Monitor   Monitor     // nil: there is nothing behind request.monitor
}

// ViewAnswer is what a view answers.
type ViewAnswer struct {
	Status  int // from 200 to 599
	Headers map[string][]string
	Body    []byte
	Log     []LogLine
}

// ViewError is why a view gave no answer.
type ViewError struct {
	Message   string
	Traceback string
	Log       []LogLine
}

func (e *ViewError) Error() string { return e.Message }

// MonitorErrorKind tells a view why the monitor did not do what it asked.
type MonitorErrorKind string

// The kinds of MonitorError.
const (
	MonitorNotFound      MonitorErrorKind = "not_found"
	MonitorUnknownUser   MonitorErrorKind = "unknown_user"
	MonitorNotFailing    MonitorErrorKind = "not_failing"
	MonitorOtherIncident MonitorErrorKind = "other_incident"
	MonitorDenied        MonitorErrorKind = "denied"
	MonitorInvalid       MonitorErrorKind = "invalid"
	MonitorUnavailable   MonitorErrorKind = "unavailable"
)

// MonitorError is an error of a Monitor, fit to be shown to the plugin.
type MonitorError struct {
	Kind    MonitorErrorKind
	Message string
}

func (e *MonitorError) Error() string { return e.Message }

// Monitor is what a view may see and do: with the role of its caller, or in a
// public view as the plugin. Every error is a *MonitorError.
type Monitor interface {
	// Service returns a service, or an instance, as it stands now. It has the
	// shape of an alert: IncidentKey is "" while nothing is failing. Settings are
	// those of the plugin, sealed under the id.
	Service(ctx context.Context, id string) (*AlertSnapshot, error)
	// Check returns one of the plugin's own checks as a run would see it.
	Check(ctx context.Context, id string) (*CheckRun, error)
	// Users returns the active users in order of username, with their settings of
	// the plugin.
	Users(ctx context.Context) ([]UserSnapshot, error)
	// Acknowledge says that a user takes care of the open incident of a service or
	// instance. It blocks on the disk.
	Acknowledge(ctx context.Context, service, username string, o AckOptions) error
	// Record stores a result of one of the plugin's own checks; of the report what
	// a plugin can set counts. It blocks on the disk.
	Record(ctx context.Context, check string, report RunReport) error
}

// PluginError is an error of a plugin that belongs to no check and no delivery.
type PluginError struct {
	At        time.Time `json:"at"`
	Where     string    `json:"where"` // "POST callback"
	Message   string    `json:"message"`
	Traceback string    `json:"traceback"`
	Log       []LogLine `json:"log"`
}
