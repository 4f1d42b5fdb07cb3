package lookup

import (
	"context"
	"slices"
	"time"

	"moonwatch/engine"
	"moonwatch/engine/edit"
	"moonwatch/server/web/drawing"
	"moonwatch/server/web/frame"
)

// FailingLine is a check that fails now, as it is shown before everything else.
type FailingLine struct {
	frame.CheckLine
	Strip   drawing.StatusBar // its latest results; none for what is no check
	Runbook string
}

// FailingNow are the checks for which a subject fails now, the worst first, at
// most so many of them, and how many more there are.
func (w *Lookup) FailingNow(ctx context.Context, s *Subject, most int) (out []FailingLine, more int, err error) {
	var lines []frame.CheckLine
	runbooks := map[string]string{}
	add := func(c *edit.CheckView) {
		if c.Active && (c.Severity != "" || c.Status == engine.CheckFailing) {
			lines = append(lines, frame.LineOf(c))
			runbooks[c.ID] = c.RunbookLink
		}
	}
	for _, id := range s.Alerting.StatusChecks {
		if c, err := w.Engine.Checks.Check(id); err == nil {
			add(&c)
		}
	}
	if s.Ref() == engine.BuiltIn {
		_, troubled := w.Engine.Checks.Troubled()
		lines = append(lines, w.OwnTroubles(troubled, s.Alerting.StatusChecks)...)
	}
	frame.WorstFirst(lines)
	lines, more = frame.Cut(lines, most)
	for _, l := range lines {
		one := FailingLine{CheckLine: l, Runbook: runbooks[l.ID]}
		if l.Page == "" {
			if one.Strip, err = w.StripOf(ctx, l.ID); err != nil {
				return nil, 0, err
			}
		}
		out = append(out, one)
	}
	return out, more, nil
}

// StripOf are the latest results of a check.
func (w *Lookup) StripOf(ctx context.Context, check string) (bar drawing.StatusBar, err error) {
	err = w.Engine.Checks.ResultsBefore(ctx, check, time.Time{}, 0, func(r *engine.Result) bool {
		bar.Results = append(bar.Results, drawing.BarOf(r))
		return len(bar.Results) < drawing.BarResults
	})
	slices.Reverse(bar.Results)
	return bar, err
}
