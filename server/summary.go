package server

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/form"
)

// summaries are the routes that sum up results.
type summaries struct {
	engine *engine.Engine
	now    func() time.Time
}

func (s *summaries) routes(known shapes) []*route {
	point := shapeOf[engine.SummaryPoint](known)
	params := append(spanParams(), param{"step", scalar(durationShape), "time of one point, such as 1h (some 200 points)"})
	return []*route{{method: "GET", path: "/checks/{id}/summary", role: access.Viewer, tag: "checks", summary: "Sum up the results of a check, step by step",
		note:   "Steps begin on a grid; those in which nothing happened are left out. Percentiles are within 2 %.",
		params: params, output: point, list: true, handle: s.summary}}
}

// spanParams are the parameters of what is told of a span of time.
func spanParams() []param {
	return []param{
		{"from", scalar(instantShape), "begin of the time (30 days before to)"},
		{"to", scalar(instantShape), "end of the time (now)"},
	}
}

// spanOf reads the parameters from and to.
func spanOf(c *call, now time.Time) (from, to time.Time, err error) {
	if from, err = c.instant("from"); err != nil {
		return from, to, err
	}
	if to, err = c.instant("to"); err != nil {
		return from, to, err
	}
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = to.Add(-uptimeSpan)
	}
	return from, to, nil
}

func (s *summaries) summary(c *call) (answer, error) {
	from, to, err := spanOf(c, s.now())
	if err != nil {
		return answer{}, err
	}
	step := time.Duration(0)
	if c.query.Has("step") {
		if step, err = form.ParseDuration(c.query.Get("step")); err != nil {
			return answer{}, invalid(form.Error{Location: "step", Code: form.CodeInvalid, Message: err.Error()})
		}
		if step <= 0 {
			return answer{}, invalid(form.Error{Location: "step", Code: form.CodeMin, Message: "at least 1s"})
		}
	}
	points, err := s.engine.Summary(c.r.Context(), c.id(), from, to, step)
	if points == nil {
		points = []engine.SummaryPoint{}
	}
	return answer{body: pageView[engine.SummaryPoint]{Items: points}}, err
}
