package web

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
	"moonwatch/server/web/webform"
)

// checkPages are the pages of checks.
type checkPages struct{ *lookup }

// checkView is the page of one check.
type checkView struct {
	Check    edit.CheckView
	Shape    standing
	Plugin   pluginCard
	Linked   []link // services and instances that it belongs to
	Free     []link // services that it could be added to
	Bar      statusBar
	Range    string
	Ranges   []rangeView
	Took     chart
	Metrics  []chart
	Results  []engine.Result
	Older    string // address, "" at the end
	Newer    bool   // older results are shown: there is a way back
	Settings []setting
	Cut      bool // there were more results than were read
	Uptime   *uptimeView
	Silences []edit.SilenceView
}

type rangeView struct {
	Name, Label string
	Current     bool
	span        time.Duration
}

// setting is one configured value as the page of its object shows it.
type setting struct {
	Label, Value string
	Secret       bool
}

func ranges() []rangeView {
	return []rangeView{{Name: "1h", Label: "1 hour", span: time.Hour}, {Name: "6h", Label: "6 hours", span: 6 * time.Hour},
		{Name: "24h", Label: "24 hours", span: 24 * time.Hour}, {Name: "7d", Label: "7 days", span: 7 * 24 * time.Hour},
		{Name: "30d", Label: "30 days", span: 30 * 24 * time.Hour}, {Name: "90d", Label: "90 days", span: 90 * 24 * time.Hour}, {Name: "1y", Label: "A year", span: 366 * 24 * time.Hour}}
}

// sumStep is the step in which a long time is drawn: whole hours, which come from
// sums. Zero: from single results.
func sumStep(span time.Duration) time.Duration {
	if span <= 24*time.Hour {
		return 0
	}
	return (span/chartColumns + time.Hour - 1).Truncate(time.Hour)
}

const (
	pageResults  = 25
	chartResults = 20_000 // the most that are read for the charts of one page
)

func (w *checkPages) checkPage(q *request) error {
	c, err := w.engine.Checks.Check(q.id())
	if err != nil {
		return err
	}
	v := &checkView{Check: c, Shape: standingOf(&c), Plugin: w.card(c.Plugin)}
	v.Linked, v.Free = w.linksOf(&c)
	v.Settings = w.settingsOf(c.Plugin, engine.ConfigForm, c.Config)
	if err := v.results(w, q); err != nil {
		return err
	}
	if err := v.charts(w, q); err != nil {
		return err
	}
	v.Silences = w.silencesOn(engine.KindCheck, c.ID, c.Tags)
	p := w.newPage(q, c.Name, "checks")
	if v.Uptime, err = w.uptimeOf(q.Context(), history.CheckKey(c.ID), p); err != nil {
		return err
	}
	p.Events = "types=check,result,service,instance,plugin,silence&check=" + url.QueryEscape(c.ID)
	p.Body = v
	w.render(q.rw, http.StatusOK, "check", p)
	return nil
}

// results reads one page of results.
func (v *checkView) results(w *checkPages, q *request) error {
	before, _ := strconv.ParseUint(q.URL.Query().Get("before"), 10, 64)
	v.Newer = before > 0
	err := w.engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, before, func(r *engine.Result) bool {
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
func (v *checkView) chooseRange(w *checkPages, q *request) (rangeView, error) {
	all := ranges()
	for _, r := range all {
		if r.Name == q.URL.Query().Get("range") {
			return r, nil
		}
	}
	for _, r := range all[:2] {
		older := false
		before := uint64(max(w.o.Now().Add(-r.span).UnixMicro(), 1))
		err := w.engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, before, func(*engine.Result) bool {
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
func (v *checkView) charts(w *checkPages, q *request) error {
	chosen, err := v.chooseRange(w, q)
	if err != nil {
		return err
	}
	for _, r := range ranges() {
		r.Current = r.Name == chosen.Name
		v.Ranges = append(v.Ranges, r)
	}
	v.Range = chosen.Label
	now := w.o.Now()
	s := newSeries(now.Add(-chosen.span), now)
	step := sumStep(chosen.span)
	if step > 0 {
		if s, err = w.sums(q, v.Check.ID, now, chosen.span, step); err != nil {
			return err
		}
	}
	n := 0
	err = w.engine.Checks.ResultsBefore(q.Context(), v.Check.ID, time.Time{}, 0, func(r *engine.Result) bool {
		if len(v.Bar.Results) < barResults {
			v.Bar.Results = append(v.Bar.Results, barOf(r))
		}
		inside := step == 0 && !r.Started.Before(s.from)
		if inside {
			n++
			s.add(r)
		}
		v.Cut = n >= chartResults
		return !v.Cut && (inside || len(v.Bar.Results) < barResults)
	})
	slices.Reverse(v.Bar.Results)
	v.Took, v.Metrics = s.took(), s.metrics()
	return err
}

// sums reads what the results of a long time came to, step by step.
func (w *checkPages) sums(q *request, check string, now time.Time, span, step time.Duration) (*series, error) {
	to := now.UTC().Truncate(step).Add(step) // steps lie on a grid from the epoch on
	from := now.Add(-span).UTC().Truncate(step)
	points, err := w.engine.History.Summary(q.Context(), check, from, now, step)
	if err != nil {
		return nil, err
	}
	s := newSteps(from, to, step, int(to.Sub(from)/step))
	for i := range points {
		s.sum(&points[i])
	}
	return s, nil
}

// linksOf are the subjects of a check, and the services that it could be added to.
func (w *checkPages) linksOf(c *edit.CheckView) (linked, free []link) {
	for _, s := range w.engine.Targets.Services() {
		one := link{"services", s.ID, s.Name, standing(s.OverallStatus)}
		if slices.Contains(c.Services, s.ID) {
			linked = append(linked, one)
		} else {
			free = append(free, one)
		}
	}
	for _, i := range w.engine.Targets.Instances() {
		one := link{"instances", i.ID, i.Name, standing(i.OverallStatus)}
		if slices.Contains(c.InstanceIDs, i.ID) {
			linked = append(linked, one)
		} else {
			free = append(free, one)
		}
	}
	byName := func(a, b link) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }
	slices.SortFunc(linked, byName)
	slices.SortFunc(free, byName)
	return linked, free
}

// settingsOf shows the values of a plugin's form, without those that nobody set.
func (w *lookup) settingsOf(slug string, name engine.FormName, values map[string]any) []setting {
	f, _, known := w.pluginForm(slug, name)
	if !known {
		return nil
	}
	var out []setting
	for i := range f.Fields {
		field := &f.Fields[i]
		v := values[field.Name]
		s := setting{Label: field.DisplayLabel(), Value: webform.Display(v)}
		switch {
		case webform.IsSet(v):
			s.Value, s.Secret = "set", true
		case v == true:
			s.Value = "yes"
		case v == false:
			s.Value = "no"
		}
		if list, ok := v.([]any); ok {
			s.Value = ""
			if len(list) > 0 {
				s.Value = inWords(v, nil)
			}
		}
		if s.Value == "" {
			continue
		}
		if c := webform.LabelOf(field, s.Value); len(field.Choices) > 0 {
			s.Value = c
		}
		if field.Unit != "" && !s.Secret {
			s.Value += " " + field.Unit
		}
		out = append(out, s)
	}
	return out
}

// runPage is the page of one result.
type runPage struct {
	Check   edit.CheckView
	Result  engine.Result
	Timings []timing
	Newer   uint64
	Older   uint64
}

func (w *checkPages) resultPage(q *request) error {
	c, err := w.engine.Checks.Check(q.id())
	if err != nil {
		return err
	}
	seq, err := strconv.ParseUint(mux.Vars(q.Request)["seq"], 10, 64)
	if err != nil || seq == 0 || seq+1 == 0 {
		return &engine.Error{Kind: engine.NotFound, Message: "no such result"}
	}
	v := runPage{Check: c}
	found := 0
	err = w.engine.Checks.ResultsBefore(q.Context(), c.ID, time.Time{}, seq+1, func(r *engine.Result) bool {
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
	v.Timings = timings(&v.Result)
	p := w.newPage(q, "Result of "+c.Name, "checks")
	p.Body = v
	w.render(q.rw, http.StatusOK, "result", p)
	return nil
}

// timing is one metric of a run as a bar beside the others.
type timing struct {
	Metric engine.Metric
	Width  float64 // of 100; negative: no time
	Text   string
}

// timings shows a run's metrics; those that are times get a bar against the
// longest of them and the whole run.
func timings(r *engine.Result) []timing {
	longest := r.Took
	inSeconds := func(m engine.Metric) (float64, bool) {
		switch strings.ToLower(m.Unit) {
		case "s":
			return m.Value, true
		case "ms":
			return m.Value / 1000, true
		}
		return 0, false
	}
	for _, m := range r.Metrics {
		if s, ok := inSeconds(m); ok {
			longest = max(longest, s)
		}
	}
	var out []timing
	for _, m := range r.Metrics {
		t := timing{Metric: m, Width: -1, Text: formatNumber(m.Value, m.Unit)}
		if s, ok := inSeconds(m); ok && longest > 0 && s >= 0 {
			t.Width = 100 * s / longest
		}
		out = append(out, t)
	}
	return out
}
