package history

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/rota"
)

// Uptime accounts for a span of time, to the second part: Total is the sum of
// all others. The percentage is passing time over passing, failing, warning,
// error and critical time; unknown, maintenance and inactive time is left out.
//
// Unknown is the time in which a check's status was UNKNOWN or PENDING, in which
// that held for all active checks of a service or instance, or in which the
// monitor itself did not run. So a service with one check has its check's
// uptime. Maintenance goes before unknown, inactive before both.
type Uptime struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`          // now, when the time asked for is still to come
	Percent     *float64  `json:"percent"`     // 0 to 100; null when nothing counts
	Total       float64   `json:"total"`       // seconds, as all below
	Passing     float64   `json:"passing"`     //
	Failing     float64   `json:"failing"`     // checks
	Warning     float64   `json:"warning"`     // services and instances, as the two below
	Error       float64   `json:"error"`       //
	Critical    float64   `json:"critical"`    //
	Unknown     float64   `json:"unknown"`     //
	Maintenance float64   `json:"maintenance"` //
	Inactive    float64   `json:"inactive"`    // not there, switched off, or so long ago that nothing is kept
}

// maxUptimeDays bounds UptimeDays.
const maxUptimeDays = 3660

// Uptime accounts for the time of a check (of is CheckKey), service or instance
// (of is Ref.Term) from from to to, at most up to now. It blocks on the disk,
// and returns an *Error for a span without time and for what was never there.
func (hist *History) Uptime(ctx context.Context, of string, from, to time.Time) (Uptime, error) {
	if err := hist.recorded(ctx, of); err != nil {
		return Uptime{}, err
	}
	span := Span{from.UTC(), Earlier(to, hist.Now()).UTC()}
	if span.empty() {
		var p engine.Problems
		p.Add("from", "max", "from must be before to, and not in the future")
		return Uptime{}, p.Err()
	}
	w, err := hist.newTimelineReader(ctx, span)
	if err != nil {
		return Uptime{}, err
	}
	line, err := w.line(ctx, of)
	if err != nil {
		return Uptime{}, err
	}
	return account(line, span), nil
}

// UptimeDays accounts for the last days calendar days of a zone, the oldest
// first; the last is today, up to now.
func (hist *History) UptimeDays(ctx context.Context, of string, days int, zone *time.Location) ([]Uptime, error) {
	if days < 1 || days > maxUptimeDays {
		var p engine.Problems
		p.Add("days", "invalid", "between 1 and %d", maxUptimeDays)
		return nil, p.Err()
	}
	if err := hist.recorded(ctx, of); err != nil {
		return nil, err
	}
	now := hist.Now()
	y, m, d := now.In(zone).Date()
	start := func(i int) time.Time { return rota.FromWall(time.Date(y, m, d-days+1+i, 0, 0, 0, 0, time.UTC), zone) }
	w, err := hist.newTimelineReader(ctx, Span{start(0), now.UTC()})
	if err != nil {
		return nil, err
	}
	line, err := w.line(ctx, of)
	if err != nil {
		return nil, err
	}
	out := make([]Uptime, days)
	for i := range out {
		span := Span{start(i), Earlier(start(i+1), now).UTC()}
		out[i] = account(cut(line, span.From, span.To), span)
	}
	return out, nil
}

// recorded returns an *Error unless there is or was such an object.
func (hist *History) recorded(ctx context.Context, of string) error {
	if hist.origin(of).exists {
		return nil
	}
	kind, _, _ := strings.Cut(of, ":")
	ids, err := hist.recordIDs(ctx, engine.KindTransition, engine.Query{Prefix: of + "/", Limit: 1})
	if err != nil {
		return fmt.Errorf("read the history of %s: %w", of, err)
	}
	if len(ids) == 0 || of == monitorKey {
		return engine.Missing(engine.Kind(kind))
	}
	return nil
}

// account adds up a line that covers span.
func account(line []segment, span Span) Uptime {
	var total [standings]time.Duration
	for _, s := range line {
		total[s.standing] += s.To.Sub(s.From)
	}
	u := Uptime{From: span.From, To: span.To, Total: max(span.To.Sub(span.From), 0).Seconds(),
		Passing: total[standingPassing].Seconds(), Failing: total[standingFailing].Seconds(), Warning: total[standingWarning].Seconds(),
		Error: total[standingError].Seconds(), Critical: total[standingCritical].Seconds(), Unknown: total[standingUnknown].Seconds(),
		Maintenance: total[standingMaintenance].Seconds(), Inactive: total[standingInactive].Seconds()}
	counted := time.Duration(0)
	for _, s := range []category{standingPassing, standingFailing, standingWarning, standingError, standingCritical} {
		counted += total[s]
	}
	if counted > 0 {
		percent := 100 * float64(total[standingPassing]) / float64(counted)
		u.Percent = &percent
	}
	return u
}

// timelineReader tells how objects stood over one span: it holds what is the same for
// all of them.
type timelineReader struct {
	e           *History
	span        Span // not empty
	stops       []Span
	maintenance *maintenance
	kept        time.Time // nothing is known of the time before
}

func (hist *History) newTimelineReader(ctx context.Context, span Span) (*timelineReader, error) {
	w := &timelineReader{e: hist, span: span, kept: hist.Now().Add(-hist.Settings().HistoryKept.Std())}
	var err error
	if w.stops, err = hist.stops(ctx, span.From, span.To); err != nil {
		return nil, err
	}
	if w.maintenance, err = hist.maintenance(ctx, span.From, span.To); err != nil {
		return nil, err
	}
	return w, nil
}

// line returns how an object stood over the whole span.
func (w *timelineReader) line(ctx context.Context, of string) ([]segment, error) {
	line, err := w.e.statusLine(ctx, of, w.span.From, w.span.To)
	if err != nil {
		return nil, err
	}
	blind, err := w.blind(ctx, of)
	if err != nil {
		return nil, err
	}
	return w.finish(of, line, blind), nil
}

// finish puts over a line what goes before the status.
func (w *timelineReader) finish(of string, line []segment, blind []Span) []segment {
	line = paint(line, union(append(blind, w.stops...)), standingUnknown)
	line = paint(line, w.maintenance.of(of), standingMaintenance)
	if w.kept.After(w.span.From) {
		line = paint(line, []Span{{w.span.From, w.kept}}, standingInactive)
	}
	return join(line)
}

// blind returns when a service or instance had active checks and nothing was
// known of any of them.
func (w *timelineReader) blind(ctx context.Context, of string) ([]Span, error) {
	kind, id, _ := strings.Cut(of, ":")
	if engine.Kind(kind) == engine.KindCheck {
		return nil, nil
	}
	links, err := w.links(ctx, engine.Ref{Kind: engine.Kind(kind), ID: id})
	if err != nil {
		return nil, err
	}
	lines := map[string][]segment{}
	var active, known []Span
	for _, l := range links {
		for _, check := range l.checks {
			line, read := lines[check]
			if !read {
				if line, err = w.e.statusLine(ctx, CheckKey(check), w.span.From, w.span.To); err != nil {
					return nil, err
				}
				lines[check] = line
			}
			for _, s := range cut(line, l.From, l.To) {
				if s.standing != standingInactive {
					active = append(active, s.Span)
				}
				if s.standing != standingInactive && s.standing != standingUnknown {
					known = append(known, s.Span)
				}
			}
		}
	}
	return minus(union(active), union(known)), nil
}

// link says which checks belonged to a subject for a while.
type link struct {
	Span
	checks []string
}

// links returns which checks belonged to a subject over the span, from its
// revisions.
func (w *timelineReader) links(ctx context.Context, ref engine.Ref) ([]link, error) {
	revisions, err := w.e.Store.Revisions(ctx, ref.Kind, ref.ID)
	if err != nil {
		return nil, fmt.Errorf("read the revisions of %s: %w", ref.Key(), err)
	}
	var out []link
	to := w.span.To
	for _, r := range revisions { // newest first
		if span := (Span{r.At, to}).clip(w.span.From, w.span.To); !r.Deleted && !span.empty() {
			var fields struct {
				Checks []string `json:"status_checks"`
			}
			if err := json.Unmarshal(r.Data, &fields); err != nil {
				return nil, fmt.Errorf("read revision %d of %s: %w", r.Number, ref.Key(), err)
			}
			out = append(out, link{span, fields.Checks})
		}
		if to = r.At; !to.After(w.span.From) {
			break
		}
	}
	return out, nil
}
