package api

import (
	"time"

	"moonwatch/engine/access"
	"moonwatch/engine/form"
	"moonwatch/engine/history"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// summaries are the routes that sum up results.
type summaries struct {
	engine *monitor.Monitor
	now    func() time.Time
}

func (s *summaries) routes(known rest.Shapes) []*rest.Route {
	point := rest.ShapeOf[history.SummaryPoint](known)
	params := append(spanParams(), rest.NewParam("step", rest.Scalar(rest.DurationShape), "time of one point, such as 1h (some 200 points)"))
	return []*rest.Route{{
		Method:  "GET",
		Path:    "/checks/{id}/summary",
		Role:    access.Viewer,
		Tag:     "checks",
		Summary: "Sum up the results of a check, step by step",
		Note:    "Steps begin on a grid; those in which nothing happened are left out. Percentiles are within 2 %.",
		Params:  params,
		Output:  point,
		List:    true,
		Handle:  s.summary,
	}}
}

// spanParams are the parameters of what is told of a span of time.
func spanParams() []rest.Param {
	return []rest.Param{
		rest.NewParam("from", rest.Scalar(rest.InstantShape), "begin of the time (30 days before to)"),
		rest.NewParam("to", rest.Scalar(rest.InstantShape), "end of the time (now)"),
	}
}

// spanOf reads the parameters from and to.
func spanOf(c *rest.Call, now time.Time) (from, to time.Time, err error) {
	if from, err = c.Instant("from"); err != nil {
		return from, to, err
	}
	if to, err = c.Instant("to"); err != nil {
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

func (s *summaries) summary(c *rest.Call) (rest.Answer, error) {
	from, to, err := spanOf(c, s.now())
	if err != nil {
		return rest.Answer{}, err
	}
	step := time.Duration(0)
	if c.Query.Has("step") {
		if step, err = form.ParseDuration(c.Query.Get("step")); err != nil {
			return rest.Answer{}, rest.Invalid(form.Error{Location: "step", Code: form.CodeInvalid, Message: err.Error()})
		}
		if step <= 0 {
			return rest.Answer{}, rest.Invalid(form.Error{Location: "step", Code: form.CodeMin, Message: "at least 1s"})
		}
	}
	points, err := s.engine.History.Summary(c.Request.Context(), c.ID(), from, to, step)
	if points == nil {
		points = []history.SummaryPoint{}
	}
	return rest.Answer{Body: rest.PageView[history.SummaryPoint]{Items: points}}, err
}
