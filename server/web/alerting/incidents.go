package alerting

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/alert"
	"moonwatch/engine/state"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// incidentList is the page of all incidents.
type incidentList struct {
	Filter incidentFilter
	Tabs   []tab
	Rows   []IncidentRow
	Older  string
	Newest string // "" on the first page
}

type tab struct {
	Label, Address string
	Current        bool
}

// incidentFilter is what a list of incidents is asked for.
type incidentFilter struct {
	Show     string // "", open or over
	Text     string // in names, errors, reasons and notes
	Subject  string // name or id of a service or an instance
	Tag      string // of the service or instance
	From, To string // dates
	from, to time.Time
	tagged   map[engine.Ref]bool // those with the tag
}

// filterOf reads the filter from an address; dates are those of a zone.
func (w *Pages) filterOf(query url.Values, zone *time.Location) incidentFilter {
	f := incidentFilter{Show: query.Get("show"), Text: strings.TrimSpace(query.Get("q")), Subject: strings.TrimSpace(query.Get("subject")),
		Tag: strings.TrimSpace(query.Get("tag")), From: query.Get("from"), To: query.Get("to")}
	f.from, _ = time.ParseInLocation(time.DateOnly, f.From, zone)
	if to, err := time.ParseInLocation(time.DateOnly, f.To, zone); err == nil {
		f.to = to.AddDate(0, 0, 1)
	}
	if f.Tag != "" {
		f.tagged = map[engine.Ref]bool{}
		for _, s := range w.EverySubject() {
			f.tagged[s.Ref()] = slices.ContainsFunc(s.Alerting.Tags, func(t string) bool { return strings.EqualFold(t, f.Tag) })
		}
	}
	return f
}

// Any reports whether the filter leaves anything out besides what the tabs do.
func (f incidentFilter) Any() bool { return f.Text+f.Subject+f.Tag+f.From+f.To != "" }

// matches reports whether an incident is asked for.
func (f incidentFilter) matches(in *alert.IncidentView) bool {
	switch {
	case f.Show == "open" && in.Closed != nil, f.Show == "over" && in.Closed == nil:
		return false
	case !f.to.IsZero() && !in.Opened.Before(f.to):
		return false
	case !f.from.IsZero() && in.Closed != nil && in.Closed.Before(f.from): // it ended before
		return false
	case f.Subject != "" && in.Subject.ID != f.Subject && !within(f.Subject, in.SubjectName):
		return false
	case f.tagged != nil && !f.tagged[in.Subject]:
		return false
	}
	if f.Text == "" {
		return true
	}
	texts := []string{in.SubjectName, in.Reason}
	for _, one := range in.Failures {
		texts = append(texts, one.Name, one.Error)
	}
	for _, n := range in.Notes {
		texts = append(texts, n.Text)
	}
	return within(f.Text, texts...)
}

// within reports whether one of the texts holds a text, in small or capital letters.
func within(needle string, texts ...string) bool {
	needle = strings.ToLower(needle)
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), needle) })
}

// maxScanned bounds the records that one page of a filtered list reads.
const maxScanned = 5000

func (w *Pages) incidents(q *frame.Request) error {
	query := q.URL.Query()
	p := w.NewPage(q, "Incidents", "incidents")
	l := incidentList{Filter: w.filterOf(query, p.Zone)}
	for _, t := range []tab{{Label: "All"}, {Label: "Open", Address: "open"}, {Label: "Over", Address: "over"}} {
		l.Tabs = append(l.Tabs, tab{t.Label, frame.WithQuery("/incidents", query, "show", t.Address), l.Filter.Show == t.Address})
	}
	if query.Get("before") != "" {
		l.Newest = frame.WithQuery("/incidents", query, "before", "")
	}
	ask := engine.Query{After: query.Get("before"), Reverse: true}
	if l.Filter.Show == "open" {
		ask.Term = state.TermOpen
	}
	var found []alert.IncidentView
	scanned, last := 0, ""
	for in, err := range w.Engine.Incidents.ScanIncidents(q.Context(), ask) {
		if err != nil {
			return err
		}
		if len(found) == frame.MaxListed || scanned == maxScanned {
			l.Older = frame.OlderLink(query, last)
			break
		}
		scanned, last = scanned+1, in.ID
		if l.Filter.matches(&in) {
			found = append(found, in)
		}
	}
	l.Rows = foldFlaps(found, w.People())
	p.Events = "types=incident"
	p.Body = l
	w.Render(q.Writer, http.StatusOK, "incidents", p)
	return nil
}

// IncidentRow is an incident in a list, or several short ones in one row.
type IncidentRow struct {
	alert.IncidentView
	Why   engine.Failure       // what it is told by, without a name where nothing is kept
	More  int                  // further checks that failed
	By    string               // who acknowledged it last
	Flap  bool                 // it was over in less than a minute
	Flaps []alert.IncidentView // further short ones, the latest first
}

// flapTime is how long an incident lasts that is worth a row of its own.
const flapTime = time.Minute

// foldFlaps makes rows of incidents, the latest first. Those that were over in less
// than a minute stand in one row with their neighbours of the same subject.
func foldFlaps(found []alert.IncidentView, people lookup.People) []IncidentRow {
	var rows []IncidentRow
	latest := map[engine.Ref]int{} // the row that a subject had last
	for _, in := range found {
		row := IncidentRow{IncidentView: in, Flap: in.Closed != nil && in.Closed.Sub(in.Opened) < flapTime}
		if at, ok := latest[in.Subject]; ok && row.Flap && rows[at].Flap && in.Acknowledged == nil {
			rows[at].Flaps = append(rows[at].Flaps, in)
			continue
		}
		row.Why, _ = alert.WorstFailure(in.Failures)
		checks := map[string]bool{}
		for _, f := range in.Failures {
			checks[f.Check] = true
		}
		row.More = max(len(checks)-1, 0)
		if in.Acknowledged != nil {
			row.By = people.Named(in.Acknowledged.Username)
		}
		latest[in.Subject] = len(rows)
		rows = append(rows, row)
	}
	return rows
}

// IncidentRows are incidents as lists show them.
func IncidentRows(w *lookup.Lookup, found []alert.IncidentView) []IncidentRow {
	return foldFlaps(found, w.People())
}
