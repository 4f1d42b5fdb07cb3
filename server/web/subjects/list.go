package subjects

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/edit"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
	"moonwatch/server/web/webform"
)

// subjectList is the page of all services or instances.
type subjectList struct {
	Kind               engine.Kind
	Lines              []*subjectLine
	Total, Found       int
	Query, Sort        string
	Tags, Statuses     []webform.Option
	Pages              frame.Pager
	ByName, ByS, Since string // addresses of the same list in another order
}

type subjectLine struct {
	Subject  *lookup.Subject
	Checks   int
	Failing  int
	Reason   string // of what fails worst, else what was said last
	Broken   bool
	Strip    template.HTML
	Told     string
	Ack      *engine.Acknowledgement
	Silenced bool
	Waits    bool // what it depends on fails

	worst *edit.CheckView
}

// anyBroken is the status of all that is not passing.
const anyBroken = "broken"

func (w *Pages) subjectsPage(kind engine.Kind) frame.Handler {
	return func(q *frame.Request) error {
		l := w.listOf(kind, q.URL.Query())
		handling := w.Engine.Incidents.Handling()
		for _, line := range l.Lines {
			w.complete(q, line, handling[line.Subject.Ref()])
		}
		title := "Services"
		if kind == engine.KindInstance {
			title = "Instances"
		}
		p := w.NewPage(q, title, string(kind)+"s")
		p.Events = "types=check,silence," + string(kind)
		p.Body = l
		w.Render(q.Writer, http.StatusOK, "subjects", p)
		return nil
	}
}

// listOf chooses and orders what an address asks for.
func (w *Pages) listOf(kind engine.Kind, query url.Values) *subjectList {
	l := &subjectList{Kind: kind, Query: query.Get("q"), Sort: query.Get("sort")}
	tag, status := query.Get("tag"), query.Get("status")
	needle := strings.ToLower(strings.TrimSpace(l.Query))
	failing, tags := w.failingChecks(), map[string]bool{}
	for _, s := range w.Subjects(kind) {
		l.Total++
		for _, t := range s.Alerting.Tags {
			tags[t] = true
		}
		overall := s.View.OverallStatus
		switch {
		case tag != "" && !slices.Contains(s.Alerting.Tags, tag),
			status == anyBroken && overall == engine.StatusPassing,
			status != "" && status != anyBroken && string(overall) != status,
			needle != "" && !strings.Contains(strings.ToLower(s.Name+" "+s.URL+s.Address+" "+strings.Join(s.Alerting.Tags, " ")), needle):
			continue
		}
		line := &subjectLine{Subject: s, Checks: len(s.Alerting.StatusChecks)}
		for _, id := range s.Alerting.StatusChecks {
			if c := failing[id]; c != nil {
				line.Failing++
				if line.worst == nil || c.Severity.Rank() > line.worst.Severity.Rank() {
					line.worst = c
				}
			}
		}
		l.Lines = append(l.Lines, line)
	}
	l.order()
	l.Tags, l.Statuses = webform.OptionsOf(tags, tag), statusOptions(status)
	l.Found = len(l.Lines)
	l.Lines, l.Pages = frame.Paged(l.Lines, query)
	path := "/" + string(kind) + "s"
	l.ByS, l.ByName, l.Since = frame.WithQuery(path, query, "sort", ""), frame.WithQuery(path, query, "sort", "name"), frame.WithQuery(path, query, "sort", "since")
	return l
}

// order sorts what lies in order of name.
func (l *subjectList) order() {
	slices.SortStableFunc(l.Lines, func(a, b *subjectLine) int {
		switch l.Sort {
		case "name":
			return 0
		case "since":
			return frame.Newest(a.Subject.View.Since, b.Subject.View.Since)
		}
		return cmp.Compare(b.Subject.View.OverallStatus.Rank(), a.Subject.View.OverallStatus.Rank())
	})
}

func statusOptions(chosen string) []webform.Option {
	out := []webform.Option{{Value: anyBroken, Label: "Not passing"}}
	for _, s := range []engine.Status{engine.StatusCritical, engine.StatusError, engine.StatusWarning, engine.StatusPassing} {
		out = append(out, webform.Option{Value: string(s), Label: frame.StatusShape(s).Word})
	}
	for i := range out {
		out[i].Selected = out[i].Value == chosen
	}
	return out
}

// complete finds what is shown of one line.
func (w *Pages) complete(q *frame.Request, l *subjectLine, h *alert.Handling) {
	s := l.Subject
	l.Broken = s.View.OverallStatus != engine.StatusPassing
	id := ""
	if l.worst != nil {
		id, l.Reason = l.worst.ID, l.worst.Error
	} else if len(s.Alerting.StatusChecks) > 0 {
		id = s.Alerting.StatusChecks[0]
		if r := w.Engine.LatestResult(id); r != nil {
			l.Reason = r.Message
		}
	}
	if s.View.Problem != "" {
		l.Reason = s.View.Problem
	}
	l.Strip = w.Strip(q.Context(), id)
	if h != nil {
		l.Ack, l.Silenced, l.Waits = h.Ack, h.Silenced, h.Suppressor != nil
	}
	l.Told = w.told(s)
}

// told counts who is told of a subject: people, rotas and escalation steps.
func (w *Pages) told(s *lookup.Subject) string {
	a, site := &s.Alerting, w.Engine.Settings()
	own := s.Ref() == engine.BuiltIn
	switch {
	case !a.AlertsEnabled:
		return "alerts are off"
	case len(a.Alerts) == 0 && !own:
		return "no alerts"
	}
	var out []string
	if n := len(a.UsersToNotify); n > 0 {
		out = append(out, drawing.Counted(n, "user"))
	}
	if n := len(a.Rotas); n > 0 {
		out = append(out, drawing.Counted(n, "rota"))
	} else if site.DefaultRota != "" {
		out = append(out, "the default rota")
	}
	if n := len(a.Escalation); n > 0 {
		out = append(out, drawing.Counted(n, "step"))
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, ", ")
	case own:
		return "all admins"
	case site.FallbackUser != "":
		return "the fallback"
	}
	return "nobody"
}

// failingChecks are the checks that count as failing.
func (w *Pages) failingChecks() map[string]*edit.CheckView {
	out := map[string]*edit.CheckView{}
	_, troubled := w.Engine.Checks.Troubled()
	for i := range troubled {
		if troubled[i].Severity != "" {
			out[troubled[i].ID] = &troubled[i]
		}
	}
	return out
}
