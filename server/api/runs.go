package api

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/monitor"
	"moonwatch/server/rest"
)

// runs are the routes of runs and their results.
type runs struct {
	engine *monitor.Monitor
}

func (s *runs) routes(known rest.Shapes) []*rest.Route {
	result := rest.ShapeOf[engine.Result](known)
	spec := rest.ListSpec{Item: result, Order: "-started", Fixed: true, OneWay: true, Extra: []rest.Param{
		rest.NewParam("from", rest.Scalar(rest.InstantShape), "only results that started then or later"),
		rest.NewParam("to", rest.Scalar(rest.InstantShape), "only results that started before"),
	}}
	return []*rest.Route{
		{
			Method:  "GET",
			Path:    "/checks/{id}/results",
			Role:    access.Viewer,
			Tag:     "checks",
			Summary: "List the results of a check, the newest first",
			Output:  result,
			List:    true,
			Params:  spec.Params(),
			Handle:  func(c *rest.Call) (rest.Answer, error) { return s.listResults(c, spec) },
		},
		{Method: "POST", Path: "/checks/{id}/run", Role: access.Operator, Tag: "checks", Summary: "Run a check now",
			Note:   "Waits for the result. A run under way is joined. null: the run left no result.",
			Output: result.OrNull(), Handle: s.runCheck},
		{Method: "POST", Path: "/services/{id}/run", Role: access.Operator, Tag: "services", Summary: "Run all active checks of a service now",
			Note: "Waits for the results, in order of the checks' names.", Output: result, List: true, Handle: s.runSubject(engine.KindService)},
		{
			Method:  "POST",
			Path:    "/instances/{id}/run",
			Role:    access.Operator,
			Tag:     "instances",
			Summary: "Run all active checks of an instance now",
			Note:    "Waits for the results, in order of the checks' names.",
			Output:  result,
			List:    true,
			Handle:  s.runSubject(engine.KindInstance),
		},
	}
}

// resultView is a result whose lists are never null.
func resultView(r *engine.Result) engine.Result {
	v := *r
	rest.EmptyLists(&v)
	return v
}

func (s *runs) runCheck(c *rest.Call) (rest.Answer, error) {
	r, err := s.engine.RunCheck(c.Request.Context(), c.ID())
	if err != nil {
		return rest.Answer{}, err
	}
	if r == nil {
		return rest.Answer{Raw: []byte("null\n")}, nil
	}
	return rest.Answer{Body: resultView(r)}, nil
}

func (s *runs) runSubject(kind engine.Kind) func(c *rest.Call) (rest.Answer, error) {
	return func(c *rest.Call) (rest.Answer, error) {
		list, err := s.engine.RunSubject(c.Request.Context(), engine.Ref{Kind: kind, ID: c.ID()})
		if err != nil {
			return rest.Answer{}, err
		}
		items := []engine.Result{}
		for _, r := range list {
			items = append(items, resultView(r))
		}
		return rest.Answer{Body: rest.PageView[engine.Result]{Items: items}}, nil
	}
}

// listResults pages through results by their sequence numbers.
func (s *runs) listResults(c *rest.Call, spec rest.ListSpec) (rest.Answer, error) {
	l, err := spec.Parse(c)
	if err != nil {
		return rest.Answer{}, err
	}
	from, err := c.Instant("from")
	if err != nil {
		return rest.Answer{}, err
	}
	to, err := c.Instant("to")
	if err != nil {
		return rest.Answer{}, err
	}
	if _, err := s.engine.Checks.StoredCheck(c.ID()); err != nil {
		return rest.Answer{}, err
	}
	if c.Query.Has("to") && to.UnixMicro() <= 0 {
		return rest.Answer{Body: rest.PageView[engine.Result]{Items: []engine.Result{}}}, nil
	}
	before := uint64(0)
	if !to.IsZero() {
		before = uint64(to.UnixMicro())
	}
	if l.After != nil {
		if at := uint64(min(max(l.After.Num, 1), 1<<62)); before == 0 || at < before {
			before = at
		}
	}
	g := rest.Gather[engine.Result](l)
	var last uint64
	err = s.engine.Checks.ResultsBefore(c.Request.Context(), c.ID(), from, before, func(r *engine.Result) bool {
		more := g.Take("", resultView(r))
		if more && len(g.Items) > 0 {
			last = g.Items[len(g.Items)-1].Seq
		}
		return more
	})
	if err != nil {
		return rest.Answer{}, err
	}
	out := g.Page()
	if g.More {
		out.Next = rest.Cursor{Order: l.Order, Num: float64(last)}.Encode()
	}
	return rest.Answer{Body: out}, nil
}

// since is a time for clients; nil when it is zero.
func since(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
