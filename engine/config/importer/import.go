package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"moonwatch/engine"
	"moonwatch/engine/config"
	"moonwatch/engine/edit"
	"moonwatch/engine/form"
	"moonwatch/engine/state"
)

// ImportOptions say how a document is imported.
type ImportOptions struct {
	DryRun bool // report the difference, and write nothing
	// Prune deletes what is absent from the document, in the sections that stand
	// in it: a document without `users` deletes no users, one with `users: []` does.
	Prune      bool
	Passphrase string // of the document's secrets
	// Variables are the values of {env: NAME} in the document.
	Variables map[string]string
	// Hold, unless nil, is called once the document was read, before passwords are
	// hashed; release when the import has ended.
	Hold func(context.Context) (release func(), err error)
	// Open opens stored secrets, so that an encrypted or written one that is the
	// stored one counts as unchanged. It may be nil: then such a secret is stored
	// again.
	Open func(object, field string, s form.Sealed) ([]byte, error)
}

// ImportReport says what an import changed, or would change.
type ImportReport struct {
	DryRun    bool            `json:"dry_run"`
	Created   int             `json:"created"`
	Updated   int             `json:"updated"`
	Deleted   int             `json:"deleted"`
	Unchanged int             `json:"unchanged"`
	Changes   []ImportChange  `json:"changes"`  // one for each object, kind by kind, deletions last
	Problems  []ImportProblem `json:"problems"` // why nothing was written
	Notes     []ImportProblem `json:"notes"`    // secrets to be entered, and what was left undone
}

// ImportChange is what becomes of one object.
type ImportChange struct {
	Action string               `json:"action"` // create, update, delete or unchanged
	Kind   engine.Kind          `json:"kind"`
	Name   string               `json:"name"`
	Fields []engine.AuditChange `json:"fields"` // for create: what is not the default
}

// ImportProblem is one complaint about a document, or a note on it.
type ImportProblem struct {
	Location string `json:"location"` // `checks["web"].config.endpoint`
	Line     int    `json:"line"`     // from 1; 0 is unknown
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// Import adds and updates what a document written by Export holds. Objects are
// matched by kind and name. The document is validated whole first: with any
// problem nothing is written, the report holds all problems, and the error is an
// *Error of kind Invalid. A large import is journalled and applied in pieces; when
// the process ends meanwhile, the next start finishes it. Imports take turns. It
// blocks on plugins' cleaning and on the disk. An engine that is not started
// needs SetPlugins first.
func (cfg *Config) Import(ctx context.Context, by engine.Actor, data []byte, o ImportOptions) (*ImportReport, error) {
	doc, problems := config.DecodeWith(data, func(name string) (string, bool) {
		value, ok := o.Variables[name]
		return value, ok
	})
	im := &importer{e: cfg, ctx: ctx, by: by, o: o, doc: doc}
	if doc == nil {
		im.begin()
		im.decoded(problems)
		return im.report, im.refused()
	}
	if o.Hold != nil {
		release, err := o.Hold(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	locker, lockerProblem := unlock(doc, o.Passphrase)
	cfg.importing.Lock()
	defer cfg.importing.Unlock()
	if err := cfg.finishImports(ctx); err != nil {
		return nil, err
	}
	for range 3 {
		im.begin()
		im.decoded(problems)
		if im.locker = locker; lockerProblem != "" {
			im.add("encryption", "invalid", "%s", lockerProblem)
		}
		im.prepare()
		if err := im.refused(); err != nil || o.DryRun {
			return im.report, err
		}
		if err := ctx.Err(); err != nil {
			return nil, &engine.Error{Kind: engine.Unavailable, Message: "the import was given up: " + err.Error()}
		}
		if err := im.commit(); !errors.Is(err, state.ErrRetry) {
			return im.report, err
		}
	}
	return im.report, engine.ErrChanged
}

// SetPlugins gives an engine that is not to be started the plugins that clean
// values, so that a folder which no server has open can be imported into.
func SetPlugins(e *state.State, plugins engine.Plugins) {
	e.Registry = plugins
	e.Routes.Update(e.Registry)
}

// unlock makes the document's passphrase into what opens its secrets.
func unlock(doc *config.Document, passphrase string) (*config.Locker, string) {
	switch {
	case doc.Encryption == nil:
		return nil, ""
	case passphrase == "":
		return nil, "the document's secrets are encrypted: give the passphrase"
	}
	locker, err := doc.Encryption.Locker(passphrase)
	if err != nil {
		return nil, err.Error()
	}
	return locker, ""
}

// importer turns one document into a plan of changes.
type importer struct {
	e      *Config
	ctx    context.Context
	by     engine.Actor
	o      ImportOptions
	doc    *config.Document
	locker *config.Locker // nil: nothing is encrypted, or nothing opens it

	now        *state.Configured                 // what was configured when it began
	ids        map[engine.Kind]map[string]string // name → id, as it will be
	kept       map[string]bool                   // ids of what is not pruned although it is absent
	before     *exporter                         // shows objects as they are
	after      *exporter                         // shows objects as they will be
	deps       map[engine.Ref][]engine.Ref       // depends_on, as it will be
	admins     int                               // active ones, as it will be
	plan       []planItem
	deletes    []planItem
	report     *ImportReport
	complained map[string]bool // locations
}

// begin forgets what an earlier attempt found.
func (im *importer) begin() {
	im.now = im.e.Configured()
	im.ids, im.deps, im.kept = map[engine.Kind]map[string]string{}, map[engine.Ref][]engine.Ref{}, map[string]bool{}
	im.plan, im.deletes, im.admins = nil, nil, 0
	im.report = &ImportReport{DryRun: im.o.DryRun, Changes: []ImportChange{}, Problems: []ImportProblem{}, Notes: []ImportProblem{}}
	im.complained = map[string]bool{}
}

// prepare validates the document and makes the plan.
func (im *importer) prepare() {
	im.keep()
	im.resolveNames()
	im.importUsers()
	im.importRotas()
	im.importPlugins()
	im.importChecks()
	im.importInstances()
	im.importServices()
	im.importSilences()
	im.importSettings()
	im.checkCycles()
	if im.o.Prune {
		im.prune()
	}
	im.checkAdmins()
	im.orderPlan()
	for _, p := range im.doc.Unexpanded() {
		im.note(p.Location, p.Code, "%s", p.Message)
	}
}

// add notes a problem; the first of a location counts.
func (im *importer) add(location, code, format string, args ...any) {
	if im.complained[location] || len(im.report.Problems) >= config.MaxProblems {
		return
	}
	im.complained[location] = true
	im.report.Problems = append(im.report.Problems, ImportProblem{config.Cut(location), im.line(location), code, fmt.Sprintf(format, args...)})
}

func (im *importer) note(location, code, format string, args ...any) {
	if len(im.report.Notes) < config.MaxProblems {
		im.report.Notes = append(im.report.Notes, ImportProblem{config.Cut(location), im.line(location), code, fmt.Sprintf(format, args...)})
	}
}

func (im *importer) line(location string) int {
	if im.doc == nil {
		return 0
	}
	return im.doc.Line(location)
}

// decoded takes over the problems of reading the document.
func (im *importer) decoded(problems []config.Problem) {
	for _, p := range problems {
		im.complained[p.Location] = true
		im.report.Problems = append(im.report.Problems, ImportProblem{p.Location, p.Line, p.Code, p.Message})
	}
}

// addAll takes over the problems of one object.
func (im *importer) addAll(object string, list form.Errors) {
	for _, p := range list {
		location := object
		if p.Location != "" {
			location += "." + p.Location
		}
		im.add(location, p.Code, "%s", p.Message)
	}
}

// refused is the error of a document with problems, nil without.
func (im *importer) refused() error {
	if len(im.report.Problems) == 0 {
		return nil
	}
	im.report.Changes, im.report.Notes = []ImportChange{}, []ImportProblem{}
	im.report.Created, im.report.Updated, im.report.Deleted, im.report.Unchanged = 0, 0, 0, 0
	slices.SortStableFunc(im.report.Problems, func(a, b ImportProblem) int { return a.Line - b.Line })
	err := &engine.Error{Kind: engine.Invalid, Message: "the document was not accepted, and nothing was changed"}
	for _, p := range im.report.Problems {
		message := p.Message
		if p.Line > 0 {
			message = fmt.Sprintf("line %d: %s", p.Line, p.Message)
		}
		err.Fields = append(err.Fields, form.Error{Location: p.Location, Code: p.Code, Message: message})
	}
	return err
}

// refs turns names into ids; a name that nothing has, or that stands twice, is
// a problem.
func (im *importer) refs(p *engine.Problems, location string, kind engine.Kind, names []string) []string {
	out := make([]string, 0, len(names))
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		switch id := im.ref(p, engine.At(location, i), kind, name); {
		case id == "":
		case seen[id]:
			p.Add(engine.At(location, i), "unique", "this %s is in the list already", engine.Words(kind))
		default:
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// ref turns one name into an id, "" with a problem.
func (im *importer) ref(p *engine.Problems, location string, kind engine.Kind, name string) string {
	id := im.ids[kind][name]
	if id == "" {
		p.Add(location, "not_found", "no %s has this name", engine.Words(kind))
	}
	return id
}

// optional is ref for a name that may be left out.
func (im *importer) optional(p *engine.Problems, location string, kind engine.Kind, name string) string {
	if name == "" {
		return ""
	}
	return im.ref(p, location, kind, name)
}

// Config exports and imports the configuration.
type Config struct {
	*state.State
	Checks   *edit.Checks
	Targets  *edit.Targets
	Users    *edit.Users
	Rotas    *edit.Rotas
	Silences *edit.Silences

	importing sync.Mutex // imports take turns
}
