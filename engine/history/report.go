package history

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/state"
)

// ReportRow is how a service or instance fared over a span of time.
type ReportRow struct {
	Subject engine.Ref `json:"subject"`
	Name    string     `json:"name"`
	Deleted bool       `json:"deleted"` // it is there no more
	Uptime  Uptime     `json:"uptime"`  // and the time in each status
	// Incidents counts those that were open at some time of the span.
	Incidents int `json:"incidents"`
	// Longest is the longest time in seconds that one of them took of the span.
	Longest float64 `json:"longest_incident"`
	// Recovery is the mean time in seconds from the opening to the closing of the
	// incidents that closed in the span (MTTR); null without any.
	Recovery *float64 `json:"mean_time_to_recovery"`
}

// Report returns a row for each service and instance that was there at some
// time from from to to (at most up to now), services first, in order of name. It
// blocks on the disk and returns an *Error for a span without time.
func (hist *History) Report(ctx context.Context, from, to time.Time) ([]ReportRow, error) {
	span := Span{from.UTC(), Earlier(to, hist.Now()).UTC()}
	if span.empty() {
		var p engine.Problems
		p.Add("from", "max", "from must be before to, and not in the future")
		return nil, p.Err()
	}
	w, err := hist.newTimelineReader(ctx, span)
	if err != nil {
		return nil, err
	}
	refs, err := hist.subjectsEver(ctx)
	if err != nil {
		return nil, fmt.Errorf("list services and instances: %w", err)
	}
	rows := []ReportRow{}
	for _, ref := range refs {
		row, there, err := hist.reportRow(ctx, w, ref)
		if err != nil {
			return nil, fmt.Errorf("report on %s: %w", ref.Key(), err)
		}
		if there {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b ReportRow) int {
		return cmp.Or(-cmp.Compare(a.Subject.Kind, b.Subject.Kind), // service, instance
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Subject.ID, b.Subject.ID))
	})
	return rows, nil
}

// subjectsEver returns all services and instances that are there, or of which
// changes of status are kept.
func (hist *History) subjectsEver(ctx context.Context) ([]engine.Ref, error) {
	found := map[engine.Ref]bool{}
	hist.Mu.RLock()
	for id := range hist.Tables.Services {
		found[engine.Ref{Kind: engine.KindService, ID: id}] = true
	}
	for id := range hist.Tables.Instances {
		found[engine.Ref{Kind: engine.KindInstance, ID: id}] = true
	}
	hist.Mu.RUnlock()
	var out []engine.Ref
	for ref := range found {
		out = append(out, ref)
	}
	for _, kind := range []engine.Kind{engine.KindService, engine.KindInstance} {
		prefix := string(kind) + ":"
		for after := ""; ; {
			ids, err := hist.recordIDs(ctx, engine.KindTransition, engine.Query{Prefix: prefix, After: after, Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(ids) == 0 {
				break
			}
			of, _, _ := strings.Cut(ids[0], "/")
			if ref := (engine.Ref{Kind: kind, ID: of[len(prefix):]}); !found[ref] {
				found[ref] = true
				out = append(out, ref)
			}
			after = max(of+"/"+lastInID, ids[0])
		}
	}
	return out, nil
}

// reportRow builds the row of a subject; there is false when it was not there.
func (hist *History) reportRow(ctx context.Context, w *timelineReader, ref engine.Ref) (row ReportRow, there bool, err error) {
	line, err := w.line(ctx, ref.Key())
	if err != nil {
		return row, false, err
	}
	row = ReportRow{Subject: ref, Name: hist.SubjectName(ref), Uptime: account(line, w.span)}
	if !hist.origin(ref.Key()).exists {
		if row.Uptime.Inactive == row.Uptime.Total {
			return row, false, nil
		}
		row.Deleted = true
		if row.Name, err = hist.lastName(ctx, ref); err != nil {
			return row, false, err
		}
	}
	return row, true, hist.countIncidents(ctx, w.span, &row)
}

// lastName returns the name that a deleted service or instance had.
func (hist *History) lastName(ctx context.Context, ref engine.Ref) (string, error) {
	revisions, err := hist.Store.Revisions(ctx, ref.Kind, ref.ID)
	if err != nil {
		return "", err
	}
	for _, r := range revisions {
		var fields struct {
			Name string `json:"name"`
		}
		if !r.Deleted && json.Unmarshal(r.Data, &fields) == nil {
			return fields.Name, nil
		}
	}
	return "", nil
}

// countIncidents adds the incidents of the row's subject. They do not overlap:
// the first that closed before the span ends the search.
func (hist *History) countIncidents(ctx context.Context, span Span, row *ReportRow) error {
	closed, took := 0, time.Duration(0)
	before := engine.Query{Term: row.Subject.Key(), After: timeID(span.To), Reverse: true}
	for in, err := range state.Scan[engine.Incident](ctx, hist.Store, engine.KindIncident, before) {
		if err != nil {
			return err
		}
		until := span.To
		if in.Closed != nil {
			if !in.Closed.After(span.From) {
				break
			}
			if until = Earlier(until, *in.Closed); !in.Closed.After(span.To) {
				closed++
				took += in.Closed.Sub(in.Opened)
			}
		}
		row.Incidents++
		row.Longest = max(row.Longest, Span{in.Opened, until}.clip(span.From, span.To).length().Seconds())
	}
	if closed > 0 {
		mean := took.Seconds() / float64(closed)
		row.Recovery = &mean
	}
	return nil
}
