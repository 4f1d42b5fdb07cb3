package api

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
	"moonwatch/engine/history"
	"moonwatch/engine/monitor"
	"moonwatch/engine/state"
	"moonwatch/server/rest"
)

// uptimeSpan is the time that uptime figures are of when nobody says.
const uptimeSpan = 30 * 24 * time.Hour

// uptimes are the routes that account for spans of time.
type uptimes struct {
	engine *monitor.Monitor
	now    func() time.Time
}

func (s *uptimes) routes(known rest.Shapes) []*rest.Route {
	params := spanParams()
	one := func(plural string, key func(id string) string) *rest.Route {
		return &rest.Route{
			Method:  "GET",
			Path:    "/" + plural + "/{id}/uptime",
			Role:    access.Viewer,
			Tag:     plural,
			Summary: "Account for a span of time",
			Note:    "percent is passing time over all time but unknown, maintenance and inactive time; null when nothing counts. Figures are in seconds.",
			Params:  params,
			Output:  rest.ShapeOf[history.Uptime](known),
			Handle:  func(c *rest.Call) (rest.Answer, error) { return s.uptime(c, key(c.ID())) },
		}
	}
	return []*rest.Route{
		one("checks", history.CheckKey),
		one("services", func(id string) string { return state.Term(engine.Ref{Kind: engine.KindService, ID: id}) }),
		one("instances", func(id string) string { return state.Term(engine.Ref{Kind: engine.KindInstance, ID: id}) }),
	}
}

func (s *uptimes) uptime(c *rest.Call, key string) (rest.Answer, error) {
	from, to, err := spanOf(c, s.now())
	if err != nil {
		return rest.Answer{}, err
	}
	v, err := s.engine.History.Uptime(c.Request.Context(), key, from, to)
	return rest.Answer{Body: v}, err
}
