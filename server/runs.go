package server

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// runs are the routes of runs and their results.
type runs struct {
	engine *engine.Engine
}

func (s *runs) routes(known shapes) []*route {
	result := shapeOf[engine.Result](known)
	spec := listSpec{item: result, order: "-started", fixed: true, oneWay: true, extra: []param{
		{"from", scalar(instantShape), "only results that started then or later"},
		{"to", scalar(instantShape), "only results that started before"},
	}}
	return []*route{
		{method: "GET", path: "/checks/{id}/results", role: access.Viewer, tag: "checks", summary: "List the results of a check, the newest first",
			output: result, list: true, params: spec.params(), handle: func(c *call) (answer, error) { return s.listResults(c, spec) }},
		{method: "POST", path: "/checks/{id}/run", role: access.Operator, tag: "checks", summary: "Run a check now",
			note:   "Waits for the result. A run under way is joined. null: the run left no result.",
			output: result.orNull(), handle: s.runCheck},
		{method: "POST", path: "/services/{id}/run", role: access.Operator, tag: "services", summary: "Run all active checks of a service now",
			note: "Waits for the results, in order of the checks' names.", output: result, list: true, handle: s.runSubject(engine.KindService)},
		{method: "POST", path: "/instances/{id}/run", role: access.Operator, tag: "instances", summary: "Run all active checks of an instance now",
			note: "Waits for the results, in order of the checks' names.", output: result, list: true, handle: s.runSubject(engine.KindInstance)},
	}
}

// resultView is a result whose lists are never null.
func resultView(r *engine.Result) engine.Result {
	v := *r
	emptyLists(&v)
	return v
}

func (s *runs) runCheck(c *call) (answer, error) {
	r, err := s.engine.RunCheck(c.r.Context(), c.id())
	if err != nil {
		return answer{}, err
	}
	if r == nil {
		return answer{raw: []byte("null\n")}, nil
	}
	return answer{body: resultView(r)}, nil
}

func (s *runs) runSubject(kind engine.Kind) func(c *call) (answer, error) {
	return func(c *call) (answer, error) {
		list, err := s.engine.RunSubject(c.r.Context(), engine.Ref{Kind: kind, ID: c.id()})
		if err != nil {
			return answer{}, err
		}
		items := []engine.Result{}
		for _, r := range list {
			items = append(items, resultView(r))
		}
		return answer{body: pageView[engine.Result]{Items: items}}, nil
	}
}

// listResults pages through results by their sequence numbers.
func (s *runs) listResults(c *call, spec listSpec) (answer, error) {
	l, err := spec.parse(c)
	if err != nil {
		return answer{}, err
	}
	from, err := c.instant("from")
	if err != nil {
		return answer{}, err
	}
	to, err := c.instant("to")
	if err != nil {
		return answer{}, err
	}
	if _, err := s.engine.StoredCheck(c.id()); err != nil {
		return answer{}, err
	}
	if c.query.Has("to") && to.UnixMicro() <= 0 {
		return answer{body: pageView[engine.Result]{Items: []engine.Result{}}}, nil
	}
	before := uint64(0)
	if !to.IsZero() {
		before = uint64(to.UnixMicro())
	}
	if l.after != nil {
		if at := uint64(min(max(l.after.Num, 1), 1<<62)); before == 0 || at < before {
			before = at
		}
	}
	g := gather[engine.Result](l)
	var last uint64
	err = s.engine.ResultsBefore(c.r.Context(), c.id(), from, before, func(r *engine.Result) bool {
		more := g.take("", resultView(r))
		if more && len(g.items) > 0 {
			last = g.items[len(g.items)-1].Seq
		}
		return more
	})
	if err != nil {
		return answer{}, err
	}
	out := g.page()
	if g.more {
		out.Next = cursor{Order: l.order, Num: float64(last)}.encode()
	}
	return answer{body: out}, nil
}

// since is a time for clients; nil when it is zero.
func since(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
