package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ReportRow is how a service or instance fared over a span of time.
type ReportRow struct {
	Subject Ref    `json:"subject"`
	Name    string `json:"name"`
	Deleted bool   `json:"deleted"` // it is there no more
	Uptime  Uptime `json:"uptime"`  // and the time in each status
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
func (e *historyService) Report(ctx context.Context, from, to time.Time) ([]ReportRow, error) {
	span := Span{from.UTC(), earlier(to, e.now()).UTC()}
	if span.empty() {
		var p problems
		p.add("from", "max", "from must be before to, and not in the future")
		return nil, p.err()
	}
	w, err := e.newWitness(ctx, span)
	if err != nil {
		return nil, err
	}
	refs, err := e.subjectsEver(ctx)
	if err != nil {
		return nil, fmt.Errorf("list services and instances: %w", err)
	}
	rows := []ReportRow{}
	for _, ref := range refs {
		row, there, err := e.reportRow(ctx, w, ref)
		if err != nil {
			return nil, fmt.Errorf("report on %s: %w", ref.key(), err)
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
func (e *historyService) subjectsEver(ctx context.Context) ([]Ref, error) {
	found := map[Ref]bool{}
	e.mu.RLock()
	for id := range e.tables.services {
		found[Ref{KindService, id}] = true
	}
	for id := range e.tables.instances {
		found[Ref{KindInstance, id}] = true
	}
	e.mu.RUnlock()
	var out []Ref
	for ref := range found {
		out = append(out, ref)
	}
	for _, kind := range []Kind{KindService, KindInstance} {
		prefix := string(kind) + ":"
		for after := prefix; ; {
			ids, err := e.recordIDs(ctx, KindTransition, prefix, after, 1)
			if err != nil {
				return nil, err
			}
			if len(ids) == 0 {
				break
			}
			of, _, _ := strings.Cut(ids[0], "/")
			if ref := (Ref{kind, of[len(prefix):]}); !found[ref] {
				found[ref] = true
				out = append(out, ref)
			}
			after = max(of+"/"+lastInID, ids[0])
		}
	}
	return out, nil
}

// reportRow builds the row of a subject; there is false when it was not there.
func (e *historyService) reportRow(ctx context.Context, w *witness, ref Ref) (row ReportRow, there bool, err error) {
	line, err := w.line(ctx, ref.key())
	if err != nil {
		return row, false, err
	}
	row = ReportRow{Subject: ref, Name: e.SubjectName(ref), Uptime: account(line, w.span)}
	if !e.origin(ref.key()).exists {
		if row.Uptime.Inactive == row.Uptime.Total {
			return row, false, nil
		}
		row.Deleted = true
		if row.Name, err = e.lastName(ctx, ref); err != nil {
			return row, false, err
		}
	}
	return row, true, e.countIncidents(ctx, w.span, &row)
}

// lastName returns the name that a deleted service or instance had.
func (e *historyService) lastName(ctx context.Context, ref Ref) (string, error) {
	revisions, err := e.store.Revisions(ctx, ref.Kind, ref.ID)
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
func (e *historyService) countIncidents(ctx context.Context, span Span, row *ReportRow) error {
	closed, took := 0, time.Duration(0)
	err := scan(ctx, e.State, KindIncident, Query{Term: row.Subject.key(), After: timeID(span.To), Reverse: true}, func(in *Incident) bool {
		until := span.To
		if in.Closed != nil {
			if !in.Closed.After(span.From) {
				return false
			}
			if until = earlier(until, *in.Closed); !in.Closed.After(span.To) {
				closed++
				took += in.Closed.Sub(in.Opened)
			}
		}
		row.Incidents++
		row.Longest = max(row.Longest, Span{in.Opened, until}.clip(span.From, span.To).length().Seconds())
		return true
	})
	if closed > 0 {
		mean := took.Seconds() / float64(closed)
		row.Recovery = &mean
	}
	return err
}
