package web

import (
	"cmp"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/engine/oncall"
	"moonwatch/server/web/alerting"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/webform"
)

// row is a broken thing in one line.
type row struct {
	ID      string // of the line on the page
	Name    string
	Path    string
	Also    []frame.Link // others that are broken by the same check alone
	Of      []engine.Ref // what it acknowledges
	Status  frame.Standing
	Since   *time.Time
	Check   frame.CheckLine // the worst failing check; none without a name
	More    int             // further failing checks
	Problem string          // why its status rule does not hold
	Strip   template.HTML

	Who   string // who has it, or nobody
	Told  *time.Time
	Quiet bool // nobody has it

	Handled string // "acknowledged", "silenced", "in maintenance" or "suppressed"
	By      string // by whom, or what it waits for
	ByPath  string
	Comment string
	Until   *time.Time // nil: until it recovers
	CanAck  bool
}

// CheckPath is the page of what fails.
func (r *row) CheckPath() string { return cmp.Or(r.Check.Page, "/checks/"+r.Check.ID) }

// CheckName is the failing check's name, without that of the subject before it.
func (r *row) CheckName() string {
	if rest, ok := strings.CutPrefix(r.Check.Name, r.Name+" "); ok {
		return rest
	}
	return r.Check.Name
}

// Spans are how long it may be acknowledged.
func (r *row) Spans() []webform.Option { return alerting.AckSpans() }

// rows are those of a kind, as far as they are shown.
type rows struct {
	Rows []*row
	More int
}

// Len is how many there are.
func (r rows) Len() int { return len(r.Rows) + r.More }

// rowBuilder makes rows of what it is given.
type rowBuilder struct {
	*dashboardPages
	q        *frame.Request
	troubled []edit.CheckView
	checks   map[string]*edit.CheckView // of the troubled ones
	silences []edit.SilenceView         // that hold now
	handling map[engine.Ref]*alert.Handling
	duty     []oncall.OnCall
	rotas    map[string]oncall.RotaView
	site     engine.Settings
	rows     []*row
	shared   map[string]*row // by the one check that breaks it
	shown    map[string]bool // checks that stand in a row
}

func newRowBuilder(w *dashboardPages, q *frame.Request, troubled []edit.CheckView, silences []edit.SilenceView) *rowBuilder {
	b := &rowBuilder{
		dashboardPages: w, q: q, troubled: troubled,
		checks:   make(map[string]*edit.CheckView, len(troubled)),
		handling: w.Engine.Incidents.Handling(),
		duty:     w.Engine.OnCall.OnCall(),
		rotas:    w.RotasByID(),
		site:     w.Engine.Settings(),
		shared:   map[string]*row{},
		shown:    map[string]bool{},
	}
	for i := range troubled {
		b.checks[troubled[i].ID] = &troubled[i]
	}
	for _, s := range silences {
		if s.Active {
			b.silences = append(b.silences, s)
		}
	}
	return b
}

// add makes a row of a broken subject, or puts it into that of another one which
// the same check alone has broken. It reports whether it is being handled.
func (b *rowBuilder) add(s *lookup.Subject) (handled bool) {
	lines := b.failing(s)
	r := &row{
		ID: "s-" + s.Meta.ID, Name: s.Name, Path: s.Path(), Of: []engine.Ref{s.Ref()},
		Status: frame.Standing(s.View.OverallStatus), Since: s.View.Since, Problem: s.View.Problem, CanAck: s.View.Incident != nil,
	}
	for _, l := range lines {
		b.shown[l.ID] = true
	}
	if len(lines) > 0 {
		r.Check, r.More = lines[0], len(lines)-1
	}
	b.handledBy(r, s, lines)
	b.has(r, s)
	if len(lines) == 1 {
		key := r.Check.ID + " " + r.Handled + string(r.Status)
		if same := b.shared[key]; same != nil {
			same.join(r)
			return r.Handled != ""
		}
		b.shared[key] = r
	}
	b.rows = append(b.rows, r)
	return r.Handled != ""
}

// join takes in another subject that the same check breaks. The monitor's own
// service stands last.
func (r *row) join(o *row) {
	link := frame.Link{Name: o.Name, ID: o.Path}
	if r.Of[0] == engine.BuiltIn {
		link = frame.Link{Name: r.Name, ID: r.Path}
		r.ID, r.Name, r.Path = o.ID, o.Name, o.Path
	}
	r.Also = append(r.Also, link)
	r.Of = append(r.Of, o.Of...)
	r.CanAck = r.CanAck || o.CanAck
	if r.Quiet && !o.Quiet {
		r.Who, r.Told, r.Quiet = o.Who, o.Told, false
	}
}

// failing are the checks for which a subject is broken, the worst first.
func (b *rowBuilder) failing(s *lookup.Subject) []frame.CheckLine {
	var lines []frame.CheckLine
	for _, id := range s.Alerting.StatusChecks {
		if c := b.checks[id]; c != nil && (c.Severity != "" || c.Status == engine.CheckFailing) {
			lines = append(lines, frame.LineOf(c))
		}
	}
	if s.Ref() == engine.BuiltIn {
		lines = append(lines, b.OwnTroubles(b.troubled, s.Alerting.StatusChecks)...)
	}
	frame.WorstFirst(lines)
	return lines
}

// handledBy says in what way a row is being handled, if in any.
func (b *rowBuilder) handledBy(r *row, s *lookup.Subject, lines []frame.CheckLine) {
	h := b.handling[s.Ref()]
	switch {
	case h == nil:
	case h.Silenced:
		r.Handled, r.ByPath = "silenced", "/silences"
		if quiet := b.silenceOver(s, lines); quiet != nil {
			r.By, r.Comment, r.Until, r.ByPath = quiet.Author, quiet.Comment, quiet.Next, "/silences/"+quiet.ID
			if quiet.Maintenance {
				r.Handled = "in maintenance"
			}
		}
	case h.Ack != nil:
		r.Handled, r.By, r.Comment, r.Until = "acknowledged", h.Ack.Username, h.Ack.Comment, h.Ack.Expires
	case h.Suppressor != nil:
		parent := b.NameOfSubject(*h.Suppressor)
		r.Handled, r.By, r.ByPath = "suppressed", parent.Name, "/"+parent.Kind+"/"+parent.ID
	}
}

// silenceOver is a silence that covers the subject, or one of what fails.
func (b *rowBuilder) silenceOver(s *lookup.Subject, lines []frame.CheckLine) *edit.SilenceView {
	covers := func(ids, tags []string, id string, own []string) bool {
		return slices.Contains(ids, id) || slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(own, t) })
	}
	for i := range b.silences {
		one := &b.silences[i]
		ids := one.Services
		if s.Kind == engine.KindInstance {
			ids = one.Instances
		}
		if covers(ids, one.Tags, s.Meta.ID, s.Alerting.Tags) {
			return one
		}
		for _, l := range lines {
			if c := b.checks[l.ID]; c != nil && covers(one.Checks, one.Tags, c.ID, c.Tags) {
				return one
			}
		}
	}
	return nil
}

// has says who has a row that nobody handles: who was told, or else is on call.
func (b *rowBuilder) has(r *row, s *lookup.Subject) {
	if h := b.handling[s.Ref()]; h != nil && len(h.Told) > 0 {
		r.Who, r.Told = nameList(b.People().Names(h.Told)), &h.ToldAt
		return
	}
	if duty := b.DutyOf(&s.Alerting, b.duty, b.rotas, &b.site); len(duty) > 0 {
		r.Who = nameList(b.People().Names(duty)) + " on call"
		return
	}
	r.Who, r.Quiet = "nobody told", true
}

// nameList is one name, and how many more there are.
func nameList(names []string) string {
	if len(names) > 2 {
		return names[0] + " and others"
	}
	return strings.Join(names, ", ")
}

// looseRow is a failing check that belongs to nothing.
func (b *rowBuilder) looseRow(c *edit.CheckView) *row {
	return &row{ID: "c-" + c.ID, Name: c.Name, Path: "/checks/" + c.ID, Status: frame.StandingOf(c), Since: c.Since,
		Check: frame.CheckLine{ID: c.ID, Error: c.Error, Flapping: c.Flapping}, Who: "in no service", Quiet: true}
}

// finished are all rows, the worst first; of these the newest last, so that what
// is under a pointer stays there.
func (b *rowBuilder) finished() []*row {
	sortRows(b.rows)
	return b.rows
}

func sortRows(list []*row) {
	slices.SortFunc(list, func(a, b *row) int {
		return cmp.Or(frame.RankOf(b.Status)-frame.RankOf(a.Status), -frame.Newest(a.Since, b.Since), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
}

// cut keeps the rows that are shown, and draws their strips.
func (b *rowBuilder) cut(list []*row) rows {
	var out rows
	out.Rows, out.More = frame.Cut(list, maxRows)
	for _, r := range out.Rows {
		if r.Check.ID != "" && r.Check.Page == "" {
			r.Strip = b.Strip(b.q.Context(), r.Check.ID)
		}
	}
	return out
}

// mostly says what more than half of the warnings are about: "9 of them latency".
func mostly(warnings []*row) string {
	count := map[string]int{}
	for _, r := range warnings {
		said := map[string]bool{}
		for _, word := range strings.Fields(strings.ToLower(r.Check.Name)) {
			if word = strings.Trim(word, ",.:;()"); len(word) > 3 && !said[word] {
				said[word] = true
				count[word]++
			}
		}
	}
	best := ""
	for word, n := range count {
		if n > count[best] || n == count[best] && word < best {
			best = word
		}
	}
	if n := count[best]; n > 1 && 2*n > len(warnings) && n < len(warnings) {
		return strconv.Itoa(n) + " of them " + best
	} else if n > 1 && n == len(warnings) {
		return "all of them " + best
	}
	return ""
}
