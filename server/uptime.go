package server

import (
	"time"

	"moonwatch/engine"
	"moonwatch/engine/access"
)

// uptimeSpan is the time that uptime figures are of when nobody says.
const uptimeSpan = 30 * 24 * time.Hour

// uptimes are the routes that account for spans of time.
type uptimes struct {
	engine *engine.Engine
	now    func() time.Time
}

func (s *uptimes) routes(known shapes) []*route {
	params := spanParams()
	one := func(plural string, key func(id string) string) *route {
		return &route{method: "GET", path: "/" + plural + "/{id}/uptime", role: access.Viewer, tag: plural, summary: "Account for a span of time",
			note:   "percent is passing time over all time but unknown, maintenance and inactive time; null when nothing counts. Figures are in seconds.",
			params: params, output: shapeOf[engine.Uptime](known), handle: func(c *call) (answer, error) { return s.uptime(c, key(c.id())) }}
	}
	return []*route{
		one("checks", engine.CheckKey),
		one("services", func(id string) string { return engine.Ref{Kind: engine.KindService, ID: id}.Term() }),
		one("instances", func(id string) string { return engine.Ref{Kind: engine.KindInstance, ID: id}.Term() }),
	}
}

func (s *uptimes) uptime(c *call, key string) (answer, error) {
	from, to, err := spanOf(c, s.now())
	if err != nil {
		return answer{}, err
	}
	v, err := s.engine.Uptime(c.r.Context(), key, from, to)
	return answer{body: v}, err
}
