package checks

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/engine/history"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
	"moonwatch/server/web/lookup"
)

// checkView is the page of one check.
type checkView struct {
	Check    edit.CheckView
	Shape    frame.Standing
	Plugin   frame.PluginCard
	Linked   []frame.Link // services and instances that it belongs to
	Free     []frame.Link // those that it could be added to
	Bar      drawing.StatusBar
	Range    string
	Ranges   []rangeView
	Took     drawing.Chart
	Metrics  []drawing.Chart
	Results  []engine.Result
	Older    string // address, "" at the end
	Newer    bool   // older results are shown: there is a way back
	Settings []lookup.Setting
	Cut      bool // there were more results than were read
	Uptime   *drawing.UptimeView
	Silences []edit.SilenceView
}

type rangeView struct {
	Name, Label string
	Current     bool
	span        time.Duration
}

func ranges() []rangeView {
	return []rangeView{{Name: "1h", Label: "1 hour", span: time.Hour}, {Name: "6h", Label: "6 hours", span: 6 * time.Hour},
		{Name: "24h", Label: "24 hours", span: 24 * time.Hour}, {Name: "7d", Label: "7 days", span: 7 * 24 * time.Hour},
		{
			Name:  "30d",
			Label: "30 days",
			span:  30 * 24 * time.Hour,
		}, {Name: "90d", Label: "90 days", span: 90 * 24 * time.Hour}, {Name: "1y", Label: "A year", span: 366 * 24 * time.Hour}}
}

// sumStep is the step in which a long time is drawn: whole hours, which come from
// sums. Zero: from single results.
func sumStep(span time.Duration) time.Duration {
	if span <= 24*time.Hour {
		return 0
	}
	return (span/drawing.ChartColumns + time.Hour - 1).Truncate(time.Hour)
}

const (
	pageResults  = 25
	chartResults = 20_000 // the most that are read for the charts of one page
)

func (w *Pages) checkPage(q *frame.Request) error {
	c, err := w.Engine.Checks.Check(q.ID())
	if err != nil {
		return err
	}
	v := &checkView{Check: c, Shape: frame.StandingOf(&c), Plugin: w.Card(c.Plugin)}
	v.Linked, v.Free = w.linksOf(&c)
	v.Settings = w.SettingsOf(c.Plugin, engine.ConfigForm, c.Config)
	if err := v.results(w, q); err != nil {
		return err
	}
	if err := v.charts(w, q); err != nil {
		return err
	}
	v.Silences = w.SilencesOn(engine.KindCheck, c.ID, c.Tags)
	p := w.NewPage(q, c.Name, "checks")
	if v.Uptime, err = w.UptimeOf(q.Context(), history.CheckKey(c.ID), p); err != nil {
		return err
	}
	p.Events = "types=check,result,service,instance,plugin,silence&check=" + url.QueryEscape(c.ID)
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "check", p)
	return nil
}

// results reads one page of results.
func (v *checkView) results(w *Pages, q *frame.Request) error {
	before, _ := strconv.ParseUint(q.URL.Query().Get("before"), 10, 64)
	v.Newer = before > 0
	err := w.Engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, before, func(r *engine.Result) bool {
		if len(v.Results) == pageResults {
			v.Older = "?before=" + strconv.FormatUint(v.Results[pageResults-1].Seq, 10) + "#results"
			return false
		}
		v.Results = append(v.Results, *r)
		return true
	})
	return err
}

// chooseRange is the time that was asked for; where none was, the shortest that
// shows all there is, a day at most.
func (v *checkView) chooseRange(w *Pages, q *frame.Request) (rangeView, error) {
	all := ranges()
	for _, r := range all {
		if r.Name == q.URL.Query().Get("range") {
			return r, nil
		}
	}
	for _, r := range all[:2] {
		older := false
		before := uint64(max(w.Options.Now().Add(-r.span).UnixMicro(), 1))
		err := w.Engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, before, func(*engine.Result) bool {
			older = true
			return false
		})
		if err != nil || !older {
			return r, err
		}
	}
	return all[2], nil
}

// charts reads the results of the chosen time and draws them.
func (v *checkView) charts(w *Pages, q *frame.Request) error {
	chosen, err := v.chooseRange(w, q)
	if err != nil {
		return err
	}
	for _, r := range ranges() {
		r.Current = r.Name == chosen.Name
		v.Ranges = append(v.Ranges, r)
	}
	v.Range = chosen.Label
	now := w.Options.Now()
	s := drawing.NewSeries(now.Add(-chosen.span), now)
	step := sumStep(chosen.span)
	if step > 0 {
		if s, err = w.sums(q, v.Check.ID, now, chosen.span, step); err != nil {
			return err
		}
	}
	n := 0
	err = w.Engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, 0, func(r *engine.Result) bool {
		if len(v.Bar.Results) < drawing.BarResults {
			v.Bar.Results = append(v.Bar.Results, drawing.BarOf(r))
		}
		inside := step == 0 && !r.Started.Before(s.From)
		if inside {
			n++
			s.Add(r)
		}
		v.Cut = n >= chartResults
		return !v.Cut && (inside || len(v.Bar.Results) < drawing.BarResults)
	})
	slices.Reverse(v.Bar.Results)
	v.Took, v.Metrics = s.Took(), s.Metrics()
	return err
}

// sums reads what the results of a long time came to, step by step.
func (w *Pages) sums(q *frame.Request, check string, now time.Time, span, step time.Duration) (*drawing.Series, error) {
	to := now.UTC().Truncate(step).Add(step) // steps lie on a grid from the epoch on
	from := now.Add(-span).UTC().Truncate(step)
	points, err := w.Engine.History.Summary(q.Context(), check, from, now, step)
	if err != nil {
		return nil, err
	}
	s := drawing.NewSteps(from, to, step, int(to.Sub(from)/step))
	for i := range points {
		s.Sum(&points[i])
	}
	return s, nil
}

// linksOf are the subjects of a check, and those that it could be added to.
func (w *Pages) linksOf(c *edit.CheckView) (linked, free []frame.Link) {
	for _, s := range w.EverySubject() {
		if slices.Contains(c.Services, s.Meta.ID) || slices.Contains(c.InstanceIDs, s.Meta.ID) {
			linked = append(linked, s.Link())
		} else {
			free = append(free, s.Link())
		}
	}
	byName := func(a, b frame.Link) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }
	slices.SortFunc(linked, byName)
	slices.SortFunc(free, byName)
	return linked, free
}

// runPage is the page of one result.
type runPage struct {
	Check   edit.CheckView
	Result  engine.Result
	Timings []frame.Timing
	Newer   uint64
	Older   uint64
}

func (w *Pages) resultPage(q *frame.Request) error {
	c, err := w.Engine.Checks.Check(q.ID())
	if err != nil {
		return err
	}
	seq, err := strconv.ParseUint(mux.Vars(q.Request)["seq"], 10, 64)
	if err != nil || seq == 0 || seq+1 == 0 {
		return &engine.Error{Kind: engine.NotFound, Message: "no such result"}
	}
	v := runPage{Check: c}
	found := 0
	err = w.Engine.Checks.ResultsBefore(q.Context(), c.ID, time.Time{}, seq+1, func(r *engine.Result) bool {
		if found == 0 {
			v.Result = *r
		} else {
			v.Older = r.Seq
		}
		found++
		return found < 2 && v.Result.Seq == seq
	})
	if err != nil {
		return err
	}
	if found == 0 || v.Result.Seq != seq {
		return &engine.Error{Kind: engine.NotFound, Message: "this result is not kept any more"}
	}
	v.Timings = frame.Timings(&v.Result)
	p := w.NewPage(q, "Result of "+c.Name, "checks")
	p.Body = v
	w.Render(q.Writer, http.StatusOK, "result", p)
	return nil
}
